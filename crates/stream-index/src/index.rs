//! One stream's messages, and what changes them.

use log_format::{Place, Stretch};

use crate::links::LINK_MIN;
use crate::packed::Packed;
use crate::rows::Rows;
use crate::subjects::Subjects;
use crate::{Row, RowFlags, SizeRule, State, Steps, SubjectId, Tally, Walk};

/// What a stream holds, without its payloads.
#[derive(Debug)]
pub struct StreamIndex {
    pub(crate) rows: Rows,
    pub(crate) subjects: Subjects,
    bytes: u64,
    last_seq: u64,
    last_time: Option<i64>,
    /// What was cleared, until its memory is given back.
    discarded: Vec<(Rows, Subjects)>,
}

/// Fewer messages that follow each other are not worth a chunk of their own. Tests see many.
const PACKED_MIN: usize = if cfg!(test) { 8 } else { 64 };

/// With fewer messages and subjects than this memory is given back at once.
const DISCARDED_AT_ONCE: u64 = 1_024;

impl StreamIndex {
    /// Nothing yet; the first message will have that sequence, or 1 if it is 0.
    pub fn new(first_seq: u64) -> Self {
        Self {
            rows: Rows::default(),
            subjects: Subjects::default(),
            bytes: 0,
            last_seq: first_seq.saturating_sub(1),
            last_time: None,
            discarded: Vec::new(),
        }
    }

    /// Adds a message behind all others. Sequences between the last one and this have no message then.
    ///
    /// # Panics
    ///
    /// The sequence is not behind the last one, the subject has more than 65,535 bytes, or the size is above
    /// [`SIZE_MAX`](crate::SIZE_MAX): none of these fits a record.
    pub fn push(
        &mut self,
        seq: u64,
        time: i64,
        size: u32,
        subject: &[u8],
        place: Place,
        flags: RowFlags,
    ) -> SubjectId {
        assert!(seq > self.last_seq, "sequence {seq} behind {}", self.last_seq);
        debug_assert!(self.last_time.is_none_or(|last| last <= time), "times of a stream never go back");
        let (subject, before) = self.subjects.push(subject, seq);
        self.rows.push(&Row { seq, time, size, subject, place, flags });
        if let Some(before) = before.filter(|before| seq - before >= LINK_MIN) {
            self.rows.set_link(before, seq);
        }
        self.bytes += u64::from(size);
        self.last_seq = seq;
        self.last_time = Some(time);
        subject
    }

    /// Adds messages behind all others, as [`push`](Self::push) would, but hardly looks at them. Their sequences rise, and
    /// their times do not go back: that is what a footer sees to. Says whether they were added: not if the first one is
    /// not behind the last one that is there, or was stored before it.
    pub fn append(&mut self, messages: &Stretch, size: SizeRule) -> bool {
        let is_behind = messages.first_seq() > self.last_seq
            && self.last_time.is_none_or(|last| last <= messages.first_time());
        if !is_behind {
            return false;
        }
        let (rows, columns) = (messages.rows(), messages.columns());
        if rows.len() < PACKED_MIN {
            for at in rows {
                let row = columns.row(at);
                let (subject, place) = (messages.subject(row.subject), messages.place(at));
                let size = size.of(row.len, row.has_header);
                self.push(row.seq, row.time, size, subject, place, RowFlags::NONE);
            }
            return true;
        }
        let mut links = Vec::new();
        let subjects = self.subjects.append(messages, &mut links);
        let (len, headers) = columns.sums(rows.clone());
        self.rows.append(Packed::new(messages, size, subjects));
        for (before, seq) in links {
            self.rows.set_link(before, seq);
        }
        self.bytes += size.sum(len, rows.len() as u64, headers);
        self.last_seq = messages.last_seq();
        self.last_time = Some(messages.last_time());
        true
    }

    /// Gives out sequences up to that one without messages. That the last one was given out then is only said if
    /// there is a time.
    pub fn skip_to(&mut self, last_seq: u64, time: Option<i64>) {
        self.last_seq = self.last_seq.max(last_seq);
        self.last_time = time.max(self.last_time);
    }

    /// Takes a message out, whatever steps that takes. Its subject's text can be asked for until the dead are
    /// [forgotten](Self::forget_dead).
    pub fn remove(&mut self, seq: u64) -> Option<Row> {
        let mut from = None;
        loop {
            match self.try_remove(seq, from, &mut Steps::new(u32::MAX)) {
                Walk::Found(row) => return Some(row),
                Walk::End => return None,
                Walk::More(on) => from = Some(on),
            }
        }
    }

