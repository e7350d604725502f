//! Scalers of disjoint data become one, exactly: each column's sums are added without rounding.
//!
//! Invariant: the result is that of one fit over the train rows of all, bit for bit. Limit: a scaler file
//! doesn't say which rows it was fitted on: the same data twice is seen only where all sums are the same.

use super::{FittedColumn, ScalerFile};

/// Why two scalers can't become one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// One of them has a column that the other lacks.
    #[error("column \"{column}\" is only in one of them")]
    Column {
        /// Its name.
        column: String,
    },
    /// Their train rows were chosen in different ways.
    #[error("the split is {found} here and {expected} there")]
    Split {
        /// The split of this scaler, as it is recorded.
        found: String,
        /// That of the first.
        expected: String,
    },
    /// Which rows are train depends on all rows, so that each fit chose by its own.
    #[error("which rows are train depends on all rows ({why}), and each was split by its own")]
    ExactSides {
        /// What makes it so.
        why: &'static str,
    },
    /// They hold out other folds.
    #[error("they hold out other folds")]
    Fold,
    /// Their variances divide by other numbers.
    #[error("--ddof is {found} here and {expected} there")]
    Ddof {
        /// That of this scaler.
        found: u32,
        /// That of the first.
        expected: u32,
    },
    /// One of them counts infinities as nulls.
    #[error("--on-inf is not the same")]
    OnInf,
    /// Only one of them was fitted with weights.
    #[error("only one of them was fitted with --weights (column \"{column}\")")]
    Weights {
        /// The first column that shows it.
        column: String,
    },
    /// All sums are the same.
    #[error("every sum is the same in both: they were fitted on the same rows")]
    SameRows,
}

