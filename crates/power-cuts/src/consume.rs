//! A consumer that has its acknowledgements confirmed.

use brittle_disk::Dice;
use serde_json::Value;
use test_kit::Message;

use crate::names::{delivered_seq, of_consumer};
use crate::requests::{Answer, Gone, Requests};
use crate::round::{Round, Shared};

/// Messages asked for at a time.
const BATCH: u32 = 100;

/// One delivery in so many is not acknowledged, and comes again.
const FORGOTTEN_ONE_IN: u64 = 20;

/// A consumer that delivers nothing for so many pulls, which is longer than anything waits here, never will.
const EMPTY_PULLS_MAX: u32 = 40;

/// Pulls until nothing is left that may be delivered, and acknowledges all of it. Or until nothing comes any more.
pub(crate) fn until_empty(shared: &Shared, requests: Requests, dice: Dice) -> Result<(), Gone> {
    let mut consumer = Consumer { shared, requests, dice, forgets: false, unconfirmed: 0, may_refuse: false };
    let mut empty_pulls = 0;
    while empty_pulls < EMPTY_PULLS_MAX {
        empty_pulls = if consumer.pull()? { 0 } else { empty_pulls + 1 };
        let info = consumer.requests.try_ask(&of_consumer("INFO"), "")?;
        let Answer::Body(info) = info else { panic!("the consumer is there, and {info:?}") };
        let left = |key: &str| info[key].as_u64().unwrap_or(0);
        if consumer.unconfirmed == 0 && left("num_pending") == 0 && left("num_ack_pending") == 0 {
            break;
        }
    }
    Ok(())
}

pub(crate) struct Consumer<'l> {
    shared: &'l Shared,
    requests: Requests,
    dice: Dice,
    forgets: bool,
    unconfirmed: u64,
    may_refuse: bool,
}

impl<'l> Consumer<'l> {
    pub(crate) fn new(round: &Round<'l>, dice: Dice) -> Self {
        let requests = Requests::connect(round.addr, &format!("{}.consumer", round.name));
        Self {
            shared: round.shared,
            requests,
            dice,
            forgets: true,
            unconfirmed: 0,
            may_refuse: round.may_refuse,
        }
    }

    /// Pulls and acknowledges until the server is gone.
    pub(crate) fn until_gone(mut self) {
        while self.pull().is_ok() {}
    }

    /// One request for messages, to its end: whether there were any.
    fn pull(&mut self) -> Result<bool, Gone> {
        let reply = self.requests.inbox("pull");
        let body = format!("{{\"batch\":{BATCH},\"expires\":100000000}}");
        self.requests.publish(&of_consumer("MSG.NEXT"), &reply, "", body.as_bytes())?;
        let mut left = BATCH;
        // After the last message of a batch no status comes.
        while left > 0 {
            let message = self.requests.next_message()?;
            match message.reply.as_deref().and_then(delivered_seq) {
                Some(seq) => {
                    left -= 1;
                    self.on_message(seq, &message)?;
                }
                None if message.subject == reply => break,
                None => self.on_confirmation(&message),
            }
        }
        while self.unconfirmed > 0 {
            let message = self.requests.next_message()?;
            match message.reply.as_deref().and_then(delivered_seq) {
                // What comes late is acknowledged as well.
                Some(seq) => self.on_message(seq, &message)?,
                None if message.subject == reply => {}
                None => self.on_confirmation(&message),
            }
        }
        Ok(left < BATCH)
    }

    fn on_message(&mut self, seq: u64, message: &Message) -> Result<(), Gone> {
        self.shared.ledger().on_delivered(seq, &message.text());
        if self.forgets && self.dice.one_in(FORGOTTEN_ONE_IN) {
            return Ok(());
        }
        let confirmation = self.requests.inbox(&format!("confirmed.{seq}"));
        let subject = message.reply.as_deref().expect("it has the sequence");
        self.unconfirmed += 1;
        self.requests.publish(subject, &confirmation, "", b"+ACK")
    }

    fn on_confirmation(&mut self, message: &Message) {
        let prefix = self.requests.inbox("confirmed.");
        let Some(seq) = message.subject.strip_prefix(&prefix) else { return };
        self.unconfirmed -= 1;
        let is_error =
            serde_json::from_slice::<Value>(&message.payload).is_ok() || message.is_no_responders();
        if is_error && self.may_refuse {
            return;
        }
        assert!(!is_error, "an acknowledgement is refused: {}", message.text());
        self.shared.ledger().on_confirmed(seq.parse().expect("inboxes end in a sequence"));
    }
}
