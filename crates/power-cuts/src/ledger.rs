//! What the server promised, and which promises were broken.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::Member;

/// A kind of promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A message that was acknowledged is not there.
    Lost,
    /// A sequence has another content than it was served with before.
    ServedTwice,
    /// What was purged or deleted is there.
    CameBack,
    /// A message whose acknowledgement was confirmed was delivered again.
    Redelivered,
    /// A message is there, and the consumer never delivers it.
    NeverDelivered,
    /// A message with an id is there more than once.
    Doubled,
    /// Some of a batch is there, and some is not, or is elsewhere.
    Torn,
    /// The stream is gone.
    StreamGone,
    /// The consumer is gone.
    ConsumerGone,
    /// The server does not start any more.
    NoStart,
    /// It says of files that they are not what it wrote.
    Rotten,
}

/// Removals that were asked for, and perhaps answered.
#[derive(Clone, Debug, Default)]
struct Removals {
    /// Everything below this sequence.
    below: u64,
    one_by_one: BTreeSet<u64>,
}

impl Removals {
    fn has(&self, seq: u64) -> bool {
        seq < self.below || self.one_by_one.contains(&seq)
    }
}

/// All promises of a life.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Acknowledged messages by sequence. Whether they were removed since stands elsewhere.
    acked: BTreeMap<u64, String>,
    /// Everything that was served under a sequence.
    served: BTreeMap<u64, String>,
    removed: Removals,
    /// Not answered: such a message may be there or not.
    maybe_removed: Removals,
    /// Confirmed before the last restart.
    confirmed: BTreeSet<u64>,
    /// Confirmed since. A delivery that crosses its confirmation on the way is none after it.
    confirmed_since: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    broken: BTreeMap<Broken, u64>,
    examples: Vec<String>,
    acks: u64,
    /// What is acknowledged and was not shown to anybody may be taken back, from the end of the stream.
    may_take_back: bool,
    taken_back: u64,
}

/// Broken promises of a kind that are told word by word.
const EXAMPLES_MAX: u64 = 3;

impl Ledger {
    /// How many messages were acknowledged so far.
    #[must_use]
    pub fn acks(&self) -> u64 {
        self.acks
    }

    /// How many acknowledgements of deliveries are confirmed.
    #[must_use]
    pub fn confirmations(&self) -> u64 {
        (self.confirmed.len() + self.confirmed_since.len()) as u64
    }

    /// The same of a stream that acknowledges before it syncs: what it acknowledges is no promise before it is shown.
    #[must_use]
    pub fn of_an_asynchronous_stream() -> Self {
        Self { may_take_back: true, ..Self::default() }
    }

    /// How many acknowledged messages were taken back, which was allowed.
    #[must_use]
    pub fn taken_back(&self) -> u64 {
        self.taken_back
    }

    /// What was broken, and how often.
    #[must_use]
    pub fn broken(&self) -> &BTreeMap<Broken, u64> {
        &self.broken
    }

    /// The first broken promises in words.
    #[must_use]
    pub fn examples(&self) -> &[String] {
        &self.examples
    }

    /// A promise was broken.
    pub fn note(&mut self, broken: Broken, words: String) {
        let count = self.broken.entry(broken).or_default();
        *count += 1;
        if *count <= EXAMPLES_MAX {
            self.examples.push(format!("{broken:?}: {words}"));
        }
    }

    /// The server acknowledged a message under this sequence.
    pub fn on_acked(&mut self, seq: u64, payload: &str) {
        self.acks += 1;
        if !self.may_take_back {
            self.on_served(seq, payload);
        }
        self.acked.insert(seq, payload.to_owned());
    }

    fn on_served(&mut self, seq: u64, payload: &str) {
        if let Some(before) = self.served.insert(seq, payload.to_owned())
            && before != payload
        {
            self.note(Broken::ServedTwice, format!("{seq} was {before:.40} and is {payload:.40}"));
        }
    }

    /// A purge of everything below is asked for.
    pub fn on_purge_asked(&mut self, below: u64) {
        self.maybe_removed.below = self.maybe_removed.below.max(below);
    }

    /// And was answered.
    pub fn on_purged(&mut self, below: u64) {
        self.removed.below = self.removed.below.max(below);
    }