impl ScalerFile {
    /// Adds the train rows of `other`, which must have been fitted in the same way on other rows. Columns
    /// are matched by name and keep the order of this scaler.
    ///
    /// # Errors
    /// [`MergeError`]; then this scaler is as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_same_fit(other)?;
        let mut merged = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut moments = column.moments.clone();
            moments.merge(&other.matching(column)?.moments);
            let name = column.name.clone();
            merged.push(FittedColumn { name, moments });
        }
        *self = Self::new(self.split.clone(), self.fit, merged).held_out(self.fold);
        Ok(())
    }

    /// Whether every sum is the same as in `other`, and there are some: the rows are, too.
    pub fn has_same_sums(&self, other: &Self) -> bool {
        let is_same = |column: &FittedColumn| {
            let same = other.matching(column);
            column.moments.count() > 0 && same.is_ok_and(|same| same.moments == column.moments)
        };
        !self.columns.is_empty() && self.columns.iter().all(is_same)
    }

    /// The column of the same name.
    fn matching(&self, column: &FittedColumn) -> Result<&FittedColumn, MergeError> {
        let mut columns = self.columns.iter();
        let found = columns.find(|own| own.name == column.name);
        found.ok_or_else(|| MergeError::Column {
            column: column.name.clone(),
        })
    }

    fn check_same_fit(&self, other: &Self) -> Result<(), MergeError> {
        if self.split != other.split {
            let shown = |file: &Self| serde_json::to_string(&file.split).unwrap_or_default();
            let (found, expected) = (shown(other), shown(self));
            return Err(MergeError::Split { found, expected });
        }
        if self.fold != other.fold {
            return Err(MergeError::Fold);
        }
        if self.split.is_exact() {
            let why = match self.split.stratify {
                Some(_) => "--stratify",
                None => "sizes in rows, or --split-by time: without --cutoff",
            };
            return Err(MergeError::ExactSides { why });
        }
        if self.fit.ddof != other.fit.ddof {
            let (found, expected) = (other.fit.ddof, self.fit.ddof);
            return Err(MergeError::Ddof { found, expected });
        }
        if self.fit.on_inf != other.fit.on_inf {
            return Err(MergeError::OnInf);
        }
        for column in &self.columns {
            let (own, others) = (&column.moments, &other.matching(column)?.moments);
            if own.count() > 0 && others.count() > 0 && own.is_weighted() != others.is_weighted() {
                let column = column.name.clone();
                return Err(MergeError::Weights { column });
            }
        }
        if self.has_same_sums(other) {
            return Err(MergeError::SameRows);
        }
        other
            .columns
            .iter()
            .try_for_each(|column| self.matching(column).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{NumericRows, Side, Sides, Welford};
    use crate::spec::{FitSpec, OnInf, SplitBy, SplitSpec};

    const FIT: FitSpec = FitSpec {
        ddof: 0,
        on_inf: OnInf::Error,
    };

    fn column(name: &str, values: &[f64], weights: Option<&[f64]>) -> FittedColumn {
        let mut sides = Sides::default();
        values.iter().for_each(|_| sides.push(Side::Train));
        let mut moments = Welford::default();
        let rows = sides.train(
            0,
            NumericRows {
                values,
                valid: None,
            },
        );
        match weights {
            Some(weights) => moments.extend_weighted(rows, weights),
            None => moments.extend(rows),
        }
        let name = name.to_owned();
        FittedColumn { name, moments }
    }

    fn file(columns: Vec<FittedColumn>) -> ScalerFile {
        ScalerFile::new(SplitSpec::default(), FIT, columns)
    }

    fn refused(first: &ScalerFile, second: &ScalerFile) -> String {
        first.clone().merge(second).unwrap_err().to_string()
    }

    #[test]
    fn columns_merge_by_name_in_the_order_of_the_first() {
        let mut merged = file(vec![column("a", &[1.0], None), column("b", &[5.0], None)]);
        let other = file(vec![column("b", &[7.0], None), column("a", &[2.0], None)]);
        merged.merge(&other).unwrap();
        assert_eq!(merged.columns()[0].name, "a");
        let means: Vec<f64> = merged.scaler().moments().iter().map(|m| m.mean()).collect();
        assert_eq!(means, [1.5, 6.0]);
        let again = ScalerFile::from_json(&merged.to_json().unwrap()).unwrap();
        assert_eq!(again, merged);
    }

    #[test]
    fn what_was_fitted_in_another_way_is_refused() {
        let one = file(vec![column("a", &[1.0, 2.0], None)]);
        let with = |split: SplitSpec, fit: FitSpec| {
            ScalerFile::new(split, fit, vec![column("a", &[3.0, 4.0], None)])
        };
        let other_seed = SplitSpec {
            seed: 7,
            ..SplitSpec::default()
        };
        let by_time = SplitSpec {
            by: SplitBy::Time("day".to_owned()),
            ..SplitSpec::default()
        };
        let null = FitSpec {
            on_inf: OnInf::Null,
            ..FIT
        };
        let cases = [
            (file(vec![column("b", &[3.0], None)]), "column \"a\""),
            (
                file(vec![column("a", &[3.0], None), column("b", &[3.0], None)]),
                "column \"b\"",
            ),
            (with(other_seed, FIT), "\"seed\":7"),
            (
                with(SplitSpec::default(), FitSpec { ddof: 1, ..FIT }),
                "1 here and 0",
            ),
            (with(SplitSpec::default(), null), "--on-inf"),
            (
                file(vec![column("a", &[3.0], Some(&[2.0]))]),
                "only one of them was fitted with --weights",
            ),
            (one.clone(), "the same rows"),
        ];
        for (other, part) in cases {
            let found = refused(&one, &other);
            assert!(found.contains(part), "{found}");
        }
        let timed = with(by_time, FIT);
        assert!(refused(&timed, &timed).contains("depends on all rows"));
    }

    #[test]
    fn an_empty_scaler_adds_nothing() {
        let mut merged = file(vec![column("a", &[1.0, 3.0], None)]);
        let before = merged.clone();
        merged.merge(&file(vec![column("a", &[], None)])).unwrap();
        assert_eq!(merged, before);
    }
}
