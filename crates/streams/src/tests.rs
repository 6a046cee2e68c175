//! The stream beside a naive one, and whatever a record may say.

mod footers;
mod model;
mod model_batches;
mod random;
mod records;
mod run;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_a_record_says_it_is_applied_or_refused(
        records in proptest::collection::vec(
            (0..24_u8, 0..12_u8, 0..40_u8, any::<u8>(), proptest::collection::vec(0..4_u8, 0..30)),
            1..30,
        ),
        others in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut data = Vec::new();
        for (kind, seq, time, choice, payload) in records {
            data.extend_from_slice(&[kind, seq, time, choice, payload.len() as u8]);
            data.extend(payload);
        }
        data.extend(others);
        crate::fuzzing::records(&data);
    }
}
