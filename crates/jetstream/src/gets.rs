//! Messages that are got directly: one, some in a row, or the last one of each of several subjects.
//!
//! A get that takes long goes on in the next turns. It then sees what is there by then, but for the last ones of
//! subjects: those are of one moment, since nothing that was stored later counts.

use js_proto::{MsgGetRequest, Status, Timestamp};
use stream_index::{Count, Filter, Row, Steps, StreamIndex, Walk};

use crate::disk::Disk;
use crate::getter::{Getter, Unsent};
use crate::slot::Slot;
use crate::turn::Turn;

/// How many subjects there may be whose last messages are asked for at once.
const LASTS_MAX: usize = 1024;

/// A get that is not done with.
#[derive(Debug)]
pub(crate) struct Get {
    account: usize,
    reply: Box<[u8]>,
    no_header: bool,
    /// Bytes that may still be sent.
    bytes_left: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The message of that sequence.
    Seq(u64),
    /// The first of such a subject from a sequence on.
    Next { filter: Filter, seq: u64 },
    /// The last of such a subject, up to a sequence.
    Last { filter: Filter, up_to: u64 },
    /// Some in a row, from one on, are yet to be counted: from that one on, beside those that were found.
    Count { filter: Filter, seq: u64, left: i64, from: u64, found: u64 },
    /// Some in a row.
    Batch { filter: Filter, seq: u64, left: i64, pending: u64, last_seq: u64, is_first: bool },
    /// The last ones of some subjects are being looked for.
    Gather(Gather),
    /// They are being sent.
    Send { found: Vec<u64>, at: usize, from: u64, up_to: u64, batch: i64, sent: i64, last_seq: u64 },
}

/// How far it is known which messages are the last ones of some subjects.
#[derive(Debug)]
struct Gather {
    filter: Filter,
    from: u64,
    up_to: u64,
    batch: i64,
    /// The last subject that was looked at.
    after: Option<Box<[u8]>>,
    /// That was the last one of all.
    is_listed: bool,
    found: Vec<u64>,
    /// Subjects that have later messages: what is asked for is not behind that sequence.
    unsure: Vec<(Box<[u8]>, u64)>,
}

/// Whether a get is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    All,
    NotYet,
    /// The disk has to be read first.
    Waits,
}

