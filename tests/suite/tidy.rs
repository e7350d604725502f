//! Rules of the source tree that no compiler checks. Each failure reads `path:line: what, instead`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::harness::files_below;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// What non-test code doesn't contain, and what it has instead.
const BANNED: &[(&str, &str)] = &[
    (".unwrap()", "return an error with its place"),
    (".expect(", "return an error with its place"),
    ("panic!(", "return an error with its place"),
    ("todo!(", "finish it"),
    ("unimplemented!(", "finish it"),
    ("unreachable!(", "make the case impossible by its type"),
    ("dbg!(", "use tracing"),
    ("From<io::Error>", "name the path where it is known"),
    ("From<std::io::Error>", "name the path where it is known"),
    ("RandomState", "use an ordered map"),
    ("temp_dir()", "use the staging directory"),
    ("mpsc::channel()", "use a bounded channel"),
    ("std::thread::spawn", "name the thread"),
    ("TODO", "finish it, or file an issue"),
    ("FIXME", "finish it, or file an issue"),
];

/// What the arithmetic must not know of.
const BANNED_IN_KERNEL: &[&str] = &[
    "std::fs",
    "std::path",
    "std::thread",
    "std::time",
    "std::env",
    "std::sync",
    "rand::",
    "tracing",
    "HashMap",
    "HashSet",
    "println!",
];

struct Source {
    path: String,
    lines: Vec<String>,
    is_test: bool,
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let root = project();
    let mut found: Vec<Source> = files_below(&root.join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| Source {
            path: path
                .strip_prefix(root)
                .expect("inside")
                .display()
                .to_string(),
            lines: fs::read_to_string(&path)
                .expect("UTF-8")
                .lines()
                .map(str::to_owned)
                .collect(),
            is_test: false,
        })
        .collect();
    assert!(found.len() > 10, "{} source files", found.len());
    let tests: Vec<String> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        source.is_test = tests.iter().any(|module| {
            let rest = source.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
    }
    found
}

/// Paths, without extension, of the modules that a file declares for tests only.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let folder = ["/mod", "/lib", "/main"]
        .iter()
        .find_map(|name| stem.strip_suffix(name))
        .unwrap_or(stem);
    let pairs = source
        .lines
        .windows(2)
        .filter(|pair| pair[0].trim() == "#[cfg(test)]");
    let names = pairs.filter_map(|pair| pair[1].trim().strip_prefix("mod ")?.strip_suffix(';'));
    names.map(|name| format!("{folder}/{name}")).collect()
}

impl Source {
    /// Lines of code that isn't a test, with their numbers; comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .lines
            .iter()
            .position(|l| l.trim() == "mod tests {")
            .unwrap_or(self.lines.len());
        let lines = self.lines[..if self.is_test { 0 } else { end }]
            .iter()
            .enumerate();
        lines
            .map(|(index, line)| (index + 1, line.as_str()))
            .filter(|(_, l)| !l.trim_start().starts_with("//"))
    }

    /// The folder or file directly under `src/`.
    fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below
            .split('/')
            .next()
            .unwrap_or(below)
            .trim_end_matches(".rs")
    }
}

