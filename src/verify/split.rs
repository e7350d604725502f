//! The split that the manifest records, made again: the side of every row of a span.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::given::given;
use super::keys::{self, KeyColumns};
use super::narrow::Narrow;
use super::ranks::{Exact, Read, Size};
use super::rows::Span;
use super::sides::{LEFT_OUT, Thresholds, row_hashes, threshold, units};
use super::times::{self, Times};
use crate::error::Result;
use crate::source::discover::InputFile;
use crate::spec::Filter;

/// The split as the manifest records it.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedSplit {
    /// `"row"`, `"content"`, `{"group": [NAME]}`, `{"time": NAME}` or `{"column": NAME}`.
    by: serde_json::Value,
    test_size: String,
    /// Not there without a val side.
    val_size: Option<String>,
    seed: u64,
    #[serde(default)]
    cutoff: Vec<String>,
    gap: Option<String>,
    stratify: Option<RecordedStratify>,
    sample: Option<String>,
    filter: Option<Filter>,
}

#[derive(Debug, Deserialize)]
struct RecordedStratify {
    column: String,
    bins: Option<usize>,
}

/// What decides sides, and which rows are used at all.
#[derive(Debug)]
pub(super) struct Split {
    by: By,
    narrow: Narrow,
}

#[derive(Debug)]
enum By {
    /// The hash of the row.
    Row(Hashed),
    /// The hash of its key.
    Key(KeyColumns, Hashed),
    Time(Times),
    /// This column says it.
    Column(String),
}

/// How a hash gives a side.
#[derive(Debug)]
struct Hashed {
    seed: u64,
    parted: Parted,
}

#[derive(Debug)]
enum Parted {
    /// By shares of all hashes.
    At(Thresholds),
    /// By ranks among the rows.
    Exactly(Exact),
}

impl RecordedSplit {
    /// Resolves sizes and times; `None` if one of them is none.
    pub(super) fn resolve(self) -> Option<Split> {
        let sample = match &self.sample {
            Some(share) => Some(threshold(units(share)?)?),
            None => None,
        };
        let by = self.by()?;
        let narrow = Narrow {
            seed: self.seed,
            sample,
            filter: self.filter,
        };
        Some(Split { by, narrow })
    }

    fn by(&self) -> Option<By> {
        match self.by.as_str() {
            Some("row") => return Some(By::Row(self.hashed()?)),
            Some("content") => return Some(By::Key(KeyColumns::Content, self.hashed()?)),
            _ => {}
        }
        if let Some(name) = self.by.get("column") {
            return Some(By::Column(name.as_str()?.to_owned()));
        }
        if let Some(name) = self.by.get("time") {
            return Some(By::Time(self.times(name.as_str()?)?));
        }
        let names = self.by.get("group")?.as_array()?.iter();
        let names = names.map(|name| name.as_str().map(str::to_owned));
        let columns = KeyColumns::Group(names.collect::<Option<_>>()?);
        Some(By::Key(columns, self.hashed()?))
    }

    fn sizes(&self) -> Option<[Size; 2]> {
        let val = self.val_size.as_deref();
        Some([
            size(&self.test_size)?,
            val.map_or(Some(Size::Share(0)), size)?,
        ])
    }

    fn hashed(&self) -> Option<Hashed> {
        let seed = self.seed;
        let parted = match (self.sizes()?, &self.stratify) {
            ([Size::Share(test), Size::Share(val)], None) => Parted::At(Thresholds {
                test: threshold(test)?,
                held_out: threshold(test + val)?,
            }),
            ([test, val], stratify) => Parted::Exactly(Exact {
                test,
                val,
                seed,
                stratify: stratify
                    .as_ref()
                    .map(|stratify| (stratify.column.clone(), stratify.bins)),
                edges: Vec::new(),
                thresholds: BTreeMap::new(),
            }),
        };
        Some(Hashed { seed, parted })
    }

    fn times(&self, column: &str) -> Option<Times> {
        let cuts = self
            .cutoff
            .iter()
            .map(|text| Some((times::cutoff(text)?, 0)));
        let cuts: Vec<_> = cuts.collect::<Option<_>>()?;
        Some(Times {
            column: column.to_owned(),
            seed: self.seed,
            gap: self.gap.as_deref().map_or(Some(0), times::gap)?,
            sizes: cuts.is_empty().then_some(self.sizes()?),
            has_val: cuts.len() > 1 || self.val_size.is_some(),
            cuts,
        })
    }
}

/// A share, or a number of rows.
fn size(text: &str) -> Option<Size> {
    match text
        .strip_suffix(" rows")
        .or_else(|| text.strip_suffix(" row"))
    {
        Some(rows) => rows.parse().ok().map(Size::Rows),
        None => units(text).map(Size::Share),
    }
}

impl Split {
    /// Finds what only all rows can tell: where sides of exact sizes end. `read` calls what it is given
    /// with every span. `None` if there are fewer rows than asked for.
    ///
    /// # Errors
    /// When a column can't be read.
    pub(super) fn settle(
        &mut self,
        inputs: &[InputFile],
        mut read: impl FnMut(&mut dyn FnMut(&Span<'_>) -> Result<()>) -> Result<()>,
    ) -> Result<Option<()>> {
        let narrow = &self.narrow;
        let mut read: Box<Read<'_>> =
            Box::new(|take| read(&mut |span| take(span, &narrow.used(span, inputs)?)));
        match &mut self.by {
            By::Time(times) => times.settle(inputs, &mut read),
            By::Row(Hashed {
                seed,
                parted: Parted::Exactly(exact),
            }) => exact.settle(inputs, &mut read, |span| {
                Ok(row_hashes(*seed, 0, span, inputs).collect())
            }),
            By::Key(
                columns,
                Hashed {
                    seed,
                    parted: Parted::Exactly(exact),
                },
            ) => exact.settle(inputs, &mut read, |span| {
                keys::hashes(span, columns, *seed, inputs)
            }),
            _ => Ok(Some(())),
        }
    }

    /// The side of every row of a span, in order.
    ///
    /// # Errors
    /// When a column can't be read, or the one that says it says nothing for a row.
    pub(super) fn sides(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<u8>> {
        let used = self.narrow.used(span, inputs)?;
        let sides = match &self.by {
            By::Row(hashed) => {
                let hashes = row_hashes(hashed.seed, 0, span, inputs).collect();
                hashed.sides(span, inputs, hashes)?
            }
            By::Key(columns, hashed) => {
                let hashes = keys::hashes(span, columns, hashed.seed, inputs)?;
                hashed.sides(span, inputs, hashes)?
            }
            By::Time(times) => times.sides(span, inputs)?,
            By::Column(name) => given(span, name, inputs, &used)?,
        };
        let of_rows = sides.into_iter().zip(used);
        Ok(of_rows
            .map(|(side, used)| if used { side } else { LEFT_OUT })
            .collect())
    }
}

impl Hashed {
    fn sides(&self, span: &Span<'_>, inputs: &[InputFile], hashes: Vec<u64>) -> Result<Vec<u8>> {
        match &self.parted {
            Parted::At(thresholds) => {
                Ok(hashes.iter().map(|hash| thresholds.side(*hash)).collect())
            }
            Parted::Exactly(exact) => {
                let classes = exact.classes(span, inputs)?.into_iter().zip(hashes);
                let side = |(class, hash): (u64, u64)| {
                    let thresholds = exact.thresholds.get(&class);
                    thresholds.map_or(LEFT_OUT, |thresholds| thresholds.side(hash))
                };
                Ok(classes.map(side).collect())
            }
        }
    }
}
