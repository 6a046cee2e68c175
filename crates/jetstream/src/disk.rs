//! The shard's log: what goes into it, who waits until that is safe, and what it says.

use std::collections::{BTreeMap, VecDeque};

use log_format::{Kind, Lsn, Place, Record};
use stream_log::{Answer, AppendError, Appended, Event, Log, Read, Request, Room, Scrubbed};
use streams::{Found, Said};

use crate::tenant::StreamId;

/// Bytes of a record that says that something is gone.
const SMALL_ROOM: usize = 1 << 10;

/// Who waits until records are safe.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// The stream, to apply its next event.
    Event(StreamId),
    /// Somebody in an account who wants to hear that an acknowledgement was taken note of.
    Ack { account: usize, to: Vec<u8> },
}

/// The log.
#[derive(Debug)]
pub(crate) struct Disk {
    log: Log,
    awaited: VecDeque<(Lsn, Awaited)>,
    /// What was appended last is safe once the log is synced up to here.
    last: Lsn,
    synced: Lsn,
    /// All that was found at the start is safe: until then nobody is shown any of it.
    is_open: bool,
    /// Why the log takes nothing any more.
    failure: Option<Box<str>>,
    /// The log was told something since it was last asked what that means.
    has_news: bool,
    /// There is something to be looked at now and then.
    is_scrubbed: bool,
    /// Something was appended since requests were last taken.
    pub(crate) is_touched: bool,
}

impl Disk {
    /// A log that was found again.
    pub(crate) fn new(log: Log) -> Self {
        let told = log.told();
        Self {
            log,
            awaited: VecDeque::new(),
            last: told,
            synced: told,
            is_open: false,
            failure: None,
            has_news: true,
            is_scrubbed: false,
            is_touched: false,
        }
    }

    /// Whether something may be stored and shown.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether a record with so many bytes in it may be published now.
    pub(crate) fn room(&mut self, bytes: usize) -> Room {
        self.log.room(bytes)
    }

    /// Whether a small record can be stored though the disk is full.
    pub(crate) fn has_reserve(&self) -> bool {
        self.log.has_reserve(SMALL_ROOM)
    }

    pub(crate) fn append(&mut self, record: &Record<'_>) -> Result<Appended, AppendError> {
        let appended = self.log.append(record)?;
        self.last = appended.lsn;
        self.is_touched = true;
        Ok(appended)
    }

    /// Who is told once what was appended last is safe.
    pub(crate) fn wait(&mut self, who: Awaited) {
        self.awaited.push_back((self.last, who));
    }

    /// Up to where all has to be safe before what was done last is told.
    pub(crate) fn last(&self) -> Lsn {
        self.last
    }

    pub(crate) fn is_safe(&self, lsn: Lsn) -> bool {
        lsn <= self.synced
    }

    /// Whether it is safe, and whoever waited for that was told.
    pub(crate) fn is_done(&self, lsn: Lsn) -> bool {
        self.is_safe(lsn) && self.awaited.front().is_none_or(|(awaited, _)| *awaited > lsn)
    }

    /// Takes the next who waited for what is safe by now.
    pub(crate) fn take_awaited(&mut self) -> Option<Awaited> {
        let is_safe = self.awaited.front().is_some_and(|(lsn, _)| *lsn <= self.synced);
        if is_safe { self.awaited.pop_front().map(|(_, who)| who) } else { None }
    }

    /// The log failed: what was appended and is not safe will never be, and nobody waits for it.
    pub(crate) fn give_up(&mut self, why: &str) {
        (self.failure, self.last) = (Some(why.into()), self.synced);
        let synced = self.synced;
        self.awaited.retain(|(lsn, _)| *lsn <= synced);
    }

    /// How many events of each stream wait to be applied, once it [gave up](Self::give_up).
    pub(crate) fn events_left(&self) -> BTreeMap<StreamId, usize> {
        let mut left = BTreeMap::new();
        for (_, who) in &self.awaited {
            if let Awaited::Event(id) = who {
                *left.entry(*id).or_default() += 1;
            }
        }
        left
    }

