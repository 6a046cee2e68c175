//! A stream, with what belongs to it on its shard: its subscriptions, its messages, its consumers.

use broker::ServiceSubscription;
use js_proto::{ConsumerInfo, PubAck, Storage, StreamConfig, StreamInfo, StreamState, Timestamp, Versioned};
use log_format::{Kind, Record};
use stream_index::{Place, State, StreamIndex};
use streams::{BEHAVIOUR_LEVEL, Stream, StreamMeta};

use crate::account::StreamId;
use crate::consumer_set::ConsumerSet;
use crate::ram::{Ram, Said};
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What stands for a place where there is nothing to be read.
const NOWHERE: Place = Place { segment: u32::MAX, offset: 0 };

/// A stream.
#[derive(Debug)]
pub(crate) struct Slot {
    account: usize,
    id: StreamId,
    pub(crate) stream: Stream<Waiter>,
    pub(crate) ram: Ram,
    pub(crate) consumers: ConsumerSet,
    ack: PubAck,
    subscriptions: Vec<(String, ServiceSubscription)>,
}

impl Slot {
    pub(crate) fn new(account: usize, id: StreamId, config: StreamConfig, turn: &mut Turn<'_>) -> Self {
        let ack = PubAck::new(&config.name, &turn.config.domain);
        let (left, right) = (turn.nuid.number().to_le_bytes(), turn.nuid.number().to_le_bytes());
        let mut id_key = [0; 16];
        id_key[..8].copy_from_slice(&left);
        id_key[8..].copy_from_slice(&right);
        let meta = StreamMeta {
            id: id.0.into(),
            level: BEHAVIOUR_LEVEL,
            created: turn.clocks.wall.0,
            lane: 0,
            id_key,
            config,
        };
        Self {
            account,
            id,
            stream: Stream::new(meta),
            ram: Ram::default(),
            consumers: ConsumerSet::default(),
            ack,
            subscriptions: Vec::new(),
        }
    }

    pub(crate) fn account(&self) -> usize {
        self.account
    }

    /// What it was told to be.
    pub(crate) fn config(&self) -> &StreamConfig {
        self.stream.config()
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

    /// What a message says.
    pub(crate) fn read(&self, place: Place) -> Said<'_> {
        self.ram.read(place)
    }

    pub(crate) fn pub_ack(&self) -> &PubAck {
        &self.ack
    }

    /// Keeps what a record says, if it is a message.
    pub(crate) fn keep(ram: &mut Ram, record: &Record<'_>) -> Place {
        if record.kind == Kind::MESSAGE {
            ram.push(&Said { header: record.header, payload: record.payload })
        } else {
            NOWHERE
        }
    }

    /// What is told of it.
    pub(crate) fn info(&self, turn: &Turn<'_>) -> StreamInfo {
        StreamInfo {
            config: self.config().clone().shown(&turn.config.version),
            created: Timestamp::from_unix_nanos(self.stream.meta().created),
            state: self.state(),
            domain: turn.config.domain.clone(),
            ts: turn.clocks.timestamp(),
            ..StreamInfo::default()
        }
    }

    fn state(&self) -> StreamState {
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
            consumer_count: self.consumers.len() as i64,
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
            let (account, tag) = (self.account, self.id.0);
            let subscribed = turn.broker.service_subscribe(service, account, subject.as_bytes(), None, tag);
            let (subscription, _) = subscribed.expect("settled configurations have valid subjects");
            self.subscriptions.push((subject, subscription));
        }
        for (_, subscription) in ended {
            turn.broker.service_unsubscribe(subscription);
        }
    }

    /// It is to be no more.
    pub(crate) fn end(&mut self, turn: &mut Turn<'_>) {
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
