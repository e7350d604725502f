//! What one thread parses at a time, and how many there can be.

use super::Text;
use crate::error::Result;
use crate::source::text::{TextFile, TextUnit};

/// Text that is scanned, parsed and cached as one.
const RANGE_BYTES: u64 = 16 << 20;
/// The same of a compressed file, which is held in memory as text, too.
pub(super) const SEGMENT_BYTES: usize = 8 << 20;
/// What parsing takes beside text and columns: buffers of the reader and the cache file.
const PARSER_BYTES: u64 = 8 << 20;
/// A value and whether it is there.
const VALUE_BYTES: u64 = 9;
/// Text grows by doubling.
const TEXT_FACTOR: u64 = 2;
/// What a segment takes, as a multiple: its text, the rest behind it, and columns of short fields.
const SEGMENT_FACTOR: u64 = 5;

/// What is parsed by one thread: a range of a plain file, or all of a compressed one.
pub(super) struct Part {
    pub(super) input: usize,
    pub(super) unit: Option<TextUnit>,
}

impl Text<'_> {
    /// Finds the records of all plain files, and with them the parts.
    pub(super) fn parts(&self) -> Result<Vec<Part>> {
        let mut ranges = Vec::new();
        let inputs = self.context.inputs.iter().enumerate();
        for (input, file) in inputs.skip(self.context.known.inputs) {
            let file = TextFile::open(&file.path, &self.spec.input.dialect)?;
            if file.is_compressed() {
                ranges.push((input, None));
            } else {
                ranges.extend(
                    file.ranges(RANGE_BYTES)
                        .into_iter()
                        .map(|range| (input, Some(range))),
                );
            }
        }
        let summaries = self.context.ordered(ranges.len()).collect(|index| {
            let (input, range) = &ranges[index];
            let file = self.open(*input)?;
            range.clone().map(|range| file.scan(range)).transpose()
        })?;
        let mut parts = Vec::new();
        let mut rest = ranges.iter().zip(summaries).peekable();
        while let Some(((input, _), summary)) = rest.next() {
            let Some(first) = summary else {
                parts.push(Part {
                    input: *input,
                    unit: None,
                });
                continue;
            };
            let mut of_file = vec![first];
            while let Some((_, summary)) = rest.next_if(|((next, _), _)| next == input) {
                of_file.extend(summary);
            }
            let units = self.open(*input)?.stitch(&of_file).units;
            parts.extend(units.into_iter().map(|unit| Part {
                input: *input,
                unit: Some(unit),
            }));
        }
        Ok(parts)
    }

    /// As many threads as the budget has room for: a part and its columns are held in memory whole.
    pub(super) fn parsers(&self, parts: &[Part]) -> Result<usize> {
        let needs = parts.iter().map(|part| self.memory_bytes(part));
        let needed = needs.max().unwrap_or(0);
        let what = || format!("parsing text {} columns wide", self.columns());
        self.context.memory.workers_taking(needed, what)
    }

    /// What parsing a part takes at most.
    fn memory_bytes(&self, part: &Part) -> u64 {
        let Some(unit) = &part.unit else {
            return PARSER_BYTES + SEGMENT_FACTOR * SEGMENT_BYTES as u64;
        };
        let values = unit.rows.saturating_mul(self.columns() as u64);
        let columns = values.saturating_mul(VALUE_BYTES);
        let text = unit.bytes.saturating_mul(TEXT_FACTOR);
        PARSER_BYTES.saturating_add(columns).saturating_add(text)
    }

    fn columns(&self) -> usize {
        self.headers.first().map_or(0, Vec::len)
    }

    pub(super) fn open(&self, input: usize) -> Result<TextFile> {
        TextFile::open(&self.context.inputs[input].path, &self.spec.input.dialect)
    }
}
