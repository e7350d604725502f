//! The seal: the last line of a file holds the XXH3-128 of every byte before it, as the last key of
//! JSON or as a comment in HTML.
//!
//! A file that names the checksums of others can't be named by one of them; sealed, it proves itself.
//! Invariant: any changed byte breaks the seal, those of the seal's own line included. Limit: a seal
//! finds accidents, not forgery.

use twox_hash::XxHash3_128;

use super::manifest::hex;

/// Closes a JSON document: `fields` begins with `{` and ends after its last value.
pub fn seal(mut fields: String) -> Vec<u8> {
    fields.push_str(",\n");
    let line = line(fields.as_bytes());
    fields.push_str(&line);
    fields.into_bytes()
}

/// Whether the seal of a file is whole.
///
/// ```
/// use prep_stream::artifact::is_sealed;
///
/// let sealed = "{\n\"a\": 1,\n\"xxh3_128\": \"7fb0f990640bd02f4c9bf88cd52588a4\"\n}\n";
/// assert!(is_sealed(sealed.as_bytes()));
/// assert!(!is_sealed(sealed.replace('1', "2").as_bytes()));
/// ```
pub fn is_sealed(bytes: &[u8]) -> bool {
    let (body, found) = bytes.split_at(bytes.len().saturating_sub(LINE_BYTES));
    found == line(body).as_bytes()
}

/// Closes an HTML page by a comment, its last line.
pub fn seal_page(mut page: String) -> Vec<u8> {
    let line = page_line(page.as_bytes());
    page.push_str(&line);
    page.into_bytes()
}

/// Whether the seal of an HTML page is whole.
///
/// ```
/// use prep_stream::artifact::{is_sealed_page, seal_page};
///
/// let sealed = seal_page("<p>1</p>\n".to_owned());
/// assert!(is_sealed_page(&sealed));
/// assert!(!is_sealed_page(&sealed[1..]));
/// ```
pub fn is_sealed_page(bytes: &[u8]) -> bool {
    let (body, found) = bytes.split_at(bytes.len().saturating_sub(PAGE_LINE_BYTES));
    found == page_line(body).as_bytes()
}

/// Bytes of the seal's line and the closing brace.
const LINE_BYTES: usize = "\"xxh3_128\": \"\"\n}\n".len() + 32;

/// Bytes of a page's seal.
const PAGE_LINE_BYTES: usize = "<!-- xxh3_128  -->\n".len() + 32;

fn page_line(body: &[u8]) -> String {
    format!("<!-- xxh3_128 {} -->\n", hex(XxHash3_128::oneshot(body)))
}

fn line(body: &[u8]) -> String {
    format!(
        "\"xxh3_128\": \"{}\"\n}}\n",
        hex(XxHash3_128::oneshot(body))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_breaks_the_seal() {
        let sealed = seal("{\n\"a\": [1, 2]".to_owned());
        assert!(is_sealed(&sealed));
        assert!(serde_json::from_slice::<serde_json::Value>(&sealed).is_ok());
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sealed(&flipped), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(!is_sealed(&sealed[..length]), "{length} bytes");
        }
    }
}
