//! The split that the manifest records, made again: the side, or the fold, of every row of a span.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Context;
use super::given::given;
use super::groups::{self, Grouped, Room};
use super::keys::{self, KeyColumns};
use super::narrow::Narrow;
use super::ranks::{Exact, Read, Size};
use super::records::Records;
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
    folds: Option<RecordedFolds>,
}

#[derive(Debug, Deserialize)]
struct RecordedFolds {
    count: usize,
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
    /// Into so many folds of as many hashes each.
    Evenly(usize),
    /// By ranks among the rows.
    Exactly(Exact),
    /// Whole groups, by ranks among the groups.
    Grouped(Grouped),
}

/// Stands for a row that is in no fold.
pub(super) const NO_FOLD: u8 = u8::MAX;

/// The constant of row hashes that decide folds.
const FOLD: u64 = 0x72d0_7269_0bad_6568;

impl RecordedSplit {
    /// Whether whole groups keep the shares of classes.
    fn is_grouped(&self) -> bool {
        self.by.get("group").is_some() && self.stratify.is_some()
    }

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
        let folds = self.folds.as_ref().map(|folds| folds.count);
        // A byte a row, one of which stands for none.
        if folds.is_some_and(|folds| !(2..usize::from(NO_FOLD)).contains(&folds)) {
            return None;
        }
        let parted = match (self.sizes()?, &self.stratify) {
            (_, None) if folds.is_some() => Parted::Evenly(folds?),
            ([Size::Share(test), Size::Share(val)], None) => Parted::At(Thresholds {
                test: threshold(test)?,
                held_out: threshold(test + val)?,
            }),
            ([test, val], stratify) => {
                let exact = Exact {
                    test,
                    val,
                    seed,
                    stratify: stratify
                        .as_ref()
                        .map(|stratify| (stratify.column.clone(), stratify.bins)),
                    edges: Vec::new(),
                    folds,
                    thresholds: BTreeMap::new(),
                };
                match self.is_grouped() {
                    true => Parted::Grouped(Grouped::new(exact)),
                    false => Parted::Exactly(exact),
                }
            }
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

/// Bytes that are held of keys within `memory_max`, if the split of an output is by whole groups.
pub(super) fn keys_bytes(records: &Records, memory_max: u64) -> u64 {
    let split = |path| {
        records
            .manifest
            .spec
            .pointer(path)
            .is_some_and(|found| !found.is_null())
    };
    match split("/split/by/group") && split("/split/stratify") {
        true => groups::keys_bytes(memory_max),
        false => 0,
    }
}

impl Split {
    /// What hashes were made with.
    pub(super) fn seed(&self) -> u64 {
        self.narrow.seed
    }

    /// Finds what only all rows can tell: where sides of exact sizes end. `read` calls what it is given
    /// with every span. `None` if there are fewer rows than asked for.
    ///
    /// # Errors
    /// When a column can't be read.
    pub(super) fn settle(
        &mut self,
        context: Context<'_>,
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
            }) => {
                let constant = row_constant(exact.folds.is_some());
                exact.settle(inputs, &mut read, |span| {
                    Ok(row_hashes(*seed, constant, span, inputs).collect())
                })
            }
            By::Key(
                columns,
                Hashed {
                    seed,
                    parted: Parted::Exactly(exact),
                },
            ) => {
                let of_folds = exact.folds.is_some();
                exact.settle(inputs, &mut read, |span| {
                    keys::hashes(span, columns, (*seed, of_folds), inputs)
                })
            }
            By::Key(
                columns,
                Hashed {
                    seed,
                    parted: Parted::Grouped(grouped),
                },
            ) => {
                let of_folds = grouped.exact.folds.is_some();
                let memory_max = context.spec.resources.memory_bytes_max;
                grouped.settle(
                    inputs,
                    &mut read,
                    |span| keys::hashes(span, columns, (*seed, of_folds), inputs),
                    Room::new(context.memory, memory_max),
                )
            }
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
            By::Row(hashed) | By::Key(_, hashed) => {
                hashed.sides(span, inputs, self.hashes(span, inputs)?)?
            }
            By::Time(times) => times.sides(span, inputs)?,
            By::Column(name) => given(span, name, inputs, &used)?,
        };
        let of_rows = sides.into_iter().zip(used);
        Ok(of_rows
            .map(|(side, used)| if used { side } else { LEFT_OUT })
            .collect())
    }

    /// The fold of every row of a span, in order; [`NO_FOLD`] for rows that aren't used.
    ///
    /// # Errors
    /// When a column can't be read.
    pub(super) fn folds(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<u8>> {
        let used = self.narrow.used(span, inputs)?;
        let folds = match &self.by {
            By::Row(hashed) | By::Key(_, hashed) => {
                hashed.folds(span, inputs, self.hashes(span, inputs)?)?
            }
            // Of these there are none.
            By::Time(_) | By::Column(_) => vec![NO_FOLD; span.rows()],
        };
        let of_rows = folds.into_iter().zip(used);
        Ok(of_rows
            .map(|(fold, used)| if used { fold } else { NO_FOLD })
            .collect())
    }

    /// The hashes that decide, where hashes do.
    fn hashes(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<u64>> {
        match &self.by {
            By::Row(hashed) => {
                let constant = row_constant(hashed.has_folds());
                Ok(row_hashes(hashed.seed, constant, span, inputs).collect())
            }
            By::Key(columns, hashed) => {
                keys::hashes(span, columns, (hashed.seed, hashed.has_folds()), inputs)
            }
            By::Time(_) | By::Column(_) => Ok(Vec::new()),
        }
    }
}

fn row_constant(has_folds: bool) -> u64 {
    if has_folds { FOLD } else { 0 }
}

impl Hashed {
    fn has_folds(&self) -> bool {
        match &self.parted {
            Parted::At(_) => false,
            Parted::Evenly(_) => true,
            Parted::Exactly(exact) => exact.folds.is_some(),
            Parted::Grouped(grouped) => grouped.exact.folds.is_some(),
        }
    }

    fn sides(&self, span: &Span<'_>, inputs: &[InputFile], hashes: Vec<u64>) -> Result<Vec<u8>> {
        match &self.parted {
            Parted::At(thresholds) => {
                Ok(hashes.iter().map(|hash| thresholds.side(*hash)).collect())
            }
            Parted::Evenly(_) => Ok(vec![LEFT_OUT; hashes.len()]),
            Parted::Grouped(grouped) => Ok(hashes.iter().map(|hash| grouped.side(*hash)).collect()),
            Parted::Exactly(exact) => {
                let classes = exact.classes(span, inputs)?.into_iter().zip(hashes);
                let side = |(class, hash): (u64, u64)| {
                    let Some([test, held_out]) = exact.thresholds.get(&class).map(Vec::as_slice)
                    else {
                        return LEFT_OUT;
                    };
                    let (test, held_out) = (*test, *held_out);
                    Thresholds { test, held_out }.side(hash)
                };
                Ok(classes.map(side).collect())
            }
        }
    }

    fn folds(&self, span: &Span<'_>, inputs: &[InputFile], hashes: Vec<u64>) -> Result<Vec<u8>> {
        let number = |fold: usize| u8::try_from(fold).unwrap_or(NO_FOLD);
        match &self.parted {
            Parted::At(_) => Ok(vec![NO_FOLD; hashes.len()]),
            Parted::Grouped(grouped) => {
                let folds = hashes.into_iter().map(|hash| grouped.fold(hash));
                Ok(folds.map(number).collect())
            }
            Parted::Evenly(folds) => {
                let fold = |hash: u64| (u128::from(hash) * *folds as u128) >> 64;
                let folds = hashes.into_iter().map(fold);
                Ok(folds
                    .map(|fold| u8::try_from(fold).unwrap_or(NO_FOLD))
                    .collect())
            }
            Parted::Exactly(exact) => {
                let classes = exact.classes(span, inputs)?.into_iter().zip(hashes);
                let fold = |(class, hash): (u64, u64)| {
                    let ends = exact.thresholds.get(&class);
                    let ends = ends.into_iter().flatten();
                    number(ends.filter(|end| **end <= u128::from(hash)).count())
                };
                Ok(classes.map(fold).collect())
            }
        }
    }
}
