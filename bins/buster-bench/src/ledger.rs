//! Which messages came: each to every group that wants it, once, in order and whole.
//!
//! A group is one subscriber, or all members of a queue group. What a publisher sent must reach each
//! group it feeds exactly once; and whatever one connection gets of one publisher comes in the order
//! it was sent, gaps allowed only where other members of the group took the rest.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use nats_proto::Message;

use crate::stamp::{self, Stamp};

#[derive(Debug)]
pub(crate) struct Ledger {
    groups: Vec<GroupBook>,
    /// Per subscriber: the lowest number it may get next of each publisher it has heard of.
    next_seqs: Vec<HashMap<u32, u64>>,
    /// Per publisher: the groups that get what it sends.
    feeds: Vec<Range<usize>>,
    payload_bytes: usize,
}

#[derive(Debug, Clone, Default)]
struct GroupBook {
    /// By publisher.
    seen: HashMap<u32, Seen>,
}

/// A set of numbers that is nearly `0..n`: what is complete at its front takes no memory.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// Words of 64 numbers each that are full and gone from `words`.
    full: u64,
    words: VecDeque<u64>,
    count: u64,
}

#[derive(Debug, PartialEq)]
enum Booked {
    New,
    Again,
    /// So far ahead of the rest that nobody can have published it.
    Absurd,
}

/// How far one number may be ahead of the first that is missing, in words: a hundred times what the
/// window of a flow has room for.
const WORDS_MAX: u64 = 1 << 20;

impl Ledger {
    /// `feeds` has a range of groups for each publisher.
    pub(crate) fn new(
        groups: usize,
        subscribers: usize,
        feeds: Vec<Range<usize>>,
        payload_bytes: usize,
    ) -> Self {
        Self {
            groups: vec![GroupBook::default(); groups],
            next_seqs: vec![HashMap::new(); subscribers],
            feeds,
            payload_bytes,
        }
    }

    /// Books a message that `subscriber` of `group` got.
    pub(crate) fn on_message(
        &mut self,
        subscriber: usize,
        group: usize,
        message: &Message<'_>,
    ) -> Result<()> {
        let payload = message.payload();
        let subject = message.subject;
        ensure!(
            payload.len() == self.payload_bytes,
            "{} bytes on {} instead of {}",
            payload.len(),
            String::from_utf8_lossy(subject),
            self.payload_bytes
        );
        let Stamp { publisher, seq } = stamp::read(payload, subject)?;
        let feeds = self.feeds.get(publisher as usize).context("a publisher that is not ours")?;
        ensure!(
            feeds.contains(&group),
            "publisher {publisher}'s {seq} went to a subscriber of something else"
        );
        match self.groups[group].seen.entry(publisher).or_default().insert(seq) {
            Booked::New => {}
            Booked::Again => bail!("publisher {publisher}'s {seq} was delivered twice to group {group}"),
            Booked::Absurd => bail!("publisher {publisher} never got as far as {seq}"),
        }
        let next = self.next_seqs[subscriber].entry(publisher).or_default();
        ensure!(
            seq >= *next,
            "publisher {publisher}'s {seq} came to subscriber {subscriber} after {}",
            *next - 1
        );
        *next = seq + 1;
        Ok(())
    }

    /// Checks that nothing is missing; `published` counts the messages of each publisher.
    pub(crate) fn confirm_complete(&self, published: &[u64]) -> Result<()> {
        let nothing = Seen::default();
        for (publisher, (feeds, published)) in (0..).zip(self.feeds.iter().zip(published)) {
            for group in feeds.clone() {
                let seen = self.groups[group].seen.get(&publisher).unwrap_or(&nothing);
                // As many as were published could still be the wrong ones.
                let missing = seen.first_missing();
                ensure!(
                    seen.count == *published && missing == *published,
                    "group {group} got {} of {published} messages of publisher {publisher}; \
                     the first that is missing is {missing}",
                    seen.count
                );
            }
        }
        Ok(())
    }
}

