//! The fuzz targets' properties, on the stable toolchain: for seeds and a few thousand mutations of them.
//! `fuzz/run.py` looks further, led by coverage and with buffers of a few bytes.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for the fuzz targets")]
mod properties;

use std::fs;

use prep_stream::artifact::{Manifest, ScalerFile};

use crate::harness::{Column, Scratch, Table, normals, numbers};

const MUTATIONS: u64 = 500;
/// Bytes that mean something in one of the formats.
const TELLING: &[u8] = b"\",\n\r#\\{}[]:-+.0919eN\x00\x01\x15\x7f\x80\xff";

/// Checks a property for each seed, each of its beginnings, and mutations of one to four bytes.
fn holds(property: fn(&[u8]), seeds: &[Vec<u8>]) {
    for (index, seed) in seeds.iter().enumerate() {
        property(seed);
        let mut random = numbers(index as u64);
        let mut below = |limit: usize| {
            let number = random.next().expect("endless") % limit as u64;
            usize::try_from(number).expect("below a length")
        };
        for _ in 0..MUTATIONS {
            let mut mutated = seed.clone();
            for _ in 0..=below(4) {
                let at = below(mutated.len());
                let byte = TELLING[below(TELLING.len())];
                match below(5) {
                    0 => mutated[at] ^= 1 << below(8),
                    1 => mutated[at] = byte,
                    2 => mutated.insert(at, byte),
                    3 => mutated.truncate(at + 1),
                    _ => drop(mutated.remove(at)),
                }
                if mutated.is_empty() {
                    break;
                }
            }
            property(&mutated);
        }
    }
}

#[test]
fn text_records_are_those_of_csv_core() {
    let texts: [&[u8]; 6] = [
        b"\x02\x05\"a, \"\"b\"\"\",2,#\r\n1,,\"c\nd\"\r3,\"\",x\n",
        b"\x06\x03#note\n1,2,3\n\n#\"\n3,4,\"#\"\n",
        b"\x00\x01\"one\ncolumn\"\n\n\"\"\nlast",
        b"\x09\x00a,b\n\"quoted, and more than forty bytes long, so it is refused\",c\n",
        b"\x01\x02a,b\n1,\"open",
        b"\x01\x04\xef\xbb\xbfa,b\r\rc,\xff\n",
    ];
    holds(
        properties::text::records_are_those_of_csv_core,
        &texts.map(<[u8]>::to_vec),
    );
}

#[test]
fn pages_are_no_larger_than_was_checked() {
    let table = Table::new([
        Column::text("name", (0..100).map(|row| format!("{}", row % 7))),
        Column::doubles("x", normals(1).take(100)),
    ]);
    let chunks = |table: &Table, codec: u8| {
        // The first column chunk follows the magic; what is behind it is more pages, or none.
        let mut seed = vec![codec];
        seed.extend(table.to_parquet().iter().skip(4).take(600));
        seed
    };
    let seeds = [chunks(&table, 1), chunks(&table.uncompressed(), 0)];
    holds(properties::pages::are_no_larger_than_was_checked, &seeds);
}

#[test]
fn artifacts_that_are_read_are_written_the_same() {
    let scratch = Scratch::new();
    scratch.write("in/a\nb.csv", "x,y,k\n1,2.5,007\n3,,a\n-1e300,7,b\n");
    scratch.stream("in", &["--exclude", "k"]);
    let read = |name: &str| fs::read(scratch.path("out").join(name)).expect("read");
    let (scaler, manifest) = (read("scaler.json"), read("manifest.json"));
    // Else the properties would hold for want of anything that is read.
    assert!(ScalerFile::from_json(&scaler).is_ok());
    assert!(Manifest::parse(&manifest).is_ok());
    holds(
        properties::artifacts::a_scaler_file_that_is_read_is_written_the_same,
        &[scaler],
    );
    holds(
        properties::artifacts::a_manifest_that_is_read_is_written_the_same,
        &[manifest],
    );
}
