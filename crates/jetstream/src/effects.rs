//! What follows from what a stream applied: answers, what consumers learn, what is counted, what is published again.

use std::collections::BTreeSet;

use js_proto::advisory::Action;
use js_proto::{
    ApiAnswer, ApiError, CopiedHeaders, MsgDeleteAnswer, PubAckAnswer, StreamPurgeAnswer, StreamUpdateAnswer,
    Timestamp, errors, headers,
};
use serde::Serialize;
use streams::{Answer as Told, Effect, Found, Removal};

use crate::consumer_set::ConsumerKey;
use crate::flood::TOO_MANY_REQUESTS;
use crate::home::Home;
use crate::names::Change;
use crate::post::Message;
use crate::request::Request;
use crate::slot::Slot;
use crate::step::Answer;
use crate::task::Task;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

impl Home {
    /// Carries out what followed, in its order.
    pub(crate) fn carry_out(&mut self, turn: &mut Turn<'_>, id: StreamId, effects: &mut Vec<Effect<Waiter>>) {
        if !self.carry_out_stored(turn, id, effects) {
            self.carry_out_any(turn, id, effects);
        }
    }

    /// Mostly a message was stored, its publisher is to hear of it, and that is all: then the stream is looked for once.
    /// Says whether it was so.
    fn carry_out_stored(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> bool {
        let (row, told) = match &effects[..] {
            [Effect::Stored(row)] => (*row, None),
            [
                Effect::Stored(row),
                Effect::Answer { to: Waiter::Publisher(reply), answer: Told::Stored { seq } },
            ] => (*row, Some((reply, *seq))),
            _ => return false,
        };
        let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_resting && slot.tasks.is_empty())
        else {
            return false;
        };
        self.line.extend(slot.consumers.wake().map(|consumer| ConsumerKey { stream: id, consumer }));
        let (account, storage) = (slot.account(), slot.storage());
        if let Some((reply, seq)) = told {
            self.text.clear();
            slot.pub_ack().write(&mut self.text, seq);
            turn.publish(&Message::new(account, reply, &self.text));
        }
        self.count_for(account, storage, i64::from(row.size));
        effects.clear();
        true
    }

    fn carry_out_any(&mut self, turn: &mut Turn<'_>, id: StreamId, effects: &mut Vec<Effect<Waiter>>) {
        let mut rolled_up = BTreeSet::new();
        let mut is_erased = false;
        for effect in effects.drain(..) {
            match effect {
                Effect::Stored(row) => {
                    self.count(id, i64::from(row.size));
                    self.wake(id);
                }
                Effect::Removed { row, why: Removal::Rollup } => {
                    self.count(id, -i64::from(row.size));
                    rolled_up.extend(self.on_rolled_up(id, &row));
                }
                Effect::Removed { row, why } => {
                    self.count(id, -i64::from(row.size));
                    self.on_removed(turn, id, &row);
                    is_erased |= why == Removal::Deleted { erase: true } && self.erase(id, row.place);
                }
                Effect::Bury(place) => self.bury(id, place),
                Effect::Purged { filter, bytes, .. } => {
                    self.count(id, -i64::try_from(bytes).unwrap_or(i64::MAX));
                    self.purge_consumers(id, filter.texts().next());
                }
                Effect::Republish { row, subject, last_seq, is_headers_only } => {
                    self.republish(turn, id, &row, &subject, last_seq, is_headers_only);
                }
                Effect::Updated { before } => self.on_updated(turn, id, &before),
                Effect::Answer { to, answer: Told::Deleted } if std::mem::take(&mut is_erased) => {
                    self.erasing.push_back((id, Some(to)));
                }
                Effect::Answer { to, answer } => self.answer_behind(turn, id, to, answer),
            }
        }
        if is_erased {
            // Nobody waits for it.
            self.erasing.push_back((id, None));
        }
        if let Some(subject) = rolled_up.pop_first() {
            // A rollup is a purge: of its subject, or of all.
            let is_all = !rolled_up.is_empty() || self.streams.get(&id).is_some_and(Slot::has_only_the_last);
            self.purge_consumers(id, (!is_all).then_some(&*subject));
        }
        if self.tasks > 0 && self.streams.get(&id).is_some_and(|slot| !slot.tasks.is_empty()) {
            self.do_tasks(turn, id);
        }
    }

