//! In which order the bytes of several connections are taken in.
//!
//! A shard that comes late finds all at once that its clients have sent meanwhile, connection by connection.
//! Who sent little then does not wait behind all that someone else has sent: of that only the start is
//! taken in at its place, and the rest behind everybody's start. So what happened at about the same time
//! on two connections is acted on in about that order. Nobody promises any, but clients notice: one that
//! subscribes on one connection while it publishes a lot on another.

use std::io;

use broker::{ConnId, Time};

use super::stopping::Stage;
use super::{Driver, MEASURES};
use crate::io::{End, Event, Received};

/// What comes behind a read in its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    Nothing,
    /// Nothing of the same connection.
    Others,
    /// Perhaps more of the same connection.
    Unknown,
}

impl Driver {
    /// Takes in a batch of events.
    pub(super) fn take_in(&mut self, now: Time, events: &mut Vec<Event>) -> io::Result<()> {
        if events.len() > 1 && self.crowds_out(events) {
            return self.take_in_turns(now, events);
        }
        let mut rest = events.drain(..);
        while let Some(event) = rest.next() {
            match event {
                Event::Received(id, received) => {
                    let behind = self.behind(id, &received, rest.as_slice());
                    self.on_received(now, id, received, 0, behind)?;
                }
                event => self.on_event(now, event)?,
            }
        }
        Ok(())
    }

    fn behind(&self, id: ConnId, received: &Received, rest: &[Event]) -> Behind {
        let rest = match rest.split_first() {
            // It only has to be received from anew.
            Some((Event::ReceiveEnded(same, End::Stopped), rest)) if *same == id => rest,
            _ => rest,
        };
        if rest.is_empty() {
            Behind::Nothing
        } else if self.io.bytes(received).len() > MEASURES.start_bytes
            && rest.iter().all(|event| event.ordered_by() != Some(id))
        {
            Behind::Others
        } else {
            Behind::Unknown
        }
    }

    /// Serves those who stand in line, round by round, until nobody does or the turn has become long. Who says
    /// something meanwhile is heard between two shares.
    pub(super) fn serve_line(&mut self, now: Time) -> io::Result<()> {
        self.flush_prompt(now)?;
        while self.broker.begin_round() {
            while let Some(id) = self.broker.next_in_line() {
                self.serve(now, id);
                self.receive_from_resumed()?;
                self.flush_if_much(now)?;
                if self.broker.is_turn_long() {
                    return Ok(());
                }
                self.hear(now)?;
            }
        }
        Ok(())
    }

    /// Goes on with who sent a lot while there is more of it, up to the length of a turn: the more output there
    /// is for a reader, the cheaper it is to send.
    pub(super) fn receive_more(&mut self, now: Time) -> io::Result<()> {
        while self.received_bytes >= MEASURES.much_bytes
            && !self.is_taking_in
            && !self.broker.is_turn_long()
            && (self.has_parcels() || self.io.poll()?)
        {
            self.take_in_more(now)?;
            self.serve_line(now)?;
            self.receive_from_resumed()?;
        }
        Ok(())
    }

    /// Takes in what came meanwhile, while there is other work. Returns whether there was anything.
    pub(super) fn hear(&mut self, now: Time) -> io::Result<bool> {
        let is_any = !self.is_taking_in && (self.has_parcels() || self.io.glance()?);
        if is_any {
            self.take_in_more(now)?;
        }
        Ok(is_any)
    }

    fn take_in_more(&mut self, now: Time) -> io::Result<()> {
        self.take_events(now)?;
        self.offload()?;
        self.flush_prompt(now)
    }

    /// What someone who said little has caused does not wait for all that others cause in this turn.
    pub(super) fn note_prompt(&mut self, dirty_before: usize, steps_before: u64) {
        let is_crowded = self.is_flushing || self.broker.is_anyone_in_line();
        if is_crowded && self.broker.turn_steps() - steps_before <= MEASURES.little_steps {
            self.broker.take_dirty_after(dirty_before, &mut self.prompt);
        }
    }

    /// Whether somebody sent little, and stands behind somebody else who sent more.
    fn crowds_out(&self, events: &[Event]) -> bool {
        let mut long = None;
        for event in events {
            let Event::Received(id, received) = event else { continue };
            let is_long = self.io.bytes(received).len() > MEASURES.start_bytes;
            match long {
                Some(other) if other != *id && !is_long => return true,
                None if is_long => long = Some(*id),
                _ => {}
            }
        }
        false
    }

    fn take_in_turns(&mut self, now: Time, events: &mut Vec<Event>) -> io::Result<()> {
        let mut rest = Vec::new();
        for event in events.drain(..) {
            let id = event.ordered_by();
            if id.is_some() && rest.iter().any(|(earlier, _): &(Event, _)| earlier.ordered_by() == id) {
                rest.push((event, 0));
            } else if let Event::Received(id, received) = &event
                && self.is_divisible(*id, received)
            {
                let done = self.broker.take_in(now, *id, &self.io.bytes(received)[..MEASURES.start_bytes], 0);
                rest.push((event, done));
            } else {
                self.on_event(now, event)?;
            }
        }
        for (event, done) in rest {
            match event {
                Event::Received(id, received) => {
                    self.on_received(now, id, received, done, Behind::Unknown)?
                }
                event => self.on_event(now, event)?,
            }
        }
        Ok(())
    }

    /// Whether a start of it can be taken in alone. What is sealed has to be opened as a whole, and what waits
    /// aside comes first.
    fn is_divisible(&self, id: ConnId, received: &Received) -> bool {
        self.stage == Stage::Serving
            && !self.links.has(id)
            && !self.aside.has(id)
            && self.io.bytes(received).len() > MEASURES.start_bytes
    }
}
