//! Where a consumer begins, and how it comes to know what is before it.
//!
//! Both may take a walk over the stream, which goes in slices: until it is settled a consumer delivers nothing, and
//! nobody is told of it.

use js_proto::DeliverPolicy;
use stream_index::{State, Steps, StreamIndex, Walk};

use crate::backlog::Backlog;
use crate::consumer::{Consumer, Position};
use crate::lasts::Lasts;

/// How far that has come.
#[derive(Debug)]
pub(crate) enum Start {
    /// It is to be found out where it begins.
    New,
    /// It begins at the last message that is meant, which is not behind that sequence.
    AtLast(u64),
    /// It begins at that sequence, or at the first message that is meant, which is not before the other sequence.
    AtTime(u64, u64),
    /// The list of last messages is made, and this subject was the last one. It may be where the consumer begins.
    Listing { is_first: bool, after: Option<Box<[u8]>> },
}

impl Consumer {
    /// Finds out where it begins, and counts what is before it. Says whether that is done; if not, it is to be called
    /// again. A request that makes a consumer, or asks for its state, is answered once it is.
    pub fn settle(&mut self, index: &StreamIndex, steps: &mut Steps) -> bool {
        if self.settings.member_of.is_some() {
            return true;
        }
        while let Some(start) = self.start.take() {
            self.start = self.find_start(*start, index, steps).map(Box::new);
            if self.start.is_some() && steps.left() == 0 {
                return false;
            }
        }
        self.backlog.catch_up(index, &self.settings.filter, self.cursor, steps)
    }

    /// Takes a step of it. Returns what is left to be done.
    fn find_start(&mut self, start: Start, index: &StreamIndex, steps: &mut Steps) -> Option<Start> {
        match start {
            Start::New => return self.choose_start(&index.state(), index),
            Start::AtLast(up_to) => match index.last(&self.settings.filter, up_to, steps) {
                Walk::Found(row) => self.stand_before(row.seq),
                Walk::End => self.stand_before(index.state().first_seq),
                Walk::More(up_to) => return Some(Start::AtLast(up_to)),
            },
            Start::AtTime(seq, from) => match index.next(&self.settings.filter, from, steps) {
                // As the peer has it, not up to the last one.
                Walk::Found(row) if row.seq < index.last_seq() => self.stand_before(seq.max(row.seq)),
                Walk::More(from) => return Some(Start::AtTime(seq, from)),
                _ => self.stand_before(seq),
            },
            Start::Listing { is_first, after } => {
                let lasts = self.lasts.as_mut().expect("a list that is being made");
                let more = lasts.gather(index, &self.settings.filter, after.as_deref(), steps);
                if more.is_some() {
                    return Some(Start::Listing { is_first, after: more });
                }
                self.end_listing(is_first, index.state().first_seq);
            }
        }
        None
    }

    fn choose_start(&mut self, state: &State, index: &StreamIndex) -> Option<Start> {
        let is_filtered = !self.settings.filter.is_all();
        let seq = match self.settings.deliver_policy {
            DeliverPolicy::All => state.first_seq,
            DeliverPolicy::New => state.last_seq + 1,
            DeliverPolicy::Last if is_filtered => return Some(Start::AtLast(state.last_seq)),
            DeliverPolicy::Last => state.last_seq,
            DeliverPolicy::ByStartSequence => self.settings.start_seq,
            DeliverPolicy::ByStartTime => {
                let seq = index.seq_at(self.settings.start_time);
                if is_filtered {
                    return Some(Start::AtTime(seq, state.first_seq));
                }
                seq
            }
            DeliverPolicy::LastPerSubject if self.of_stream.has_one_per_subject => state.first_seq,
            DeliverPolicy::LastPerSubject => return Some(self.begin_list(1, state.last_seq, true)),
        };
        self.stand_before(self.clamped(seq, state));
        None
    }

    /// A start that nobody named lies within the stream, or right behind it.
    fn clamped(&self, seq: u64, state: &State) -> u64 {
        let is_named = self.settings.start_seq != 0 && !self.settings.is_direct;
        let most = if is_named { u64::MAX } else { state.last_seq + 1 };
        seq.min(most).max(state.first_seq)
    }

    /// It begins there. So it is as if all before had been delivered and acknowledged.
    pub(crate) fn stand_before(&mut self, seq: u64) {
        self.cursor = seq;
        self.delivered = Position { consumer: 0, stream: seq - 1 };
        self.floor = self.delivered;
        self.backlog = Backlog::from(seq);
        self.changes.touch();
    }

    /// Makes the list of last messages again, from a sequence on, up to another.
    pub(crate) fn list_again(&mut self, from: u64, resume: u64) {
        self.start = Some(Box::new(self.begin_list(from, resume, false)));
    }

    fn begin_list(&mut self, from: u64, resume: u64, is_first: bool) -> Start {
        self.lasts = Some(Box::new(Lasts::new(from, resume)));
        self.cursor = resume + 1;
        self.backlog = Backlog::from(self.cursor);
        Start::Listing { is_first, after: None }
    }

    fn end_listing(&mut self, is_first: bool, first_seq: u64) {
        let lasts = self.lasts.take_if(|lasts| is_first || lasts.left() == 0);
        if let Some(lasts) = lasts.filter(|_| is_first) {
            let resume = lasts.resume();
            // Without any it begins at the last message, which is not meant.
            self.stand_before(lasts.front().unwrap_or(resume.max(first_seq)).max(1));
            self.cursor = resume + 1;
            self.backlog = Backlog::from(self.cursor);
            self.lasts = Some(lasts).filter(|lasts| lasts.left() > 0);
        }
        self.changes.mark_all();
    }

    /// Whether it stands somewhere: before it is [settled](Self::settle) for the first time there is nothing to store.
    pub fn is_started(&self) -> bool {
        self.start.is_none()
    }
}
