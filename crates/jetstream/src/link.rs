//! What a stream takes messages from: how far it is with that, and what is to be made of what comes.
//!
//! A link asks for a consumer of the other stream, which pushes to a subject of its own, and counts what comes. What is
//! missing or falls silent ends the attempt, and another one goes on behind what was taken.

use std::time::Duration;

use broker::ServiceSubscription;
use conns::Time;
use js_proto::{
    ApiError, ConsumerInfo, MsgMetadata, Nanos, SourceInfo, SourceMark, StreamSource, SubjectTransform,
};
use subject_trie::{Transform, valid_filter_matches};

/// Attempts are no closer together than this.
const ATTEMPTS_EVERY: Duration = Duration::from_secs(2);

/// How much later the next one comes for each that failed, and the most of that.
const BACKOFF: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// So soon at least, and so much later at most, as a random number has it: not all come at once.
const SOON: Duration = Duration::from_millis(100);

/// How long an answer is waited for.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Silence after which an attempt is given up: consumers say something every second.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// One of them.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) source: StreamSource,
    pub(crate) mark: SourceMark,
    /// The stream takes from that one in several ways.
    pub(crate) shares_origin: bool,
    /// None where subjects stay as they are.
    transforms: Vec<(Box<[u8]>, Option<Transform>)>,
    pub(crate) stage: Stage,
    /// When it does something by itself.
    pub(crate) due: Time,
    asked_at: Option<Time>,
    /// It was asked for something, ever.
    has_asked: bool,
    failed: u32,
    /// How often the next message could not be stored.
    refused: u32,
    /// When something came.
    heard: Option<Time>,
    pub(crate) error: Option<ApiError>,
    /// The last sequence there that was taken, or of which it is known that there is none.
    pub(crate) position: u64,
    /// The how-manyeth delivery that was.
    pub(crate) deliveries: u64,
    lag: u64,
    /// The other stream is gone, and its sequences with it: the next attempt begins anew.
    pub(crate) starts_over: bool,
    /// When the log said last that a message could not be stored.
    pub(crate) warned: Option<Time>,
}

/// How far an attempt is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// There is none.
    Idle,
    /// A consumer was asked for: the answer comes there.
    Asked(Attempt),
    /// It delivers.
    Open(Attempt),
}

/// Where something comes, and with which tag.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) subscription: ServiceSubscription,
    pub(crate) tag: u32,
    /// Where the consumer is to deliver, or does.
    pub(crate) subject: String,
}

/// What is to be done about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It was taken before, or counts for nothing.
    Pass,
    Take,
    /// Some are missing: it is asked for them.
    AskAgain,
}

impl Link {
    pub(crate) fn new(source: &StreamSource, shares_origin: bool, now: Time, random: u64) -> Self {
        let transform = |pair: &SubjectTransform| {
            let source = if pair.src.is_empty() { ">" } else { &pair.src };
            // Whether there is such a transform was looked at when the stream was configured.
            let transform =
                (!pair.dest.is_empty()).then(|| Transform::new(source, &pair.dest).ok()).flatten();
            (source.as_bytes().into(), transform)
        };
        Self {
            mark: SourceMark::of(source),
            transforms: source.subject_transforms.iter().map(transform).collect(),
            source: source.clone(),
            shares_origin,
            stage: Stage::Idle,
            due: now + soon(random),
            asked_at: None,
            has_asked: false,
            failed: 0,
            refused: 0,
            heard: None,
            error: None,
            position: 0,
            deliveries: 0,
            lag: 0,
            starts_over: false,
            warned: None,
        }
    }

    /// What comes by which attempt.
    pub(crate) fn tag(&self) -> Option<u32> {
        match &self.stage {
            Stage::Idle => None,
            Stage::Asked(attempt) | Stage::Open(attempt) => Some(attempt.tag),
        }
    }

    pub(crate) fn on_asked(&mut self, attempt: Attempt, now: Time) {
        self.stage = Stage::Asked(attempt);
        (self.asked_at, self.due) = (Some(now), now + ANSWER_WAIT);
        if self.refused == 0 {
            self.error = None;
        }
        self.has_asked = true;
    }

    /// The next message cannot be stored. Room may come at any time, and is looked for as often as attempts are made; what is
    /// wrong with a message itself is not likely to change: it is asked for less and less often, and said of the link.
    pub(crate) fn on_refused(&mut self, error: &ApiError, is_full: bool) {
        self.refused = if is_full { 1 } else { self.refused.saturating_add(1) };
        self.error = Some(error.clone());
    }

    /// The consumer is there, and delivers to where that is.
    pub(crate) fn on_open(&mut self, attempt: Attempt, now: Time) {
        self.stage = Stage::Open(attempt);
        (self.deliveries, self.failed, self.starts_over) = (0, 0, false);
        self.on_heard(now);
        self.due = now + SILENCE_MAX;
    }

    /// Something came.
    pub(crate) fn on_heard(&mut self, now: Time) {
        self.heard = Some(now);
    }

