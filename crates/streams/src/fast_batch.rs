//! One fast batch: what its publisher is told of it, and when it is over.
//!
//! Each message of such a batch is stored by itself, and told of now and then. What is told here follows from messages in
//! their order alone, as if each was stored at once; whoever tells it waits until all that was decided before is
//! committed, so that no word runs ahead of the disk.

use js_proto::{ApiError, FastBatchOp};

/// The longest interval that is granted. Batches of a stream that are open together part it.
const INTERVAL_MAX: u16 = 500;

/// Something that the publisher of a fast batch is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FastWord {
    /// All up to that message is stored, and the next such word comes so many messages later.
    Stored {
        /// Which message of the batch.
        up_to: u64,
        /// How many.
        interval: u16,
    },
    /// Messages are missing.
    Gap {
        /// The first of them.
        first: u64,
        /// What came instead.
        came: u64,
    },
    /// A message is not stored. The batch may go on.
    Error {
        /// Which one.
        seq: u64,
        /// Why.
        error: ApiError,
    },
    /// The batch is over.
    End {
        /// What its publisher calls it.
        id: Box<[u8]>,
        /// The sequence in the stream of the last one that was stored; zero if none was.
        seq: u64,
        /// How many messages it had.
        count: u64,
        /// It had one message, which is there already.
        is_duplicate: bool,
    },
    /// The batch is over as its first message is not stored.
    Refused(ApiError),
}

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    On,
    /// It is over.
    Ended,
    /// A message is to be stored first, if it may.
    Store,
}

/// A batch, which is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FastBatch {
    /// Whether it goes on where messages are missing.
    may_have_gaps: bool,
    /// The longest interval that its publisher wants.
    interval_max: u16,
    /// The one it is granted.
    interval: u16,
    /// Its last message so far.
    last: u64,
    /// Which one was told of last.
    told: u64,
    /// The sequence in the stream of the last one that was stored.
    stored: u64,
}

/// A message of a batch, and what is to be said of it.
#[derive(Debug)]
pub(crate) struct Telling<'a> {
    pub(crate) message: &'a js_proto::FastBatch<'a>,
    /// How many batches the stream has open, this one among them.
    pub(crate) open: usize,
    pub(crate) words: Vec<FastWord>,
}

impl Telling<'_> {
    fn commits(&self) -> bool {
        matches!(self.message.op, FastBatchOp::Commit | FastBatchOp::CommitWithout)
    }
}

impl FastBatch {
    /// The one that a message begins.
    pub(crate) fn new(message: &js_proto::FastBatch<'_>, open: usize) -> Self {
        // Who is not alone begins slowly.
        let granted = if open > 1 { 1 } else { INTERVAL_MAX };
        Self {
            may_have_gaps: message.gap_ok,
            interval_max: message.flow,
            interval: message.flow.min(granted),
            last: 0,
            told: 0,
            stored: 0,
        }
    }

    /// A message came, or a question. `tells_start` says whether the first message is told of.
    pub(crate) fn on_message(&mut self, telling: &mut Telling<'_>, tells_start: bool) -> Goes {
        let js_proto::FastBatch { seq, op, .. } = *telling.message;
        if op == FastBatchOp::Ping {
            return self.on_ping(telling);
        }
        let next = self.last + 1;
        if seq > next {
            telling.words.push(FastWord::Gap { first: next, came: seq });
        }
        if seq < next || seq > next && !self.may_have_gaps {
            return self.end(telling);
        }
        if op == FastBatchOp::CommitWithout {
            self.last = seq - 1;
            return self.end(telling);
        }
        self.last = seq;
        if seq == 1 && tells_start && !telling.commits() {
            telling.words.push(FastWord::Stored { up_to: 0, interval: self.interval });
        }
        Goes::Store
    }

    /// How far is it? Whoever asks has sent all up to that message.
    fn on_ping(&mut self, telling: &mut Telling<'_>) -> Goes {
        let seq = telling.message.seq;
        if seq > self.last {
            telling.words.push(FastWord::Gap { first: self.last + 1, came: seq + 1 });
            if !self.may_have_gaps {
                return self.end(telling);
            }
            self.last = seq;
            if self.tell_if_due(telling) {
                return Goes::On;
            }
        }
        self.tell(telling);
        Goes::On
    }

