//! "Did you mean": the nearest of a few names, by edit distance with swaps of neighbours.

/// The nearest candidate, if it is near enough to be a typo: a third of the length, 3 edits at most.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.chars().count() / 3).min(3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, 1 each.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let width = right.len() + 1;
    let mut table: Vec<usize> = vec![0; (left.len() + 1) * width];
    for row in 0..=left.len() {
        for column in 0..width {
            table[row * width + column] = if row == 0 || column == 0 {
                row + column
            } else {
                let differs = usize::from(left[row - 1] != right[column - 1]);
                let above = table[(row - 1) * width + column] + 1;
                let before = table[row * width + column - 1] + 1;
                let replaced = table[(row - 1) * width + column - 1] + differs;
                let is_swap = row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1];
                let swapped = if is_swap {
                    table[(row - 2) * width + column - 2] + 1
                } else {
                    usize::MAX
                };
                above.min(before).min(replaced).min(swapped)
            };
        }
    }
    table.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name() {
        let names = ["test-size", "seed", "in", "out"];
        let cases = [
            ("test-sise", Some("test-size")),
            ("tset-size", Some("test-size")),
            ("sead", Some("seed")),
            ("oput", Some("out")),
            ("id", None),
            ("corpora", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
    }
}
