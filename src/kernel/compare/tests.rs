//! Comparisons at the edges of the types.

use super::Operator::*;
use super::*;

#[test]
fn integers_and_floats_compare_exactly() {
    let big = (1_i64 << 53) + 1;
    for (value, operator, constant, expected) in [
        (Value::Integer(3), Greater, Constant::Float(2.5), true),
        (Value::Integer(2), Greater, Constant::Float(2.5), false),
        (Value::Integer(-3), Less, Constant::Float(-2.5), true),
        (
            Value::Integer(big),
            Equal,
            Constant::Float(big as f64),
            false,
        ),
        (
            Value::Float(big as f64),
            Less,
            Constant::Integer(big.into()),
            true,
        ),
        (
            Value::Unsigned(u64::MAX),
            Less,
            Constant::Integer(1 << 64),
            true,
        ),
        (
            Value::Unsigned(u64::MAX),
            Less,
            Constant::Float(1e300),
            true,
        ),
        (
            Value::Integer(0),
            Greater,
            Constant::Float(f64::NEG_INFINITY),
            true,
        ),
        (Value::Float(-0.0), Equal, Constant::Integer(0), true),
        (
            Value::Float(f64::INFINITY),
            GreaterOrEqual,
            Constant::Integer(5),
            true,
        ),
        (
            Value::Boolean(true),
            Greater,
            Constant::Boolean(false),
            true,
        ),
        (
            Value::Bytes(b"b"),
            Greater,
            Constant::Bytes(b"abc".to_vec()),
            true,
        ),
        (
            Value::Bytes(b"a"),
            NotEqual,
            Constant::Bytes(b"a".to_vec()),
            false,
        ),
    ] {
        let found = operator.holds(value, &constant);
        assert_eq!(found, expected, "{value:?} {operator:?} {constant:?}");
    }
}

#[test]
fn nothing_holds_for_a_null_or_nan() {
    let operators = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
    for operator in operators {
        for value in [Value::Null, Value::Float(f64::NAN)] {
            for constant in [Constant::Integer(0), Constant::Float(0.5)] {
                assert!(!operator.holds(value, &constant), "{value:?} {operator:?}");
            }
        }
    }
}