    /// Tells somebody what became of a command, once all is done that follows from it.
    fn answer_behind(&mut self, turn: &mut Turn<'_>, id: StreamId, to: Waiter, answer: Told) {
        // Mostly there is nothing, and the stream need not be looked for.
        if self.tasks == 0 {
            return self.answer_waiter(turn, id, to, answer);
        }
        match self.streams.get_mut(&id) {
            Some(slot) if !slot.tasks.is_empty() => {
                slot.tasks.push_back(Task::Tell { to, answer });
                self.tasks += 1;
            }
            _ => self.answer_waiter(turn, id, to, answer),
        }
    }

    /// Has overwritten what a message said. Says whether that takes its time.
    fn erase(&mut self, id: StreamId, place: stream_index::Place) -> bool {
        let is_kept = self.streams.get(&id).is_some_and(|slot| slot.medium.is_log());
        let Some(disk) = self.disk.as_mut().filter(|disk| is_kept && !disk.has_failed()) else {
            return false;
        };
        disk.erase(place);
        true
    }

    /// Has overwritten what a crash kept from it: one after the other, so that nobody who asks for that now waits long. It
    /// has to be safe by then that the message is gone.
    pub(crate) fn erase_again(&mut self) {
        while !self.is_found
            && self.erasing.is_empty()
            && let Some((id, place)) = self.to_erase.pop_front()
        {
            if self.erase(id, place) {
                self.erasing.push_back((id, None));
            }
        }
    }

    /// The message that was to be overwritten first is, or never will be.
    pub(crate) fn on_erased(&mut self, turn: &mut Turn<'_>, answer: Told) {
        if let Some((id, Some(to))) = self.erasing.pop_front() {
            self.answer_waiter(turn, id, to, answer);
        }
    }

    /// Tells somebody what became of a command.
    pub(crate) fn answer_waiter(&mut self, turn: &mut Turn<'_>, id: StreamId, to: Waiter, answer: Told) {
        match to {
            Waiter::Publisher(reply) => self.acknowledge(turn, id, &reply, answer),
            // What was refused meanwhile is not on the disk, and the consumer is not told that it is.
            Waiter::Reader { .. } if matches!(answer, Told::Refused(_)) => {}
            Waiter::Reader { to, delivery, seq } => self.answer_reader(turn, id, &to, delivery, seq),
            Waiter::Sender(sender) => {
                if let Some(account) = self.account_of(id) {
                    self.tell_sender(turn, account, &sender, answer);
                }
            }
            Waiter::Asker(request) if matches!(answer, Told::Updated) => self.on_changed(turn, id, request),
            Waiter::Changer(request) if matches!(answer, Told::Updated) => {
                self.answer_updated(turn, id, *request);
            }
            Waiter::Asker(request) | Waiter::Changer(request) => {
                self.answer_asker(turn, *request, answer);
            }
        }
    }

    /// Tells a consumer of another stream how far this one is.
    fn answer_reader(&self, turn: &mut Turn<'_>, id: StreamId, to: &[u8], delivery: u64, seq: u64) {
        let Some(slot) = self.streams.get(&id) else { return };
        let mut header = b"NATS/1.0\r\n".to_vec();
        headers::write_number(&mut header, headers::LAST_CONSUMER, delivery);
        headers::write_number(&mut header, headers::LAST_STREAM, seq);
        header.extend_from_slice(b"\r\n");
        turn.publish(&Message { header: &header, ..Message::new(slot.account(), to, b"") });
    }

    /// Tells a publisher what became of its message.
    fn acknowledge(&mut self, turn: &mut Turn<'_>, id: StreamId, reply: &[u8], answer: Told) {
        if let Told::Fast(words) = answer {
            return self.tell_fast(turn, id, reply, words);
        }
        let Some(slot) = self.streams.get(&id) else { return };
        let mut header: &[u8] = b"";
        let payload = &mut self.text;
        payload.clear();
        match answer {
            Told::Stored { seq } => slot.pub_ack().write(payload, seq),
            Told::Counted { seq, sum } => slot.pub_ack().write_counter(payload, seq, &sum),
            Told::Duplicate { seq } => slot.pub_ack().write_duplicate(payload, seq),
            Told::Held => {}
            Told::Batch { seq, id, count } => {
                let id = String::from_utf8_lossy(&id);
                slot.pub_ack().write_batch(payload, seq, &id, count);
            }
            Told::Refused(error) => {
                if error.is(&errors::STREAM_TOO_MANY_REQUESTS) {
                    header = TOO_MANY_REQUESTS;
                }
                *payload = PubAckAnswer::refusal(&slot.config().name, error);
            }
            Told::Fast(_) | Told::Purged { .. } | Told::Deleted | Told::Updated => return,
        }
        turn.publish(&Message { header, ..Message::new(slot.account(), reply, payload) });
    }

