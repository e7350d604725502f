//! Filters as people type them.

use proptest::prelude::*;

use super::*;

#[test]
fn filters_read_as_they_are_typed() {
    for (typed, canonical) in [
        ("x>3", "x > 3"),
        ("  x == -3.5e2 ", "x = -3.5e2"),
        (
            "flag=true AND name <> 'it''s'",
            "flag = true and name <> 'it''s'",
        ),
        (
            "\"a b\" <= 'x and y' and z!=0",
            "\"a b\" <= 'x and y' and z <> 0",
        ),
        ("\"say \"\"hi\"\"\" < .5", "\"say \"\"hi\"\"\" < .5"),
        ("größe >= 10 and größe < 20", "größe >= 10 and größe < 20"),
    ] {
        let filter: Filter = typed
            .parse()
            .unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(filter.to_string(), canonical);
    }
}

#[test]
fn what_is_no_filter_says_what_was_expected() {
    for (typed, message) in [
        ("", "expected the name of a column before \"\""),
        ("> 3", "expected the name of a column before \"> 3\""),
        ("x", "expected =, !=, <, <=, > or >= after x"),
        ("x ! 3", "expected =, !=, <, <=, > or >= after x"),
        (
            "x = DE",
            "\"DE\" is no value; expected a number, true, false, or text in single quotes",
        ),
        (
            "x = inf",
            "\"inf\" is no value; expected a number, true, false, or text in single quotes",
        ),
        ("x = 'a", "a ' is never closed"),
        ("x = 3 or y = 4", "expected \"and\" before \"or y = 4\""),
        ("x = 3 and", "expected the name of a column before \"\""),
    ] {
        let error = typed.parse::<Filter>().expect_err(typed);
        assert_eq!(error.to_string(), message, "{typed}");
    }
}

proptest! {
    #[test]
    fn the_text_of_a_filter_reads_back(column in ".{1,12}", text in ".{0,12}", number in any::<i64>()) {
        let comparison = |literal| Comparison {
            column: column.clone(),
            operator: Operator::NotEqual,
            literal,
        };
        let literals = [
            Literal::Text(text),
            Literal::Number(number.to_string()),
            Literal::Boolean(false),
        ];
        let filter = Filter { comparisons: literals.map(comparison).into() };
        prop_assert_eq!(filter.to_string().parse(), Ok(filter));
    }
}