    /// Whether the log failed before it was known that what it has is safe: nobody may ever be shown that.
    pub(crate) fn never_opened(&self) -> bool {
        self.has_failed() && !self.is_open
    }

    /// Whether the log takes nothing any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Why that is.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// What a message says.
    pub(crate) fn read(&mut self, place: Place) -> Found<'_> {
        match self.log.read(place) {
            Read::Record(record) if record.kind == Kind::MESSAGE => {
                Found::Said(Said { header: record.header, payload: record.payload })
            }
            Read::Wait => Found::Wait,
            Read::Record(_) | Read::Lost => Found::Lost,
        }
    }

    /// Has overwritten what a message says that is gone: an [`Event::Erased`] says when it is.
    pub(crate) fn erase(&mut self, place: Place) {
        self.log.erase(place);
        self.is_touched = true;
    }

    /// Nobody needs a record any more.
    pub(crate) fn bury(&mut self, place: Place, group: u32) {
        self.log.bury(place, group);
        self.is_touched = true;
    }

    /// Nobody needs any record of a group.
    pub(crate) fn bury_all(&mut self, group: u32) {
        self.log.bury_all(group);
        self.is_touched = true;
    }

    /// Nobody needs any record of a group but that one.
    pub(crate) fn bury_all_but(&mut self, place: Place, group: u32) {
        self.log.bury_all_but(place, group);
        self.is_touched = true;
    }

    pub(crate) fn take_request(&mut self) -> Option<Request> {
        let request = self.log.take_request();
        // Once there is something to be looked at now and then a turn has to think of when.
        let has_more = self.log.bytes_to_scrub() > 0;
        let is_new = has_more && !std::mem::replace(&mut self.is_scrubbed, has_more);
        self.has_news |= self.log.has_events() || is_new;
        request
    }

    pub(crate) fn on_answer(&mut self, answer: Answer) {
        self.log.on_answer(answer);
        self.has_news = true;
    }

    /// Nothing more is stored: the log comes to a clean stop.
    pub(crate) fn stop(&mut self) {
        self.log.stop();
        (self.has_news, self.is_touched) = (true, true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.log.is_stopped()
    }

    pub(crate) fn ends(&self) -> BTreeMap<u32, u32> {
        self.log.ends()
    }

    /// Whether [`Self::take_event`] may have something to tell.
    pub(crate) fn has_news(&self) -> bool {
        self.has_news
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        let event = self.log.take_event();
        self.has_news = event.is_some();
        if let Some(Event::Synced(lsn)) = event {
            (self.synced, self.is_open) = (lsn, true);
        }
        event
    }

    /// The log itself, for what only it can do.
    pub(crate) fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Somebody waits for what may be safe by now: that is looked at soon.
    pub(crate) fn nudge(&mut self) {
        self.has_news |= self.awaited.front().is_some_and(|(lsn, _)| *lsn <= self.synced);
    }

    /// Whether something was appended that waits to be synced.
    pub(crate) fn wants_sync(&self) -> bool {
        self.log.wants_sync()
    }

    pub(crate) fn ask_for_sync(&mut self) {
        self.log.ask_for_sync();
        self.is_touched = true;
    }

    /// Has the next piece of what was written long ago looked at.
    pub(crate) fn scrub(&mut self) {
        self.log.scrub();
        self.is_touched = true;
    }

    pub(crate) fn bytes_to_scrub(&self) -> u64 {
        self.log.bytes_to_scrub()
    }

    pub(crate) fn scrubbed(&self) -> Scrubbed {
        self.log.scrubbed()
    }

    pub(crate) fn wants_tick(&self) -> bool {
        self.log.wants_tick()
    }

    pub(crate) fn tick(&mut self) {
        self.log.tick();
        self.has_news = true;
        self.is_touched = true;
    }
}
