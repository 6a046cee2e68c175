//! Beginning again with what a log had.

use js_proto::Storage;
use monitor::{AilingStream, Ailment};
use stream_log::Log;
use streams::Effect;

use crate::consumer_set::ConsumerKey;
use crate::disk::Disk;
use crate::home::Home;
use crate::medium::Medium;
use crate::names::Change;
use crate::replay::{FoundTomb, Replay};
use crate::role::FIRST;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;

impl Home {
    /// Takes over streams and consumers, and goes on with the log that they were found in.
    pub(crate) fn restore(&mut self, turn: &mut Turn<'_>, log: Log, mut replay: Replay) {
        let mut disk = Disk::new(log);
        if turn.shard == FIRST {
            // Elsewhere the first stream in files waits for the first of them.
            disk.log().prepare();
        }
        for (place, group) in replay.dead.drain(..) {
            disk.bury(place, group);
        }
        for group in std::mem::take(&mut replay.gone) {
            match replay.tombs.remove(&group) {
                Some(FoundTomb { place, segments }) => {
                    self.tombs.insert(group, place, segments.into_iter());
                    disk.bury_all_but(place, group);
                }
                None => disk.bury_all(group),
            }
        }
        (self.disk, self.is_found) = (Some(disk), true);
        self.last_number = replay.last_number;
        for (group, found) in std::mem::take(&mut replay.streams) {
            let mut effects = Vec::new();
            let mut stream = found.rebuild.finish(&mut effects);
            let erased = stream.take_erased();
            let Some(account) = self.servable(&found.account, &stream.config().name) else {
                self.parked.insert(group);
                continue;
            };
            self.restore_stream(turn, account, StreamId(group), stream);
            self.to_erase.extend(erased.into_iter().map(|place| (StreamId(group), place)));
            for effect in effects {
                if let Effect::Bury(place) = effect {
                    self.bury(StreamId(group), place);
                }
            }
        }
        for (group, found) in replay.consumers {
            let stream = StreamId(found.stream);
            let at = turn.moment();
            let Some(slot) = self.streams.get_mut(&stream) else {
                self.parked.insert(group);
                continue;
            };
            let account = slot.account();
            let mut machine = found.consumer;
            machine.forget_gone(slot.index());
            machine.lead(&at);
            turn.config.give_form(&self.accounts[account], &mut machine);
            let (takes_acks, is_push) = (machine.takes_acks(), machine.deliver_subject().is_some());
            let name = machine.name().to_owned();
            let consumer = slot.consumers.insert(machine, Some(group));
            self.accounts[account].ledger.count_consumers(1);
            for place in found.records {
                slot.consumers.note_record(consumer, place, false);
            }
            if let Some(metas) = slot.consumers.metas(consumer) {
                *metas = found.metas;
            }
            let stream_name = slot.config().name.clone();
            let key = ConsumerKey { stream, consumer };
            self.consumer_groups.insert(group, key);
            turn.tell_all(account, &stream_name, Change::Consumer { name: name.as_bytes(), takes_acks });
            self.set_going(turn, key, is_push);
        }
        self.tell_of_consumers();
    }

    /// The account of a stream that was found, if it is to be served. One that is not is kept as it is, and told of.
    fn servable(&mut self, account: &str, stream: &str) -> Option<usize> {
        let at = self.accounts.iter().position(|other| *other.name == *account);
        let enabled = at.filter(|at| self.accounts[*at].limits.is_some());
        let ailment = match (at, enabled) {
            (None, _) => Ailment::AccountGone,
            (_, None) => Ailment::NotServed,
            _ if !self.ledger.note_found(account, stream) => Ailment::Twice,
            _ => return enabled,
        };
        if ailment == Ailment::Twice {
            let log = self.log;
            tracing::error!(
                "Stream '{account} > {stream}' is in several logs: the one in log {log} is kept and not served"
            );
        } else {
            tracing::warn!("Stream '{account} > {stream}' is kept, but its account may have none");
        }
        self.unserved.push(AilingStream { account: account.into(), stream: stream.into(), ailment });
        None
    }

    /// In nats-server's words.
    fn tell_of_consumers(&self) {
        self.streams.values().for_each(|slot| self.tell_of_consumers_of(slot));
    }

    fn tell_of_consumers_of(&self, slot: &Slot) {
        let (account, count) = (&self.accounts[slot.account()].name, slot.consumers.len());
        let stream = &slot.config().name;
        if count > 0 {
            tracing::info!("  Recovering {count} consumers for stream - '{account} > {stream}'");
        }
    }

    /// The same of a stream that goes on after it rested.
    pub(crate) fn tell_of_return(&self, id: StreamId) {
        let Some(slot) = self.streams.get(&id) else { return };
        self.tell_of_messages(slot.account(), &slot.config().name, slot.index().messages());
        self.tell_of_consumers_of(slot);
    }

    /// nats-server's words, but for how long it took: all are found at once.
    fn tell_of_messages(&self, account: usize, stream: &str, messages: u64) {
        let (of, messages) = (&self.accounts[account].name, thousands(messages));
        tracing::info!("  Restored {messages} messages for stream '{of} > {stream}'");
    }

    fn restore_stream(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        id: StreamId,
        stream: streams::Stream<crate::waiter::Waiter>,
    ) {
        let config = stream.config();
        let (name, is_direct) = (config.name.clone(), config.allow_direct);
        debug_assert_eq!(config.storage, Storage::File, "others are not in a log");
        let bytes = i64::try_from(stream.index().bytes()).unwrap_or(i64::MAX);
        self.tell_of_messages(account, &name, stream.index().messages());
        self.account(account).streams.insert(name.clone(), id);
        let tag = self.tag_of(id);
        let mut slot = Slot::new(account, (id, tag), stream, Medium::Log, &turn.config.domain);
        slot.subscribe(turn);
        self.streams.insert(id, slot);
        self.logged += 1;
        self.count(id, bytes);
        turn.tell_all(account, &name, Change::Stream { shard: turn.shard, is_direct });
        self.configure_relay(turn, id, None);
        self.settle(id);
        self.report(account, &name);
    }
}

/// With a comma before each three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        let texts = [0, 999, 1000, 123_456, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