    /// Answers a request about the stream.
    fn answer_asker(&mut self, turn: &mut Turn<'_>, request: Request, answer: Told) {
        match answer {
            Told::Purged { messages } => {
                let answer =
                    StreamPurgeAnswer { success: true, purged: messages, ..StreamPurgeAnswer::new() };
                self.give(turn, &request, &Answer::of(Ok(answer)));
            }
            Told::Deleted => {
                let answer = MsgDeleteAnswer { success: true, ..MsgDeleteAnswer::new() };
                self.give(turn, &request, &Answer::of(Ok(answer)));
            }
            Told::Refused(error) => self.refuse_asker(turn, &request, error),
            Told::Stored { .. }
            | Told::Counted { .. }
            | Told::Held
            | Told::Batch { .. }
            | Told::Fast(_)
            | Told::Duplicate { .. }
            | Told::Updated => {}
        }
    }

    /// The stream is what it was asked to be. What it has let go of for that is gone before whoever asked hears of it.
    fn on_changed(&mut self, turn: &mut Turn<'_>, id: StreamId, request: Box<Request>) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let mut known = Vec::new();
        slot.stream.defer(Waiter::Changer(request), Told::Updated, &mut known);
        for effect in known {
            if let Effect::Answer { to, answer } = effect {
                self.answer_waiter(turn, id, to, answer);
            }
        }
    }

    fn answer_updated(&mut self, turn: &mut Turn<'_>, id: StreamId, request: Request) {
        let Some(slot) = self.streams.get(&id) else { return };
        let (name, is_direct) = (slot.config().name.clone(), slot.config().allow_direct);
        let answer = StreamUpdateAnswer { info: Some(slot.info(turn)), ..StreamUpdateAnswer::new() };
        let told = turn.tell_all(request.account, &name, Change::Stream { shard: turn.shard, is_direct });
        turn.tell_stream(request.account, &name, Action::Modify);
        self.give_after(turn, told, request, Answer::of(Ok(answer)));
    }

    fn refuse_asker(&mut self, turn: &mut Turn<'_>, request: &Request, error: ApiError) {
        use js_proto::RequestKind as Kind;
        fn failed<A: ApiAnswer + Serialize>(error: ApiError) -> Answer {
            Answer::of::<A>(Err(error))
        }
        let answer = match request.asked().kind {
            Kind::StreamPurge => failed::<StreamPurgeAnswer>(error),
            // nats-server does not count it as an error that there is no such message.
            Kind::StreamMsgDelete => {
                let is_error = is_forbidden(&error);
                Answer { is_error, ..failed::<MsgDeleteAnswer>(error) }
            }
            _ => failed::<StreamUpdateAnswer>(error),
        };
        self.give(turn, request, &answer);
    }

    /// Publishes a message again that was stored.
    fn republish(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        row: &stream_index::Row,
        to: &[u8],
        last_seq: u64,
        is_headers_only: bool,
    ) {
        let Some(slot) = self.streams.get(&id) else { return };
        let said = match slot.medium.read(&mut self.disk, row.place) {
            Found::Said(said) => said,
            // What was stored just now is there, unless the disk is at its end.
            Found::Wait | Found::Lost => return,
        };
        let mut header = Vec::new();
        let copied = CopiedHeaders {
            stream: &slot.config().name,
            subject: &String::from_utf8_lossy(slot.index().subject(row.subject)),
            seq: row.seq,
            time: Timestamp::from_unix_nanos(row.time),
            num_pending: None,
            last_seq: Some(last_seq),
            msg_size: is_headers_only.then_some(said.payload.len() as u64),
        };
        copied.write(&mut header, said.header);
        let payload = if is_headers_only { b"" } else { said.payload };
        turn.publish(&Message { header: &header, ..Message::new(slot.account(), to, payload) });
    }
}

/// Whether no message of the stream may be deleted.
fn is_forbidden(error: &ApiError) -> bool {
    error.err_code == errors::STREAM_SEALED.error().err_code || error.description.ends_with("not permitted")
}