#[track_caller]
fn report(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} found\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_file_opens_with_what_it_owns() {
    let missing = sources()
        .into_iter()
        .filter(|s| !s.lines.first().is_some_and(|l| l.starts_with("//! ")));
    report(
        &missing
            .map(|s| format!("{}:1: no `//!` line, say what the file owns", s.path))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn code_outside_tests_neither_panics_nor_loses_paths() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (banned, instead) in BANNED {
                if line.contains(banned) {
                    wrong.push(format!(
                        "{}:{number}: `{banned}` is banned, {instead}",
                        source.path
                    ));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn the_kernel_knows_no_files_threads_clock_or_hash_maps() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.room() == "kernel") {
        for (number, line) in source.code() {
            for banned in BANNED_IN_KERNEL.iter().filter(|b| line.contains(**b)) {
                wrong.push(format!(
                    "{}:{number}: `{banned}` has no place in the kernel",
                    source.path
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn files_and_functions_stay_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        // Tests are tables of cases; those may be long.
        if source.is_test {
            continue;
        }
        if source.lines.len() > FILE_LINES_MAX {
            wrong.push(format!(
                "{}: {} lines, the limit is {FILE_LINES_MAX}",
                source.path,
                source.lines.len()
            ));
        }
        for (number, lines) in functions(&source) {
            if lines > FUNCTION_LINES_MAX {
                wrong.push(format!(
                    "{}:{number}: a function of {lines} lines, the limit is {FUNCTION_LINES_MAX}",
                    source.path
                ));
            }
        }
    }
    report(&wrong);
}

/// First line and length of every function, judged by the indentation of its closing brace.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, line) in source.lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let declares = trimmed.split('(').next().is_some_and(|head| {
            head.split_whitespace().any(|word| word == "fn") && !trimmed.starts_with("//")
        });
        if !declares || trimmed.ends_with(';') || trimmed.ends_with('}') {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - trimmed.len()]);
        if let Some(length) = source.lines[index..].iter().position(|l| *l == close) {
            found.push((index + 1, length + 1));
        }
    }
    found
}

#[test]
fn nothing_is_called_util() {
    let names = ["util", "utils", "helpers", "misc", "common"];
    let wrong = sources()
        .into_iter()
        .filter(|s| s.path.split(['/', '.']).any(|part| names.contains(&part)));
    report(
        &wrong
            .map(|s| format!("{}: name it after what it owns", s.path))
            .collect::<Vec<_>>(),
    );
}

/// The table of rooms in the architecture note: room to the rooms it may use.
fn documented_rooms() -> BTreeMap<String, BTreeSet<String>> {
    let text =
        fs::read_to_string(project().join("docs/architecture.md")).expect("the architecture note");
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(|name| {
                name.trim_end_matches('/')
                    .trim_end_matches(".rs")
                    .to_owned()
            })
            .collect()
    };
    text.lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let room = names(cells[1])
                .into_iter()
                .next()
                .expect("a room in backquotes");
            (room, names(cells[3]))
        })
        .collect()
}

#[test]
fn the_rooms_of_the_architecture_note_are_the_folders_of_the_tree() {
    let rooms: BTreeSet<String> = sources()
        .iter()
        .map(|s| s.room().to_owned())
        .filter(|r| r != "lib")
        .collect();
    let documented: BTreeSet<String> = documented_rooms().into_keys().collect();
    assert_eq!(rooms, documented, "src/ and docs/architecture.md disagree");
}

#[test]
fn every_dependency_stands_in_the_table_of_its_decision_and_no_other_does() {
    let read = |path: &str| fs::read_to_string(project().join(path)).expect("UTF-8");
    let manifest = read("Cargo.toml");
    let lines = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1);
    let used: BTreeSet<&str> = lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .collect();
    let table = read("docs/decisions/0005-dependencies.md");
    let first_cells = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1));
    let documented: BTreeSet<&str> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(
        used, documented,
        "Cargo.toml and docs/decisions/0005-dependencies.md disagree"
    );
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let allowed = documented_rooms();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.room() != "lib") {
        for (number, line) in source.code() {
            for used in ["crate::", "prep_stream::"]
                .iter()
                .flat_map(|start| line.split(start).skip(1))
            {
                let room: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let known = allowed.contains_key(&room) && room != source.room();
                if known
                    && !allowed
                        .get(source.room())
                        .is_some_and(|rooms| rooms.contains(&room))
                {
                    wrong.push(format!(
                        "{}:{number}: `{}` must not use `{room}`",
                        source.path,
                        source.room()
                    ));
                }
            }
        }
    }
    report(&wrong);
    // One way: taking away rooms that use nothing left must end with no room left.
    let mut left = allowed;
    while let Some(leaf) = left
        .iter()
        .find(|(_, uses)| uses.is_empty())
        .map(|(room, _)| room.clone())
    {
        left.remove(&leaf);
        left.values_mut().for_each(|uses| {
            uses.remove(&leaf);
        });
    }
    assert!(left.is_empty(), "arrows in a circle: {left:?}");
}