    /// The message that came is stored under that sequence, or will be before anybody is told.
    pub(crate) fn on_stored(&mut self, telling: &mut Telling<'_>, seq: u64) -> Goes {
        self.stored = seq;
        if telling.commits() {
            return self.end(telling);
        }
        self.tell_if_due(telling);
        Goes::On
    }

    /// It is there already, under that sequence.
    pub(crate) fn on_duplicate(&mut self, telling: &mut Telling<'_>, seq: u64) -> Goes {
        self.tell_if_due(telling);
        if !telling.commits() {
            return Goes::On;
        }
        if !self.may_have_gaps && self.last == 1 {
            return self.end_with(telling, seq, true);
        }
        self.end(telling)
    }

    /// It is not stored.
    pub(crate) fn on_refused(&mut self, telling: &mut Telling<'_>, error: ApiError) -> Goes {
        if !self.may_have_gaps && self.last == 1 {
            telling.words.push(FastWord::Refused(error));
            return Goes::Ended;
        }
        telling.words.push(FastWord::Error { seq: telling.message.seq, error });
        if self.may_have_gaps && !telling.commits() {
            return Goes::On;
        }
        self.last -= 1;
        self.end(telling)
    }

    fn end(&self, telling: &mut Telling<'_>) -> Goes {
        self.end_with(telling, self.stored, false)
    }

    fn end_with(&self, telling: &mut Telling<'_>, seq: u64, is_duplicate: bool) -> Goes {
        let id = telling.message.id.into();
        telling.words.push(FastWord::End { id, seq, count: self.last, is_duplicate });
        Goes::Ended
    }

    /// Tells how far it is if its interval is over. The next one is longer, or shorter if others want their part.
    fn tell_if_due(&mut self, telling: &mut Telling<'_>) -> bool {
        let interval = u64::from(self.interval);
        let intervals = (self.last - self.told) / interval;
        if intervals == 0 {
            return false;
        }
        self.told += intervals * interval;
        let part = u16::try_from(usize::from(INTERVAL_MAX) / telling.open).unwrap_or(INTERVAL_MAX);
        let most = part.max(1).min(self.interval_max);
        self.interval = if self.interval < most {
            self.interval.saturating_mul(2).min(most)
        } else if self.interval > most {
            (self.interval / 2).max(most)
        } else {
            most
        };
        self.tell(telling);
        true
    }

    fn tell(&self, telling: &mut Telling<'_>) {
        telling.words.push(FastWord::Stored { up_to: self.told, interval: self.interval });
    }
}

#[cfg(test)]
mod tests {
    use js_proto::errors;

    use super::FastWord::{Gap, Refused, Stored};
    use super::*;

    /// What becomes of a message.
    #[derive(Clone, Copy)]
    enum Fate {
        Stored(u64),
        Duplicate(u64),
        Refused,
    }

    /// A batch, as long as it is open, with others beside it.
    struct Run {
        batch: Option<FastBatch>,
        gap_ok: bool,
        flow: u16,
        open: usize,
    }

    fn run(gap_ok: bool, flow: u16) -> Run {
        Run { batch: None, gap_ok, flow, open: 1 }
    }

    impl Run {
        fn say(&mut self, seq: u64, op: FastBatchOp, fate: Fate) -> Vec<FastWord> {
            let message = js_proto::FastBatch { id: b"B", flow: self.flow, gap_ok: self.gap_ok, seq, op };
            let mut batch = self.batch.take().unwrap_or_else(|| FastBatch::new(&message, self.open));
            let mut telling = Telling { message: &message, open: self.open, words: Vec::new() };
            let goes = match (batch.on_message(&mut telling, true), fate) {
                (Goes::Store, Fate::Stored(seq)) => batch.on_stored(&mut telling, seq),
                (Goes::Store, Fate::Duplicate(seq)) => batch.on_duplicate(&mut telling, seq),
                (Goes::Store, Fate::Refused) => batch.on_refused(&mut telling, error()),
                (goes, _) => goes,
            };
            self.batch = (goes == Goes::On).then_some(batch);
            telling.words
        }