impl Get {
    /// What is asked for of a stream, with room for so many bytes if nothing is said of it. The error is answered.
    pub(crate) fn new(
        slot: &Slot,
        account: usize,
        reply: &[u8],
        request: MsgGetRequest,
        bytes_max: usize,
    ) -> Result<Self, Status<'static>> {
        let index = slot.index();
        let time = |time: Timestamp| index.seq_at(time.in_utc().unix_nanos().unwrap_or(0));
        let seq = request.start_time.map_or(request.seq, time);
        let filter = |text: &str| Filter::new((!text.is_empty()).then_some(text.as_bytes()));
        let what = if !request.multi_last.is_empty() {
            let up_to = match request.up_to_time {
                Some(at) => {
                    let behind = time(at);
                    if behind <= index.state().first_seq {
                        return Err(Status::NoResults);
                    }
                    behind - 1
                }
                None if request.up_to_seq > 0 => request.up_to_seq,
                None => index.last_seq(),
            };
            let filter = Filter::new(request.multi_last.iter().map(|filter| filter.as_bytes()));
            What::Gather(Gather {
                filter,
                from: request.seq,
                up_to,
                batch: request.batch,
                after: None,
                is_listed: false,
                found: Vec::new(),
                unsure: Vec::new(),
            })
        } else if request.batch != 0 {
            let filter = filter(&request.next_by_subj);
            What::Count { filter, seq, left: request.batch, from: seq, found: 0 }
        } else if !request.next_by_subj.is_empty() {
            What::Next { filter: filter(&request.next_by_subj), seq }
        } else if seq > 0 {
            What::Seq(seq)
        } else {
            What::Last { filter: filter(&request.last_by_subj), up_to: u64::MAX }
        };
        let bytes_left = usize::try_from(request.max_bytes).ok().filter(|max| *max > 0).unwrap_or(bytes_max);
        Ok(Self { account, reply: reply.into(), no_header: request.no_hdr, bytes_left, what })
    }

    /// Goes on with it, as far as the turn goes.
    pub(crate) fn go_on(&mut self, slot: &Slot, disk: &mut Option<Disk>, turn: &mut Turn<'_>) -> Got {
        while turn.may_go_on() {
            match self.step(slot, disk, turn) {
                Got::NotYet => {}
                got => return got,
            }
        }
        Got::NotYet
    }

    fn step(&mut self, slot: &Slot, disk: &mut Option<Disk>, turn: &mut Turn<'_>) -> Got {
        let index = slot.index();
        let mut steps = turn.take_steps();
        let before = steps.left();
        let what = std::mem::replace(&mut self.what, What::Seq(0));
        let (then, got) = match what {
            What::Seq(seq) => (What::Seq(seq), self.send_only(slot, disk, turn, index.get(seq))),
            What::Next { filter, seq } => match index.next(&filter, seq, &mut steps) {
                Walk::More(seq) => (What::Next { filter, seq }, Got::NotYet),
                found => {
                    let row = row_of(found);
                    (seq_of(row), self.send_only(slot, disk, turn, row))
                }
            },
            What::Last { filter, up_to } => match index.last(&filter, up_to, &mut steps) {
                Walk::More(up_to) => (What::Last { filter, up_to }, Got::NotYet),
                found => {
                    let row = row_of(found);
                    (seq_of(row), self.send_only(slot, disk, turn, row))
                }
            },
            What::Count { filter, seq, left, from, found } => {
                let Count { messages, more } = index.count(&filter, from, &mut steps);
                let pending = found + messages;
                let then = match more {
                    Some(from) => What::Count { filter, seq, left, from, found: pending },
                    None => What::Batch { filter, seq, left, pending, last_seq: 0, is_first: true },
                };
                (then, Got::NotYet)
            }
            What::Batch { .. } => self.step_batch(slot, disk, turn, what, &mut steps),
            What::Gather(gather) => self.step_gather(slot, turn, gather, &mut steps),
            What::Send { .. } => self.step_send(slot, disk, turn, what),
        };
        turn.spend(u64::from(before - steps.left().min(before)) + 1);
        self.what = then;
        got
    }

    /// Sends the only message that is asked for.
    fn send_only(
        &mut self,
        slot: &Slot,
        disk: &mut Option<Disk>,
        turn: &mut Turn<'_>,
        row: Option<Row>,
    ) -> Got {
        match row.map(|row| self.send(slot, disk, turn, &row, None)) {
            Some(Sent::Waits) => return Got::Waits,
            Some(Sent::Yes | Sent::Full) => {}
            Some(Sent::Lost) | None => self.status(turn, &Status::MessageNotFound),
        }
        Got::All
    }

    fn step_batch(
        &mut self,
        slot: &Slot,
        disk: &mut Option<Disk>,
        turn: &mut Turn<'_>,
        what: What,
        steps: &mut Steps,
    ) -> (What, Got) {
        let What::Batch { filter, seq, left, pending, last_seq, is_first } = what else {
            unreachable!("asked for")
        };
        let index = slot.index();
        if left < 1 {
            self.end(turn, pending, last_seq, None);
            return (What::Seq(0), Got::All);
        }
        match index.next(&filter, seq, steps) {
            Walk::More(seq) => (What::Batch { filter, seq, left, pending, last_seq, is_first }, Got::NotYet),
            Walk::End if is_first => {
                self.status(turn, &Status::MessageNotFound);
                (What::Seq(0), Got::All)
            }
            Walk::End => {
                self.end(turn, pending, last_seq, None);
                (What::Seq(0), Got::All)
            }
            Walk::Found(row) => {
                // Who wants no headers is not told of what is left, and it is not counted.
                let behind = pending.saturating_sub(u64::from(!self.no_header));
                let (sent, seq) = (self.send(slot, disk, turn, &row, Some((behind, last_seq))), row.seq);
                if sent == Sent::Waits {
                    let what = What::Batch { filter, seq, left, pending, last_seq, is_first };
                    return (what, Got::Waits);
                }
                let left = match sent {
                    Sent::Full => 0,
                    Sent::Lost => left,
                    Sent::Yes | Sent::Waits => left - 1,
                };
                let (last_seq, pending, seq) = (row.seq, behind, seq + 1);
                (What::Batch { filter, seq, left, pending, last_seq, is_first: false }, Got::NotYet)
            }
        }
    }

    fn step_gather(
        &mut self,
        slot: &Slot,
        turn: &mut Turn<'_>,
        mut gather: Gather,
        steps: &mut Steps,
    ) -> (What, Got) {
        let is_listed = gather.list(slot.index(), steps);
        if gather.found.len() + gather.unsure.len() > LASTS_MAX {
            self.status(turn, &Status::TooManyResults);
        } else if !is_listed || !gather.make_sure(slot.index(), steps) {
            return (What::Gather(gather), Got::NotYet);
        } else if gather.found.is_empty() {
            self.status(turn, &Status::NoResults);
        } else {
            let Gather { from, up_to, batch, mut found, .. } = gather;
            found.sort_unstable();
            return (What::Send { found, at: 0, from, up_to, batch, sent: 0, last_seq: 0 }, Got::NotYet);
        }
        (What::Seq(0), Got::All)
    }

    fn step_send(
        &mut self,
        slot: &Slot,
        disk: &mut Option<Disk>,
        turn: &mut Turn<'_>,
        what: What,
    ) -> (What, Got) {
        let What::Send { found, mut at, from, up_to, batch, mut sent, mut last_seq } = what else {
            unreachable!("asked for")
        };
        while at < found.len() && found[at] < from {
            at += 1;
        }
        let Some(seq) = found.get(at) else {
            self.end(turn, 0, last_seq, Some(up_to));
            return (What::Seq(0), Got::All);
        };
        let Some(row) = slot.index().get(*seq) else {
            self.status(turn, &Status::MessageNotFound);
            return (What::Seq(0), Got::All);
        };
        let pending = (found.len() - at - 1) as u64;
        let was_sent = self.send(slot, disk, turn, &row, Some((pending, last_seq)));
        match was_sent {
            Sent::Waits => return (What::Send { found, at, from, up_to, batch, sent, last_seq }, Got::Waits),
            Sent::Lost => {
                self.status(turn, &Status::MessageNotFound);
                return (What::Seq(0), Got::All);
            }
            Sent::Yes | Sent::Full => {}
        }
        at += 1;
        (last_seq, sent) = (row.seq, sent + 1);
        if was_sent == Sent::Full || batch > 0 && sent >= batch {
            self.end(turn, pending, last_seq, Some(up_to));
            return (What::Seq(0), Got::All);
        }
        (What::Send { found, at, from, up_to, batch, sent, last_seq }, Got::NotYet)
    }

    /// Sends a message, of several if there are others to be told of.
    fn send(
        &mut self,
        slot: &Slot,
        disk: &mut Option<Disk>,
        turn: &mut Turn<'_>,
        row: &Row,
        others: Option<(u64, u64)>,
    ) -> Sent {
        let to = Getter { account: self.account, reply: &self.reply, no_header: self.no_header };
        match to.send(slot, disk, turn, row, others) {
            Err(Unsent::Waits) => Sent::Waits,
            Err(Unsent::Lost) => Sent::Lost,
            Ok(bytes) if bytes >= self.bytes_left => Sent::Full,
            Ok(bytes) => {
                self.bytes_left -= bytes;
                Sent::Yes
            }
        }
    }

    fn end(&self, turn: &mut Turn<'_>, pending: u64, last_seq: u64, up_to_seq: Option<u64>) {
        self.status(turn, &Status::EndOfBatch { pending, last_seq, up_to_seq });
    }

    fn status(&self, turn: &mut Turn<'_>, status: &Status<'_>) {
        turn.publish_status(self.account, &self.reply, status);
    }
}

