//! The published vectors, and what must or must not be one key.

use proptest::prelude::*;

use super::*;

fn hash(values: &[Value<'_>]) -> u64 {
    let start = KeyHash::new(42, Domain::GROUP);
    let taken = values.iter().fold(start, |hash, value| hash.value(*value));
    taken.finish()
}

fn one(value: Value<'_>) -> u64 {
    hash(&[value])
}

#[test]
fn the_published_vectors_hold() {
    let moment = Value::Moment(Moment {
        seconds: 1_704_067_200,
        nanos: 5,
    });
    let vectors: [(&[Value<'_>], u64); 10] = [
        (&[Value::Null], 0xf8a8_0033_ed5e_8889),
        (&[Value::Integer(1)], 0xd999_36f1_d557_dca1),
        (&[Value::Integer(-1)], 0xb576_fff6_74fe_056f),
        (&[Value::Unsigned(u64::MAX)], 0xd70c_b2c3_cc3a_6d17),
        (&[Value::Float(1.5)], 0x1faa_08e9_02cd_5e41),
        (&[Value::Boolean(true)], 0x36d9_760d_1dea_8a58),
        (&[moment], 0x22ef_0dde_5e74_c881),
        (&[Value::Bytes(b"")], 0x9499_7a59_afda_fe2d),
        (&[Value::Bytes(b"user-0042")], 0x5305_6ce5_6e25_fae4),
        (
            &[Value::Integer(7), Value::Bytes(b"a")],
            0xba9d_d846_31cf_b4e8,
        ),
    ];
    for (values, expected) in vectors {
        let found = hash(values);
        assert_eq!(found, expected, "{values:?}: {found:016x}");
    }
}

#[test]
fn one_number_is_one_key_whatever_its_type() {
    for value in [0, 1, -1, 1 << 52, -(1 << 53), i64::MIN] {
        let float = Value::Float(value as f64);
        assert_eq!(one(Value::Integer(value)), one(float), "{value}");
        let hundredfold = Value::decimal(i128::from(value) * 100, 2, || f64::NAN);
        assert_eq!(hundredfold, Value::Integer(value));
    }
    assert_eq!(one(Value::Float(-0.0)), one(Value::Integer(0)));
    assert_eq!(one(Value::Unsigned(7)), one(Value::Integer(7)));
    assert_eq!(
        one(Value::Float(2.0_f64.powi(63))),
        one(Value::Unsigned(1 << 63))
    );
    let top = 18_446_744_073_709_549_568.0;
    assert_eq!(
        one(Value::Float(top)),
        one(Value::Unsigned(u64::MAX - 2047))
    );
    assert_eq!(one(Value::Float(f64::NAN)), one(Value::Float(-f64::NAN)));
    assert_eq!(Value::decimal(1500, 3, || 1.5), Value::Float(1.5));
    assert_eq!(Value::decimal(1 << 63, 0, || 0.0), Value::Unsigned(1 << 63));
}

#[test]
fn a_moment_is_one_key_in_every_unit() {
    let midnight = Moment::of_day(-1);
    for per_second in [1, 1_000, 1_000_000, 1_000_000_000] {
        let count = -86_400 * i64::from(per_second);
        assert_eq!(Moment::of_units(count, per_second), midnight);
    }
    let before = Moment::of_units(-1, 1_000_000_000);
    assert_eq!((before.seconds, before.nanos), (-1, 999_999_999));
    assert_eq!(before.total_nanos(), -1);
}

proptest! {
    #[test]
    fn other_values_are_other_keys(a in any::<i64>(), b in any::<i64>(), text in ".{0,20}") {
        prop_assert_eq!(a == b, one(Value::Integer(a)) == one(Value::Integer(b)));
        prop_assert_ne!(one(Value::Integer(a)), one(Value::Moment(Moment::of_units(a, 1))));
        prop_assert_ne!(one(Value::Bytes(text.as_bytes())), one(Value::Integer(a)));
        let longer = format!("{text}\0");
        prop_assert_ne!(one(Value::Bytes(text.as_bytes())), one(Value::Bytes(longer.as_bytes())));
        let (value, null) = (Value::Integer(a), Value::Null);
        prop_assert_ne!(hash(&[value, null]), hash(&[null, value]));
    }
}
