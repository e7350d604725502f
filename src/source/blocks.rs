//! Blocks: the rows of a unit that are worked on, and written, together.
//!
//! A block's size follows from the schema's width alone, so that the output's row groups don't
//! depend on threads, memory or how the input was cut.

use parquet::basic::Type as PhysicalType;
use parquet::schema::types::Type;

use crate::schema::{Schema, Treatment};
use crate::source::table::Unit;

const BLOCK_BYTES: usize = 128 << 20;
/// The most rows of a block.
pub const BLOCK_ROWS_MAX: usize = 1 << 20;
/// Blocks are whole sub-chunks of the statistics.
const BLOCK_ROWS_STEP: usize = 4096;
/// What a value of unknown length is taken for.
const TEXT_BYTES: usize = 32;

/// Consecutive rows of a unit.
#[derive(Debug, Clone)]
pub struct Block {
    /// Index, in the unit, of its first row.
    pub first: usize,
    /// Rows.
    pub rows: usize,
    /// The parts of the unit's pieces that make it up, in order.
    pub slices: Vec<Slice>,
}

/// Consecutive rows of one piece.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Index of the piece in its unit.
    pub piece: usize,
    /// First row, counted from the start of the piece.
    pub start: usize,
    /// Rows.
    pub rows: usize,
}

/// Rows of a block of a table with this schema: about 128 MiB decoded, at most 1,048,576, a multiple
/// of 4,096.
pub fn block_rows(schema: &Schema) -> usize {
    let width: usize = schema
        .columns
        .iter()
        .map(|column| match column.treatment {
            Treatment::Standardize(_) | Treatment::Widen(_) => 8,
            Treatment::Copy | Treatment::Fold => width(&column.root),
            Treatment::Folder(_) => 1,
        })
        .sum();
    let rows = (BLOCK_BYTES / width.max(1)).min(BLOCK_ROWS_MAX);
    (rows / BLOCK_ROWS_STEP).max(1) * BLOCK_ROWS_STEP
}

fn width(root: &Type) -> usize {
    match root {
        Type::GroupType { fields, .. } => fields.iter().map(|field| width(field)).sum(),
        Type::PrimitiveType {
            physical_type,
            type_length,
            ..
        } => match physical_type {
            PhysicalType::BOOLEAN => 1,
            PhysicalType::INT32 | PhysicalType::FLOAT => 4,
            PhysicalType::INT64 | PhysicalType::DOUBLE => 8,
            PhysicalType::INT96 => 12,
            PhysicalType::BYTE_ARRAY => TEXT_BYTES,
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                usize::try_from(*type_length).unwrap_or(TEXT_BYTES)
            }
        },
    }
}

/// Cuts `unit` into blocks of `block_rows` rows, the last one shorter.
pub fn blocks(unit: &Unit, block_rows: usize) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (index, piece) in unit.pieces.iter().enumerate() {
        let mut start = 0;
        while start < piece.rows {
            let first = blocks.last().map_or(0, |block| block.first + block.rows);
            let open = blocks.last().map_or(0, |block| block_rows - block.rows);
            if open == 0 {
                blocks.push(Block {
                    first,
                    rows: 0,
                    slices: Vec::new(),
                });
            }
            let room = if open == 0 { block_rows } else { open };
            let rows = room.min(piece.rows - start);
            if let Some(block) = blocks.last_mut() {
                block.rows += rows;
                block.slices.push(Slice {
                    piece: index,
                    start,
                    rows,
                });
            }
            start += rows;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::table::Piece;

    #[test]
    fn blocks_cut_pieces_and_join_small_ones() {
        let piece = |rows| Piece {
            store: 0,
            row_group: 0,
            first_row: 0,
            rows,
        };
        let unit = Unit {
            index: 0,
            pieces: vec![piece(3), piece(10), piece(2)],
            rows: 15,
            bytes: 0,
        };
        let cut: Vec<Vec<(usize, usize, usize)>> = blocks(&unit, 6)
            .iter()
            .map(|block| {
                block
                    .slices
                    .iter()
                    .map(|s| (s.piece, s.start, s.rows))
                    .collect()
            })
            .collect();
        assert_eq!(
            cut,
            [
                vec![(0, 0, 3), (1, 0, 3)],
                vec![(1, 3, 6)],
                vec![(1, 9, 1), (2, 0, 2)]
            ]
        );
        assert!(
            blocks(
                &Unit {
                    pieces: vec![],
                    rows: 0,
                    ..unit
                },
                6
            )
            .is_empty()
        );
    }
}
