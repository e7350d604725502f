//! `Figure`: a float64 that survives JSON whatever it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A float64 that is a JSON number if it is finite, and else `"NaN"`, `"inf"` or `"-inf"`.
///
/// ```
/// use prep_stream::artifact::Figure;
///
/// assert_eq!(serde_json::to_string(&Figure(0.1))?, "0.1");
/// assert_eq!(serde_json::to_string(&Figure(f64::NAN))?, "\"NaN\"");
/// assert_eq!(serde_json::from_str::<Figure>("\"-inf\"")?.0, f64::NEG_INFINITY);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Figure(pub f64);

/// Two figures are equal if they are written alike, so NaN equals NaN.
impl PartialEq for Figure {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            // "NaN", "inf" or "-inf".
            serializer.collect_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Word(word) => match word.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "inf" => Ok(Self(f64::INFINITY)),
                "-inf" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(de::Error::custom(format!("\"{word}\" is no figure"))),
            },
        }
    }
}
