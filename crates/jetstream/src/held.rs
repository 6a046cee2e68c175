//! Letters for a stream that cannot take them yet: it is busy with what takes several turns, or has to see first what
//! comes of what it decided. They wait in their order; what is for other streams does not wait with them.

use fabric::{Letter, Mailbox};

use crate::home::Home;
use crate::publishes::Taken;
use crate::role::Role;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Bytes of letters that wait for streams of the shard. Beyond that JetStream takes in nothing at all: then mailboxes
/// fill, and publishers are held.
const HELD_BYTES_MAX: usize = 16 << 20;

/// What it costs to put a letter by, in steps.
const HOLD_STEPS: u64 = 4;

impl Home {
    /// Takes a letter in, or has it wait for its stream.
    pub(crate) fn on_letter(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) {
        // Mostly nobody waits, and then the stream need not be looked for.
        if self.is_somebody_held_up()
            && let Some(id) = self.stream_of(turn, letter)
            && self.is_held_up(id)
        {
            turn.spend(HOLD_STEPS);
            return self.hold(id, letter);
        }
        if self.act_on(turn, letter) == Taken::Later
            && let Some(id) = self.stream_of(turn, letter)
        {
            self.hold(id, letter);
            self.may_take_held |= self.is_looking(id);
        }
    }

    /// Whether a stream looks for what somebody expects, and needs nothing but time.
    fn is_looking(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_some_and(|slot| slot.stream.is_looking())
    }

    /// The stream that a letter is for, unless it is a request to the API: those wait elsewhere.
    fn stream_of(&mut self, turn: &Turn<'_>, letter: &Letter<'_>) -> Option<StreamId> {
        if letter.tag != broker::CLAIMED {
            return if self.is_link_tag(letter.tag) {
                self.linked(letter.tag)
            } else {
                self.tagged(letter.tag)
            };
        }
        let name = match Role::of(letter.message.publish.subject, &turn.config.domain)? {
            Role::Get(get) => {
                let stream = str::from_utf8(get.stream).ok()?;
                return self.direct(letter.message.account as usize, stream);
            }
            Role::Next(request) => request.stream,
            Role::Ack(ack) => ack.stream,
            Role::FlowControl(flow) => flow.stream,
            Role::Api(_) | Role::Unknown | Role::Letters(_) | Role::Explain(_) => return None,
        };
        let name = str::from_utf8(name).ok()?;
        self.find(letter.message.account as usize, name).map(|(id, _)| id)
    }

    fn is_somebody_held_up(&self) -> bool {
        !self.busy.is_empty() || !self.holding.is_empty()
    }

    /// Whether nobody may look at a stream or say something to it yet.
    pub(crate) fn is_held_up(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_some_and(|slot| slot.is_busy() || !slot.held.is_empty())
    }

    fn hold(&mut self, id: StreamId, letter: &Letter<'_>) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if slot.held.is_empty() {
            self.holding.push_back(id);
        }
        let before = slot.held.len();
        slot.held.push(letter);
        self.held_bytes += slot.held.len() - before;
    }

    /// Whether so much waits for streams that nothing more is taken in.
    pub(crate) fn holds_too_much(&self) -> bool {
        self.held_bytes >= HELD_BYTES_MAX
    }

    /// Takes in what waited for streams that may go on by now.
    pub(crate) fn take_held(&mut self, turn: &mut Turn<'_>) {
        self.may_take_held = false;
        for _ in 0..self.holding.len() {
            if !turn.may_go_on() {
                self.may_take_held = true;
                return;
            }
            let Some(id) = self.holding.pop_front() else { return };
            if self.take_held_of(turn, id) == Taken::Later {
                self.holding.push_back(id);
            }
        }
    }

    /// Says whether all was taken.
    fn take_held_of(&mut self, turn: &mut Turn<'_>, id: StreamId) -> Taken {
        let Some(slot) = self.streams.get_mut(&id) else { return Taken::Yes };
        let mut held = std::mem::take(&mut slot.held);
        let mut taken = Taken::Yes;
        while taken == Taken::Yes
            && let Some((letter, next)) = held.peek()
        {
            if self.streams.get(&id).is_some_and(Slot::is_busy) {
                taken = Taken::Later;
            } else if !turn.may_go_on() {
                (self.may_take_held, taken) = (true, Taken::Later);
            } else {
                taken = self.act_on(turn, &letter);
                self.may_take_held |= taken == Taken::Later && self.is_looking(id);
            }
            if taken == Taken::Yes {
                held.pass(next);
            }
        }
        self.keep_held(id, held);
        taken
    }

    /// What is left waits on.
    fn keep_held(&mut self, id: StreamId, mut held: Mailbox) {
        if held.is_empty() {
            self.held_bytes -= held.len();
            held.clear();
        }
        match self.streams.get_mut(&id) {
            Some(slot) => slot.held = held,
            None => self.held_bytes -= held.len(),
        }
    }

    /// A stream is gone: what waits for it is for nobody.
    pub(crate) fn drop_held(&mut self, held: &Mailbox) {
        self.held_bytes -= held.len();
    }
}
