//! The body of the fuzz target: what must hold for any records at all.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it with
//! the saved bytes. What a log's checksum lets through was written by somebody; it may still be nonsense.

use js_proto::{ConfigLimits, Nanos, StreamConfig};
use log_format::{Kind, Record};
use stream_index::{Filter, Place, Steps, Walk};

use crate::{BEHAVIOUR_LEVEL, Rebuild, Stream, StreamMeta};

const SUBJECTS: [&[u8]; 4] = [b"s.a", b"s.b", b"s.*", b""];

const HEADERS: [&[u8]; 8] = [
    b"",
    b"NATS/1.0\r\nNats-Rollup: sub\r\n\r\n",
    b"NATS/1.0\r\nNats-Rollup: all\r\nNats-Msg-Id: x\r\n\r\n",
    b"NATS/1.0\r\nKV-Operation: PURGE\r\n\r\n",
    b"\r\n:",
    b"NATS/1.0\r\nNats-Schedule: @every 1s\r\nNats-Schedule-Target: s.b\r\n\r\n",
    b"NATS/1.0\r\nNats-Scheduler: s.a\r\nNats-Schedule-Next: purge\r\n\r\n",
    b"NATS/1.0\r\nNats-Scheduler: s.a\r\nNats-Schedule-Next: 2030-01-01T00:00:00Z\r\n\r\n",
];

/// Reads `data` as records, gives them to a stream one by one and has one rebuilt of them: counters are what a count
/// gives, and without states among the records both are the same.
pub fn records(data: &[u8]) {
    let config = StreamConfig {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        max_msgs: 5,
        max_msgs_per_subject: 3,
        allow_rollup_hdrs: true,
        allow_msg_schedules: true,
        max_age: Nanos::from_secs(9),
        ..StreamConfig::default()
    };
    let config = config.settled(&ConfigLimits::default(), false).expect("it is a good one");
    let meta = StreamMeta {
        id: 1,
        level: BEHAVIOUR_LEVEL,
        created: 0,
        lane: 0,
        id_key: [5; 16],
        is_whole: true,
        config,
    };
    let mut stream = Stream::<()>::new(meta.clone());
    let mut rebuild = Rebuild::new(meta);
    let mut has_state = false;
    for (at, record) in (Records { data }).enumerate() {
        let place = Place { segment: 0, offset: at as u32 };
        let replayed = stream.replay(&record, place, &mut Vec::new());
        stream.work(&mut Steps::new(40), &mut Vec::new());
        has_state |= matches!(record.kind, Kind::STREAM_STATE | Kind::DEDUP_CHUNK);
        let rebuilt = rebuild.on_record(&record, place);
        assert!(has_state || replayed == rebuilt, "{replayed:?} and {rebuilt:?}");
    }
    let mut effects = Vec::new();
    let rebuilt = rebuild.finish(&mut effects);
    stream.work(&mut Steps::new(u32::MAX), &mut effects);
    check_counters(&stream);
    check_counters(&rebuilt);
    assert!(has_state || stream.digest() == rebuilt.digest());
}

fn check_counters<W>(stream: &Stream<W>) {
    let (mut messages, mut bytes, mut from) = (0, 0, 0);
    while let Walk::Found(row) = stream.index().next(&Filter::all(), from, &mut Steps::new(u32::MAX)) {
        messages += 1;
        bytes += u64::from(row.size);
        from = row.seq + 1;
    }
    let state = stream.state();
    assert_eq!((state.messages, state.bytes), (messages, bytes));
}

/// Bytes as records.
struct Records<'a> {
    data: &'a [u8],
}

impl<'a> Records<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.data.split_at_checked(len)?;
        self.data = rest;
        Some(taken)
    }

    /// Small ones mostly.
    fn number(&mut self) -> Option<u64> {
        match self.take(1)?[0] {
            255 => Some(u64::from_le_bytes(self.take(8)?.try_into().expect("as many were taken"))),
            small => Some(u64::from(small)),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let kind = Kind(self.take(1)?[0] % 24);
        let (seq, time) = (self.number()?, self.number()?.cast_signed());
        let choice = usize::from(self.take(1)?[0]);
        let ttl = (choice & 1 > 0).then(|| self.number().unwrap_or(0).cast_signed());
        let message_id = (choice & 2 > 0).then(|| [self.number().unwrap_or(0) as u8; 16]);
        let subject = SUBJECTS[choice >> 2 & 3];
        let header = HEADERS[(choice >> 4) % HEADERS.len()];
        let len = usize::from(self.take(1)?[0]) % 64;
        let payload = self.take(len.min(self.data.len()))?;
        Some(Record { kind, group: 0, seq, time, ttl, message_id, subject, header, payload })
    }
}
