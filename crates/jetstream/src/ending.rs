//! Streams and consumers that are gone, and what is left to do about that: those who wait for messages are told, and memory
//! is given back.

use consumers::Consumer;
use js_proto::Status;
use js_proto::advisory::Action;

use crate::consumer_set::ConsumerKey;
use crate::deadlines::Due;
use crate::home::Home;
use crate::slot::Slot;
use crate::turn::Turn;

/// What it costs to take a consumer out with its stream, in steps.
const CONSUMER_STEPS: u64 = 64;

/// What it costs to take a member of a group out, and to have all know of that.
const MEMBER_STEPS: u64 = 256;

/// What it costs to tell one who waits, in steps.
const WAITING_STEPS: u64 = 16;

/// Those who wait that are told at a time.
const TOLD_AT_ONCE: usize = 64;

/// What it costs to give some memory back, in steps: some tens of microseconds.
const DISCARD_STEPS: u64 = 1024;

impl Home {
    /// Goes on with what is ending, as far as the turn goes.
    pub(crate) fn end_some(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on() {
            if let Some((account, consumer)) = self.endings.consumers.pop_front() {
                self.end_waiting(turn, account, consumer);
            } else if let Some(member) = self.endings.members.pop_front() {
                turn.spend(MEMBER_STEPS);
                self.end_consumer(turn, member);
            } else if let Some(slot) = self.endings.streams.pop_front() {
                self.end_consumer_of(turn, slot);
            } else if let Some(mut slot) = self.endings.memory.pop_front() {
                turn.spend(DISCARD_STEPS);
                if slot.discard_some() {
                    self.endings.memory.push_front(slot);
                }
            } else {
                return;
            }
        }
    }

    /// Tells some of those who wait for a consumer that it is gone.
    fn end_waiting(&mut self, turn: &mut Turn<'_>, account: usize, mut consumer: Box<Consumer>) {
        turn.spend(WAITING_STEPS);
        for reply in consumer.take_waiting(TOLD_AT_ONCE) {
            turn.spend(WAITING_STEPS);
            turn.publish_status(account, &reply, &Status::ConsumerDeleted);
        }
        if consumer.is_awaited() {
            self.endings.consumers.push_front((account, consumer));
        }
    }

    /// Takes a consumer out of a stream that is gone.
    fn end_consumer_of(&mut self, turn: &mut Turn<'_>, mut slot: Slot) {
        let account = slot.account();
        let Some((consumer, group, machine)) = slot.consumers.pop() else {
            return self.endings.memory.push_back(slot);
        };
        turn.spend(CONSUMER_STEPS);
        let key = ConsumerKey { stream: slot.id, consumer };
        self.forget_consumer(group);
        self.pushing.remove(&key);
        self.deadlines.set(Due::Consumer(key), None);
        if !slot.is_resting {
            turn.tell_consumer(account, &slot.config().name, machine.name(), Action::Delete);
            self.endings.add_consumer(account, machine);
        }
        self.endings.streams.push_front(slot);
    }
}
