//! Messages of fast batches: each is stored by itself, and told of as the batch has it.
//!
//! They pass the checks of messages of a batch, as nats-server 2.14.5 has it, and that of the last message's id behind them.

use js_proto::{
    ApiError, BadFastBatch, FastBatch as Message, PublishHeaders, check_api_level, errors, headers,
};
use log_format::Record;
use stream_index::Place;

use crate::atomic::BATCH_ID_BYTES_MAX;
use crate::batch_checks::Diff;
use crate::command::SEQUENCE_MAX;
use crate::event::{Arrival, Change, Event, Staged};
use crate::fast_batch::{FastBatch, Goes, Telling};
use crate::found_last::FoundLast;
use crate::header_edit;
use crate::publish::{Stop, refuse_if, store_failed};
use crate::staged_fast::StagedFast;
use crate::staged_unit::Checked;
use crate::{Answer, Around, FastRoom, Incoming, Stream};

/// What is to be done about a message of a fast batch.
#[derive(Debug)]
pub enum FastDecision<'a> {
    /// Log this, and call [`Stream::on_fast_appended`], or [`Stream::on_fast_failed`] if that cannot be done.
    Append(Record<'a>),
    /// Say so [behind](Stream::defer) all that was decided before, if there is something to be said.
    Answer(Option<Answer>),
    /// It depends on what is not committed or not done yet. Ask again once some of that is.
    Later,
}