    /// A removal of these is asked for.
    pub fn on_removal_asked(&mut self, seqs: &[u64]) {
        self.maybe_removed.one_by_one.extend(seqs);
    }

    /// And was answered.
    pub fn on_removed(&mut self, seqs: &[u64]) {
        self.removed.one_by_one.extend(seqs);
    }

    /// A message that is there and may be removed, with this chance in hand.
    #[must_use]
    pub fn some_acked(&self, roll: u64) -> Option<u64> {
        let (first, last) = (*self.acked.first_key_value()?.0, *self.acked.last_key_value()?.0);
        let from = first + roll % (last - first + 1);
        let there = |seq: &u64| !self.removed.has(*seq) && !self.maybe_removed.has(*seq);
        self.acked.range(from..).map(|(seq, _)| *seq).find(there)
    }

    /// The highest sequence that was acknowledged.
    #[must_use]
    pub fn last_acked(&self) -> u64 {
        self.acked.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// The consumer was given a message.
    pub fn on_delivered(&mut self, seq: u64, payload: &str) {
        self.on_served(seq, payload);
        self.delivered.insert(seq);
        if self.confirmed.remove(&seq) {
            self.note(Broken::Redelivered, format!("{seq} after its acknowledgement was confirmed"));
        }
    }

    /// The server confirmed the consumer's acknowledgement.
    pub fn on_confirmed(&mut self, seq: u64) {
        self.confirmed_since.insert(seq);
    }

    /// After a restart: everything that is there. What is not promised any more is forgotten.
    pub fn on_contents(&mut self, there: &BTreeMap<u64, String>) {
        self.confirmed.append(&mut self.confirmed_since);
        let last = there.last_key_value().map_or(0, |(seq, _)| *seq);
        for (seq, payload) in std::mem::take(&mut self.acked) {
            if there.contains_key(&seq) {
                // Whatever was acknowledged is what it was.
                self.on_served(seq, &payload);
                self.acked.insert(seq, payload);
            } else if self.may_take_back && seq > last && !self.served.contains_key(&seq) {
                self.taken_back += 1;
            } else {
                self.on_absent(seq, &payload);
            }
        }
        for (seq, payload) in there {
            if self.removed.has(*seq) {
                self.note(Broken::CameBack, format!("{seq}, {payload:.40}"));
                self.removed.one_by_one.remove(seq);
            }
            self.on_served(*seq, payload);
        }
        self.check_doubles(there);
        self.check_batches(there);
        // What was asked and not answered is as it is now.
        let asked = std::mem::take(&mut self.maybe_removed);
        // What was taken back is not removed: its sequence is given again.
        let is_gone = |seq: &u64| !there.contains_key(seq) && (*seq < last || !self.may_take_back);
        let below = (self.removed.below..asked.below).filter(is_gone);
        let single = asked.one_by_one.iter().copied().filter(is_gone);
        let now_removed: Vec<u64> = below.chain(single).collect();
        self.removed.one_by_one.extend(now_removed);
    }

    fn on_absent(&mut self, seq: u64, payload: &str) {
        if !self.removed.has(seq) && !self.maybe_removed.has(seq) {
            self.note(Broken::Lost, format!("{seq}, {payload:.40}"));
            // Its number may be given to another now, which is the same mishap.
            self.served.remove(&seq);
            self.confirmed.remove(&seq);
            self.delivered.remove(&seq);
        }
    }

    /// Payloads are unique, and published with an id of their own.
    fn check_doubles(&mut self, there: &BTreeMap<u64, String>) {
        let mut first: BTreeMap<&str, u64> = BTreeMap::new();
        for (seq, payload) in there {
            if let Some(other) = first.insert(payload, *seq) {
                self.note(Broken::Doubled, format!("{payload:.40} is {other} and {seq}"));
            }
        }
    }

    /// Of a batch that is there all is, side by side, but for what was removed: whether it was acknowledged or not.
    fn check_batches(&mut self, there: &BTreeMap<u64, String>) {
        let mut torn = BTreeMap::new();
        for (seq, payload) in there {
            let Some(Member { batch, index, count }) = Member::read(payload) else { continue };
            let first = seq.wrapping_sub(index);
            let is_whole = (0..count).all(|index| {
                let seq = first.wrapping_add(index);
                let known = there.get(&seq).map(|payload| Member::read(payload));
                match known {
                    Some(known) => known == Some(Member { batch, index, count }),
                    None => self.removed.has(seq) || self.maybe_removed.has(seq),
                }
            });
            if !is_whole {
                torn.entry(batch).or_insert(*seq);
            }
        }
        for (batch, seq) in torn {
            self.note(Broken::Torn, format!("{batch}, of which {seq} is there"));
        }
    }

    /// The consumer has nothing more to deliver: of what is there all was delivered.
    pub fn on_drained(&mut self, there: &BTreeMap<u64, String>) {
        for seq in there.keys() {
            if self.delivered.insert(*seq) {
                self.note(Broken::NeverDelivered, format!("{seq}"));
            }
        }
    }

    /// The stream is gone and everything with it.
    pub fn on_stream_gone(&mut self) {
        let there = |seq: &u64| !self.removed.has(*seq) && !self.maybe_removed.has(*seq);
        let lost = self.acked.keys().filter(|seq| there(seq)).count();
        self.note(Broken::StreamGone, format!("with {lost} acknowledged messages"));
        *self.broken.entry(Broken::Lost).or_default() += lost as u64;
        let Self { broken, examples, acks, may_take_back, taken_back, .. } = std::mem::take(self);
        *self = Self { broken, examples, acks, may_take_back, taken_back, ..Self::default() };
    }

    /// The consumer is gone.
    pub fn on_consumer_gone(&mut self) {
        self.confirmed.append(&mut self.confirmed_since);
        self.note(Broken::ConsumerGone, format!("with {} confirmed acknowledgements", self.confirmed.len()));
        self.confirmed.clear();
        self.delivered.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(messages: &[(u64, &str)]) -> BTreeMap<u64, String> {
        messages.iter().map(|(seq, payload)| (*seq, (*payload).to_owned())).collect()
    }

    fn found(ledger: &Ledger) -> Vec<(Broken, u64)> {
        ledger.broken().iter().map(|(broken, count)| (*broken, *count)).collect()
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.on_acked(1, "a");
        ledger.on_acked(2, "b");
        ledger.on_acked(3, "c");
        ledger
    }

    #[test]
    fn all_that_was_promised_is_no_complaint() {
        let mut ledger = ledger();
        ledger.on_removal_asked(&[2]);
        ledger.on_contents(&there(&[(1, "a"), (2, "b"), (3, "c"), (4, "not acknowledged")]));
        ledger.on_removed(&[2]);
        ledger.on_contents(&there(&[(1, "a"), (3, "c")]));
        ledger.on_purge_asked(3);
        ledger.on_contents(&there(&[(3, "c")]));
        assert_eq!(found(&ledger), []);
    }

    #[test]
    fn a_missing_message_is_lost_once() {
        let mut ledger = ledger();
        ledger.on_contents(&there(&[(1, "a")]));
        ledger.on_acked(2, "another");
        ledger.on_contents(&there(&[(1, "a"), (2, "another")]));
        assert_eq!(found(&ledger), [(Broken::Lost, 2)]);
        assert_eq!(ledger.acks(), 4);
    }

    #[test]
    fn a_sequence_may_not_be_two_messages() {
        let mut ledger = ledger();
        ledger.on_delivered(4, "seen");
        ledger.on_acked(4, "other");
        ledger.on_contents(&there(&[(1, "x"), (2, "b"), (3, "c"), (4, "other")]));
        assert_eq!(found(&ledger), [(Broken::ServedTwice, 2)]);
    }

    #[test]
    fn what_was_removed_stays_away() {
        let mut ledger = ledger();
        ledger.on_purged(2);
        ledger.on_removed(&[3]);
        ledger.on_contents(&there(&[(1, "a"), (2, "b"), (3, "c")]));
        assert_eq!(found(&ledger), [(Broken::CameBack, 2)]);
    }

    #[test]
    fn a_removal_that_was_seen_to_be_done_stays_done() {
        let mut ledger = ledger();
        ledger.on_removal_asked(&[1]);
        ledger.on_contents(&there(&[(2, "b"), (3, "c")]));
        ledger.on_contents(&there(&[(1, "a"), (2, "b"), (3, "c")]));
        assert_eq!(found(&ledger), [(Broken::CameBack, 1)]);
    }

    #[test]
    fn a_confirmed_acknowledgement_is_the_end_of_it() {
        let mut ledger = ledger();
        ledger.on_delivered(1, "a");
        ledger.on_delivered(1, "a");
        ledger.on_confirmed(1);
        ledger.on_delivered(1, "a");
        assert_eq!(found(&ledger), []);
        ledger.on_contents(&there(&[(1, "a"), (2, "b"), (3, "c")]));
        ledger.on_delivered(1, "a");
        assert_eq!(found(&ledger), [(Broken::Redelivered, 1)]);
        ledger.on_drained(&there(&[(1, "a"), (2, "b")]));
        assert_eq!(found(&ledger), [(Broken::Redelivered, 1), (Broken::NeverDelivered, 1)]);
    }

    #[test]
    fn an_id_is_there_once() {
        let mut ledger = ledger();
        ledger.on_contents(&there(&[(1, "a"), (2, "b"), (3, "c"), (4, "a")]));
        assert_eq!(found(&ledger), [(Broken::Doubled, 1)]);
    }

    #[test]
    fn a_batch_is_there_or_not_but_for_what_was_removed() {
        let batch = [(4, "b7_0_3-x"), (5, "b7_1_3-x"), (6, "b7_2_3-x")];
        let all = [&[(1, "a"), (2, "b"), (3, "c")], &batch[..]].concat();
        let torn = |there: &[(u64, &str)], removed: &[u64]| {
            let mut ledger = ledger();
            ledger.on_removal_asked(removed);
            ledger.on_contents(&self::there(there));
            ledger.broken().get(&Broken::Torn).copied()
        };
        assert_eq!([torn(&all, &[]), torn(&all[..3], &[])], [None, None]);
        assert_eq!([torn(&all[..5], &[]), torn(&all[..5], &[6])], [Some(1), None]);
        assert_eq!(torn(&[&all[..4], &[(5, "between"), (6, "b7_1_3-x")]].concat(), &[]), Some(1));
    }

    #[test]
    fn an_asynchronous_stream_may_lose_its_end_if_nobody_saw_it() {
        let after = |delivered: &[u64], left: &[(u64, &str)]| {
            let mut ledger = Ledger::of_an_asynchronous_stream();
            for (seq, payload) in [(1, "a"), (2, "b"), (3, "c")] {
                ledger.on_acked(seq, payload);
            }
            delivered.iter().for_each(|seq| ledger.on_delivered(*seq, "b"));
            ledger.on_contents(&there(left));
            (ledger.taken_back(), found(&ledger))
        };
        assert_eq!(after(&[], &[(1, "a"), (2, "b")]), (1, vec![]));
        assert_eq!(after(&[], &[(1, "a")]), (2, vec![]));
        assert_eq!(after(&[2], &[(1, "a")]), (1, vec![(Broken::Lost, 1)]), "somebody saw it");
        assert_eq!(after(&[], &[(2, "b")]), (1, vec![(Broken::Lost, 1)]), "it is not the end");
        assert_eq!(after(&[], &[(1, "b")]), (2, vec![(Broken::ServedTwice, 1)]), "it is out of order");
    }

    #[test]
    fn a_sequence_that_was_taken_back_is_given_again() {
        let mut ledger = Ledger::of_an_asynchronous_stream();
        ledger.on_acked(1, "a");
        ledger.on_acked(2, "b");
        ledger.on_removal_asked(&[2]);
        ledger.on_contents(&there(&[(1, "a")]));
        ledger.on_acked(2, "c");
        ledger.on_contents(&there(&[(1, "a"), (2, "c")]));
        assert_eq!((ledger.taken_back(), found(&ledger)), (1, vec![]));
        ledger.on_contents(&there(&[]));
        assert_eq!(found(&ledger), [(Broken::Lost, 2)], "what was found after a cut stays");
    }

    #[test]
    fn with_the_stream_all_is_lost() {
        let mut ledger = ledger();
        ledger.on_removed(&[1]);
        ledger.on_stream_gone();
        ledger.on_consumer_gone();
        ledger.on_contents(&there(&[]));
        assert_eq!(found(&ledger), [(Broken::Lost, 2), (Broken::StreamGone, 1), (Broken::ConsumerGone, 1)]);
    }
}
