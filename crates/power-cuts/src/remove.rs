//! Deletes, and purges of three kinds.

use std::thread;
use std::time::Duration;

use brittle_disk::Dice;
use serde_json::json;

use crate::names::of_stream;
use crate::requests::{Answer, Gone, Requests};
use crate::round::Round;

/// Between two removals, so that the log is not all removals.
const PAUSE: Duration = Duration::from_millis(3);

/// One removal in so many is a purge of everything up to somewhere.
const PURGE_ONE_IN: u64 = 25;

/// One in so many is a purge by subject.
const SUBJECT_ONE_IN: u64 = 10;

/// Messages that are published to be purged by their subject.
const PURGED_BY_SUBJECT: u64 = 5;

pub(crate) struct Remover<'l> {
    round: &'l Round<'l>,
    requests: Requests,
    dice: Dice,
    published: u64,
}

impl<'l> Remover<'l> {
    pub(crate) fn new(round: &'l Round<'l>, dice: Dice) -> Self {
        let requests = Requests::connect(round.addr, &format!("{}.remover", round.name));
        Self { round, requests, dice, published: 0 }
    }

    /// Removes until the server is gone.
    pub(crate) fn until_gone(mut self) {
        while self.remove_something().is_ok() {
            thread::sleep(PAUSE);
        }
    }

    fn remove_something(&mut self) -> Result<(), Gone> {
        if self.dice.one_in(PURGE_ONE_IN) {
            return self.purge_below();
        }
        if self.dice.one_in(SUBJECT_ONE_IN) {
            return self.purge_subject();
        }
        self.delete()
    }

    /// Everything but the last few hundred.
    fn purge_below(&mut self) -> Result<(), Gone> {
        let below = self.round.shared.ledger().last_acked().saturating_sub(200 + self.dice.below(300));
        if below < 2 {
            return Ok(());
        }
        self.round.shared.ledger().on_purge_asked(below);
        if self.is_done("PURGE", &json!({ "seq": below }).to_string())? {
            self.round.shared.ledger().on_purged(below);
        }
        Ok(())
    }

    /// A subject of its own each time: what the last one left before it was asked is promised.
    fn purge_subject(&mut self) -> Result<(), Gone> {
        let subject = format!("cuts.purged.{}.{}", self.round.name, self.published);
        let mut seqs = Vec::new();
        for _ in 0..PURGED_BY_SUBJECT {
            let payload = format!("{}purged{}", self.round.name, self.published);
            self.published += 1;
            if let Answer::Body(ack) = self.requests.try_ask(&subject, &payload)? {
                let seq = ack["seq"].as_u64().expect("an acknowledgement has a sequence");
                self.round.shared.on_acked(seq, &payload);
                seqs.push(seq);
            }
        }
        self.remove(&seqs, "PURGE", &json!({ "filter": subject }).to_string())
    }

    fn delete(&mut self) -> Result<(), Gone> {
        let Some(seq) = self.round.shared.ledger().some_acked(self.dice.roll()) else { return Ok(()) };
        let body = json!({ "seq": seq, "no_erase": self.dice.one_in(2) }).to_string();
        self.remove(&[seq], "MSG.DELETE", &body)
    }

    fn remove(&mut self, seqs: &[u64], what: &str, body: &str) -> Result<(), Gone> {
        self.round.shared.ledger().on_removal_asked(seqs);
        if self.is_done(what, body)? {
            self.round.shared.ledger().on_removed(seqs);
        }
        Ok(())
    }

    fn is_done(&mut self, what: &str, body: &str) -> Result<bool, Gone> {
        let answer = self.requests.try_ask(&of_stream(what), body)?;
        Ok(matches!(answer, Answer::Body(body) if body["success"] == true))
    }
}
