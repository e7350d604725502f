//! File names in JSON: lossless for every byte, readable for the usual ones.

use std::fmt::Write;

/// Writes a name as text: `%` and bytes that aren't UTF-8 become `%XX`, all else stays.
///
/// ```
/// use prep_stream::artifact::{escape_name, unescape_name};
///
/// assert_eq!(escape_name("größe/50%.csv".as_bytes()), "größe/50%25.csv");
/// assert_eq!(escape_name(b"a\xff.csv"), "a%FF.csv");
/// assert_eq!(unescape_name("a%FF.csv").as_deref(), Some(&b"a\xff.csv"[..]));
/// ```
pub fn escape_name(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            write!(text, "%{byte:02X}").unwrap_or_default();
        }
    }
    text
}

/// Reads what [`escape_name`] wrote; `None` if it can't have been.
pub fn unescape_name(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        name.push(u8::from_str_radix(code, 16).ok()?);
        name.extend_from_slice(rest.as_bytes());
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for name in [
            &b""[..],
            b"a/b.csv",
            b"100%",
            b"%41",
            b"\xff\xfe%\n",
            "ü\u{1F600}".as_bytes(),
        ] {
            assert_eq!(unescape_name(&escape_name(name)).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_was_never_escaped_is_refused() {
        for text in ["%", "%4", "%zz", "%+1", "%é"] {
            assert_eq!(unescape_name(text), None, "{text}");
        }
    }
}
