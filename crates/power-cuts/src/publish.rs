//! A publisher with many messages on their way.

use std::collections::BTreeMap;

use brittle_disk::Dice;

use crate::requests::{Answer, Gone, Requests};
use crate::round::Round;

/// Messages without an answer at a time.
const WINDOW: usize = 300;

/// Most messages are small, one in so many is large.
const LARGE_ONE_IN: u64 = 20;
const SMALL_BYTES_MAX: u64 = 300;
const LARGE_BYTES_MAX: u64 = 20_000;

/// Messages by number that have no answer yet.
pub(crate) type Unsettled = BTreeMap<u64, String>;

pub(crate) struct Publisher<'l> {
    round: &'l Round<'l>,
    index: usize,
    dice: Dice,
    requests: Requests,
    /// Number of the next new message.
    next: u64,
}

impl<'l> Publisher<'l> {
    pub(crate) fn new(round: &'l Round<'l>, index: usize, dice: Dice, unsettled: &Unsettled) -> Self {
        let requests = Requests::connect(round.addr, &format!("{}.publisher{index}", round.name));
        let next = unsettled.last_key_value().map_or(0, |(number, _)| number + 1);
        Self { round, index, dice, requests, next }
    }

    /// First what had no answer before, with the same ids; then new messages. The server is killed some time: that
    /// is how it ends, and what had been sent before counts.
    pub(crate) fn run(mut self, unsettled: &mut Unsettled) {
        let _: Result<(), Gone> = self.publish(unsettled);
        while self.settle(unsettled).is_ok() {}
    }

    fn publish(&mut self, unsettled: &mut Unsettled) -> Result<(), Gone> {
        for (number, payload) in unsettled.clone() {
            self.send(number, &payload)?;
        }
        loop {
            while unsettled.len() < WINDOW {
                let payload = self.payload(self.next);
                unsettled.insert(self.next, payload.clone());
                self.next += 1;
                self.send(self.next - 1, &payload)?;
            }
            self.settle(unsettled)?;
        }
    }

    fn send(&mut self, number: u64, payload: &str) -> Result<(), Gone> {
        let subject = format!("cuts.publisher{}.{}", self.index, number % 7);
        // Every payload is its own id.
        let id = payload.split('-').next().expect("there is a first part");
        let header = format!("NATS/1.0\r\nNats-Msg-Id: {id}\r\n\r\n");
        let reply = self.requests.inbox(&number.to_string());
        self.requests.publish(&subject, &reply, &header, payload.as_bytes())
    }

    fn settle(&mut self, unsettled: &mut Unsettled) -> Result<(), Gone> {
        let message = self.requests.next_message()?;
        let number = message.subject.rsplit('.').next().and_then(|number| number.parse::<u64>().ok());
        let number = number.expect("inboxes end in a number");
        let Some(payload) = unsettled.get(&number) else { return Ok(()) };
        match Answer::of(&message) {
            Answer::Body(ack) => {
                let seq = ack["seq"].as_u64().expect("an acknowledgement has a sequence");
                self.round.shared.on_acked(seq, payload);
                unsettled.remove(&number);
            }
            other => {
                assert!(self.round.may_refuse, "a message is refused: {other:?}");
                unsettled.remove(&number);
            }
        }
        Ok(())
    }

    fn payload(&mut self, number: u64) -> String {
        let max = if self.dice.one_in(LARGE_ONE_IN) { LARGE_BYTES_MAX } else { SMALL_BYTES_MAX };
        let pad = self.dice.below(max) as usize;
        let letter = char::from(b'a' + self.dice.below(26) as u8);
        format!("{}p{}n{number}-{}", self.round.name, self.index, letter.to_string().repeat(pad))
    }
}