    /// The same, as far as the steps go: of the first and the last message of a subject the next one may have to be
    /// looked for. Until that is found nothing has changed. `from` is none at first, then where to go on; nothing else
    /// is to be removed meanwhile.
    pub fn try_remove(&mut self, seq: u64, from: Option<u64>, steps: &mut Steps) -> Walk<Row> {
        let Some(at) = self.rows.find(seq) else { return Walk::End };
        let row = self.rows.row(at);
        let end = match self.end_without(&row, from, steps) {
            Walk::Found(end) => Some(end),
            Walk::End => None,
            Walk::More(on) => return Walk::More(on),
        };
        self.bytes -= u64::from(row.size);
        self.subjects.pop(row.subject);
        if let Some(end) = end {
            let tally = self.subjects.tally_mut(row.subject);
            if seq == tally.first { tally.first = end } else { tally.last = end }
        }
        self.rows.remove(at);
        Walk::Found(row)
    }

    /// Takes all messages out, and forgets all subjects. The last sequence stays what it is. To give much memory back
    /// takes a while: see [`discard_some`](Self::discard_some).
    pub fn clear(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let subjects = std::mem::take(&mut self.subjects);
        self.bytes = 0;
        if rows.live() + subjects.len() as u64 > DISCARDED_AT_ONCE {
            self.discarded.push((rows, subjects));
        }
    }

    /// Gives some of the memory back that [`clear`](Self::clear) and [`keep_only`](Self::keep_only) left, in some tens
    /// of microseconds. Says whether there is more.
    pub fn discard_some(&mut self) -> bool {
        let Some((rows, subjects)) = self.discarded.last_mut() else { return false };
        // Both, whatever the first one says.
        let (has_rows, has_subjects) = (rows.drop_some(), subjects.drop_some());
        if !has_rows && !has_subjects {
            self.discarded.pop();
        }
        !self.discarded.is_empty()
    }

    /// Takes all messages out but that one, as [`clear`](Self::clear) does.
    pub fn keep_only(&mut self, seq: u64) {
        let kept = self.get(seq).map(|row| (row, self.subject(row.subject).to_vec()));
        self.clear();
        if let Some((row, subject)) = kept {
            let (subject, _) = self.subjects.push(&subject, row.seq);
            self.rows.push(&Row { subject, ..row });
            self.bytes = u64::from(row.size);
        }
    }

    /// Notes that a message lies elsewhere now.
    pub fn move_to(&mut self, seq: u64, place: Place) {
        if let Some(at) = self.rows.find(seq) {
            self.rows.move_to(at, place);
        }
    }

    /// Frees what is kept of subjects that have no messages any more: their ids may mean others from here on. To be
    /// called now and then, or what is kept grows with them.
    pub fn forget_dead(&mut self) {
        self.subjects.forget_dead();
    }

    /// The message of that sequence.
    pub fn get(&self, seq: u64) -> Option<Row> {
        self.rows.find(seq).map(|at| self.rows.row(at))
    }

    /// The first message.
    pub fn first(&self) -> Option<Row> {
        self.rows.first().map(|at| self.rows.row(at))
    }

    /// The counters.
    pub fn state(&self) -> State {
        let messages = self.rows.live();
        let first = self.first();
        let first_seq = first.map_or(self.last_seq + 1, |row| row.seq);
        State {
            messages,
            bytes: self.bytes,
            first_seq,
            first_time: first.map(|row| row.time),
            last_seq: self.last_seq,
            last_time: self.last_time,
            subjects: self.subjects.alive(),
            deleted: self.last_seq + 1 - first_seq - messages,
        }
    }

    /// How many messages there are.
    pub fn messages(&self) -> u64 {
        self.rows.live()
    }

    /// What their sizes add up to.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last sequence that was given out.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// When the last sequence was given out.
    pub fn last_time(&self) -> Option<i64> {
        self.last_time
    }

    /// The subject of an id; nothing if it was forgotten.
    pub fn subject(&self, id: SubjectId) -> &[u8] {
        self.subjects.text(id)
    }

    /// The id of a subject that has messages.
    pub fn find(&self, subject: &[u8]) -> Option<SubjectId> {
        self.subjects.find(subject)
    }

    /// What a subject has.
    pub fn tally(&self, id: SubjectId) -> Tally {
        self.subjects.tally(id)
    }

    /// A message goes: which one is the first of its subject then, or the last? The end says that both stay what they are.
    fn end_without(&self, row: &Row, from: Option<u64>, steps: &mut Steps) -> Walk<u64> {
        let Tally { count, first, last } = self.subjects.tally(row.subject);
        let is_end = row.seq == first || row.seq == last;
        match count {
            1 => Walk::End,
            _ if !is_end => Walk::End,
            2 => Walk::Found(if row.seq == first { last } else { first }),
            _ if row.seq == first => self.rows.next_of(row.subject.0, row.seq, from, steps),
            _ => self.rows.last_of(row.subject.0, from.unwrap_or(row.seq - 1), steps),
        }
    }
}
