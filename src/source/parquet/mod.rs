//! Parquet files: positional reads, checked footers, leaves decoded in runs of rows.

mod census;
mod checked;
mod chunk;
mod chunk_headers;
mod decimal;
mod delta;
mod entries;
mod file;
mod flat;
mod footer;
mod handle;
mod header;
mod hybrid;
mod inflate;
mod leaf;
mod levels;
mod numbers;
mod pages;
mod recycled;
mod witness;

pub(crate) use decimal::{decimal_bytes_to_f64, decimal_to_f64};
pub(crate) use entries::{Entries, Span, ValueWidth, bytes_of};
pub use file::ParquetFile;
pub(crate) use flat::{FlatReader, FlatRun, FlatValues};
pub use leaf::{LeafReader, LeafRun};
pub use numbers::NumberReader;
pub(crate) use numbers::NumberRun;
pub use witness::PagesRead;
pub(crate) use witness::Witness;

use parquet::errors::ParquetError;

use crate::error::{DataError, Error, InputError};

/// The error of a reader: what the decoder says of the data, unless the file itself is to blame: the
/// operating system couldn't read it, or it is no longer what it was.
pub(crate) fn reading_error(action: &'static str, source: ParquetError) -> Error {
    let ParquetError::External(inner) = source else {
        return DataError::Parquet { action, source }.into();
    };
    let inner = match inner.downcast::<Error>() {
        Ok(error) => return *error,
        Err(inner) => inner,
    };
    let inner = match inner.downcast::<InputError>() {
        Ok(error) => {
            let is_changed = matches!(*error, InputError::Changed { .. });
            let error = Error::from(*error);
            return match is_changed {
                true => error.hint(crate::source::discover::CHANGED_HINT),
                false => error,
            };
        }
        Err(inner) => inner,
    };
    match inner.downcast::<std::io::Error>() {
        Ok(source) if source.raw_os_error().is_some() => InputError::Io {
            action: "read the file",
            source: *source,
        }
        .into(),
        Ok(source) => DataError::Parquet {
            action,
            source: ParquetError::External(source),
        }
        .into(),
        Err(inner) => DataError::Parquet {
            action,
            source: ParquetError::External(inner),
        }
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_the_system_says_is_no_damage_and_what_the_decoder_says_is() {
        let wrapped = |error: io::Error| ParquetError::External(Box::new(error));
        let eio = wrapped(io::Error::from_raw_os_error(5));
        let error = reading_error("decode a page", eio);
        assert!(!error.is_bad_file());
        assert!(
            error.to_string().starts_with("cannot read the file: "),
            "{error}"
        );
        let changed = InputError::Changed {
            what: "size",
            before: "1".to_owned(),
            after: "2".to_owned(),
        };
        let error = reading_error("decode a page", ParquetError::External(Box::new(changed)));
        assert!(!error.is_bad_file());
        for source in [
            ParquetError::General("bad".to_owned()),
            wrapped(io::Error::from(io::ErrorKind::UnexpectedEof)),
        ] {
            assert!(reading_error("decode a page", source).is_bad_file());
        }
    }
}