        fn store(&mut self, seq: u64) -> Vec<FastWord> {
            self.say(seq, if seq == 1 { FastBatchOp::Start } else { FastBatchOp::Append }, Fate::Stored(seq))
        }
    }

    fn error() -> ApiError {
        errors::STREAM_NOT_MATCH.error()
    }

    fn failed(seq: u64) -> FastWord {
        FastWord::Error { seq, error: error() }
    }

    fn ack(up_to: u64, interval: u16) -> FastWord {
        Stored { up_to, interval }
    }

    fn end(seq: u64, count: u64) -> FastWord {
        FastWord::End { id: b"B"[..].into(), seq, count, is_duplicate: false }
    }

    const NOTHING: [FastWord; 0] = [];

    #[test]
    fn every_so_many_messages_are_told_of() {
        let mut run = run(false, 3);
        assert_eq!(run.store(1), [ack(0, 3)]);
        let told: Vec<_> = (2..10).map(|seq| run.store(seq)).filter(|words| !words.is_empty()).collect();
        assert_eq!(told, [[ack(3, 3)], [ack(6, 3)], [ack(9, 3)]]);
        assert_eq!(run.say(10, FastBatchOp::Commit, Fate::Stored(10)), [end(10, 10)]);
        assert_eq!(run.batch, None);
    }

    #[test]
    fn who_is_not_alone_begins_slowly_and_parts_what_there_is() {
        let mut run = run(false, 1_000);
        run.open = 2;
        assert_eq!(run.store(1), [ack(0, 1), ack(1, 2)]);
        let told: Vec<_> = (2..600).flat_map(|seq| run.store(seq)).collect();
        let doubled = [(3, 4), (7, 8), (15, 16), (31, 32), (63, 64), (127, 128), (255, 250), (505, 250)];
        assert_eq!(told, doubled.map(|(up_to, interval)| ack(up_to, interval)));
        run.open = 10;
        let told: Vec<_> = (600..1_100).flat_map(|seq| run.store(seq)).collect();
        let halved = [(755, 125), (880, 62), (942, 50), (992, 50), (1_042, 50), (1_092, 50)];
        assert_eq!(told, halved.map(|(up_to, interval)| ack(up_to, interval)));
    }

    #[test]
    fn what_is_wished_is_granted_up_to_a_bound() {
        assert_eq!(run(false, u16::MAX).store(1), [ack(0, 500)]);
        let mut crowded = run(false, 7);
        crowded.open = 1_000;
        assert_eq!(crowded.store(1), [ack(0, 1), ack(1, 1)]);
    }

    /// Recorded: `fast-gap-fail`, `fast-restart-seq1`.
    #[test]
    fn a_batch_that_may_have_no_gaps_ends_at_one() {
        let mut run = run(false, 10);
        run.store(1);
        assert_eq!(run.store(3), [Gap { first: 2, came: 3 }, end(1, 1)]);
        run.store(1);
        run.store(2);
        assert_eq!(run.store(1), [end(2, 2)], "what comes again ends it as well");
        assert_eq!(run.batch, None);
    }

    #[test]
    fn a_batch_that_may_have_gaps_goes_on() {
        let mut run = run(true, 10);
        run.store(1);
        assert_eq!(run.store(4), [Gap { first: 2, came: 4 }]);
        assert_eq!(run.store(25), [Gap { first: 5, came: 25 }, ack(20, 10)], "one word for two intervals");
        assert_eq!(run.store(7), [end(25, 25)], "it does not go back");
    }

    /// Recorded: `fast-eob`.
    #[test]
    fn the_word_that_ends_it_is_no_message() {
        let mut run = run(true, 10);
        run.store(1);
        run.store(2);
        assert_eq!(run.say(3, FastBatchOp::CommitWithout, Fate::Refused), [end(2, 2)]);
        run.store(1);
        let ends = run.say(5, FastBatchOp::CommitWithout, Fate::Refused);
        assert_eq!(ends, [Gap { first: 2, came: 5 }, end(1, 4)]);
    }

