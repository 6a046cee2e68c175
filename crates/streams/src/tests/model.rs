//! A stream as a plain map: every rule written down once more, one command after the other, nothing remembered.

use std::collections::BTreeMap;

use js_proto::{ApiError, Discard, Retention, Storage, StreamConfig, errors};
use stream_index::{Filter, State};

use super::run::{Message, Rollup, Ttl};
use crate::{Answer, Purge};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) subject: String,
    pub(super) time: i64,
    pub(super) size: u64,
    ends: Option<i64>,
    never: bool,
    is_marker: bool,
    /// What its counter had come to.
    pub(super) sum: Option<i128>,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) config: StreamConfig,
    pub(super) messages: BTreeMap<u64, Stored>,
    pub(super) last_seq: u64,
    pub(super) last_time: Option<i64>,
    pub(super) last_id: String,
    ids: Vec<(String, u64, i64)>,
    /// How far it is with its sources.
    pub(super) positions: BTreeMap<&'static str, u64>,
}

pub(super) fn refused(error: ApiError) -> Answer {
    Answer::Refused(error)
}

pub(super) fn store_failed(reason: &str) -> Answer {
    refused(errors::STREAM_STORE_FAILED.with(&[&reason]))
}

/// What a message of a counter says.
pub(super) fn payload_of(sum: i128) -> String {
    format!(r#"{{"val":"{sum}"}}"#)
}

impl Model {
    pub(super) fn new(config: StreamConfig) -> Self {
        let last_seq = config.first_seq.saturating_sub(1);
        Self {
            config,
            messages: BTreeMap::new(),
            last_seq,
            last_time: None,
            last_id: String::new(),
            ids: Vec::new(),
            positions: BTreeMap::new(),
        }
    }

    fn of<'a>(&'a self, filter: &'a Filter) -> impl DoubleEndedIterator<Item = u64> + 'a {
        let meant = self.messages.iter().filter(|(_, message)| filter.matches(message.subject.as_bytes()));
        meant.map(|(seq, _)| *seq)
    }

    pub(super) fn last_of(&self, subject: &str) -> u64 {
        self.of(&Filter::new([subject.as_bytes()])).next_back().unwrap_or(0)
    }

    pub(super) fn count_of(&self, subject: &str) -> u64 {
        self.messages.values().filter(|message| message.subject == subject).count() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.messages.values().map(|message| message.size).sum()
    }

    fn time_at(&self, now: i64) -> i64 {
        now.max(self.last_time.unwrap_or(now))
    }

    pub(super) fn state(&self) -> State {
        let first = self.messages.first_key_value();
        let first_seq = first.map_or(self.last_seq + 1, |(seq, _)| *seq);
        let mut subjects: Vec<&str> =
            self.messages.values().map(|message| message.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let messages = self.messages.len() as u64;
        State {
            messages,
            bytes: self.bytes(),
            first_seq,
            first_time: first.map(|(_, message)| message.time),
            last_seq: self.last_seq,
            last_time: self.last_time,
            subjects: subjects.len() as u64,
            deleted: self.last_seq + 1 - first_seq - messages,
        }
    }

    pub(super) fn size(&self, message: &Message, header: usize) -> u64 {
        let parts = message.subject.len() + header + message.payload;
        let more = match self.config.storage {
            Storage::Memory => 16,
            Storage::File if header > 0 => 34,
            Storage::File => 30,
        };
        (parts + more) as u64
    }

    /// Why a message is not stored, if it is not.
    fn refusal(&self, now: i64, message: &Message) -> Option<Answer> {
        let wrong_last = |seq: u64| Some(refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&seq])));
        let config = &self.config;
        if config.sealed {
            return Some(refused(errors::STREAM_SEALED.error()));
        }
        if let Some(error) = self.refusal_of_increment(message) {
            return Some(refused(error));
        }
        if message.stream.as_ref().is_some_and(|name| *name != config.name) {
            return Some(refused(errors::STREAM_NOT_MATCH.error()));
        }
        if matches!(message.ttl, Some(Ttl::Seconds(_) | Ttl::Never)) && !config.allow_msg_ttl {
            return Some(refused(errors::MESSAGE_TTL_DISABLED.error()));
        }
        if let Some(expected) = message.last_of_subject {
            let last = self.last_of(message.expected_subject.as_ref().unwrap_or(&message.subject));
            if last != expected {
                return wrong_last(last);
            }
        } else if message.expected_subject.is_some() {
            return Some(refused(errors::STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID.error()));
        }
        if message.last.is_some_and(|expected| expected != self.last_seq) {
            return wrong_last(self.last_seq);
        }
        if let Some(id) = &message.id
            && let Some(seq) = self.seq_of(id, now)
        {
            return Some(Answer::Duplicate { seq });
        }
        if message.last_id.as_ref().is_some_and(|id| *id != self.last_id) {
            return Some(refused(errors::STREAM_WRONG_LAST_MSG_ID.with(&[&self.last_id])));
        }
        let rollup_failed = |reason: &str| Some(refused(errors::STREAM_ROLLUP_FAILED.with(&[&reason])));
        match message.rollup {
            Some(_) if !config.allow_rollup_hdrs || config.deny_purge => {
                return rollup_failed("rollup not permitted");
            }
            Some(Rollup::Unknown) => return rollup_failed("rollup value invalid: \"unknown\""),
            _ => {}
        }
        if config.allow_msg_counter && message.incr.is_none() {
            return Some(refused(errors::MESSAGE_INCR_MISSING.error()));
        }
        let payload = self.sum_with(message).map_or(message.payload, |sum| payload_of(sum).len());
        if self.is_too_large(message.header().len() + payload) {
            return Some(refused(errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM.error()));
        }
        None
    }

    pub(super) fn is_too_large(&self, len: usize) -> bool {
        self.config.max_msg_size >= 0 && len > self.config.max_msg_size as usize
    }

    pub(super) fn refusal_of_increment(&self, message: &Message) -> Option<ApiError> {
        let incr = message.incr?;
        if incr.parse::<i128>().is_err() {
            return Some(errors::MESSAGE_INCR_INVALID.error());
        }
        if !self.config.allow_msg_counter {
            return Some(errors::MESSAGE_INCR_DISABLED.error());
        }
        if message.payload > 0 {
            return Some(errors::MESSAGE_INCR_PAYLOAD.error());
        }
        let expects = message.rollup.is_some()
            || message.stream.is_some()
            || message.last.is_some()
            || message.last_of_subject.is_some()
            || message.expected_subject.is_some()
            || message.last_id.is_some();
        expects.then(|| errors::MESSAGE_INCR_INVALID.error())
    }

    /// What the counter comes to with a message, if the stream counts.
    pub(super) fn sum_with(&self, message: &Message) -> Option<i128> {
        let incr = message.incr.filter(|_| self.config.allow_msg_counter)?.parse::<i128>().ok()?;
        let before = self.messages.get(&self.last_of(&message.subject)).and_then(|last| last.sum);
        Some(before.unwrap_or(0) + incr)
    }

    pub(super) fn seq_of(&self, id: &str, now: i64) -> Option<u64> {
        let window = self.config.duplicate_window.0;
        let now = self.time_at(now);
        let known = self.ids.iter().rev().find(|(other, _, time)| other == id && now - time < window);
        known.map(|(_, seq, _)| *seq)
    }

    /// Why there is no room for it, if there is none.
    fn no_room(&self, message: &Message, size: u64) -> Option<Answer> {
        let config = &self.config;
        if config.discard != Discard::New {
            return None;
        }
        let max = config.max_msgs_per_subject;
        let replaces = max > 0 && self.count_of(&message.subject) >= max as u64;
        if replaces && config.discard_new_per_subject && message.rollup.is_none() {
            return Some(store_failed("maximum messages per subject exceeded"));
        }
        if config.max_msgs > 0 && self.messages.len() as i64 >= config.max_msgs && !replaces {
            return Some(store_failed("maximum messages exceeded"));
        }
        if config.max_bytes > 0 && self.bytes() + size > config.max_bytes as u64 {
            let first = self.of(&Filter::new([message.subject.as_bytes()])).next();
            let first_size = first.map_or(0, |seq| self.messages[&seq].size);
            if !replaces || first_size < size {
                return Some(store_failed("maximum bytes exceeded"));
            }
        }
        None
    }

    pub(super) fn publish(&mut self, now: i64, message: &Message) -> Answer {
        if let Some(answer) = self.refusal(now, message) {
            return answer;
        }
        let answer = self.store(now, message, self.sum_with(message));
        if let (Some((source, seq)), Answer::Stored { .. }) = (message.source, &answer) {
            let is_source = self.config.sources.iter().any(|known| known.name == source);
            if is_source || self.positions.contains_key(source) {
                self.positions.insert(source, seq);
            }
        }
        answer
    }

    pub(super) fn store(&mut self, now: i64, message: &Message, sum: Option<i128>) -> Answer {
        let payload = sum.map_or(message.payload, |sum| payload_of(sum).len());
        let message = &Message { payload, ..message.clone() };
        let time = self.time_at(now);
        let seq = self.last_seq + 1;
        if self.config.retention == Retention::Interest && !message.is_wanted {
            self.note(seq, time, message.id.as_ref());
            self.roll_up(message, 0);
            return Answer::Stored { seq };
        }
        if message.ttl == Some(Ttl::Unreadable) {
            return refused(errors::MESSAGE_TTL_INVALID.error());
        }
        let least = self.config.subject_delete_marker_ttl.0 / 1_000_000_000;
        let mut header = message.header().len();
        let mut ends = None;
        if let Some(Ttl::Seconds(seconds)) = message.ttl {
            let mut seconds = seconds;
            if seconds < least && self.config.max_msgs_per_subject != 1 {
                header = header + least.to_string().len() - seconds.to_string().len();
                seconds = least;
            }
            ends = Some(time + seconds * 1_000_000_000);
        }
        let size = self.size(message, header);
        if message.in_batch.is_none()
            && let Some(answer) = self.no_room(message, size)
        {
            return answer;
        }
        let never = message.ttl == Some(Ttl::Never);
        self.note(seq, time, message.id.as_ref());
        let subject = message.subject.clone();
        let is_marker = message.is_marker;
        self.messages.insert(seq, Stored { subject, time, size, ends, never, is_marker, sum });
        self.trim(&message.subject);
        self.roll_up(message, 1);
        match sum {
            Some(sum) => Answer::Counted { seq, sum: sum.to_string().into() },
            None => Answer::Stored { seq },
        }
    }

    fn note(&mut self, seq: u64, time: i64, id: Option<&String>) {
        self.last_seq = seq;
        self.last_time = Some(time);
        self.last_id = id.cloned().unwrap_or_default();
        self.ids.extend(id.map(|id| (id.clone(), seq, time)));
    }

    fn roll_up(&mut self, message: &Message, keep: usize) {
        let filter = match message.rollup {
            Some(Rollup::Subject) => Filter::new([message.subject.as_bytes()]),
            Some(Rollup::All) => Filter::all(),
            _ => return,
        };
        let going: Vec<u64> = self.of(&filter).rev().skip(keep).collect();
        self.remove_all(&going);
    }

    fn remove_all(&mut self, going: &[u64]) {
        self.messages.retain(|seq, _| !going.contains(seq));
    }

    fn trim(&mut self, subject: &str) {
        let max = self.config.max_msgs_per_subject;
        if max > 0 {
            let of_subject = Filter::new([subject.as_bytes()]);
            let going: Vec<u64> = self.of(&of_subject).rev().skip(max as usize).collect();
            self.remove_all(&going);
        }
        self.trim_all();
    }

    fn trim_all(&mut self) {
        if self.config.discard == Discard::New {
            return;
        }
        while self.config.max_msgs > 0 && self.messages.len() as i64 > self.config.max_msgs {
            self.messages.pop_first();
        }
        while self.config.max_bytes > 0 && self.bytes() > self.config.max_bytes as u64 {
            self.messages.pop_first();
        }
    }

    pub(super) fn delete(&mut self, seq: u64) -> Answer {
        let failed = |reason: &str| refused(errors::STREAM_MSG_DELETE_FAILED.with(&[&reason]));
        if self.config.sealed {
            return refused(errors::STREAM_SEALED.error());
        }
        if self.config.deny_delete {
            return failed("message delete not permitted");
        }
        if self.messages.remove(&seq).is_some() {
            return Answer::Deleted;
        }
        match self.config.storage {
            Storage::File if seq > self.last_seq => failed("stream store EOF"),
            Storage::File if seq < self.state().first_seq => failed("no message found"),
            _ => refused(errors::SEQUENCE_NOT_FOUND.with(&[&seq])),
        }
    }

    pub(super) fn purge(&mut self, purge: &Purge) -> Answer {
        if self.config.sealed {
            return refused(errors::STREAM_SEALED.error());
        }
        if self.config.deny_purge {
            return refused(errors::STREAM_PURGE_FAILED.with(&[&"stream purge not permitted"]));
        }
        if purge.before > 0 && purge.keep > 0 {
            return refused(errors::BAD_REQUEST.error());
        }
        let filter = if purge.filter.is_empty() { Filter::all() } else { Filter::new([&*purge.filter]) };
        let is_before = |seq: &u64| purge.before == 0 || *seq < purge.before;
        let going: Vec<u64> = self.of(&filter).rev().skip(purge.keep as usize).filter(is_before).collect();
        self.remove_all(&going);
        if filter.is_all() && purge.before > 1 {
            self.last_seq = self.last_seq.max(purge.before - 1);
        }
        Answer::Purged { messages: going.len() as u64 }
    }

    pub(super) fn update(&mut self, config: StreamConfig) -> Answer {
        self.config = config;
        self.trim_all();
        let subjects: Vec<String> = self.messages.values().map(|message| message.subject.clone()).collect();
        for subject in subjects {
            self.trim(&subject);
        }
        Answer::Updated
    }

    pub(super) fn release(&mut self, seq: u64) {
        self.messages.remove(&seq);
    }

    /// All that is over by then goes, the oldest first, and what ends by its own time behind that.
    pub(super) fn expire(&mut self, now: i64) {
        let max_age = self.config.max_age.0;
        let is_old = |message: &Stored| max_age > 0 && !message.never && message.time + max_age <= now;
        let is_over = |message: &Stored| message.ends.is_some_and(|ends| ends <= now);
        let all = self.messages.iter();
        let old: Vec<u64> = all.filter(|(_, message)| is_old(message)).map(|(seq, _)| *seq).collect();
        let all = self.messages.iter().filter(|(seq, _)| !old.contains(seq));
        let over: Vec<u64> = all.filter(|(_, message)| is_over(message)).map(|(seq, _)| *seq).collect();
        let marker_seconds = self.config.subject_delete_marker_ttl.0 / 1_000_000_000;
        for seq in old.into_iter().chain(over) {
            let Some(message) = self.messages.get(&seq).cloned() else { continue };
            if marker_seconds > 0 && self.count_of(&message.subject) == 1 && !message.is_marker {
                self.mark(now, &message.subject, marker_seconds);
            }
            self.messages.remove(&seq);
        }
    }

    fn mark(&mut self, now: i64, subject: &str, seconds: i64) {
        let time = self.time_at(now);
        let ttl = js_proto::Nanos::from_secs(seconds);
        let header =
            format!("NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: {ttl}\r\nNats-Rollup: sub\r\n\r\n");
        let marker = Message { subject: subject.into(), ..Message::default() };
        let size = self.size(&marker, header.len());
        self.note(self.last_seq + 1, time, None);
        let ends = Some(time + seconds * 1_000_000_000);
        let stored =
            Stored { subject: subject.into(), time, size, ends, never: false, is_marker: true, sum: None };
        self.messages.insert(self.last_seq, stored);
        self.trim(subject);
    }
}
