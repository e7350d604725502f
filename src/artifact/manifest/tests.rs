//! Tests of the manifest: its text, and that it reads back.

use super::*;

fn example() -> Manifest {
    let shard = |side: &str, unit: u64| ManifestShard {
        side: side.to_owned(),
        path: format!("{side}/part-{unit:07}-1a2b3c4d.parquet"),
        unit,
        rows: 800 + unit,
        bytes: 4321,
        xxh3_128: 0xff,
    };
    Manifest {
        made_by: Maker::Stream,
        prep_version: "0.1.0".to_owned(),
        job: "1a2b3c4d".repeat(8),
        spec: serde_json::json!({"split": {"seed": 42}}),
        skipped: BTreeMap::from([("empty files".to_owned(), 2)]),
        inputs: vec![ManifestInput {
            path: crate::artifact::escape_name(b"d/\xff 50%\n.csv"),
            bytes: 10,
            rows: 3,
            digest: u128::MAX,
        }],
        generations: Vec::new(),
        left_out: 0,
        folds: Vec::new(),
        bad_files: vec![ManifestBadFile {
            path: "d/cut%0A.csv".to_owned(),
            bytes: 9,
            reason: "cannot read the footer: EOF".to_owned(),
        }],
        columns: vec![ManifestColumn {
            name: "price \"net\"".to_owned(),
            role: "feature".to_owned(),
            input_type: "int64".to_owned(),
            output_type: "float32".to_owned(),
        }],
        shards: vec![shard("train", 0), shard("train", 1)],
        files: vec![ManifestFile::new("scaler.json", b"{}")],
    }
}

#[test]
fn a_manifest_has_one_line_an_element() {
    let bytes = example().render().unwrap();
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap(), @r#"
    {
    "format": "prep manifest",
    "format_version": 1,
    "prep_version": "0.1.0",
    "job": "1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d",
    "spec": {"split":{"seed":42}},
    "skipped": {"empty files":2},
    "inputs": [
    {"path":"d/%FF 50%25\n.csv","bytes":10,"rows":3,"digest":"ffffffffffffffffffffffffffffffff"}
    ],
    "bad_files": [
    {"path":"d/cut%0A.csv","bytes":9,"reason":"cannot read the footer: EOF"}
    ],
    "columns": [
    {"name":"price \"net\"","role":"feature","input_type":"int64","output_type":"float32"}
    ],
    "shards": [
    {"side":"train","path":"train/part-0000000-1a2b3c4d.parquet","unit":0,"rows":800,"bytes":4321,"xxh3_128":"000000000000000000000000000000ff"},
    {"side":"train","path":"train/part-0000001-1a2b3c4d.parquet","unit":1,"rows":801,"bytes":4321,"xxh3_128":"000000000000000000000000000000ff"}
    ],
    "files": [
    {"path":"scaler.json","bytes":2,"xxh3_128":"dc7048f8f8747f561349cde127705c16"}
    ],
    "xxh3_128": "882d196b9d62d7ae999f13f5752258f6"
    }
    "#);
}

#[test]
fn a_manifest_reads_back_as_it_was() {
    let bytes = example().render().unwrap();
    assert!(Manifest::is_one(&bytes[..Manifest::FIRST_BYTES]));
    assert_eq!(Manifest::parse(&bytes).unwrap(), example());
    let narrowed = Manifest {
        left_out: 7,
        folds: Vec::new(),
        ..example()
    };
    let bytes = narrowed.render().unwrap();
    assert_eq!(Manifest::parse(&bytes).unwrap(), narrowed);
    let empty = Manifest {
        inputs: vec![],
        bad_files: vec![],
        columns: vec![],
        shards: vec![],
        files: vec![],
        ..example()
    };
    assert_eq!(Manifest::parse(&empty.render().unwrap()).unwrap(), empty);
}

#[test]
fn another_version_is_an_error() {
    let text = String::from_utf8(example().render().unwrap()).unwrap();
    let newer = text.replace("\"format_version\": 1", "\"format_version\": 2");
    let error = Manifest::parse(newer.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is \"prep manifest\" version 2, expected \"prep manifest\" version 1"
    );
    assert!(Manifest::is_one(newer.as_bytes()));
    assert!(!Manifest::is_one(b"{\"name\": \"a web app\"}"));
}

#[test]
fn generations_divide_inputs_and_shards_and_are_written_only_if_there_are_several() {
    let first = example();
    assert!(
        !String::from_utf8(first.render().unwrap())
            .unwrap()
            .contains("generations")
    );
    assert_eq!(first.all_generations().len(), 1);
    assert!(first.shards.iter().all(|shard| first.is_fitted(shard)));
    let mut grown = first.clone();
    grown.generations = first.all_generations();
    let units_end = grown.generations[0].units_end;
    let (mut input, mut shard) = (grown.inputs[0].clone(), grown.shards[0].clone());
    (input.path, shard.unit) = ("new.csv".to_owned(), units_end);
    grown.inputs.push(input);
    grown.shards.push(shard.clone());
    grown.generations.push(ManifestGeneration {
        job: "f".repeat(64),
        inputs: 1,
        units_end: units_end + 1,
    });
    assert_eq!(grown.borders(), [1]);
    assert!(!grown.is_fitted(&shard) && grown.is_fitted(&grown.shards[0]));
    assert_eq!(Manifest::parse(&grown.render().unwrap()).unwrap(), grown);
}
