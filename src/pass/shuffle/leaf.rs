//! One leaf of a shard: its rows in the order of the shuffle, on their way to an encoder.
//!
//! A leaf that there is no room for is read several times, a part of its rows each time. Invariant: an
//! encoder is given slices that follow from the rows alone: 1,024 of them, fewer if they are larger than
//! 4 MiB together. Limit: such a slice must fit the memory.

use std::ops::Range;

use parquet::basic::Type as PhysicalType;
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};

use super::RowShape;
use super::gather::ShardRows;
use crate::error::Result;
use crate::sink::SpoolPlace;
use crate::sink::shard::{EncodedColumn, encoding};

/// What an encoder is given at once, at most: rows, as many as it takes at a time, and bytes.
const SLICE_ROWS: usize = 1024;
const SLICE_BYTES: usize = 4 << 20;
/// What a row takes beside its bytes while it is gathered.
const START_BYTES: u64 = 4;
/// The most bytes of a part: where its rows start are numbers of 32 bits.
const PART_BYTES_MAX: u64 = 1 << 30;

/// Makes a value of its bytes.
type Decode<T> = fn(&[u8]) -> Option<<T as DataType>::T>;

impl ShardRows<'_> {
    /// Encodes a leaf.
    pub(super) fn encode(&self, leaf: usize) -> Result<EncodedColumn> {
        match self.job.format.schema().column(leaf).physical_type() {
            PhysicalType::BOOLEAN => {
                self.encode_as::<BoolType>(leaf, |bytes| bytes.first().map(|byte| *byte != 0))
            }
            PhysicalType::INT32 => self.encode_as::<Int32Type>(leaf, |bytes| {
                bytes.first_chunk().copied().map(i32::from_le_bytes)
            }),
            PhysicalType::INT64 => self.encode_as::<Int64Type>(leaf, |bytes| {
                bytes.first_chunk().copied().map(i64::from_le_bytes)
            }),
            PhysicalType::INT96 => self.encode_as::<Int96Type>(leaf, int96),
            PhysicalType::FLOAT => self.encode_as::<FloatType>(leaf, |bytes| {
                bytes.first_chunk().copied().map(f32::from_le_bytes)
            }),
            PhysicalType::DOUBLE => self.encode_as::<DoubleType>(leaf, |bytes| {
                bytes.first_chunk().copied().map(f64::from_le_bytes)
            }),
            PhysicalType::BYTE_ARRAY => {
                self.encode_as::<ByteArrayType>(leaf, |bytes| Some(bytes.to_vec().into()))
            }
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                self.encode_as::<FixedLenByteArrayType>(leaf, |bytes| Some(bytes.to_vec().into()))
            }
        }
    }

    /// `decode` makes a value of its bytes.
    fn encode_as<T: DataType>(&self, leaf: usize, decode: Decode<T>) -> Result<EncodedColumn> {
        let place = SpoolPlace {
            memory: self.job.context.memory,
            directory: self.job.spool,
        };
        let shape = RowShape::of(&self.job.format.schema().column(leaf));
        self.job.format.encode_one::<T>(leaf, place, |writer| {
            for part in self.parts(leaf, shape)? {
                self.part(leaf, (shape, decode), &part, writer)?;
            }
            Ok(())
        })
    }

    /// The rows of a leaf, cut into parts that there is room for.
    fn parts(&self, leaf: usize, shape: RowShape) -> Result<Vec<Part>> {
        let memory = self.job.context.memory;
        let room = memory.page_bytes_max() / memory.workers() as u64;
        let room = room.min(PART_BYTES_MAX);
        let whole = Part {
            rows: 0..self.places.len(),
            bytes: self.bytes_of(leaf),
        };
        if whole.takes() <= room {
            return Ok(vec![whole]);
        }
        let mut lengths = vec![0_u32; self.places.len()];
        self.each_row(leaf, shape, |place, row| {
            lengths[place] = u32::try_from(row.len()).unwrap_or(u32::MAX);
        })?;
        Ok(cut(&lengths, room))
    }

    /// Gathers some rows of a leaf and encodes them.
    fn part<T: DataType>(
        &self,
        leaf: usize,
        (shape, decode): (RowShape, Decode<T>),
        part: &Part,
        writer: &mut ColumnWriterImpl<'_, T>,
    ) -> Result<()> {
        let name = || self.job.format.schema().column(leaf).path().string();
        let what = || {
            format!(
                "{} rows to be shuffled of column \"{}\"",
                part.rows.len(),
                name()
            )
        };
        let _permit = self.job.context.memory.pages(part.takes(), what)?;
        let room = usize::try_from(part.bytes).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(room);
        let mut starts = vec![0_u32; part.rows.len()];
        self.each_row(leaf, shape, |place, row| {
            if part.rows.contains(&place) {
                starts[place - part.rows.start] = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                bytes.extend_from_slice(row);
            }
        })?;
        let mut batch = Batch::<T>::default();
        let mut slice = Slice::default();
        for start in starts {
            let start = start as usize;
            let end = shape.read(&bytes, start, |_| ());
            let end = end.ok_or_else(|| self.damaged())?;
            if slice.take(end - start).is_some() {
                batch.write(shape, writer)?;
            }
            let pushed = batch.push(shape, decode, &bytes[start..end]);
            pushed.ok_or_else(|| self.damaged())?;
        }
        batch.write(shape, writer)
    }
}

