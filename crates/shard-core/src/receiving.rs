//! In which order the bytes of several connections are taken in.
//!
//! A shard that comes late finds all at once that its clients have sent meanwhile, connection by connection.
//! Who sent little then does not wait behind all that someone else has sent: of that only the start is
//! taken in at its place, and the rest behind everybody's start. So what happened at about the same time
//! on two connections is acted on in about that order. Nobody promises any, but clients notice: one that
//! subscribes on one connection while it publishes a lot on another.

use conns::{ConnId, Time};

use crate::event::{End, Event};
use crate::shard_core::ShardCore;
use crate::shell::{EventOf, Shell};
use crate::stopping::Stage;

/// What comes behind a read in its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Nothing,
    /// Nothing of the same connection.
    Others,
    /// Perhaps more of the same connection.
    Unknown,
}

impl<S: Shell> ShardCore<S> {
    /// Takes in a batch of events.
    pub(crate) fn take_in(
        &mut self,
        shell: &mut S,
        now: Time,
        events: &mut Vec<EventOf<S>>,
    ) -> Result<(), S::Error> {
        self.is_round_had = false;
        if events.len() > 1 && crowds_out(shell, events) {
            return self.take_in_turns(shell, now, events);
        }
        let mut rest = events.drain(..);
        while let Some(event) = rest.next() {
            match event {
                Event::Received(id, read) => {
                    self.make_room_aside(shell, now, id, rest.as_slice())?;
                    let behind = behind(shell, id, &read, rest.as_slice());
                    self.on_received(shell, now, id, read, 0, behind)?;
                }
                event => self.on_event(shell, now, event)?,
            }
        }
        Ok(())
    }

    /// Serves those in line when no more reads fit aside: what comes next would have to be copied. While nobody else
    /// has yet to come in the batch that is as good a time as its end.
    fn make_room_aside(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        rest: &[EventOf<S>],
    ) -> Result<(), S::Error> {
        if !self.is_aside_full() {
            return Ok(());
        }
        let mut others = rest.iter().filter_map(Event::ordered_by).chain([id]);
        if others.all(|id| self.broker.is_in_line(id)) { self.serve_line(shell, now) } else { Ok(()) }
    }

    fn take_in_turns(
        &mut self,
        shell: &mut S,
        now: Time,
        events: &mut Vec<EventOf<S>>,
    ) -> Result<(), S::Error> {
        let mut rest = Vec::new();
        for event in events.drain(..) {
            let id = event.ordered_by();
            if id.is_some() && rest.iter().any(|(earlier, _): &(EventOf<S>, _)| earlier.ordered_by() == id) {
                rest.push((event, 0));
            } else if let Event::Received(id, read) = &event
                && self.is_divisible(shell, *id, read)
            {
                let done = self.broker.take_in(now, *id, &shell.bytes(read)[..S::MEASURES.start_bytes], 0);
                shell.on_served(&self.broker, *id);
                rest.push((event, done));
            } else {
                self.on_event(shell, now, event)?;
            }
        }
        for (event, done) in rest {
            match event {
                Event::Received(id, read) => {
                    self.on_received(shell, now, id, read, done, Behind::Unknown)?;
                }
                event => self.on_event(shell, now, event)?,
            }
        }
        Ok(())
    }

    /// Whether a start of it can be taken in alone. What is sealed has to be opened as a whole, and what waits
    /// aside comes first.
    fn is_divisible(&self, shell: &S, id: ConnId, read: &S::Read) -> bool {
        self.stage == Stage::Serving
            && !self.transports.has(id)
            && !self.aside.has(id)
            && is_long(shell, read)
    }
}

/// Whether a read is more than little.
pub(crate) fn is_long<S: Shell>(shell: &S, read: &S::Read) -> bool {
    shell.bytes(read).len() > S::MEASURES.start_bytes
}

fn behind<S: Shell>(shell: &S, id: ConnId, read: &S::Read, rest: &[EventOf<S>]) -> Behind {
    let rest = match rest.split_first() {
        // It only has to be received from anew.
        Some((Event::ReceiveEnded(same, End::Stopped), rest)) if *same == id => rest,
        _ => rest,
    };
    if rest.is_empty() {
        Behind::Nothing
    } else if is_long(shell, read) && rest.iter().all(|event| event.ordered_by() != Some(id)) {
        Behind::Others
    } else {
        Behind::Unknown
    }
}

/// Whether somebody sent little, and stands behind somebody else who sent more.
fn crowds_out<S: Shell>(shell: &S, events: &[EventOf<S>]) -> bool {
    let mut long = None;
    for event in events {
        let Event::Received(id, read) = event else { continue };
        let is_long = is_long(shell, read);
        match long {
            Some(other) if other != *id && !is_long => return true,
            None if is_long => long = Some(*id),
            _ => {}
        }
    }
    false
}
