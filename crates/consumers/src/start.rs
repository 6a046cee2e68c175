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
    Listing {
        is_first: bool,
        after: Option<Box<[u8]>>,
    },
    Done,
}

impl Consumer {
    /// Finds out where it begins, and counts what is before it. Says whether that is done; if not, it is to be called
    /// again. A request that makes a consumer, or asks for its state, is answered once it is.
    pub fn settle(&mut self, index: &StreamIndex, steps: &mut Steps) -> bool {
        while !matches!(self.start, Start::Done) {
            if !self.find_start(index, steps) {
                return false;
            }
        }
        self.backlog.catch_up(index, &self.settings.filter, self.cursor, steps)
    }

    /// Takes a step of it. Says whether the steps sufficed.
    fn find_start(&mut self, index: &StreamIndex, steps: &mut Steps) -> bool {
        match &mut self.start {
            Start::Done => {}
            Start::New => self.choose_start(&index.state(), index),
            Start::AtLast(up_to) => match index.last(&self.settings.filter, *up_to, steps) {
                Walk::Found(row) => self.begin_at(row.seq),
                Walk::End => self.begin_at(index.state().first_seq),
                Walk::More(up_to) => return self.go_on(Start::AtLast(up_to)),
            },
            Start::AtTime(seq, from) => match (*seq, index.next(&self.settings.filter, *from, steps)) {
                // As the peer has it, not up to the last one.
                (seq, Walk::Found(row)) if row.seq < index.last_seq() => self.begin_at(seq.max(row.seq)),
                (seq, Walk::More(from)) => return self.go_on(Start::AtTime(seq, from)),
                (seq, _) => self.begin_at(seq),
            },
            Start::Listing { is_first, after } => {
                let (is_first, after) = (*is_first, after.take());
                let lasts = self.lasts.as_mut().expect("a list that is being made");
                let more = lasts.gather(index, &self.settings.filter, after.as_deref(), steps);
                if more.is_some() {
                    return self.go_on(Start::Listing { is_first, after: more });
                }
                self.end_listing(is_first, index.state().first_seq);
            }
        }
        true
    }

    fn go_on(&mut self, start: Start) -> bool {
        self.start = start;
        false
    }

    fn choose_start(&mut self, state: &State, index: &StreamIndex) {
        let is_filtered = !self.settings.filter.is_all();
        match self.settings.deliver_policy {
            DeliverPolicy::All => self.begin_at(state.first_seq),
            DeliverPolicy::New => self.begin_at(state.last_seq + 1),
            DeliverPolicy::Last if is_filtered => self.start = Start::AtLast(state.last_seq),
            DeliverPolicy::Last => self.begin_at(state.last_seq),
            DeliverPolicy::ByStartSequence => self.begin_at(self.settings.start_seq),
            DeliverPolicy::ByStartTime => {
                let seq = index.seq_at(self.settings.start_time.unwrap_or(0));
                self.start = Start::AtTime(seq, state.first_seq);
                if !is_filtered {
                    self.begin_at(seq);
                }
            }
            DeliverPolicy::LastPerSubject if self.of_stream.has_one_per_subject => {
                self.begin_at(state.first_seq)
            }
            DeliverPolicy::LastPerSubject => self.list_from(1, state.last_seq, true),
        }
        if matches!(self.start, Start::Done) {
            self.clamp_to(state);
        }
    }

    /// It begins there. So it is as if all before had been delivered and acknowledged.
    fn begin_at(&mut self, seq: u64) {
        self.stand_before(seq.max(1));
        self.start = Start::Done;
    }

    /// A start that nobody named lies within the stream, or right behind it.
    fn clamp_to(&mut self, state: &State) {
        let is_named = self.settings.start_seq != 0 && !self.settings.is_direct;
        if self.cursor > state.last_seq && !is_named {
            self.stand_before(state.last_seq + 1);
        } else if self.cursor < state.first_seq {
            self.stand_before(state.first_seq);
        }
    }

    pub(crate) fn stand_before(&mut self, seq: u64) {
        self.cursor = seq;
        self.delivered = Position { consumer: 0, stream: seq - 1 };
        self.floor = self.delivered;
        self.backlog = Backlog::from(seq);
        self.changes.touch();
    }

    /// Makes the list of last messages from a sequence on, up to another. If it is the first that the consumer does, it
    /// begins with it.
    pub(crate) fn list_from(&mut self, from: u64, resume: u64, is_first: bool) {
        self.lasts = Some(Box::new(Lasts::new(from, resume)));
        self.cursor = resume + 1;
        self.backlog = Backlog::from(self.cursor);
        self.start = Start::Listing { is_first, after: None };
    }

    fn end_listing(&mut self, is_first: bool, first_seq: u64) {
        self.start = Start::Done;
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

    pub(crate) fn is_started(&self) -> bool {
        matches!(self.start, Start::Done)
    }
}
