//! What becomes of a stream that was being made of a snapshot: one like others, or nothing.

use js_proto::advisory::{Action, RestoreComplete};
use js_proto::{ApiAnswer, EventKind, EventSubject, Nanos, StreamCreateAnswer};
use nats_proto::friendly_bytes;

use crate::home::Home;
use crate::letters::NameState;
use crate::names::Change;
use crate::post::Message;
use crate::reports::Report;
use crate::request::Request;
use crate::restoring::{Failure, Restoring};
use crate::step::Answer;
use crate::tenant::StreamId;
use crate::turn::Turn;

impl Home {
    /// The stream is whole and safe: it is one like others from here on.
    pub(crate) fn show_restored(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.hear_of_no_copy(turn);
        slot.is_restoring = false;
        slot.subscribe(turn);
        let account = slot.account();
        let config = slot.config();
        let (name, is_direct) = (config.name.clone(), config.allow_direct);
        self.account(account).streams.insert(name.clone(), id);
        turn.tell_all(account, &name, Change::Stream { shard: turn.shard, is_direct });
        turn.tell_stream(account, &name, Action::Create);
    }

    /// Everybody knows of it and of its consumers, or will before whoever had it made.
    pub(crate) fn end_restore(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(mut restoring) = self.copies.restores.remove(&id) else { return };
        self.sweep(turn, id);
        self.settle(id);
        let Some(slot) = self.streams.get(&id) else { return };
        let mut info = slot.info(turn);
        info.domain.clear();
        let (account, name) = (slot.account(), slot.config().name.clone());
        let answer = StreamCreateAnswer { info: Some(info), ..StreamCreateAnswer::new() };
        self.report(account, &name);
        self.tell_restored(turn, account, &name, &restoring, true);
        // Whoever hears of it finds every shard aware of it.
        let request = Request::of_part(account, &name, restoring.take_reply());
        let told = turn.told();
        self.account(account).begin_request(&request);
        self.give_after(turn, told, request, Answer { is_told: false, ..Answer::of(Ok(answer)) });
    }

    /// The stream cannot be made: nothing is left of it.
    pub(crate) fn fail_restore(&mut self, turn: &mut Turn<'_>, id: StreamId, failure: Failure) {
        let Some(mut restoring) = self.copies.restores.remove(&id) else { return };
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.hear_of_no_copy(turn);
        let (account, stream) = (slot.account(), slot.config().name.clone());
        tracing::warn!("{}", failure.error.description);
        // Nobody ever heard of its consumers.
        slot.is_resting = true;
        self.end_stream(turn, id);
        self.reports.push_back(Report { account, stream: stream.clone(), state: NameState::Gone });
        let reply = restoring.take_reply();
        self.tell_restored(turn, account, &stream, &restoring, false);
        if let Some(reply) = reply {
            let answer = StreamCreateAnswer::failed(failure.error).to_json();
            turn.publish(&Message::new(account, &reply, &answer));
        }
    }

    fn tell_restored(
        &self,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &str,
        restoring: &Restoring,
        is_done: bool,
    ) {
        let row = &self.accounts[account];
        let end = turn.clocks.timestamp();
        let nanos = |time: js_proto::Timestamp| time.unix_nanos().unwrap_or(0);
        let took = Nanos(nanos(end) - nanos(restoring.started));
        let bytes = i64::try_from(restoring.received).unwrap_or(i64::MAX);
        let (size, name) = (friendly_bytes(bytes), &row.name);
        if is_done {
            tracing::info!("Completed restore of {size} for stream '{name} > {stream}' in {took}");
        } else {
            tracing::warn!("Restore failed for {size} for stream '{name} > {stream}' in {took}");
        }
        let subject = EventSubject::of_stream(EventKind::StreamRestoreComplete, stream);
        turn.tell(account, subject, |turn, event: RestoreComplete| RestoreComplete {
            stream: stream.into(),
            start: restoring.started,
            end,
            bytes,
            client: Some(turn.client_of(row, restoring.from)),
            domain: turn.config.domain.clone(),
            ..event
        });
    }
}
