//! The published vectors, from the page.

use num_bigint::BigInt;
use parquet::data_type::ByteArray;

use super::*;

#[test]
fn the_published_vectors_hold() {
    let whole = |value: i128| Held::whole(&BigInt::from(value));
    let text = |text: &str| Held::Bytes(ByteArray::from(text));
    for (key, expected) in [
        (vec![Held::Null], 0xf8a8_0033_ed5e_8889_u64),
        (vec![whole(1)], 0xd999_36f1_d557_dca1),
        (vec![whole(-1)], 0xb576_fff6_74fe_056f),
        (vec![whole((1 << 64) - 1)], 0xd70c_b2c3_cc3a_6d17),
        (
            vec![Held::decimal(&BigInt::from(150), 2)],
            0x1faa_08e9_02cd_5e41,
        ),
        (vec![Held::Boolean(true)], 0x36d9_760d_1dea_8a58),
        (
            vec![Held::Nanos(1_704_067_200_000_000_005)],
            0x22ef_0dde_5e74_c881,
        ),
        (vec![text("")], 0x9499_7a59_afda_fe2d),
        (vec![text("user-0042")], 0x5305_6ce5_6e25_fae4),
        (vec![whole(7), text("a")], 0xba9d_d846_31cf_b4e8),
    ] {
        let mut hash = mix(42 ^ 0xc4c5_3b65_954b_9562);
        key.iter().for_each(|held| take_in(&mut hash, &words(held)));
        assert_eq!(hash, expected, "{key:?}");
    }
}

#[test]
fn numbers_are_their_values() {
    let whole = |value: i128| words(&Held::whole(&BigInt::from(value)));
    let float = |value: f64| words(&Held::float(value));
    assert_eq!(float(-0.0), whole(0));
    assert_eq!(float(2.0_f64.powi(63)), whole(1 << 63));
    assert_eq!(words(&Held::decimal(&BigInt::from(-2500), 2)), whole(-25));
    assert_eq!(float(-f64::NAN), float(f64::NAN));
}
