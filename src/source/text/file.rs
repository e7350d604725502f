//! `TextFile`: one CSV or TSV file, from opening to typed columns.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::block::{Context, Position};
use super::column::{ColumnRequest, TextBatch};
use super::compressed::{Codec, USUAL_WINDOW_BYTES};
use super::dialect::Dialect;
use super::header::{Header, read_header};
use super::parse::{Rows, parse};
use super::scan::{RangeSummary, scan};
use super::segment::{Segment, Segments};
use super::spans::SpanReader;
use super::stitch::{SUB_CHUNK_ROWS, Stitched, TextUnit, stitch};
use super::window::window_bytes;
use crate::error::{Error, InputError, Place, Result};
use crate::spec;

/// One text file, open for positional reads by any number of threads.
///
/// ```
/// use prep_stream::source::text::{TextFile, Values};
/// use prep_stream::spec::Dialect;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("a.csv");
/// std::fs::write(&path, "x,name\n1.5,\"a, b\"\nNA,c\n")?;
/// let file = TextFile::open(&path, &Dialect::default())?;
/// assert_eq!(file.header().names, ["x", "name"]);
///
/// let ranges = file.ranges(64 << 20);
/// let summaries: Vec<_> = ranges.into_iter().map(|r| file.scan(r)).collect::<Result<_, _>>()?;
/// let stitched = file.stitch(&summaries);
/// assert_eq!(stitched.rows, 2);
///
/// let batch = file.parse(&stitched.units[0], &[])?;
/// assert_eq!(batch.columns[0].values, Values::Float64(vec![1.5]));
/// assert_eq!(batch.columns[0].validity, Some(vec![true, false]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    dialect: Dialect,
    codec: Option<Codec>,
    /// Of its decompressor.
    window_bytes: u64,
    header: Header,
}

/// A file read from an offset on without a cursor of its own.
struct PositionalReader<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for PositionalReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.offset += *read.as_ref().unwrap_or(&0) as u64;
                    return read;
                }
            }
        }
    }
}

