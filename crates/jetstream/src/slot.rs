//! A stream, with what belongs to it on its shard: its subscriptions, its messages, its consumers.

use std::collections::BTreeSet;

use broker::ServiceSubscription;
use conns::Time;
use fabric::Mailbox;
use js_proto::{
    ConsumerInfo, PersistMode, PubAck, Storage, StreamConfig, StreamInfo, StreamState, Timestamp, Versioned,
};
use stream_index::{State, StreamIndex};
use streams::Stream;

use crate::consumer_set::{ConsumerId, ConsumerSet};
use crate::ledger::BatchCounts;
use crate::medium::Medium;
use crate::relay::Relay;
use crate::task::Tasks;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// A stream.
#[derive(Debug)]
pub(crate) struct Slot {
    account: usize,
    /// Its records in the log have its number.
    pub(crate) id: StreamId,
    /// What is published to its subjects comes with that.
    tag: u32,
    pub(crate) stream: Stream<Waiter>,
    pub(crate) medium: Medium,
    pub(crate) consumers: ConsumerSet,
    /// Letters that wait for it.
    pub(crate) held: Mailbox,
    /// Its account may have no streams now: see `resting.rs`.
    pub(crate) is_resting: bool,
    /// It is not whole: nobody finds it. See `restores.rs`.
    pub(crate) is_restoring: bool,
    /// It stands among those that are busy.
    pub(crate) is_listed_busy: bool,
    /// It stands among those of which it is to be found out when they are due.
    pub(crate) is_untimed: bool,
    /// What follows for its consumers from what was done to it, where that is much.
    pub(crate) tasks: Tasks,
    /// One of these is being done.
    pub(crate) is_at_a_task: bool,
    /// Events that are safe, and have to wait for what was done before.
    pub(crate) uncommitted: usize,
    /// Consumers whose time came meanwhile.
    pub(crate) late: BTreeSet<ConsumerId>,
    /// How many batches it has open, as the server counts them.
    pub(crate) batches: BatchCounts,
    /// When the log said last that messages come too fast.
    pub(crate) flood_told: Option<Time>,
    /// What it takes from other streams.
    pub(crate) relay: Relay,
    ack: PubAck,
    subscriptions: Vec<(String, ServiceSubscription)>,
    /// To what is said of a copy: acknowledgements of a snapshot, or the parts of which it is made.
    copy_subscription: Option<ServiceSubscription>,
}

impl Slot {
    pub(crate) fn new(
        account: usize,
        (id, tag): (StreamId, u32),
        stream: Stream<Waiter>,
        medium: Medium,
        domain: &str,
    ) -> Self {
        let ack = PubAck::new(&stream.config().name, domain);
        Self {
            account,
            id,
            tag,
            stream,
            medium,
            consumers: ConsumerSet::default(),
            held: Mailbox::default(),
            is_resting: false,
            is_restoring: false,
            is_listed_busy: false,
            is_untimed: false,
            tasks: Tasks::new(),
            is_at_a_task: false,
            uncommitted: 0,
            late: BTreeSet::new(),
            batches: BatchCounts::default(),
            flood_told: None,
            relay: Relay::default(),
            ack,
            subscriptions: Vec::new(),
            copy_subscription: None,
        }
    }

    pub(crate) fn account(&self) -> usize {
        self.account
    }

