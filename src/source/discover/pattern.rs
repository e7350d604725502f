//! Globs: a base without wildcards and one matcher a path component.
//!
//! Matching goes component by component over our own directory walk, so that names which aren't
//! UTF-8 are matched (by their escaped form) instead of being left out in silence.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The part of a glob from its first wildcard on.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// One component that matches.
    One(glob::Pattern),
    /// `**`: any number of directories, none included.
    Any,
}

/// Positions in the pattern that a path may have reached; at most one per part.
pub(super) type Progress = Vec<usize>;

impl Pattern {
    /// Whether a path has any wildcard.
    pub(super) fn has_wildcard(path: &Path) -> bool {
        path.components()
            .any(|component| is_wild(component.as_os_str()))
    }

    /// Cuts a path before its first component with a wildcard.
    pub(super) fn parse(path: &Path) -> Result<(PathBuf, Self), glob::PatternError> {
        let mut base = PathBuf::new();
        let mut parts = Vec::new();
        for component in path.components() {
            let text = component.as_os_str();
            if parts.is_empty() && !is_wild(text) {
                base.push(component);
            } else if text == "**" {
                parts.push(Part::Any);
            } else if let Component::Normal(_) = component {
                parts.push(Part::One(glob::Pattern::new(&text.to_string_lossy())?));
            } else {
                // `*/../x`: no entry has such a name, so nothing will match.
                parts.push(Part::One(glob::Pattern::new("[/]")?));
            }
        }
        if base.as_os_str().is_empty() {
            base.push(".");
        }
        Ok((base, Self { parts }))
    }

    /// Where matching begins.
    pub(super) fn start(&self) -> Progress {
        self.closure(vec![0])
    }

    /// Where matching stands after one more component.
    pub(super) fn step(&self, progress: &Progress, name: &OsStr) -> Progress {
        let text = name.to_string_lossy();
        let mut next = Vec::new();
        for &position in progress {
            match self.parts.get(position) {
                Some(Part::Any) => next.push(position),
                Some(Part::One(part)) if part.matches(&text) => next.push(position + 1),
                _ => {}
            }
        }
        self.closure(next)
    }

    /// Whether a path that got this far matches the whole pattern.
    pub(super) fn is_match(&self, progress: &Progress) -> bool {
        progress.contains(&self.parts.len())
    }

    /// Adds the positions that `**` lets be reached for nothing.
    fn closure(&self, mut positions: Progress) -> Progress {
        let mut index = 0;
        while let Some(&position) = positions.get(index) {
            if matches!(self.parts.get(position), Some(Part::Any)) {
                positions.push(position + 1);
            }
            index += 1;
        }
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

fn is_wild(component: &OsStr) -> bool {
    component
        .as_encoded_bytes()
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let (_, pattern) = Pattern::parse(Path::new(pattern)).unwrap();
        let mut progress = pattern.start();
        for component in Path::new(path).components() {
            progress = pattern.step(&progress, component.as_os_str());
        }
        pattern.is_match(&progress)
    }

    #[test]
    fn a_star_stays_within_its_component_and_two_stars_do_not() {
        for (pattern, path, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "d/a.csv", false),
            ("**/*.csv", "a.csv", true),
            ("**/*.csv", "d/e/a.csv", true),
            ("**/x/**/*.csv", "d/x/a.csv", true),
            ("**/x/**/*.csv", "d/y/a.csv", false),
            ("d?/a[0-9].csv", "d1/a7.csv", true),
            ("*/../a.csv", "d/a.csv", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_base_is_the_longest_prefix_without_a_wildcard() {
        for (pattern, base) in [
            ("*.csv", "."),
            ("d/e/*.csv", "d/e"),
            ("/d/**/x/a.csv", "/d"),
            ("../d/x[1]/a.csv", "../d"),
        ] {
            assert_eq!(
                Pattern::parse(Path::new(pattern)).unwrap().0,
                Path::new(base)
            );
        }
    }
}
