//! Values of flags that describe a network.

use prep_stream::spec::LearningRate;

/// A count that can't be 0.
pub(in crate::cli) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<u32>().map(usize::try_from) {
        Ok(Ok(count)) if count > 0 => Ok(count),
        _ => Err(format!("expected a whole number from 1 to {}", u32::MAX)),
    }
}

/// A learning rate.
pub(in crate::cli) fn learning_rate(text: &str) -> Result<LearningRate, String> {
    let rate = text.parse().ok().and_then(LearningRate::new);
    rate.ok_or_else(|| "expected a positive number like 0.01".to_owned())
}

/// The most units of a layer, and the most layers.
const UNITS_MAX: usize = 4096;
const LAYERS_MAX: usize = 16;

/// Units of each hidden layer: `64,64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Hidden(pub(in crate::cli) Vec<usize>);

/// Units separated by commas.
pub(in crate::cli) fn hidden(text: &str) -> Result<Hidden, String> {
    let units = |part: &str| {
        part.trim()
            .parse()
            .ok()
            .filter(|units| (1..=UNITS_MAX).contains(units))
    };
    let layers: Option<Vec<usize>> = text.split(',').map(units).collect();
    layers
        .filter(|layers| layers.len() <= LAYERS_MAX)
        .map(Hidden)
        .ok_or_else(|| {
            format!("expected at most {LAYERS_MAX} numbers from 1 to {UNITS_MAX}, like 64,64")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_numbers_between_commas() {
        let cases: [(&str, Option<&[usize]>); 6] = [
            ("64,64", Some(&[64, 64])),
            ("1", Some(&[1])),
            ("8, 4096", Some(&[8, 4_096])),
            ("", None),
            ("64,0", None),
            ("4097", None),
        ];
        for (text, expected) in cases {
            let found = hidden(text).ok().map(|layers| layers.0);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(hidden(&["8"; 17].join(",")).is_err());
    }

    #[test]
    fn rates_and_counts_are_positive() {
        for text in ["0", "-1", "inf", "NaN", "x", ""] {
            assert!(learning_rate(text).is_err(), "{text}");
            assert!(at_least_one(text).is_err(), "{text}");
        }
        assert!(learning_rate("1e-3").is_ok() && at_least_one("1").is_ok());
    }
}
