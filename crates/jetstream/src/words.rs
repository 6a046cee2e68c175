//! What clients say to consumers and streams themselves: requests for messages, acknowledgements, direct gets.

use consumers::Effects;
use fabric::MeshMessage;
use js_proto::{
    AckSubject, ApiRequest, FlowControlSubject, MsgGetRequest, RequestKind, Status, check_api_level, headers,
};
use subject_trie::has_wildcard;

use crate::gets::{Get, Got};
use crate::getter::{Getter, Unsent};
use crate::home::Home;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What it costs to take a word in, in steps.
const WORD_STEPS: u64 = 12;

/// Messages that one word acknowledges for one step.
const ACKED_PER_STEP: usize = 8;

/// Bytes that a get sends at most if it does not say: what may wait for a connection.
const GET_BYTES_MAX: usize = 64 << 20;

impl Home {
    /// Somebody asks a consumer for messages.
    pub(crate) fn on_next(&mut self, turn: &mut Turn<'_>, message: &MeshMessage<'_>, next: &ApiRequest<'_>) {
        let Some(reply) = message.publish.reply else { return };
        let account = message.account as usize;
        if check_api_level(message.publish.headers()).is_err() {
            return turn.publish_status(account, reply, &Status::RequiredApiLevel);
        }
        let Some(key) = self.key(account, next.stream, next.consumer) else { return };
        if self.on_member_next(turn, key, reply, message.publish.payload()) {
            return turn.spend(WORD_STEPS);
        }
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let crate::slot::Slot { stream, consumers, .. } = slot;
        let Some(consumer) = consumers.at(key.consumer) else { return };
        turn.spend(WORD_STEPS);
        let mut out = Effects::new();
        let body = message.publish.payload();
        consumer.on_request(
            &at,
            reply,
            body,
            stream.index(),
            &mut |subject| turn.is_heard(account, subject),
            &mut out,
        );
        if consumer.is_prioritized() {
            return self.attend_with_others(turn, key, &mut out);
        }
        self.attend(turn, key, &mut out);
    }

    /// Somebody acknowledges a message, or says something else of it.
    pub(crate) fn on_ack(&mut self, turn: &mut Turn<'_>, message: &MeshMessage<'_>, ack: &AckSubject<'_>) {
        let account = message.account as usize;
        if !turn.config.is_meant(self.account(account), ack) {
            return;
        }
        let Some(key) = self.key(account, ack.stream, ack.consumer) else { return };
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let crate::slot::Slot { stream, consumers, .. } = slot;
        let Some(consumer) = consumers.at(key.consumer) else { return };
        turn.spend(WORD_STEPS);
        let mut out = Effects::new();
        let unacked = consumer.unacked();
        consumer.on_ack(
            &at,
            &ack.metadata,
            message.publish.payload(),
            message.publish.reply.unwrap_or_default(),
            stream.index(),
            &mut |subject| turn.is_heard(account, subject),
            &mut out,
        );
        turn.spend((unacked.saturating_sub(consumer.unacked()) / ACKED_PER_STEP) as u64);
        self.attend_with_others(turn, key, &mut out);
    }

    /// Somebody says how far it is.
    pub(crate) fn on_flow_control(
        &mut self,
        turn: &mut Turn<'_>,
        message: &MeshMessage<'_>,
        flow: &FlowControlSubject<'_>,
    ) {
        let account = message.account as usize;
        let Some(key) = self.key(account, flow.stream, flow.consumer) else { return };
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let Some(consumer) = slot.consumers.at(key.consumer) else { return };
        turn.spend(WORD_STEPS);
        let mut out = Effects::new();
        consumer.on_flow_answer(&at, message.publish.subject, last_of(message.publish.headers()), &mut out);
        self.attend(turn, key, &mut out);
    }

