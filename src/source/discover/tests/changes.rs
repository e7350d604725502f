//! Fingerprints: which changes of a file are seen.

use super::*;

#[test]
fn a_changed_file_is_found() {
    let directory = tree(&["a.csv"]);
    let path = directory.path().join("a.csv");
    let found = find(&spec(&directory, &[""])).unwrap();
    let file = &found.files[0];
    let before = fingerprint(file).unwrap();
    unchanged(file, &before).unwrap();
    let check = || message(&directory, unchanged(file, &before).map(|()| found.clone()));

    fs::write(&path, b"0123456780").unwrap();
    assert!(check().starts_with("the file changed during the run: its modification time was 2"));
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(file.modified)
        .unwrap();
    assert!(check().starts_with("the file changed during the run: its content digest was "));
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"1")
        .unwrap();
    assert_eq!(
        check(),
        "the file changed during the run: its size was 10 bytes and is now 11 bytes\n  \
         --> a.csv\n  \
         hint: run again once nothing writes the input any more; --settle 60s waits for that"
    );
    assert_eq!(fingerprint(file).unwrap_err().exit_code(), 3);
    fs::remove_file(&path).unwrap();
    assert!(check().starts_with("cannot open the file: No such file"));
}

#[test]
fn the_fingerprint_of_parquet_is_its_footer() {
    let directory = tree(&["a.parquet", "b.parquet", "c.parquet", "d.parquet"]);
    let put = |name: &str, parts: &[&[u8]]| {
        fs::write(directory.path().join(name), parts.concat()).unwrap();
    };
    let data = vec![7; 50_000];
    let other = vec![8; 50_000];
    let footer = vec![1; 20_000];
    let length = 20_000_u32.to_le_bytes();
    let senseless = u32::MAX.to_le_bytes();
    put("a.parquet", &[b"PAR1", &data, &footer, &length, b"PAR1"]);
    put("b.parquet", &[b"PAR1", &other, &footer, &length, b"PAR1"]);
    put(
        "c.parquet",
        &[b"PAR1", &data, &footer[1..], b"\0", &length, b"PAR1"],
    );
    put("d.parquet", &[b"PAR1", &data, &footer, &senseless, b"PAR1"]);
    let found = find(&spec(&directory, &[""])).unwrap();
    let digests: Vec<u128> = found
        .files
        .iter()
        .map(|file| fingerprint(file).unwrap().digest)
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    assert_ne!(digests[0], digests[3]);
}
