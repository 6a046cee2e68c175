//! What STREAM.INFO tells on demand: a stream's subjects, and its sequences without messages.
//!
//! Both may be very many. They are gone through over turns and written as they are found, so that the turn in which all
//! are known has only to put the texts in their places. What comes and goes meanwhile may be among them or not.

use js_proto::{ApiPage, SUBJECTS_MAX, StreamInfoRequest, StreamState};
use nats_proto::go_json::compact;
use stream_index::{Filter, Steps, StreamIndex, Walk};

use crate::turn::Turn;

/// Sequences without messages that an answer tells of.
const DELETED_MAX: usize = 1 << 20;

/// Subjects or rows that are looked at before it is asked again whether there is time.
const LOOKED_AT_ONCE: u64 = 1_024;

/// What it costs to write a subject, in steps.
const SUBJECT_STEPS: u64 = 3;

/// Sequences that are written for one step.
const WRITTEN_PER_STEP: u64 = 4;

/// Sequences that are written before it is asked again whether there is time.
const WRITTEN_AT_ONCE: u64 = 4_096;

/// What stands in an answer for texts that are put there at last.
const NO_SUBJECTS: &[u8] = br#""subjects":{"":0}"#;
const NO_DELETED: &[u8] = br#""deleted":[0]"#;

/// How far both are.
#[derive(Debug)]
pub(crate) struct Details {
    subjects: Option<Subjects>,
    deleted: Option<Deleted>,
}

#[derive(Debug)]
struct Subjects {
    filter: Filter,
    offset: usize,
    /// The last one that was looked at.
    after: Option<Box<[u8]>>,
    is_done: bool,
    total: usize,
    shown: usize,
    text: Vec<u8>,
}

#[derive(Debug, Default)]
struct Deleted {
    from: u64,
    is_done: bool,
    shown: usize,
    text: Vec<u8>,
}

impl Details {
    /// Nothing yet of what is asked for.
    pub(crate) fn of(asked: &StreamInfoRequest) -> Self {
        let subjects = Subjects {
            filter: Filter::new([asked.subjects_filter.as_bytes()]),
            offset: usize::try_from(asked.offset).unwrap_or(0),
            after: None,
            is_done: false,
            total: 0,
            shown: 0,
            text: Vec::new(),
        };
        Self {
            subjects: (!asked.subjects_filter.is_empty()).then_some(subjects),
            deleted: asked.deleted_details.then(Deleted::default),
        }
    }

    /// Goes on, as far as the turn goes. Says whether that is all.
    pub(crate) fn gather(&mut self, index: &StreamIndex, turn: &mut Turn<'_>) -> bool {
        let has_subjects = self.subjects.as_mut().is_none_or(|subjects| subjects.gather(index, turn));
        has_subjects && self.deleted.as_mut().is_none_or(|deleted| deleted.gather(index, turn))
    }

    /// Has an answer say that there are some.
    pub(crate) fn announce(&self, page: &mut ApiPage, state: &mut StreamState) {
        if let Some(subjects) = self.subjects.as_ref().filter(|subjects| subjects.total > 0) {
            let (total, offset) = (subjects.total as i64, subjects.offset as i64);
            *page = ApiPage { total, offset, limit: SUBJECTS_MAX as i64 };
            if subjects.shown > 0 {
                state.subjects.insert(String::new(), 0);
            }
        }
        if self.deleted.as_ref().is_some_and(|deleted| deleted.shown > 0) {
            state.deleted.push(0);
        }
    }

    /// Puts the texts into the answer that says so. Returns what that costs, in steps.
    pub(crate) fn put_into(&self, json: &mut Vec<u8>) -> u64 {
        if let Some(subjects) = self.subjects.as_ref().filter(|subjects| subjects.shown > 0) {
            put(json, NO_SUBJECTS, br#""subjects":{"#, &subjects.text, b"}");
        }
        if let Some(deleted) = self.deleted.as_ref().filter(|deleted| deleted.shown > 0) {
            put(json, NO_DELETED, br#""deleted":["#, &deleted.text, b"]");
        }
        (json.len() >> 8) as u64
    }
}

/// Part of an answer that is looked for a little at a time.
trait Part {
    fn is_done(&self) -> bool;

    /// Looks on for so many steps. Returns what it cost to write what was found.
    fn look(&mut self, index: &StreamIndex, steps: &mut Steps) -> u64;

    /// Goes on, as far as the turn goes. Says whether that is all.
    fn gather(&mut self, index: &StreamIndex, turn: &mut Turn<'_>) -> bool {
        while !self.is_done() && turn.may_go_on() {
            let mut steps = turn.take_steps_up_to(LOOKED_AT_ONCE);
            let before = steps.left();
            let written = self.look(index, &mut steps);
            turn.spend(u64::from(before - steps.left()) + written);
        }
        self.is_done()
    }
}

impl Part for Subjects {
    fn is_done(&self) -> bool {
        self.is_done
    }

    fn look(&mut self, index: &StreamIndex, steps: &mut Steps) -> u64 {
        let after = self.after.take();
        let shown = self.shown;
        let more = index.subjects(&self.filter, after.as_deref(), steps, |id| {
            if self.total >= self.offset && self.shown < SUBJECTS_MAX {
                self.shown += 1;
                let separator: &[u8] = if self.text.is_empty() { b"" } else { b"," };
                self.text.extend_from_slice(separator);
                self.text.extend(compact(&String::from_utf8_lossy(index.subject(id))));
                self.text.extend(format!(":{}", index.tally(id).count).into_bytes());
            }
            self.total += 1;
        });
        (self.after, self.is_done) = (more.map(Into::into), more.is_none());
        (self.shown - shown) as u64 * SUBJECT_STEPS
    }
}

impl Part for Deleted {
    fn is_done(&self) -> bool {
        self.is_done
    }

    fn look(&mut self, index: &StreamIndex, steps: &mut Steps) -> u64 {
        match index.next_deleted(self.from, steps) {
            Walk::Found(range) => {
                let end = *range.end().min(&(range.start() + WRITTEN_AT_ONCE - 1));
                self.write(*range.start(), end);
                self.from = end + 1;
                return (end - range.start()) / WRITTEN_PER_STEP + 1;
            }
            Walk::More(on) => self.from = on,
            Walk::End => self.is_done = true,
        }
        0
    }
}

impl Deleted {
    fn write(&mut self, start: u64, end: u64) {
        for seq in (start..=end).take(DELETED_MAX - self.shown) {
            let separator: &[u8] = if self.text.is_empty() { b"" } else { b"," };
            self.text.extend_from_slice(separator);
            self.text.extend(seq.to_string().into_bytes());
            self.shown += 1;
        }
        self.is_done = self.shown == DELETED_MAX;
    }
}

/// Puts a text in the place of what stands for it, which is there once: no text within quotes holds one as it is.
fn put(json: &mut Vec<u8>, stands_for: &[u8], before: &[u8], text: &[u8], behind: &[u8]) {
    let found = json.windows(stands_for.len()).rposition(|part| part == stands_for);
    let at = found.expect("the answer was told that there are some");
    let rest = json.split_off(at);
    json.reserve(before.len() + text.len() + rest.len());
    for part in [before, text, behind, &rest[stands_for.len()..]] {
        json.extend_from_slice(part);
    }
}