    /// Somebody wants messages directly.
    pub(crate) fn on_get(&mut self, turn: &mut Turn<'_>, message: &MeshMessage<'_>, get: &ApiRequest<'_>) {
        let Some(reply) = message.publish.reply else { return };
        let account = message.account as usize;
        let refuse = |turn: &mut Turn<'_>, status: &Status<'_>| turn.publish_status(account, reply, status);
        if check_api_level(message.publish.headers()).is_err() {
            return refuse(turn, &Status::RequiredApiLevel);
        }
        let body = message.publish.payload();
        let getter = Getter { account, reply, no_header: false };
        if get.kind == RequestKind::DirectGetLast && body.is_empty() && self.get_last(turn, &getter, get) {
            return;
        }
        let request = match get.kind {
            RequestKind::DirectGetLast => {
                MsgGetRequest::read_direct_last(body, &String::from_utf8_lossy(get.rest))
            }
            _ => MsgGetRequest::read_direct(body),
        };
        turn.spend(WORD_STEPS);
        let stream = str::from_utf8(get.stream).unwrap_or_default();
        let Some(id) = self.direct(account, stream) else { return };
        let Some(slot) = self.streams.get(&id) else { return };
        match request.and_then(|request| Get::new(slot, account, reply, request, GET_BYTES_MAX)) {
            Err(status) => refuse(turn, &status),
            Ok(mut get) => {
                let got = if slot.is_busy() {
                    Got::NotYet
                } else {
                    let slot = &self.streams[&id];
                    get.go_on(slot, &mut self.disk, turn)
                };
                self.keep_get(id, get, got);
            }
        }
    }

    /// Somebody wants the last message of a subject, and says nothing else. Mostly it can be had at once, and nothing has to
    /// be kept of the request. Says whether it was answered.
    fn get_last(&mut self, turn: &mut Turn<'_>, getter: &Getter<'_>, get: &ApiRequest<'_>) -> bool {
        let (Ok(stream), Ok(subject)) = (str::from_utf8(get.stream), str::from_utf8(get.rest)) else {
            return false;
        };
        let Some((id, slot)) = self.find(getter.account, stream) else { return false };
        if subject.is_empty() || has_wildcard(subject.as_bytes()) || slot.is_busy() {
            return false;
        }
        let slot = &self.streams[&id];
        let index = slot.index();
        let row = index.find(subject.as_bytes()).and_then(|subject| index.get(index.tally(subject).last));
        let sent = row.map(|row| getter.send(slot, &mut self.disk, turn, &row, None));
        match sent {
            Some(Err(Unsent::Waits)) => return false,
            Some(Ok(_)) => {}
            Some(Err(Unsent::Lost)) | None => {
                turn.publish_status(getter.account, getter.reply, &Status::MessageNotFound);
            }
        }
        turn.spend(WORD_STEPS + 1);
        true
    }

    fn keep_get(&mut self, id: StreamId, get: Get, got: Got) {
        match got {
            Got::All => {}
            Got::NotYet => self.gets.push_back((id, get)),
            Got::Waits => self.reading_gets.push((id, get)),
        }
    }

    /// Goes on with gets that were too long for a turn, one after the other.
    pub(crate) fn go_on_with_gets(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..self.gets.len() {
            let Some((id, mut get)) = self.gets.pop_front() else { return };
            let Some(slot) = self.streams.get(&id) else { continue };
            let got = if slot.is_busy() || !turn.may_go_on() {
                Got::NotYet
            } else {
                get.go_on(slot, &mut self.disk, turn)
            };
            self.keep_get(id, get, got);
        }
    }
}

/// How far who answers to flow control says it is.
fn last_of(block: &[u8]) -> Option<(u64, u64)> {
    let find = |name: &str| {
        let (_, value) = headers::fields(block).find(|(key, _)| *key == name.as_bytes())?;
        str::from_utf8(value).ok()?.parse().ok()
    };
    Some((find(headers::LAST_CONSUMER)?, find(headers::LAST_STREAM)?))
}
