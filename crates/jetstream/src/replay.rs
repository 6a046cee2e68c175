//! What the records of a log come to: streams and consumers as they were.
//!
//! Records of a group come in the order in which they were first appended, and what is no message in that order among all
//! groups. Whom what is found was an affair of is gone; what is left
//! of it is who is there, and which records nobody needs any more.

use std::collections::{BTreeMap, BTreeSet};

use consumers::{Consumer, Effects, Now, OfStream, Spec};
use js_proto::{AckReply, FlowControlReply, Retention, StreamConfig, Timestamp};
use log_format::{Item, Kind, Place, Record};
use streams::{Rebuild, StreamMeta};

use crate::consumer_meta::ConsumerMeta;
use crate::metas::Metas;
use crate::waiter::Waiter;

/// Bytes of the largest message if the stream does not say.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

/// A stream that was found.
#[derive(Debug)]
pub(crate) struct FoundStream {
    pub(crate) account: Box<str>,
    /// As it is by now.
    config: StreamConfig,
    pub(crate) rebuild: Rebuild<Waiter>,
    /// Whether all is there that it is made of.
    is_whole: bool,
    /// Segments with its configurations.
    metas: Vec<u32>,
}

/// A record that says that somebody is gone, who was found before.
#[derive(Debug)]
pub(crate) struct FoundTomb {
    pub(crate) place: Place,
    /// Segments with what made them.
    pub(crate) segments: Vec<u32>,
}

/// A consumer that was found.
#[derive(Debug)]
pub(crate) struct FoundConsumer {
    pub(crate) stream: u32,
    pub(crate) consumer: Consumer,
    /// Where the records are that are needed of it.
    pub(crate) records: Vec<Place>,
    pub(crate) metas: Metas,
}

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Replay {
    /// By the numbers of their records.
    pub(crate) streams: BTreeMap<u32, FoundStream>,
    pub(crate) consumers: BTreeMap<u32, FoundConsumer>,
    /// Records that nobody needs, and whose they are.
    pub(crate) dead: Vec<(Place, u32)>,
    /// Those of whom no record is needed, but for one that says so perhaps.
    pub(crate) gone: BTreeSet<u32>,
    pub(crate) tombs: BTreeMap<u32, FoundTomb>,
    pub(crate) last_number: u32,
    /// Why nothing can be made of it.
    trouble: Option<String>,
}

impl Replay {
    pub(crate) fn new() -> Self {
        Self {
            streams: BTreeMap::new(),
            consumers: BTreeMap::new(),
            dead: Vec::new(),
            gone: BTreeSet::new(),
            tombs: BTreeMap::new(),
            last_number: 0,
            trouble: None,
        }
    }

    /// Takes what comes next.
    pub(crate) fn take(&mut self, item: Item<'_>) {
        let (group, seq) = match &item {
            Item::Record { record, .. } => (record.group, record.seq),
            Item::Messages(messages) => (messages.group(), messages.first_seq()),
        };
        self.last_number = self.last_number.max(group);
        if self.trouble.is_none()
            && let Err(trouble) = self.try_take(item)
        {
            self.trouble = Some(format!("record {seq} of group {group}: {trouble}"));
        }
    }

