//! Ranks and orders of values.

use parquet::data_type::ByteArray;
use proptest::prelude::*;

use super::super::canonical::Canonical;
use super::*;

#[test]
fn ranks_have_the_order_of_the_values_whatever_stores_them() {
    let unsigned = RankKind {
        is_unsigned: true,
        is_decimal: false,
    };
    let signed = RankKind::default();
    let floats = [f64::NEG_INFINITY, -2.5, -5e-324, 0.0, 5e-324, 1.0, 1e300];
    assert!(
        floats
            .windows(2)
            .all(|pair| pair[0].rank(signed) < pair[1].rank(signed))
    );
    assert!(
        floats
            .iter()
            .all(|value| rank_float(float_rank(*value)) == *value)
    );
    assert_eq!((-0.0_f64).rank(signed), 0.0_f64.rank(signed));
    assert_eq!(f64::NAN.rank(signed), None);
    assert!((-1_i32).rank(unsigned) > 7_i32.rank(unsigned));
    assert!((-1_i64).rank(signed) < 7_i64.rank(signed));
    let decimal = RankKind {
        is_unsigned: false,
        is_decimal: true,
    };
    let bytes = |value: i16| ByteArray::from(value.to_be_bytes().to_vec());
    assert!(bytes(-300).rank(decimal) < bytes(-1).rank(decimal));
    assert!(bytes(-1).rank(decimal) < bytes(258).rank(decimal));
}

proptest! {
    #[test]
    fn orders_are_ranks(value in any::<i64>(), other in any::<i64>(), is_unsigned in any::<bool>()) {
        let kind = RankKind { is_unsigned, is_decimal: false };
        let (a, b) = (value.rank(kind).unwrap(), other.rank(kind).unwrap());
        prop_assert_eq!(a.cmp(&b), value.order(kind).cmp(&other.order(kind)));
        prop_assert_eq!(a.order(kind), value.order(kind));
    }
}
