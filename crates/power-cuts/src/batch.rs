//! A publisher of batches that are stored whole or not at all.

use std::collections::BTreeMap;

use brittle_disk::Dice;

use crate::requests::{Answer, Gone, Requests};
use crate::round::Round;

/// Batches without an answer at a time.
const WINDOW: usize = 4;

/// Messages of one.
const MESSAGES_MIN: u64 = 2;
const MESSAGES_MAX: u64 = 40;

/// Most messages are small, one in so many is large: some batches take many pages.
const LARGE_ONE_IN: u64 = 30;
const SMALL_BYTES_MAX: u64 = 300;
const LARGE_BYTES_MAX: u64 = 20_000;

pub(crate) struct Batcher<'l> {
    round: &'l Round<'l>,
    requests: Requests,
    dice: Dice,
    /// Batches so far.
    number: u64,
    /// The payloads of batches that have no answer yet, by number.
    unanswered: BTreeMap<u64, Vec<String>>,
}

impl<'l> Batcher<'l> {
    pub(crate) fn new(round: &'l Round<'l>, dice: Dice) -> Self {
        let requests = Requests::connect(round.addr, &format!("{}.batcher", round.name));
        Self { round, requests, dice, number: 0, unanswered: BTreeMap::new() }
    }

    /// Publishes until the server is gone. Nobody sends a batch again.
    pub(crate) fn until_gone(mut self) {
        let _: Result<(), Gone> = self.publish();
        while self.settle().is_ok() {}
    }

    fn publish(&mut self) -> Result<(), Gone> {
        loop {
            while self.unanswered.len() < WINDOW {
                let payloads = self.payloads();
                self.number += 1;
                self.unanswered.insert(self.number, payloads.clone());
                self.send(&payloads)?;
            }
            self.settle()?;
        }
    }

    fn send(&mut self, payloads: &[String]) -> Result<(), Gone> {
        let number = self.number;
        for (seq, payload) in (1..).zip(payloads) {
            let is_last = seq == payloads.len();
            let commit = if is_last { "Nats-Batch-Commit: 1\r\n" } else { "" };
            let header =
                format!("NATS/1.0\r\nNats-Batch-Id: {number}\r\nNats-Batch-Sequence: {seq}\r\n{commit}\r\n");
            let reply = self.requests.inbox(&if is_last { format!("batch.{number}") } else { "held".into() });
            self.requests.publish("cuts.batches", &reply, &header, payload.as_bytes())?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Gone> {
        let message = self.requests.next_message()?;
        let prefix = self.requests.inbox("batch.");
        let Some(number) = message.subject.strip_prefix(&prefix) else { return Ok(()) };
        // One that is refused is told so before those that wait for the disk.
        let number = number.parse().expect("inboxes end in a number");
        let payloads = self.unanswered.remove(&number).expect("it was sent, and is answered once");
        match Answer::of(&message) {
            Answer::Body(ack) => {
                let count = payloads.len() as u64;
                let last = ack["seq"].as_u64().expect("an acknowledgement has a sequence");
                assert_eq!(ack["count"].as_u64(), Some(count), "{ack}");
                for (seq, payload) in (last + 1 - count..).zip(&payloads) {
                    self.round.shared.on_acked(seq, payload);
                }
            }
            other => assert!(self.round.may_refuse, "a batch is refused: {other:?}"),
        }
        Ok(())
    }

    fn payloads(&mut self) -> Vec<String> {
        let count = MESSAGES_MIN + self.dice.below(MESSAGES_MAX - MESSAGES_MIN);
        (0..count).map(|index| self.payload(index, count)).collect()
    }

    fn payload(&mut self, index: u64, count: u64) -> String {
        let max = if self.dice.one_in(LARGE_ONE_IN) { LARGE_BYTES_MAX } else { SMALL_BYTES_MAX };
        let pad = self.dice.below(max) as usize;
        let member = Member { batch: &format!("{}b{}", self.round.name, self.number), index, count };
        format!("{}-{}", member.text(), "b".repeat(pad))
    }
}

/// Which message of which batch a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member<'p> {
    pub(crate) batch: &'p str,
    pub(crate) index: u64,
    pub(crate) count: u64,
}

impl<'p> Member<'p> {
    fn text(&self) -> String {
        format!("{}_{}_{}", self.batch, self.index, self.count)
    }

    /// None if it is of no batch.
    pub(crate) fn read(payload: &'p str) -> Option<Self> {
        let mut parts = payload.split('-').next()?.split('_');
        let (batch, index, count) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { batch, index: index.parse().ok()?, count: count.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_which_message_of_a_batch_it_is() {
        let member = Member { batch: "s1r2b3", index: 4, count: 5 };
        assert_eq!(Member::read(&format!("{}-bbb", member.text())), Some(member));
        assert_eq!(Member::read("s1r2p0n7-aaa"), None);
    }
}