fn int96(bytes: &[u8]) -> Option<Int96> {
    let words = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word));
    let [low, high, day] = words.collect::<Vec<_>>().try_into().ok()?;
    let mut value = Int96::new();
    value.set_data(low, high, day);
    Some(value)
}

/// Consecutive places of a shard.
#[derive(Debug)]
struct Part {
    rows: Range<usize>,
    /// Of all its rows.
    bytes: u64,
}

impl Part {
    /// What it takes in memory.
    fn takes(&self) -> u64 {
        self.bytes + self.rows.len() as u64 * START_BYTES
    }
}

/// Cuts rows of these lengths into parts that take no more than `room` bytes, where a slice begins; a
/// part of one slice may take more.
fn cut(lengths: &[u32], room: u64) -> Vec<Part> {
    let (mut parts, mut slice) = (Vec::<Part>::new(), Slice::default());
    let mut add = |rows: Range<usize>, bytes: usize| {
        let bytes = bytes as u64;
        let takes = bytes + rows.len() as u64 * START_BYTES;
        match parts.last_mut().filter(|last| last.takes() + takes <= room) {
            Some(last) => {
                last.rows.end = rows.end;
                last.bytes += bytes;
            }
            None => parts.push(Part { rows, bytes }),
        }
    };
    for (place, length) in lengths.iter().enumerate() {
        if let Some((rows, bytes)) = slice.take(*length as usize) {
            add(place - rows..place, bytes);
        }
    }
    add(lengths.len() - slice.rows..lengths.len(), slice.bytes);
    parts
}

/// The rows that an encoder is going to be given at once.
#[derive(Debug, Default)]
struct Slice {
    rows: usize,
    bytes: usize,
}

impl Slice {
    /// Takes the next row; rows and bytes of the slice before, if it begins another one.
    fn take(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let is_full = self.rows == SLICE_ROWS || self.bytes + bytes > SLICE_BYTES;
        let ended = (self.rows > 0 && is_full).then_some((self.rows, self.bytes));
        if ended.is_some() {
            *self = Self::default();
        }
        self.rows += 1;
        self.bytes += bytes;
        ended
    }
}

/// Rows on their way to an encoder.
struct Batch<T: DataType> {
    values: Vec<T::T>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl<T: DataType> Default for Batch<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            definition: Vec::new(),
            repetition: Vec::new(),
        }
    }
}

impl<T: DataType> Batch<T> {
    /// Adds a row; `None` if it isn't one.
    fn push(&mut self, shape: RowShape, decode: Decode<T>, row: &[u8]) -> Option<()> {
        let mut is_whole = true;
        shape.read(row, 0, |slot| {
            if shape.is_repeated {
                self.repetition.push(slot.repetition);
            }
            if shape.top > 0 {
                self.definition.push(slot.definition);
            }
            if let Some(bytes) = slot.value {
                let value = decode(bytes);
                is_whole &= value.is_some();
                self.values.extend(value);
            }
        })?;
        is_whole.then_some(())
    }

    fn write(&mut self, shape: RowShape, writer: &mut ColumnWriterImpl<'_, T>) -> Result<()> {
        let definition = (shape.top > 0).then_some(self.definition.as_slice());
        let repetition = shape.is_repeated.then_some(self.repetition.as_slice());
        writer
            .write_batch(&self.values, definition, repetition)
            .map_err(encoding)?;
        self.values.clear();
        self.definition.clear();
        self.repetition.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where slices begin that an encoder is given.
    fn slices(lengths: &[u32]) -> Vec<usize> {
        let mut slice = Slice::default();
        let rows = lengths.iter().enumerate();
        rows.filter(|(_, length)| slice.take(**length as usize).is_some())
            .map(|(place, _)| place)
            .collect()
    }

    proptest! {
        #[test]
        fn parts_begin_where_slices_do_and_take_no_more_than_there_is_room_for(
            lengths in prop::collection::vec(prop_oneof![9 => 0..3000_u32, 1 => 0..9_000_000_u32], 1..4000),
            room in 10_000..40_000_000_u64,
        ) {
            let parts = cut(&lengths, room);
            prop_assert_eq!(parts.iter().flat_map(|part| part.rows.clone()).collect::<Vec<_>>(), (0..lengths.len()).collect::<Vec<_>>());
            let all = slices(&lengths);
            let mut found = Vec::new();
            for part in &parts {
                let own = &lengths[part.rows.clone()];
                prop_assert_eq!(part.bytes, own.iter().map(|length| u64::from(*length)).sum::<u64>());
                let within = slices(own);
                prop_assert!(part.takes() <= room || within.is_empty());
                found.extend([part.rows.start].into_iter().chain(within.iter().map(|place| part.rows.start + place)));
            }
            prop_assert_eq!(&found[1..], &all[..]);
        }
    }
}
