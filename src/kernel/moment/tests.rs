//! Moments as people write them.

use super::*;

#[test]
fn dates_and_times_are_read_exactly() {
    for (text, seconds, nanos) in [
        ("1970-01-01", 0, 0),
        ("1969-12-31T23:59:59.5", -1, 500_000_000),
        ("2000-02-29", 951_782_400, 0),
        ("2024-01-01 00:00:00.000000005Z", 1_704_067_200, 5),
        ("2024-12-31T08:30", 1_735_633_800, 0),
        ("0001-01-01", -62_135_596_800, 0),
        ("08:30:01", 30_601, 0),
    ] {
        let expected = Moment { seconds, nanos };
        assert_eq!(text.parse(), Ok(expected), "{text}");
        assert_eq!(expected.to_string().parse(), Ok(expected), "{expected}");
    }
    for text in [
        "",
        "2024",
        "2023-02-29",
        "2024-13-01",
        "2024-1-1",
        "24:00:00",
        "2024-01-01T",
        "12:5",
        "2024-01-01T00:00:00+01:00",
        "-2024-01-01",
    ] {
        assert_eq!(text.parse::<Moment>(), Err(NoMoment), "{text}");
    }
}
