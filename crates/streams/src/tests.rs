//! The stream beside a naive one.

mod model;
mod random;
mod run;

use log_format::{Kind, Record};
use proptest::prelude::*;
use stream_index::{Place, Steps};

use crate::meta::tests::meta;
use crate::{Rebuild, Stream};

proptest! {
    /// What the checksum lets through was written by somebody; it may still be nonsense.
    #[test]
    fn whatever_a_record_says_it_is_applied_or_refused(
        records in proptest::collection::vec(
            (0..24_u8, prop_oneof![0..9_u64, any::<u64>()], any::<i64>(), any::<Option<i64>>(), any::<Option<[u8; 16]>>(),
                "[a-c.*>]{0,6}", "(Nats-Rollup: (sub|all)\r\n|Nats-Msg-Id: x\r\n|\\PC{0,9}\r\n){0,3}",
                proptest::collection::vec(prop_oneof![0..3_u8, any::<u8>()], 0..40)),
            1..20,
        ),
    ) {
        let config = js_proto::StreamConfig { max_msgs: 3, allow_rollup_hdrs: true, ..Default::default() };
        let mut stream = Stream::<()>::new(meta(config.clone()));
        let mut rebuild = Rebuild::<()>::new(meta(config));
        for (at, (kind, seq, time, ttl, message_id, subject, header, payload)) in records.iter().enumerate() {
            let (kind, seq, time, ttl, message_id) = (Kind(*kind), *seq, *time, *ttl, *message_id);
            let (subject, header) = (subject.as_bytes(), header.as_bytes());
            let record = Record { kind, group: 0, seq, time, ttl, message_id, subject, header, payload };
            let place = Place { segment: 0, offset: at as u32 };
            let _ = stream.replay(&record, place, &mut Vec::new());
            stream.work(&mut Steps::new(9), &mut Vec::new());
            let _ = rebuild.on_record(&record, place);
        }
        stream.state();
        rebuild.finish(&mut Vec::new()).state();
    }
}
