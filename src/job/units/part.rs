//! What a process has to know that does some of the units, as the list of units has it.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::file::place;
use super::{Planned, number};
use crate::artifact::planned::{PlannedFile, PlannedUnit};
use crate::error::Result;
use crate::pass::{CachePart, Part};
use crate::sink::staging::UnitList;
use crate::source::discover::{Discovery, Fingerprint, InputFile, as_planned};
use crate::source::table::Numbers;
use crate::spec::{Format, JobSpec};

/// The files of some units, and what was planned with them; `cache` is where text is columns.
pub(super) fn part(
    planned: &Planned,
    spec: &JobSpec,
    list: &UnitList,
    units: Range<u64>,
    cache: &Path,
) -> Result<(Part, Discovery)> {
    let known = |file: &PlannedFile| -> Result<(InputFile, Fingerprint)> {
        let (path, relative, print) = list.table().found(file).ok_or_else(|| list.damaged())?;
        let path = place(planned, Path::new(&OsString::from_vec(path)));
        let input = as_planned(path, relative, &print, spec.input.hive)?;
        Ok((input, print))
    };
    let first_unit = number(units.start);
    let units = list.units(units)?;
    let first = |of: fn(&PlannedUnit) -> usize| units.first().map_or(0, of);
    let numbers = Numbers {
        unit: first_unit,
        input: first(|unit| unit.first_input),
        store: first(|unit| unit.first_store),
    };
    let is_text = !list.table().cached.is_empty();
    let (mut files, mut fingerprints, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    for unit in &units {
        // A file that two units share is the last of one and the first of the other.
        let shared = (numbers.input + files.len()).checked_sub(unit.first_input);
        for file in unit
            .files
            .iter()
            .skip(shared.ok_or_else(|| list.damaged())?)
        {
            let (file, print) = known(file)?;
            files.push(file);
            fingerprints.push(print);
        }
        let shared = (numbers.store + stores.len()).checked_sub(unit.first_store);
        let shared = shared.ok_or_else(|| list.damaged())?;
        stores.extend(unit.stores.iter().skip(shared).cloned());
    }
    let schemas = list.table().schemas.iter();
    let schemas = schemas.map(|(_, file)| known(file));
    let part = Part {
        numbers: match is_text {
            true => numbers,
            false => Numbers {
                store: numbers.input,
                ..numbers
            },
        },
        // Text was read when it was planned, and isn't now.
        fingerprints: if is_text { Vec::new() } else { fingerprints },
        schemas: schemas.collect::<Result<_>>()?,
        cache: is_text.then(|| CachePart {
            directory: cache.to_path_buf(),
            schemas: list.table().cached.clone(),
            stores,
        }),
        units,
    };
    let found = Discovery {
        files,
        format: Format::Parquet,
        skipped: Default::default(),
        bad: Vec::new(),
    };
    Ok((part, found))
}