    /// Whether something that was done to it takes several turns and is not over: nobody may see what is half done.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_at_work() || self.uncommitted > 0
    }

    /// Whether something that was done to it is not over, so that nothing else can be done.
    pub(crate) fn is_at_work(&self) -> bool {
        self.stream.is_busy() || !self.tasks.is_empty()
    }

    /// What it was told to be.
    pub(crate) fn config(&self) -> &StreamConfig {
        self.stream.config()
    }

    /// Whether publishers are told of a message once it waits to be written, and not only once it is safe. Nobody is
    /// shown it before that. What a counter comes to is.
    pub(crate) fn tells_early(&self) -> bool {
        self.config().persist_mode == PersistMode::Async && !self.config().allow_msg_counter
    }

    /// Where its messages are said to be.
    pub(crate) fn storage(&self) -> Storage {
        self.config().storage
    }

    /// What is in it.
    pub(crate) fn index(&self) -> &StreamIndex {
        self.stream.index()
    }

    /// Whether nothing is left but the last message, if that.
    pub(crate) fn has_only_the_last(&self) -> bool {
        let state = self.index().state();
        state.first_seq >= state.last_seq
    }

    pub(crate) fn pub_ack(&self) -> &PubAck {
        &self.ack
    }

    /// What is told of it.
    pub(crate) fn info(&self, turn: &Turn<'_>) -> StreamInfo {
        StreamInfo {
            config: self.config().clone().shown(&turn.config.version),
            created: Timestamp::from_unix_nanos(self.stream.meta().created),
            state: self.state(),
            domain: turn.config.domain.clone(),
            ts: turn.clocks.timestamp(),
            mirror: self.relay.mirror_info(turn.clocks.now),
            sources: self.relay.source_infos(turn.clocks.now),
            ..StreamInfo::default()
        }
    }

    pub(crate) fn state(&self) -> StreamState {
        let State { messages, bytes, first_seq, first_time, last_seq, last_time, subjects, deleted } =
            self.stream.state();
        let timestamp = |time: Option<i64>| time.map(Timestamp::from_unix_nanos).unwrap_or_default();
        StreamState {
            messages,
            bytes,
            first_seq,
            first_ts: timestamp(first_time),
            last_seq,
            last_ts: timestamp(last_time),
            num_subjects: subjects as i64,
            num_deleted: deleted as i64,
            consumer_count: self.consumers.public() as i64,
            ..StreamState::default()
        }
    }

    /// Has it get what is published to its subjects, and nothing else.
    pub(crate) fn subscribe(&mut self, turn: &mut Turn<'_>) {
        let service = turn.post.service();
        let subjects = self.config().subjects.clone();
        let (kept, ended): (Vec<_>, Vec<_>) = std::mem::take(&mut self.subscriptions)
            .into_iter()
            .partition(|(subject, _)| subjects.contains(subject));
        self.subscriptions = kept;
        for subject in subjects {
            if self.subscriptions.iter().any(|(known, _)| *known == subject) {
                continue;
            }
            let (account, tag) = (self.account, self.tag);
            let subscribed = turn.broker.service_subscribe(service, account, subject.as_bytes(), None, tag);
            let (subscription, _) = subscribed.expect("settled configurations have valid subjects");
            self.subscriptions.push((subject, subscription));
        }
        for (_, subscription) in ended {
            turn.broker.service_unsubscribe(subscription);
        }
    }

    /// Has it get what is said of a copy of it.
    pub(crate) fn hear_of_copy(&mut self, turn: &mut Turn<'_>, filter: &str) {
        let (service, account, tag) = (turn.post.service(), self.account, self.tag);
        let subscribed = turn.broker.service_subscribe(service, account, filter.as_bytes(), None, tag);
        let (subscription, _) = subscribed.expect("names of streams are words of a subject");
        self.copy_subscription = Some(subscription);
    }

    /// There is no copy any more.
    pub(crate) fn hear_of_no_copy(&mut self, turn: &mut Turn<'_>) {
        if let Some(subscription) = self.copy_subscription.take() {
            turn.broker.service_unsubscribe(subscription);
        }
    }

    /// It is gone: gives some of its memory back, in some tens of microseconds. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        // Both, whatever the first one says.
        let (has_index, has_messages) = (self.stream.discard_some(), self.medium.discard_some());
        has_index || has_messages
    }

    /// It is to be no more.
    pub(crate) fn end(&mut self, turn: &mut Turn<'_>) {
        self.hear_of_no_copy(turn);
        for (_, subscription) in self.subscriptions.drain(..) {
            turn.broker.service_unsubscribe(subscription);
        }
    }
}

/// What is told of a consumer, as a server of that version tells it.
pub(crate) fn shown(mut info: ConsumerInfo, version: &str) -> ConsumerInfo {
    info.config = info.config.map(|config| config.shown(version));
    info
}
