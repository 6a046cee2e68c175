//! Whether two streams are the same.

use std::hash::Hasher;

use nats_proto::go_json::compact;
use siphasher::sip::SipHasher13;
use stream_index::{Filter, Steps, Walk};

use crate::Stream;

impl<W> Stream<W> {
    /// A number that is the same for streams to which the same events were applied, wherever their messages lie. It
    /// covers all that is committed but the ids of messages, which are forgotten by the clock of whoever decides, and
    /// takes a walk over all messages: for tests and comparisons, not for every turn.
    pub fn digest(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write_u64(self.meta.id);
        hasher.write(&compact(&self.meta.config));
        hasher.write_u64(self.index.last_seq());
        hasher.write_i64(self.index.last_time().unwrap_or(i64::MIN));
        hasher.write_u8(u8::from(self.is_fresh));
        write_text(&mut hasher, &self.last_id);
        for (source, seq) in self.positions.behind(None) {
            write_text(&mut hasher, source);
            hasher.write_u64(seq);
        }
        let mut from = 0;
        while let Walk::Found(row) = self.index.next(&Filter::all(), from, &mut Steps::new(u32::MAX)) {
            hasher.write_u64(row.seq);
            hasher.write_i64(row.time);
            hasher.write_u32(row.size);
            hasher.write_u8(row.flags.bits());
            hasher.write_i64(self.calendar.end_of(row.seq).unwrap_or(0));
            hasher.write_i64(self.timetable.due_of(row.seq).unwrap_or(i64::MIN));
            write_text(&mut hasher, self.index.subject(row.subject));
            from = row.seq + 1;
        }
        hasher.finish()
    }
}

/// With its length, so that no two rows can be told as others.
fn write_text(hasher: &mut SipHasher13, text: &[u8]) {
    hasher.write_usize(text.len());
    hasher.write(text);
}