    /// What came of it.
    ///
    /// # Errors
    /// There is something in the log that this server cannot act on.
    pub(crate) fn finish(mut self) -> Result<Self, String> {
        self.drop_unfinished();
        match &self.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(self),
        }
    }

    /// Streams that were being restored were promised to nobody: nothing is left of them.
    fn drop_unfinished(&mut self) {
        let unfinished = self.streams.iter().filter(|(_, found)| !found.is_whole);
        let unfinished: Vec<u32> = unfinished.map(|(group, _)| *group).collect();
        for group in unfinished {
            self.streams.remove(&group);
            self.drop_consumers_of(group);
            self.gone.insert(group);
        }
    }

    fn drop_consumers_of(&mut self, group: u32) {
        self.consumers.retain(|consumer, found| {
            if found.stream == group {
                self.gone.insert(*consumer);
            }
            found.stream != group
        });
    }

    fn try_take(&mut self, item: Item<'_>) -> Result<(), String> {
        let (place, record, len) = match item {
            Item::Record { place, record, len } => (place, record, len),
            Item::Messages(_) => return self.on_event(item),
        };
        let group = record.group;
        match record.kind {
            Kind::STREAM_META if !self.streams.contains_key(&group) => {
                let meta = StreamMeta::read(record.payload).map_err(|error| error.to_string())?;
                let account = str::from_utf8(record.subject).map_err(|error| error.to_string())?.into();
                let (config, is_whole) = (meta.config.clone(), meta.is_whole);
                let mut rebuild = Rebuild::new(meta);
                rebuild.note_first_meta(place);
                let metas = vec![place.segment];
                self.streams.insert(group, FoundStream { account, config, rebuild, is_whole, metas });
            }
            Kind::STREAM_GONE => {
                let found = self.streams.remove(&group);
                self.drop_consumers_of(group);
                self.on_gone(group, place, found.map(|found| found.metas));
            }
            Kind::CONSUMER_META => self.on_consumer_meta(place, record)?,
            Kind::CONSUMER_GONE => {
                let found = self.consumers.remove(&group);
                self.on_gone(group, place, found.map(|found| found.metas.segments().collect()));
            }
            Kind::CONSUMER_STATE => self.on_state(place, record, Consumer::load)?,
            Kind::CONSUMER_DELTA => self.on_state(place, record, Consumer::apply)?,
            _ => self.on_event(Item::Record { place, record, len })?,
        }
        Ok(())
    }

    /// Somebody is gone, who was made by records in those segments.
    fn on_gone(&mut self, group: u32, place: Place, segments: Option<Vec<u32>>) {
        self.gone.insert(group);
        if let Some(segments) = segments {
            self.tombs.insert(group, FoundTomb { place, segments });
        }
    }

    /// Something happened to a stream. One that is not there was deleted.
    fn on_event(&mut self, item: Item<'_>) -> Result<(), String> {
        let group = match &item {
            Item::Record { record, .. } => record.group,
            Item::Messages(messages) => messages.group(),
        };
        let Some(found) = self.streams.get_mut(&group) else {
            self.gone.insert(group);
            return Ok(());
        };
        if let Item::Record { place, record, .. } = &item
            && record.kind == Kind::STREAM_META
        {
            let meta = StreamMeta::read(record.payload).map_err(|error| error.to_string())?;
            found.rebuild.note_created(meta.created);
            (found.config, found.is_whole) = (meta.config, true);
            found.metas.push(place.segment);
        }
        found.rebuild.on_item(item).map_err(|error| error.to_string())
    }

    fn on_consumer_meta(&mut self, place: Place, record: &Record<'_>) -> Result<(), String> {
        let group = record.group;
        let meta = ConsumerMeta::read(record.payload).ok_or("a consumer that cannot be read")?;
        let Some(of) = self.streams.get(&meta.stream) else {
            self.gone.insert(group);
            return Ok(());
        };
        if let Some(found) = self.consumers.get_mut(&group) {
            found.metas.push(place);
            let until = meta.config.pause_until;
            let at = Now { mono: 0, wall: record.time, random: 0 };
            found.consumer.pause(&at, until, &mut Effects::new());
            found.consumer.update(&at, meta.config);
            return Ok(());
        }
        let stream_group = meta.stream;
        let consumer = Consumer::following(spec(&of.config, meta));
        let (records, mut metas) = (Vec::new(), Metas::default());
        metas.push(place);
        self.consumers.insert(group, FoundConsumer { stream: stream_group, consumer, records, metas });
        Ok(())
    }

    fn on_state<E: std::fmt::Display>(
        &mut self,
        place: Place,
        record: &Record<'_>,
        take: fn(&mut Consumer, &[u8]) -> Result<(), E>,
    ) -> Result<(), String> {
        let Some(found) = self.consumers.get_mut(&record.group) else {
            self.gone.insert(record.group);
            return Ok(());
        };
        take(&mut found.consumer, record.payload).map_err(|error| error.to_string())?;
        if record.kind == Kind::CONSUMER_STATE {
            let mut before = std::mem::take(&mut found.records);
            before.append(&mut found.metas.supersede());
            self.dead.extend(before.into_iter().map(|place| (place, record.group)));
        }
        found.records.push(place);
        Ok(())
    }
}

/// What a consumer is born with that is kept in the log, or elsewhere.
pub(crate) fn spec(stream: &StreamConfig, meta: ConsumerMeta) -> Spec {
    Spec {
        stream: stream.name.clone(),
        reply: AckReply::v1(&stream.name, &meta.name),
        flow: FlowControlReply::v1(&stream.name, &meta.name),
        created: Timestamp::from_unix_nanos(meta.created),
        of_stream: of_stream(stream),
        name: meta.name,
        config: meta.config,
    }
}

/// What a consumer has to know of its stream.
fn of_stream(stream: &StreamConfig) -> OfStream {
    let max = u64::try_from(stream.max_msg_size).ok().filter(|max| *max > 0);
    OfStream {
        keeps_until_acked: stream.retention != Retention::Limits,
        has_one_per_subject: stream.max_msgs_per_subject == 1,
        message_bytes_max: max.unwrap_or(MESSAGE_BYTES_MAX),
    }
}
