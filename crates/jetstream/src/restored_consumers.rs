//! Consumers of a stream that is made of a snapshot.

use consumers::Consumer;
use js_proto::advisory::Action;
use js_proto::{ConsumerConfig, ConsumerFile, DeliverPolicy, StreamConfig, Versioned, check_alone, errors};
use nats_proto::go_json::read_into;

use crate::captured::standing_of;
use crate::consumer_meta::ConsumerMeta;
use crate::consumer_set::{ConsumerId, ConsumerKey};
use crate::home::Home;
use crate::intake::{FoundConsumer, Intake};
use crate::names::Change;
use crate::replay::spec;
use crate::tenant::StreamId;
use crate::turn::Turn;

impl Home {
    /// Makes a consumer of what a snapshot says. It has to be settled and remembered yet.
    pub(crate) fn restore_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        name: &str,
        found: &FoundConsumer,
    ) -> Result<Option<ConsumerKey>, String> {
        let meta = found.meta.as_ref().ok_or("it is not said how it is configured")?;
        let mut file = ConsumerFile::default();
        read_into(meta, &mut file).map_err(|error| error.to_string())?;
        let Some(slot) = self.streams.get(&id) else { return Ok(None) };
        let (account, stream) = (slot.account(), slot.config().clone());
        let config = self.settled_consumer(turn, id, account, &stream, name, file.config)?;
        let created = file.created.unix_nanos().filter(|nanos| *nanos > 0).unwrap_or(turn.clocks.wall.0);
        let is_logged = self.streams[&id].medium.is_log() && !config.mem_storage && !config.direct;
        let begins_anew = config.deliver_policy == DeliverPolicy::LastPerSubject;
        let max_deliver = config.max_deliver;
        let state = Intake::state_of(found)?.filter(|state| !begins_anew || state.delivered.0 > 0);
        let meta = ConsumerMeta { stream: id.0, created, name: name.to_owned(), config };
        let (spec, at) = (spec(&stream, meta), turn.moment());
        let mut machine = match state {
            None => Consumer::new(spec, &at),
            Some(state) => {
                let mut machine = Consumer::following(spec);
                machine.stand(&standing_of(&state, max_deliver)).map_err(|error| error.to_string())?;
                machine.forget_gone(self.streams[&id].index());
                machine.lead(&at);
                machine
            }
        };
        turn.config.give_form(&self.accounts[account], &mut machine);
        let group = is_logged.then(|| self.next_number());
        let Some(slot) = self.streams.get_mut(&id) else { return Ok(None) };
        let key = ConsumerKey { stream: id, consumer: slot.consumers.insert(machine, group) };
        self.accounts[account].ledger.count_consumers(1);
        if let Some(group) = group {
            self.consumer_groups.insert(group, key);
            self.log_consumer(key, turn.clocks.wall.0);
        }
        Ok(Some(key))
    }

    /// How it is configured here, if it may be.
    fn settled_consumer(
        &mut self,
        turn: &Turn<'_>,
        id: StreamId,
        account: usize,
        stream: &StreamConfig,
        name: &str,
        config: ConsumerConfig,
    ) -> Result<ConsumerConfig, String> {
        let said = |error: js_proto::ApiError| error.description;
        check_alone(config.num_replicas).map_err(said)?;
        let limits = self.account(account).limits().clone();
        let of_config = turn.config.limits_for(&limits, stream);
        let named = ConsumerConfig { name: name.to_owned(), ..config };
        let config = named.kept().settled(stream, &of_config, false).map_err(said)?;
        config.check_length_of_name().map_err(said)?;
        let max = [stream.max_consumers, limits.max_consumers as _].map(|max: i64| usize::try_from(max).ok());
        let max = max.into_iter().flatten().filter(|max| *max > 0).min();
        if max.is_some_and(|max| self.streams[&id].consumers.counted() >= max) {
            return Err(errors::MAXIMUM_CONSUMERS_LIMIT.error().description);
        }
        Ok(config)
    }

    /// Has everybody know of the next consumer of a stream that was made. Returns which one that was.
    pub(crate) fn show_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        after: Option<ConsumerId>,
    ) -> Option<ConsumerId> {
        let slot = self.streams.get_mut(&id)?;
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let (consumer, machine) = slot.consumers.next_after(after)?;
        let (takes_acks, is_push) = (machine.takes_acks(), machine.deliver_subject().is_some());
        let name = machine.name().to_owned();
        turn.tell_all(account, &stream, Change::Consumer { name: name.as_bytes(), takes_acks });
        turn.tell_consumer(account, &stream, &name, Action::Create);
        self.set_going(turn, ConsumerKey { stream: id, consumer }, is_push);
        Some(consumer)
    }
}
