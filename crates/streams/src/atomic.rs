//! Batches that are stored whole or not at all.

use js_proto::advisory::BatchAbandonReason;
use js_proto::{PublishHeaders, Storage, check_api_level, errors, headers};
use log_format::Record;

use crate::batch_checks::Diff;
use crate::event::{Arrival, Batch, Change, Event, Member};
use crate::header_edit;
use crate::open_batches::{Abandoned, BatchRoom, Held, OpenBatch};
use crate::publish::{Stop, refuse_if};
use crate::sizes::FILE_MESSAGE_BYTES_MAX;
use crate::staged_unit::{Checked, StagedUnit};
use crate::{Answer, Around, Incoming, Stream};

/// Bytes of an id.
pub(crate) const BATCH_ID_BYTES_MAX: usize = 64;

/// What is to be done about a message of a batch.
#[derive(Debug)]
pub enum BatchDecision<'a> {
    /// The batch is whole: log its records as one, and call [`Stream::on_unit_appended`].
    Append(Unit<'a>),
    /// Say so. There may be batches to be [told of](Stream::take_abandoned).
    Answer(Answer),
    /// It depends on what is not committed or not done yet. Ask again once some of that is.
    Later,
}

/// The records of a batch, to be appended all or none.
#[derive(Debug)]
pub struct Unit<'a> {
    staged: &'a StagedUnit,
    messages: &'a [Held],
}

/// How a message ends its batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commit {
    No,
    With,
    /// It is none of it itself.
    Without,
}