impl TextFile {
    /// Opens a file and reads its header. The name says the compression (`.gz`, `.zst`) and, unless
    /// the dialect does, the delimiter (`.tsv`, `.tab`: tab, else comma).
    ///
    /// # Errors
    ///
    /// When the file cannot be read or decompressed, is UTF-16 or has no record, when its header is
    /// malformed or not UTF-8, and when the dialect contradicts itself.
    pub fn open(path: &Path, dialect: &spec::Dialect) -> Result<Self> {
        let dialect = Dialect::resolve(dialect, path)?;
        let codec = Codec::of(path);
        let failed = |action| {
            move |source| Error::from(InputError::Io { action, source }).at(Place::path(path))
        };
        let file = File::open(path).map_err(failed("open the file"))?;
        let bytes = file
            .metadata()
            .map_err(failed("read the size of the file"))?
            .len();
        let window_bytes = match codec {
            Some(Codec::Zstd) => {
                let mut source = BufReader::new(PositionalReader {
                    file: &file,
                    offset: 0,
                });
                window_bytes(&mut source).map_err(failed("read the file"))?
            }
            _ => 0,
        };
        let source = decoded(&file, codec, window_bytes, path)?;
        let action = if codec.is_some() {
            "decompress the file"
        } else {
            "read the file"
        };
        let header = read_header(path, &dialect, source, failed(action))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            dialect,
            codec,
            window_bytes,
            header,
        })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The column names.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether it can only be read from its start: use [`segments`](Self::segments).
    pub fn is_compressed(&self) -> bool {
        self.codec.is_some()
    }

    /// Bytes that decompressing it takes beyond the fixed buffers of a worker.
    pub fn window_bytes(&self) -> u64 {
        self.window_bytes.saturating_sub(USUAL_WINDOW_BYTES)
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The ranges to [`scan`](Self::scan): the data of a plain file cut every `range_bytes`.
    pub fn ranges(&self, range_bytes: u64) -> Vec<Range<u64>> {
        let step = range_bytes.max(1);
        let start = self.header.body.byte;
        let count = self.bytes.saturating_sub(start).div_ceil(step);
        (0..count)
            .map(|index| {
                let from = start + index * step;
                from..self.bytes.min(from.saturating_add(step))
            })
            .collect()
    }

    /// Finds where records start in a range, without parsing. Ranges can be scanned in any order and
    /// in parallel.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn scan(&self, range: Range<u64>) -> Result<RangeSummary> {
        let at_record_start = range.start == self.header.body.byte;
        scan(&self.dialect, range, at_record_start, |buffer, offset| {
            loop {
                match self.file.read_at(buffer, offset) {
                    Ok(read) => return Ok(read),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(source) => {
                        let action = "read the file";
                        let place = Place::path(&self.path).byte(offset);
                        return Err(Error::from(InputError::Io { action, source }).at(place));
                    }
                }
            }
        })
    }

    /// Composes the scans of all [`ranges`](Self::ranges), in order, into units.
    pub fn stitch(&self, summaries: &[RangeSummary]) -> Stitched {
        stitch(self.header.body.line, summaries, SUB_CHUNK_ROWS)
    }

    /// Parses a unit. `requests` says how each column is read, by its position in the header;
    /// columns beyond its end are inferred, so `&[]` infers all.
    ///
    /// Memory: 8 bytes a number, and a byte more where a column has missing values; text as long as
    /// it is plus 8 bytes a field.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has other bytes than its scan has read, or a record is malformed.
    /// Units are in file order, so the error
    /// of the first unit that fails is the first of the file.
    pub fn parse(&self, unit: &TextUnit, requests: &[ColumnRequest]) -> Result<TextBatch> {
        let start = Position {
            byte: unit.start_byte,
            row: unit.start_row,
            line: unit.start_line,
        };
        let rows = Rows {
            start,
            first: unit.first_row,
            count: unit.rows,
            last: unit.last,
        };
        let open = || SpanReader::new(&self.file, &unit.spans, unit.start_byte);
        parse(
            self.context(),
            rows,
            requests,
            Some(unit.source_digest()),
            open,
        )
    }

    /// The segments of a file, compressed or not: runs of whole records of about `segment_bytes`
    /// decompressed bytes, cut at multiples of 4,096 rows, held in memory.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or decompressed.
    pub fn segments(&self, segment_bytes: usize) -> Result<Segments<'_>> {
        self.segments_at(segment_bytes, SUB_CHUNK_ROWS)
    }

    /// Segments cut at multiples of `sub_chunk_rows`.
    pub(crate) fn segments_at(
        &self,
        segment_bytes: usize,
        sub_chunk_rows: u64,
    ) -> Result<Segments<'_>> {
        let body = self.header.body;
        let start = Position {
            byte: body.byte,
            row: 0,
            line: body.line,
        };
        let mut source = decoded(&self.file, self.codec, self.window_bytes, &self.path)?;
        let mut head = (&mut source).take(body.byte);
        io::copy(&mut head, &mut io::sink()).map_err(|source| {
            let action = "decompress the file";
            Error::from(InputError::Io { action, source }).at(Place::path(&self.path))
        })?;
        Ok(Segments::new(
            &self.path,
            &self.dialect,
            source,
            start,
            segment_bytes,
            sub_chunk_rows,
        ))
    }

    /// Parses a segment as [`parse`](Self::parse) does a unit.
    ///
    /// # Errors
    ///
    /// When a record is malformed.
    pub fn parse_segment(
        &self,
        segment: &Segment,
        requests: &[ColumnRequest],
    ) -> Result<TextBatch> {
        let rows = Rows {
            start: segment.start,
            first: segment.first_row,
            count: segment.rows,
            last: false,
        };
        parse(self.context(), rows, requests, None, || {
            segment.text.as_slice()
        })
    }

    /// Parses a whole file segment by segment.
    ///
    /// # Errors
    ///
    /// Those of [`segments`](Self::segments) and [`parse_segment`](Self::parse_segment), and those of
    /// `consume`.
    pub fn parse_stream(
        &self,
        requests: &[ColumnRequest],
        segment_bytes: usize,
        mut consume: impl FnMut(TextBatch) -> Result<()>,
    ) -> Result<()> {
        let mut segments = self.segments(segment_bytes)?;
        while let Some(segment) = segments.next_segment()? {
            consume(self.parse_segment(&segment, requests)?)?;
        }
        Ok(())
    }

    fn context(&self) -> Context<'_> {
        Context {
            path: &self.path,
            dialect: &self.dialect,
            names: Some(&self.header.names),
        }
    }
}

/// The file's text from its start.
fn decoded<'a>(
    file: &'a File,
    codec: Option<Codec>,
    window_bytes: u64,
    path: &Path,
) -> Result<Box<dyn Read + Send + 'a>> {
    let source = PositionalReader { file, offset: 0 };
    match codec {
        Some(codec) => codec.decode(source, window_bytes, path),
        None => Ok(Box::new(source)),
    }
}