    #[test]
    fn one_message_may_be_all_of_it() {
        let mut run = run(false, 10);
        assert_eq!(run.say(1, FastBatchOp::Commit, Fate::Stored(7)), [end(7, 1)]);
        assert_eq!(run.say(1, FastBatchOp::Commit, Fate::Refused), [Refused(error())]);
        let is_there = FastWord::End { id: b"B"[..].into(), seq: 7, count: 1, is_duplicate: true };
        assert_eq!(run.say(1, FastBatchOp::Commit, Fate::Duplicate(7)), [is_there]);
        run.gap_ok = true;
        assert_eq!(run.say(1, FastBatchOp::Commit, Fate::Refused), [failed(1), end(0, 0)]);
        assert_eq!(run.say(1, FastBatchOp::Commit, Fate::Duplicate(7)), [end(0, 1)]);
        assert_eq!(run.batch, None);
    }

    #[test]
    fn a_message_that_is_refused_ends_a_batch_without_gaps() {
        let mut run = run(false, 10);
        assert_eq!(run.say(1, FastBatchOp::Start, Fate::Refused), [ack(0, 10), Refused(error())]);
        run.store(1);
        run.store(2);
        assert_eq!(run.say(3, FastBatchOp::Append, Fate::Refused), [failed(3), end(2, 2)]);
        run.store(1);
        assert_eq!(run.say(2, FastBatchOp::Commit, Fate::Refused), [failed(2), end(1, 1)]);
        assert_eq!(run.batch, None);
    }

    #[test]
    fn a_message_that_is_refused_is_a_gap_where_those_may_be() {
        let mut run = run(true, 2);
        assert_eq!(run.say(1, FastBatchOp::Start, Fate::Refused), [ack(0, 2), failed(1)]);
        assert_eq!(run.say(2, FastBatchOp::Append, Fate::Refused), [failed(2)], "no interval ends with it");
        assert_eq!(run.store(3), [ack(2, 2)]);
        assert_eq!(run.say(4, FastBatchOp::Commit, Fate::Refused), [failed(4), end(3, 3)]);
    }

    #[test]
    fn what_is_there_already_counts() {
        let mut run = run(false, 2);
        run.store(1);
        assert_eq!(run.say(2, FastBatchOp::Append, Fate::Duplicate(1)), [ack(2, 2)]);
        assert_eq!(run.say(3, FastBatchOp::Append, Fate::Duplicate(1)), NOTHING);
        assert_eq!(run.say(4, FastBatchOp::Commit, Fate::Duplicate(1)), [ack(4, 2), end(1, 4)]);
    }

    #[test]
    fn a_ping_is_told_how_far_it_is() {
        let mut run = run(false, 2);
        (1..4).for_each(|seq| _ = run.store(seq));
        assert_eq!(run.say(3, FastBatchOp::Ping, Fate::Refused), [ack(2, 2)]);
        assert_eq!(run.say(1, FastBatchOp::Ping, Fate::Refused), [ack(2, 2)]);
        let ends = run.say(5, FastBatchOp::Ping, Fate::Refused);
        assert_eq!(ends, [Gap { first: 4, came: 6 }, end(3, 3)]);
        assert_eq!(run.say(1, FastBatchOp::Ping, Fate::Refused), [Gap { first: 1, came: 2 }, end(0, 0)]);
    }

    #[test]
    fn a_ping_takes_what_is_missing_for_lost() {
        let mut run = run(true, 4);
        run.store(1);
        assert_eq!(run.say(2, FastBatchOp::Ping, Fate::Refused), [Gap { first: 2, came: 3 }, ack(0, 4)]);
        assert_eq!(run.say(9, FastBatchOp::Ping, Fate::Refused), [Gap { first: 3, came: 10 }, ack(8, 4)]);
        assert_eq!(run.store(10), NOTHING);
    }
}
