//! Train shards: each feature has mean 0 and standard deviation 1, by exact sums of its values.
//!
//! How far from 0 and 1 rounding alone can lead: each value is rounded a few times in float64, once
//! to the output's type, and divided by a scale that may itself be a subnormal number.

use num_bigint::BigInt;

use super::Context;
use super::columns::Opened;
use super::findings::{Findings, damage};
use super::records::Records;
use super::scaler::{Feature, RecordedScaler};
use super::shards::path_of;
use super::sides::TRAIN;
use super::sums::{Sums, integer, ratio};
use super::views::views;
use crate::artifact::manifest::ManifestShard;
use crate::engine::guarded;
use crate::error::Result;
use crate::report::VerifyReport;
use crate::schema::NumericKind;
use crate::source::parquet::{LeafRun, NumberReader};

/// Rows decoded at a time.
const RUN_ROWS: usize = 16 << 10;

/// Rounding units that the mean may be off by; the standard deviation likewise.
const UNITS: f64 = 16.0;

/// Sums every feature over the train shards and judges the totals.
pub(super) fn check(
    context: Context<'_>,
    records: &Records,
    findings: &mut Findings,
    report: &mut VerifyReport,
) -> Result<()> {
    for view in views(records) {
        if let Some((_, scaler)) = view.scaler {
            let side = &view.sides[usize::from(TRAIN)];
            report.features = check_side(context, records, (side, scaler), findings)?;
        }
        if !findings.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Sums the features of one train side and judges them; returns how many.
fn check_side(
    context: Context<'_>,
    records: &Records,
    (side, scaler): (&str, &RecordedScaler),
    findings: &mut Findings,
) -> Result<u64> {
    let (features, mut judged) = (scaler.features(), 0);
    let mut totals = vec![Sums::default(); features.len()];
    let shards = records.manifest.shards.iter();
    // Rows that were added later are by the scaler of these, and have other moments.
    for shard in shards.filter(|shard| shard.side == side && records.manifest.is_fitted(shard)) {
        add_shard(context, shard, &features, &mut totals, findings)?;
        if !findings.is_empty() {
            return Ok(0);
        }
    }
    for (feature, totals) in features.iter().zip(&totals) {
        if feature.moments.is_weighted() {
            // Mean and standard deviation are those of weighted rows; the scaler's own sums prove them.
            continue;
        }
        judged += 1;
        let column = records.manifest.columns.iter();
        let mut column = column.filter(|column| column.name == feature.name);
        let is_single = column.any(|column| column.output_type == "float32");
        let unit = if is_single {
            2.0_f64.powi(-24)
        } else {
            f64::EPSILON / 2.0
        };
        if let Some(what) = judge(feature, totals, scaler.ddof, unit) {
            let what = format!("column \"{}\": {what}", feature.name);
            findings.push(side, what);
        }
    }
    Ok(judged)
}

fn add_shard(
    context: Context<'_>,
    shard: &ManifestShard,
    features: &[Feature<'_>],
    totals: &mut [Sums],
    findings: &mut Findings,
) -> Result<()> {
    let path = path_of(&context.spec.output, shard);
    let opened = match Opened::open(shard.path.clone(), &path, context.memory) {
        Ok(opened) => opened,
        Err(error) => {
            findings.push(&shard.path, damage(error)?);
            return Ok(());
        }
    };
    context.ordered(features.len()).run(
        |index| {
            let sums = guarded(|| sum(context, &opened, features[index].name));
            context.cancel.check()?;
            match sums {
                Ok(sums) => Ok(Ok(sums)),
                Err(error) => damage(error).map(Err),
            }
        },
        |index, sums| {
            match sums {
                Ok(sums) => totals[index].merge(&sums),
                Err(what) => findings.push(&shard.path, what),
            }
            Ok(())
        },
    )
}

fn sum(context: Context<'_>, opened: &Opened, name: &str) -> Result<Sums> {
    let mut sums = Sums::default();
    let Some(column) = opened.columns.get(name) else {
        return Ok(sums);
    };
    let kind = NumericKind::of(&column.root).unwrap_or(NumericKind::Float64);
    let mut run = LeafRun::default();
    for (group, rows) in opened.group_rows().enumerate() {
        let mut reader = NumberReader::open(&opened.file, group, column.first_leaf, kind)?;
        let mut rest = rows;
        while rest > 0 {
            context.cancel.check()?;
            let rows = rest.min(RUN_ROWS);
            reader.read(rows, &mut run)?;
            let nulls = rows.saturating_sub(run.values.len());
            (0..nulls).for_each(|_| sums.add(None));
            run.values.iter().for_each(|value| sums.add(Some(*value)));
            rest -= rows;
        }
        reader.finish()?;
    }
    Ok(sums)
}

/// What is wrong with a standardized column, if anything; `unit` is the output type's.
fn judge(feature: &Feature<'_>, sums: &Sums, ddof: u64, unit: f64) -> Option<String> {
    let moments = feature.moments;
    let said = (moments.count, moments.nulls, moments.nans);
    // With --on-inf null, infinities of the input are nulls of the output.
    let infinities = moments.positive_infinities + moments.negative_infinities;
    let nulls = sums.nulls.saturating_sub(infinities);
    if (sums.count, nulls, sums.nans) != said || sums.infinities() > 0 {
        return Some(format!(
            "{} values, {} nulls, {} NaN and {} infinities, scaler.json says {}, {}, {} and none",
            sums.count,
            nulls,
            sums.nans,
            sums.infinities(),
            said.0,
            said.1,
            said.2
        ));
    }
    if sums.count == 0 {
        return None;
    }
    if feature.constant {
        let is_zero = sums.min == 0.0 && sums.max == 0.0;
        return (!is_zero).then(|| {
            format!(
                "from {:e} to {:e}, a constant column is 0",
                sums.min, sums.max
            )
        });
    }
    let count = BigInt::from(sums.count);
    let one = integer(1.0);
    let spread = ratio(&sums.spread(), &(&count * &count * &one * &one));
    let allowed = UNITS * (unit + f64::from_bits(1) / feature.scale);
    let mean = ratio(&sums.sum(), &(&count * &one));
    // Where `ddof` leaves no divisor the scale is 1, and the data decides how large values are.
    if mean.abs() > allowed * spread.sqrt().max(1.0) {
        return Some(format!("its mean is {mean:e}, expected 0 +- {allowed:e}"));
    }
    if sums.count <= ddof || feature.scale >= f64::MAX {
        return None;
    }
    let sd = (spread * (sums.count as f64 / (sums.count - ddof) as f64)).sqrt();
    ((sd - 1.0).abs() > allowed)
        .then(|| format!("its standard deviation is {sd}, expected 1 +- {allowed:e}"))
}