impl Gather {
    /// Looks at subjects. Says whether those were all.
    fn list(&mut self, index: &StreamIndex, steps: &mut Steps) -> bool {
        if self.is_listed {
            return true;
        }
        let Self { filter, up_to, found, unsure, .. } = self;
        let more = index.subjects(filter, self.after.as_deref(), steps, |id| {
            let tally = index.tally(id);
            if found.len() + unsure.len() > LASTS_MAX || tally.first > *up_to {
                return;
            }
            if tally.last <= *up_to {
                found.push(tally.last);
            } else {
                unsure.push((index.subject(id).into(), *up_to));
            }
        });
        self.after = more.map(Into::into);
        self.is_listed = self.after.is_none();
        self.is_listed
    }

    /// Looks for messages that have later ones. Says whether all were found.
    fn make_sure(&mut self, index: &StreamIndex, steps: &mut Steps) -> bool {
        while let Some((subject, up_to)) = self.unsure.pop() {
            match index.last(&Filter::new([&*subject]), up_to, steps) {
                Walk::Found(row) => self.found.push(row.seq),
                Walk::End => {}
                Walk::More(up_to) => {
                    self.unsure.push((subject, up_to));
                    return false;
                }
            }
        }
        true
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    /// It was sent, and no more bytes may be.
    Full,
    /// It has to be read first.
    Waits,
    /// It is gone.
    Lost,
}

/// The message that was found, to be sent.
fn seq_of(row: Option<Row>) -> What {
    What::Seq(row.map_or(0, |row| row.seq))
}

fn row_of(walk: Walk<Row>) -> Option<Row> {
    if let Walk::Found(row) = walk { Some(row) } else { None }
}