    /// The attempt is over, and there is another one. Returns what was subscribed to.
    pub(crate) fn end_attempt(&mut self, now: Time, has_failed: bool, random: u64) -> Option<Attempt> {
        self.failed = if has_failed { self.failed + 1 } else { 0 };
        let since = self.asked_at.map_or(ATTEMPTS_EVERY, |asked| now.since(asked));
        let failed = self.failed.max(self.refused.saturating_sub(1));
        let backoff = BACKOFF.saturating_mul(failed).min(BACKOFF_MAX);
        self.due = now + ATTEMPTS_EVERY.saturating_sub(since) + backoff + soon(random);
        self.take_attempt()
    }

    pub(crate) fn take_attempt(&mut self) -> Option<Attempt> {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => None,
            Stage::Asked(attempt) | Stage::Open(attempt) => Some(attempt),
        }
    }

    /// The other stream is another one by now: the next attempt begins anew, and is not to be waited for.
    pub(crate) fn start_over(&mut self) {
        (self.starts_over, self.position) = (true, 0);
        self.asked_at = None;
    }

    /// The other stream is there, or there again: nothing is to be waited for.
    pub(crate) fn on_origin_there(&mut self, now: Time, random: u64) {
        (self.failed, self.asked_at) = (0, None);
        let asks_anyway = matches!(self.stage, Stage::Open(_)) && !self.starts_over;
        if !asks_anyway {
            self.due = self.due.min(now + soon(random));
        }
    }

    /// It is time. Says whether the attempt is to be given up; if not, it is looked at again later.
    pub(crate) fn gives_up(&mut self, now: Time) -> bool {
        let silent = self.heard.map_or(SILENCE_MAX, |heard| now.since(heard));
        match self.stage {
            Stage::Idle => false,
            Stage::Asked(_) => true,
            Stage::Open(_) if silent >= SILENCE_MAX || self.starts_over => true,
            Stage::Open(_) => {
                self.due = now + (SILENCE_MAX - silent);
                false
            }
        }
    }

    /// What is to be done about a message. A copy is as far as its stream, whatever else it heard.
    pub(crate) fn next(&self, said: &MsgMetadata, is_copy: bool) -> Next {
        let follows = self.is_next_delivery(said);
        if said.delivered > 1 || said.stream_seq <= self.position {
            Next::Pass
        } else if follows || is_copy && self.position.checked_add(1) == Some(said.stream_seq) {
            Next::Take
        } else if is_copy || said.consumer_seq > self.deliveries {
            Next::AskAgain
        } else {
            Next::Pass
        }
    }

    /// A message was passed by.
    pub(crate) fn on_passed(&mut self, said: &MsgMetadata) {
        if self.is_next_delivery(said) {
            self.deliveries = said.consumer_seq;
        }
    }

    /// Both numbers are what somebody else says, and may be any.
    fn is_next_delivery(&self, said: &MsgMetadata) -> bool {
        self.deliveries.checked_add(1) == Some(said.consumer_seq)
    }

    /// It was taken.
    pub(crate) fn on_taken(&mut self, said: &MsgMetadata) {
        (self.position, self.deliveries) = (said.stream_seq, said.consumer_seq);
        if std::mem::take(&mut self.refused) > 0 {
            self.error = None;
        }
        self.lag = said.pending.saturating_sub(1);
    }

    /// What its subject becomes, if it becomes another one.
    pub(crate) fn transform(&self, subject: &[u8], random: impl FnMut() -> u32, into: &mut Vec<u8>) -> bool {
        let meant = self.transforms.iter().find_map(|(source, transform)| {
            transform.as_ref().filter(|_| valid_filter_matches(source, subject))
        });
        if let Some(transform) = meant {
            into.clear();
            transform.apply(subject, random, into);
        }
        meant.is_some()
    }

    /// Where the consumer stands that was made: all up to there is behind it.
    pub(crate) fn begin_behind(&mut self, consumer: &ConsumerInfo) {
        self.position = self.position.max(consumer.delivered.stream_seq);
    }

    /// What is told of it. Of a mirror nats-server tells what it is to take once it asked for it.
    pub(crate) fn info_of_mirror(&self, now: Time) -> SourceInfo {
        let mut info = self.info(now);
        if !self.has_asked {
            info.filter_subject.clear();
        }
        info
    }

    pub(crate) fn info(&self, now: Time) -> SourceInfo {
        let nanos = |since: Duration| Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        SourceInfo {
            name: self.source.name.clone(),
            external: self.source.external.clone(),
            lag: self.lag,
            active: self.heard.map_or(Nanos(-1), |heard| nanos(now.since(heard))),
            error: self.error.clone(),
            filter_subject: self.source.filter_subject.clone(),
            subject_transforms: self.source.subject_transforms.clone(),
        }
    }
}

fn soon(random: u64) -> Duration {
    SOON + Duration::from_millis(random % 100)
}
