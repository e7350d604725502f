//! `scaler.json` and `manifest.json`: whatever bytes are read, no panic; what is accepted is written and
//! read again as the same.

use prep_stream::artifact::{Manifest, ScalerFile};
use twox_hash::XxHash3_128;

/// Reads the bytes as a scaler file.
pub fn a_scaler_file_that_is_read_is_written_the_same(data: &[u8]) {
    let Ok(file) = ScalerFile::from_json(data) else {
        return;
    };
    let written = file.to_json().expect("what was read can be written");
    let again = ScalerFile::from_json(&written).expect("what was written can be read");
    assert_eq!(again.to_json().ok(), Some(written));
}

/// Reads the bytes as a manifest: as they are, and with the seal that they should have, without which
/// next to nothing would get past it.
pub fn a_manifest_that_is_read_is_written_the_same(data: &[u8]) {
    for bytes in [data, &sealed(data)] {
        let Ok(manifest) = Manifest::parse(bytes) else {
            continue;
        };
        let written = manifest.render().expect("what was read can be written");
        let again = Manifest::parse(&written).expect("what was written can be read");
        assert_eq!(again, manifest);
        assert_eq!(again.render().ok(), Some(written));
    }
}

/// The same document with the seal of what stands before its last line but one.
fn sealed(data: &[u8]) -> Vec<u8> {
    let end = data.windows(2).rposition(|pair| pair == b",\n");
    let mut sealed = data[..end.map_or(0, |end| end + 2)].to_vec();
    let digest = XxHash3_128::oneshot(&sealed);
    sealed.extend_from_slice(format!("\"xxh3_128\": \"{digest:032x}\"\n}}\n").as_bytes());
    sealed
}
