//! Texts, thresholds and messages.

use super::*;

#[test]
fn decimals_parse_to_their_shortest_form() {
    let cases = [
        ("0.2", "0.2"),
        (".2", "0.2"),
        ("0.200", "0.2"),
        ("0", "0"),
        ("0.0", "0"),
        ("0e9", "0"),
        ("1", "1"),
        ("1.000", "1"),
        ("10e-1", "1"),
        ("1.", "1"),
        ("+0.5", "0.5"),
        ("1e-7", "0.0000001"),
        ("2.5E-3", "0.0025"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("0.999999999999999999", "0.999999999999999999"),
        ("00.3000000000000000000000", "0.3"),
    ];
    for (text, expected) in cases {
        let fraction: Fraction = text.parse().unwrap();
        assert_eq!(fraction.to_string(), expected, "{text}");
        let json = serde_json::to_string(&fraction).unwrap();
        assert_eq!(json, format!("\"{expected}\""));
        assert_eq!(serde_json::from_str::<Fraction>(&json).unwrap(), fraction);
    }
}

#[test]
fn sums_are_exact_and_at_most_1() {
    let cases = [
        ("0.2", "0.1", Some("0.3")),
        ("0.15", "0.05", Some("0.2")),
        ("0.7", "0.3", Some("1")),
        ("1", "0", Some("1")),
        ("0", "0", Some("0")),
        ("0.1", "0.000000000000000001", Some("0.100000000000000001")),
        ("0.7", "0.300000000000000001", None),
        ("1", "1", None),
    ];
    for (a, b, sum) in cases {
        let [a, b]: [Fraction; 2] = [a, b].map(|text| text.parse().unwrap());
        let sum = sum.map(|text| text.parse().unwrap());
        assert_eq!(
            (a.checked_add(b), b.checked_add(a)),
            (sum, sum),
            "{a} + {b}"
        );
    }
}

#[test]
fn what_is_no_fraction_says_why() {
    let cases = [
        ("", "\"\" is not a decimal number like 0.2"),
        (".", "\".\" is not a decimal number like 0.2"),
        ("a", "\"a\" is not a decimal number like 0.2"),
        ("0,2", "\"0,2\" is not a decimal number like 0.2"),
        ("0.2e", "\"0.2e\" is not a decimal number like 0.2"),
        ("NaN", "\"NaN\" is not a decimal number like 0.2"),
        ("--1", "\"--1\" is not a decimal number like 0.2"),
        ("-0.2", "-0.2 is negative; a share of rows is from 0 to 1"),
        ("1.1", "1.1 is above 1; a share of rows is from 0 to 1"),
        ("20", "20 is above 1; a share of rows is from 0 to 1"),
        ("1e99", "1e99 is above 1; a share of rows is from 0 to 1"),
        ("1e-19", "1e-19 has more than 18 decimals"),
        (
            "0.1234567890123456789",
            "0.1234567890123456789 has more than 18 decimals",
        ),
        ("1e-2147483648", "1e-2147483648 has more than 18 decimals"),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Fraction>().unwrap_err().to_string(), expected);
    }
}

#[test]
fn thresholds_are_exact() {
    let cases = [
        ("0", Threshold::Below(0)),
        ("0.5", Threshold::Below(1 << 63)),
        ("0.2", Threshold::Below(3_689_348_814_741_910_323)),
        ("0.999999999999999999", Threshold::Below(u64::MAX - 18)),
        ("1", Threshold::Every),
    ];
    for (text, expected) in cases {
        assert_eq!(
            text.parse::<Fraction>().unwrap().threshold(),
            expected,
            "{text}"
        );
    }
    assert!(Threshold::Every.contains(u64::MAX));
    assert!(!Threshold::Below(0).contains(0));
}

#[test]
fn configuration_numbers_are_read_at_their_shortest_decimal() {
    let fraction: Fraction = serde_json::from_str("0.1").unwrap();
    assert_eq!(fraction.to_string(), "0.1");
    assert_eq!(
        serde_json::from_str::<Fraction>("1").unwrap(),
        Fraction::ONE
    );
    assert!(serde_json::from_str::<Fraction>("-1").is_err());
}
