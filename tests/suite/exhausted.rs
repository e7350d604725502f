//! The system has no more: of disk, of file size, of descriptors. One message, the earlier output as it
//! was, and the same command ends well once there is more.

use std::fs;

use crate::harness::{Column, Scratch, Table, normals};

fn scratch_with_input() -> Scratch {
    let scratch = Scratch::new();
    for file in 0..3 {
        let table = Table::new([Column::doubles("x", normals(file).take(60_000))]);
        // Each row group a unit of its own would be too small: a file each is taken together.
        scratch.parquet(format!("in/{file}.parquet"), &table);
        let lines: String = normals(file)
            .take(20_000)
            .map(|z| format!("{z}\n"))
            .collect();
        scratch.write(format!("text/{file}.csv"), format!("x\n{lines}"));
    }
    scratch
}

#[test]
fn a_write_that_the_system_refuses_is_one_message_and_leaves_the_old_output() {
    let scratch = scratch_with_input();
    for (input, what) in [
        ("in", "write the shard"),
        ("text", "write the cache of parsed text"),
    ] {
        scratch.stream(input, &["--seed", "7"]);
        let before = scratch.bytes_of("out");
        let arguments = [
            "stream",
            "--in",
            input,
            "--out",
            "out",
            "--quiet",
            "--overwrite",
        ];
        // In blocks of 512 bytes: less than either needs.
        let run = scratch.prep_limited("-f 100", &arguments);
        let message = run.fails_with(4);
        assert!(
            message.contains(&format!("cannot {what}: File too large")),
            "{message}"
        );
        assert_eq!(message.matches("error: ").count(), 1, "{message}");
        assert!(scratch.bytes_of("out") == before);
        scratch.prep(&arguments).succeeds();
        assert!(scratch.bytes_of("out") != before);
        assert!(!scratch.path(".out.prep").exists());
        fs::remove_dir_all(scratch.path("out")).expect("remove");
    }
}

#[test]
fn too_few_descriptors_for_anything_are_one_message() {
    let scratch = scratch_with_input();
    for input in ["in", "text"] {
        let mut codes = Vec::new();
        for limit in 4..14 {
            let arguments = [
                "stream",
                "--in",
                input,
                "--out",
                "out",
                "--quiet",
                "--threads",
                "2",
            ];
            let run = scratch.prep_limited(&format!("-n {limit}"), &arguments);
            codes.push(run.code);
            if run.code == Some(0) {
                break;
            }
            // With too few, not even the dynamic linker gets its libraries.
            if run.code != Some(127) {
                let message = run.clear_error();
                assert!(message.contains("Too many open files"), "{message}");
            }
            assert!(!scratch.path("out").exists());
        }
        assert_eq!(codes.last(), Some(&Some(0)), "{codes:?}");
        fs::remove_dir_all(scratch.path("out")).expect("remove");
    }
}
