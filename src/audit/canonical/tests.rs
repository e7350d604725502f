//! Words and bytes of values.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn equal_values_have_equal_words_and_bytes_and_other_values_other_bytes(
        a in prop::collection::vec(any::<u8>(), 0..20),
        b in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let run = |value: &[u8]| LeafRun {
            values: vec![ByteArray::from(value.to_vec())],
            ..LeafRun::default()
        };
        let canonical = |value: &[u8]| {
            let (mut found, mut into) = (Vec::new(), Vec::new());
            words(&run(value), 0, |_, word| found.push(word));
            bytes(&run(value), 0, &mut into);
            (found, into)
        };
        prop_assert_eq!(canonical(&a), canonical(&a.clone()));
        prop_assert_eq!(canonical(&a).1 == canonical(&b).1, a == b);
    }
}
