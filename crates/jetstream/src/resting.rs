//! Streams of an account that may have none any more, or that may again: a reload says so while the server runs.
//!
//! Those in files *rest*: nobody finds them, nothing is stored or delivered, and time does nothing to them. What they have
//! stays, and they go on when their account may have streams again. Those in memory are gone. Nobody is told of any of
//! this, as in nats-server.

use js_proto::{Storage, errors};

use crate::consumer_set::{ConsumerId, ConsumerKey};
use crate::deadlines::Due;
use crate::home::Home;
use crate::letters::NameState;
use crate::names::Change;
use crate::reports::Report;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What it costs to have a stream or a consumer rest or go on, in steps.
const SWITCH_STEPS: u64 = 64;

/// Those who wait for a consumer that are forgotten for that.
const DROPPED_AT_ONCE: usize = 1_024;

/// What may have to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Switch {
    Stream(StreamId),
    /// The consumers of a stream that does, behind that one.
    Consumers(StreamId, Option<ConsumerId>),
}

impl Home {
    /// An account may have streams from now on, or none any more: what that means to its streams is found out over turns.
    pub(crate) fn switch_streams_of(&mut self, account: usize) {
        let of_account = self.streams.values().filter(|slot| slot.account() == account);
        self.switching.extend(of_account.map(|slot| Switch::Stream(slot.id)));
    }

    /// Has streams rest or go on, as far as the turn goes.
    pub(crate) fn switch_some(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(switch) = self.switching.pop_front()
        {
            turn.spend(SWITCH_STEPS);
            match switch {
                Switch::Stream(id) => self.switch(turn, id),
                Switch::Consumers(id, after) => self.switch_consumer(turn, id, after),
            }
        }
    }

    fn switch(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get(&id) else { return };
        let may_be_served = self.accounts[slot.account()].limits.is_some();
        if slot.is_resting != may_be_served {
            return;
        }
        if slot.is_restoring {
            return self.fail_restore(turn, id, errors::NOT_ENABLED_FOR_ACCOUNT.error().into());
        }
        if may_be_served {
            self.wake_stream(turn, id);
        } else if slot.storage() == Storage::Memory {
            return self.drop_stream(turn, id);
        } else {
            self.rest(turn, id);
        }
        self.switch_consumer(turn, id, None);
    }

    fn rest(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        self.end_relay(turn, id, false);
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.end(turn);
        let (account, name) = (slot.account(), slot.config().name.clone());
        let bytes = i64::try_from(slot.index().bytes()).unwrap_or(i64::MAX);
        self.count(id, -bytes);
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.is_resting = true;
        }
        self.accounts[account].streams.remove(&name);
        self.deadlines.set(Due::Stream(id), None);
        turn.tell_all(account, &name, Change::NoStream);
    }

    fn wake_stream(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.is_resting = false;
        slot.subscribe(turn);
        let (account, config) = (slot.account(), slot.config());
        let (name, is_direct) = (config.name.clone(), config.allow_direct);
        let bytes = i64::try_from(slot.index().bytes()).unwrap_or(i64::MAX);
        self.accounts[account].streams.insert(name.clone(), id);
        self.count(id, bytes);
        turn.tell_all(account, &name, Change::Stream { shard: turn.shard, is_direct });
        self.configure_relay(turn, id, None);
        self.tell_of_return(id);
        self.settle(id);
    }

    /// One in memory is gone for good.
    fn drop_stream(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.is_resting = true;
        let (account, stream) = (slot.account(), slot.config().name.clone());
        self.end_stream(turn, id);
        turn.tell_all(account, &stream, Change::NoStream);
        self.reports.push_back(Report { account, stream, state: NameState::Gone });
    }

    /// The next consumer of a stream does what the stream does.
    fn switch_consumer(&mut self, turn: &mut Turn<'_>, stream: StreamId, after: Option<ConsumerId>) {
        let Some(slot) = self.streams.get_mut(&stream) else { return };
        let (account, is_resting, name) = (slot.account(), slot.is_resting, slot.config().name.clone());
        let Some((consumer, machine)) = slot.consumers.next_after(after) else { return };
        let key = ConsumerKey { stream, consumer };
        let (takes_acks, is_push) = (machine.takes_acks(), machine.deliver_subject().is_some());
        if is_resting {
            // Whoever waits hears nothing.
            machine.take_waiting(DROPPED_AT_ONCE).for_each(drop);
            if machine.is_awaited() {
                return self.switching.push_front(Switch::Consumers(stream, after));
            }
            self.switching.push_front(Switch::Consumers(stream, Some(consumer)));
            self.accounts[account].ledger.count_consumers(-1);
            self.pushing.remove(&key);
            return self.deadlines.set(Due::Consumer(key), None);
        }
        self.switching.push_front(Switch::Consumers(stream, Some(consumer)));
        let consumer = machine.name().to_owned();
        self.accounts[account].ledger.count_consumers(1);
        turn.tell_all(account, &name, Change::Consumer { name: consumer.as_bytes(), takes_acks });
        self.set_going(turn, key, is_push);
    }
}