impl Seen {
    fn insert(&mut self, number: u64) -> Booked {
        let Some(word) = (number / 64).checked_sub(self.full) else {
            return Booked::Again;
        };
        if word >= WORDS_MAX {
            return Booked::Absurd;
        }
        let (word, bit) = (word as usize, 1 << (number % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if self.words[word] & bit != 0 {
            return Booked::Again;
        }
        self.words[word] |= bit;
        self.count += 1;
        while self.words.front() == Some(&u64::MAX) {
            self.words.pop_front();
            self.full += 1;
        }
        Booked::New
    }

    fn first_missing(&self) -> u64 {
        let rest = self.words.front().map_or(0, |word| word.trailing_ones());
        self.full * 64 + u64::from(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 32;

    fn payload(publisher: u32, seq: u64) -> Vec<u8> {
        let mut payload = vec![0; BYTES];
        stamp::write(&mut payload, publisher, seq, stamp::subject_checksum(b"a"));
        payload
    }

    fn deliver(ledger: &mut Ledger, subscriber: usize, group: usize, body: &[u8]) -> Result<()> {
        let message = Message { subject: b"a", sid: b"1", reply: None, header: None, body };
        ledger.on_message(subscriber, group, &message)
    }

    /// Publisher 0 feeds groups 0 and 1, publisher 1 group 2, which has two members.
    fn ledger() -> Ledger {
        Ledger::new(3, 4, vec![0..2, 2..3], BYTES)
    }

    fn error(result: Result<()>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn everything_once_and_in_order_passes() {
        let mut ledger = ledger();
        for seq in 0..100 {
            deliver(&mut ledger, 0, 0, &payload(0, seq)).unwrap();
            deliver(&mut ledger, 1, 1, &payload(0, seq)).unwrap();
            // The members of a group share in any way.
            deliver(&mut ledger, 2 + usize::from(seq % 3 == 0), 2, &payload(1, seq)).unwrap();
        }
        ledger.confirm_complete(&[100, 100]).unwrap();
    }

    #[test]
    fn a_lost_message_is_named() {
        let mut ledger = ledger();
        for seq in (0..100).filter(|seq| *seq != 70) {
            deliver(&mut ledger, 0, 0, &payload(0, seq)).unwrap();
        }
        // One that nobody published does not make up for it.
        deliver(&mut ledger, 0, 0, &payload(0, 100)).unwrap();
        let error = error(ledger.confirm_complete(&[100, 0]));
        assert!(error.contains("100 of 100") && error.contains("missing is 70"), "{error}");
    }

    #[test]
    fn a_duplicate_fails_also_between_members_of_a_group() {
        let mut ledger = ledger();
        deliver(&mut ledger, 2, 2, &payload(1, 0)).unwrap();
        assert!(error(deliver(&mut ledger, 2, 2, &payload(1, 0))).contains("twice"));
        assert!(error(deliver(&mut ledger, 3, 2, &payload(1, 0))).contains("twice"));
    }

    #[test]
    fn a_message_out_of_order_fails() {
        let mut ledger = ledger();
        deliver(&mut ledger, 0, 0, &payload(0, 1)).unwrap();
        assert!(error(deliver(&mut ledger, 0, 0, &payload(0, 0))).contains("after 1"));
    }

    #[test]
    fn what_is_complete_takes_no_memory() {
        let mut seen = Seen::default();
        for number in 0..10_000 {
            assert_eq!(seen.insert(number), Booked::New);
        }
        assert!(seen.words.len() <= 1);
        assert_eq!((seen.first_missing(), seen.count), (10_000, 10_000));
        assert_eq!((seen.insert(3), seen.insert(9_999)), (Booked::Again, Booked::Again));
        assert_eq!(seen.insert(u64::MAX), Booked::Absurd);
    }

    #[test]
    fn a_damaged_cut_or_stray_message_fails() {
        let mut ledger = ledger();
        let mut damaged = payload(0, 0);
        damaged[20] ^= 0x20;
        assert!(error(deliver(&mut ledger, 0, 0, &damaged)).contains("damaged"));
        assert!(error(deliver(&mut ledger, 0, 0, &payload(0, 0)[..31])).contains("31 bytes"));
        assert!(error(deliver(&mut ledger, 2, 2, &payload(0, 0))).contains("something else"));
        assert!(error(deliver(&mut ledger, 0, 0, &payload(9, 0))).contains("not ours"));
    }
}