impl<W> Stream<W> {
    /// What becomes of a message whose reply subject says that it is one of a fast batch.
    pub fn decide_fast<'a>(
        &'a mut self,
        publish: &Incoming<'a>,
        message: Result<&Message<'_>, BadFastBatch>,
        around: &mut Around<'_>,
        room: &FastRoom,
    ) -> FastDecision<'a> {
        if self.must_wait() {
            return FastDecision::Later;
        }
        self.fast.expire(publish.now);
        let (message, header) = match self.check_before_fast(publish, message, around, room) {
            Ok(known) => known,
            Err(Stop::Refused(error)) => {
                let answer = (!self.meta.config.no_ack).then_some(Answer::Refused(error));
                return FastDecision::Answer(answer);
            }
            Err(_) => return FastDecision::Later,
        };
        let ends = publish.now.saturating_add(room.patience);
        let (mut batch, mut telling) = self.begun(message);
        match batch.on_message(&mut telling, !self.meta.config.no_ack) {
            Goes::Store => {}
            goes => return FastDecision::Answer(self.settle_fast(telling, batch, goes, ends)),
        }
        let stripped = header.as_deref();
        let checked =
            self.check_fast(&Incoming { header: stripped.unwrap_or(publish.header), ..*publish }, around);
        match checked {
            Ok(mut checked) => {
                checked.header = checked.header.or(header);
                let seq = self.ahead.last_seq + 1;
                let words = telling.words;
                FastDecision::Append(
                    self.stage_fast(publish, StagedFast { checked, seq, batch, words, ends }),
                )
            }
            Err(Stop::Later | Stop::OfBatch) => FastDecision::Later,
            Err(Stop::Duplicate(seq)) => {
                let goes = batch.on_duplicate(&mut telling, seq);
                FastDecision::Answer(self.settle_fast(telling, batch, goes, ends))
            }
            Err(Stop::Refused(error)) => {
                let goes = batch.on_refused(&mut telling, error);
                FastDecision::Answer(self.settle_fast(telling, batch, goes, ends))
            }
        }
    }

    /// The message that was decided last was logged there. What there is to be said of that is to be [told
    /// behind it](Self::defer).
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn on_fast_appended(&mut self, message: &Message<'_>, place: Place) -> Option<Answer> {
        let StagedFast { seq, mut batch, words, ends, .. } = self.take_staged_fast();
        self.on_appended(place, None);
        let mut telling = Telling { words, ..self.begun(message).1 };
        let goes = batch.on_stored(&mut telling, seq);
        self.settle_fast(telling, batch, goes, ends)
    }

    /// The message that was decided last cannot be logged, for good.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn on_fast_failed(&mut self, message: &Message<'_>, error: ApiError) -> Option<Answer> {
        let StagedFast { mut batch, words, ends, .. } = self.take_staged_fast();
        self.staged = None;
        let mut telling = Telling { words, ..self.begun(message).1 };
        let goes = batch.on_refused(&mut telling, error);
        self.settle_fast(telling, batch, goes, ends)
    }

    /// How many fast batches are open.
    pub fn open_fast(&self) -> usize {
        self.fast.len()
    }

    /// All that is looked at before the batch. The header without the level of the API that it asks for, if it does.
    fn check_before_fast<'m>(
        &mut self,
        publish: &Incoming<'_>,
        message: Result<&'m Message<'m>, BadFastBatch>,
        around: &Around<'_>,
        room: &FastRoom,
    ) -> Result<(&'m Message<'m>, Option<Vec<u8>>), Stop> {
        self.check_before_batch(publish, around)?;
        refuse_if(!self.meta.config.allow_batched, &errors::BATCH_PUBLISH_DISABLED)?;
        let message = message.map_err(|BadFastBatch| Stop::from(&errors::BATCH_PUBLISH_INVALID_PATTERN))?;
        refuse_if(message.id.len() > BATCH_ID_BYTES_MAX, &errors::BATCH_PUBLISH_INVALID_BATCH_ID)?;
        if self.fast.get(message.id).is_none() {
            refuse_if(message.seq != 1, &errors::BATCH_PUBLISH_UNKNOWN_BATCH_ID)?;
            let is_one_too_many = self.fast.len() >= room.open_max || !room.may_begin;
            refuse_if(is_one_too_many, &errors::BATCH_PUBLISH_TOO_MANY_INFLIGHT)?;
        }
        if !header_edit::has(publish.header, headers::REQUIRED_API_LEVEL) {
            return Ok((message, None));
        }
        if let Err(error) = check_api_level(publish.header) {
            self.fast.remove(message.id);
            return Err(Stop::Refused(error));
        }
        let mut without = Vec::new();
        header_edit::without(publish.header, headers::REQUIRED_API_LEVEL, &mut without);
        Ok((message, Some(without)))
    }

    /// The batch of a message, which may be its first.
    fn begun<'m>(&self, message: &'m Message<'m>) -> (FastBatch, Telling<'m>) {
        let known = self.fast.get(message.id);
        let open = self.fast.len() + usize::from(known.is_none());
        let batch = known.unwrap_or_else(|| FastBatch::new(message, open));
        (batch, Telling { message, open, words: Vec::new() })
    }

    fn check_fast(&mut self, message: &Incoming<'_>, around: &mut Around<'_>) -> Result<Checked, Stop> {
        if self.ahead.last_seq >= SEQUENCE_MAX {
            return Err(store_failed("no sequence left"));
        }
        let checked = self.check_member(&mut Diff::of_one(), &mut FoundLast::default(), message, around)?;
        if !message.header.is_empty() {
            self.check_last_id(&PublishHeaders::parse(message.header))?;
        }
        Ok(checked)
    }

    fn stage_fast<'a>(&'a mut self, publish: &Incoming<'a>, staged: StagedFast) -> Record<'a> {
        let time = self.time_at(publish.now);
        let storage = self.meta.config.storage;
        let StagedFast { checked, seq, .. } = self.staged_fast.insert(staged);
        let (checked, seq, facts) = (&*checked, *seq, checked.facts.clone());
        let record = checked.record(publish, seq, time);
        let event = Event { seq, time, change: Change::Message(Arrival::new(&record, facts, storage)) };
        self.staged = Some(Staged { event, is_expiry: false });
        record
    }

    fn take_staged_fast(&mut self) -> StagedFast {
        self.staged_fast.take().expect("a message of a fast batch was decided")
    }

    /// The batch goes on as it is now, or is over. What is to be said, if there is something.
    fn settle_fast(
        &mut self,
        telling: Telling<'_>,
        batch: FastBatch,
        goes: Goes,
        ends: i64,
    ) -> Option<Answer> {
        let Telling { message, words, .. } = telling;
        if goes == Goes::On {
            self.fast.put(message.id, batch, ends);
        } else {
            self.fast.remove(message.id);
        }
        (!words.is_empty()).then_some(Answer::Fast(words))
    }
}