impl<W> Stream<W> {
    /// What a message is to become that says it is one of a batch.
    pub fn decide_batch<'a>(
        &'a mut self,
        publish: &Incoming<'_>,
        around: &mut Around<'_>,
        room: &BatchRoom,
    ) -> BatchDecision<'a> {
        if self.must_wait() {
            return BatchDecision::Later;
        }
        self.batches.expire(publish.now);
        match self.take_in(publish, around, room) {
            Ok(None) => BatchDecision::Answer(Answer::Held),
            Ok(Some(staged)) => {
                let id = staged.id.clone();
                let staged = &*self.unit.insert(staged);
                let messages = self.batches.get(&id).map_or(&[][..], |batch| &batch.messages);
                BatchDecision::Append(Unit { staged, messages })
            }
            Err(Stop::Refused(error)) => BatchDecision::Answer(Answer::Refused(error)),
            Err(Stop::Duplicate(_)) => {
                let error = errors::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE.error();
                BatchDecision::Answer(Answer::Refused(error))
            }
            Err(Stop::Later | Stop::OfBatch) => BatchDecision::Later,
        }
    }

    /// The records of the unit that was decided last were logged there, in their order.
    ///
    /// # Panics
    ///
    /// There is none, or not as many.
    pub fn on_unit_appended(&mut self, places: &[stream_index::Place], waiter: Option<W>) {
        let staged = self.unit.take().expect("a unit was decided");
        let batch = self.batches.take(&staged.id).expect("it is there until it is appended");
        let storage = self.meta.config.storage;
        let unit = Unit { staged: &staged, messages: &batch.messages };
        assert_eq!(places.len(), unit.len(), "each record has its place");
        let members = unit.records().zip(&staged.checked).zip(places);
        let members = members.map(|((record, checked), place)| {
            let arrival = Arrival::new(&record, checked.facts.clone(), storage);
            Member { seq: record.seq, arrival, place: *place }
        });
        let members = members.collect();
        let StagedUnit { id, first_seq: seq, time, .. } = staged;
        let change = Change::Batch(Box::new(Batch { id, members }));
        let event = Event { seq, time, change };
        self.note_appended(&event);
        // A unit lies where its last record does, as far as that matters: each member has its own place.
        let place = *places.last().expect("a batch has a message");
        self.tail.push(event, place, waiter);
    }

    /// The unit that was decided last cannot be logged, for good: its batch is gone.
    pub fn drop_unit(&mut self) {
        if let Some(staged) = self.unit.take() {
            self.batches.take(&staged.id);
        }
    }

    /// How many batches are open, and how many bytes they hold.
    pub fn open_batches(&self) -> (usize, usize) {
        (self.batches.len(), self.batches.bytes())
    }

    /// Batches that were given up, to be told of.
    pub fn take_abandoned(&mut self) -> Vec<Abandoned> {
        self.batches.take_abandoned()
    }

    /// All that is looked at for each message. The batch, if it is whole by it.
    fn take_in(
        &mut self,
        publish: &Incoming<'_>,
        around: &mut Around<'_>,
        room: &BatchRoom,
    ) -> Result<Option<StagedUnit>, Stop> {
        let asks = PublishHeaders::parse(publish.header);
        self.check_before_batch(publish, around)?;
        refuse_if(!self.meta.config.allow_atomic, &errors::ATOMIC_PUBLISH_DISABLED)?;
        let id = asks.batch_id.unwrap_or_default();
        refuse_if(id.len() > BATCH_ID_BYTES_MAX, &errors::ATOMIC_PUBLISH_INVALID_BATCH_ID)?;
        let seq = asks.batch_seq.flatten();
        let seq = seq.ok_or_else(|| Stop::from(&errors::ATOMIC_PUBLISH_MISSING_SEQ))?;
        let max = room.limits.messages_max;
        let is_eob = asks.batch_commit == Some(b"eob");
        // The message that only says that the batch ends does not count.
        let size = seq.wrapping_sub(u64::from(is_eob));
        if self.batches.get(id).is_none() {
            if seq != 1 {
                refuse_too_large(size, max)?;
                return Err((&errors::ATOMIC_PUBLISH_INCOMPLETE_BATCH).into());
            }
            let is_one_too_many = self.batches.len() >= room.limits.open_max || !room.may_begin;
            refuse_if(is_one_too_many, &errors::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT)?;
            self.batches.begin(id);
        }
        let commit = match asks.batch_commit {
            None => Commit::No,
            Some(b"1") => Commit::With,
            Some(b"eob") => Commit::Without,
            Some(_) => {
                self.batches.take(id);
                return Err((&errors::ATOMIC_PUBLISH_INVALID_BATCH_COMMIT).into());
            }
        };
        let header = self.check_level(id, publish.header)?;
        let header = header.as_deref().unwrap_or(publish.header);
        self.batches.touch(id, publish.now.saturating_add(room.limits.patience));
        let count = self.batches.get(id).map_or(0, |batch| batch.messages.len() as u64);
        if seq != count + 1 || seq == 1 && is_eob {
            return Err(self.abandon(id, BatchAbandonReason::Incomplete));
        }
        if size > max {
            self.batches.abandon(id, BatchAbandonReason::Large);
            refuse_too_large(size, max)?;
        }
        self.hold(id, commit, &Incoming { header, ..*publish }, around, room)
    }

    /// What is looked at before it is known whether there may be batches.
    pub(crate) fn check_before_batch(&self, publish: &Incoming<'_>, around: &Around<'_>) -> Result<(), Stop> {
        let size = self.size_of(publish.subject.len(), publish.header.len(), publish.payload.len());
        let is_account_full = around.account_bytes_left.is_some_and(|left| size > left);
        refuse_if(self.meta.config.sealed, &errors::STREAM_SEALED)?;
        refuse_if(around.is_server_full, &errors::INSUFFICIENT_RESOURCES)?;
        refuse_if(is_account_full, &errors::ACCOUNT_RESOURCES_EXCEEDED)?;
        let is_too_large = self.is_too_large(publish.header.len(), publish.payload.len());
        refuse_if(is_too_large, &errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM)
    }

    /// The header without the level of the API that it asks for, if it does and that is spoken here.
    fn check_level(&mut self, id: &[u8], header: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
        if !header_edit::has(header, headers::REQUIRED_API_LEVEL) {
            return Ok(None);
        }
        if let Err(error) = check_api_level(header) {
            self.batches.abandon(id, BatchAbandonReason::Unsupported);
            return Err(Stop::Refused(error));
        }
        let mut without = Vec::new();
        header_edit::without(header, headers::REQUIRED_API_LEVEL, &mut without);
        Ok(Some(without))
    }

    fn abandon(&mut self, id: &[u8], reason: BatchAbandonReason) -> Stop {
        self.batches.abandon(id, reason);
        (&errors::ATOMIC_PUBLISH_INCOMPLETE_BATCH).into()
    }

    /// The message is the next one of its batch.
    fn hold(
        &mut self,
        id: &[u8],
        commit: Commit,
        publish: &Incoming<'_>,
        around: &mut Around<'_>,
        room: &BatchRoom,
    ) -> Result<Option<StagedUnit>, Stop> {
        let Incoming { subject, header, payload, now } = *publish;
        let size = self.size_of(subject.len(), header.len(), payload.len());
        if self.meta.config.storage == Storage::File && size > FILE_MESSAGE_BYTES_MAX {
            return Err(self.abandon(id, BatchAbandonReason::Incomplete));
        }
        let held = (commit != Commit::Without).then(|| Held::new(subject, header, payload));
        if commit != Commit::No {
            return self.close_batch(id, held, now, around).map(Some);
        }
        let is_taken = held.is_some_and(|held| self.batches.hold(id, held, room.bytes_left));
        if !is_taken {
            self.batches.abandon(id, BatchAbandonReason::Large);
            return Err((&errors::INSUFFICIENT_RESOURCES).into());
        }
        Ok(None)
    }

    /// All checks of all messages. If one of them is refused, so is the batch.
    fn close_batch(
        &mut self,
        id: &[u8],
        last: Option<Held>,
        now: i64,
        around: &mut Around<'_>,
    ) -> Result<StagedUnit, Stop> {
        // Taken out while it is looked at.
        let mut batch = self.batches.take(id).expect("it was begun");
        let checked = self.check_batch(&mut batch, last.as_ref(), now, around);
        if matches!(checked, Ok(_) | Err(Stop::Later)) {
            self.batches.put_back(id, batch);
        }
        let checked = checked?;
        let (first_seq, time) = (self.ahead.last_seq + 1, self.time_at(now));
        Ok(StagedUnit { id: id.into(), first_seq, time, last, checked })
    }

    fn check_batch(
        &mut self,
        batch: &mut OpenBatch,
        last: Option<&Held>,
        now: i64,
        around: &mut Around<'_>,
    ) -> Result<Vec<Checked>, Stop> {
        let OpenBatch { messages, found, .. } = batch;
        let mut diff = Diff::default();
        let mut all = Vec::with_capacity(messages.len() + 1);
        for message in messages.iter().chain(last) {
            refuse_last_id(message.header())?;
            all.push(self.check_member(&mut diff, found, &message.at(now), around)?);
        }
        if last.is_none()
            && let (Some(checked), Some(message)) = (all.last_mut(), messages.last())
        {
            // It ends the batch, whoever said so.
            let mut header = checked.header.take().unwrap_or_else(|| message.header().to_vec());
            header_edit::add(&mut header, headers::BATCH_COMMIT, b"1");
            checked.header = Some(header);
        }
        let bytes = all.iter().filter(|checked| checked.is_wanted).map(|checked| checked.size).sum();
        let is_account_full = around.account_bytes_left.is_some_and(|left: u64| left < bytes);
        refuse_if(is_account_full, &errors::ACCOUNT_RESOURCES_EXCEEDED)?;
        Ok(all)
    }
}

impl Unit<'_> {
    /// How many records it has.
    pub fn len(&self) -> usize {
        self.staged.checked.len()
    }

    /// It always has some.
    pub fn is_empty(&self) -> bool {
        self.staged.checked.is_empty()
    }

    /// Bytes that they take in a log.
    pub fn bytes(&self) -> usize {
        self.records().map(|record| record.written_len()).sum()
    }

    /// All of them. Their group is the caller's to set.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let staged = self.staged;
        let messages = self.messages.iter().chain(&staged.last).map(|held| held.at(staged.time));
        let seqs = staged.first_seq..;
        let checked = messages.zip(&staged.checked).zip(seqs);
        checked.map(|((message, checked), seq)| checked.record(&message, seq, staged.time))
    }
}

fn refuse_too_large(size: u64, max: u64) -> Result<(), Stop> {
    if size > max {
        return Err(Stop::Refused(errors::ATOMIC_PUBLISH_TOO_LARGE_BATCH.with(&[&max])));
    }
    Ok(())
}

/// Of the last message before a batch nobody may expect anything.
fn refuse_last_id(header: &[u8]) -> Result<(), Stop> {
    let asks = PublishHeaders::parse(header);
    if asks.expected_last_msg_id.is_some() {
        let name = headers::EXPECTED_LAST_MSG_ID;
        return Err(Stop::Refused(errors::ATOMIC_PUBLISH_UNSUPPORTED_HEADER_BATCH.with(&[&name])));
    }
    Ok(())
}
