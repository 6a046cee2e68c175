//! Dead letters: messages that are not delivered any more are kept in another stream, where a consumer is told so.
//!
//! A message dies when it was delivered as often as may be, when somebody terminates it, or when it cannot be read. It then
//! waits as if it were still to be acknowledged, until it is known to be safe in the other stream. Only then it is told of,
//! and who terminated it is answered. So nothing of this is stored: after a crash in between it comes again, and dies
//! again. Whoever keeps letters knows by their ids which ones he has.
//!
//! There are never more that die than wait to be acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use js_proto::ApiError;

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects};
use crate::event::{Delivered, Event};
use crate::now::{NEVER, Now, later};

/// Letters that are under way at once, and bytes of them beyond which there is no further one.
const UNDER_WAY_MAX: usize = 64;
const BYTES_UNDER_WAY_MAX: usize = 1 << 20;

/// How long word of a letter is waited for before it is sent again.
const WORD_WAIT: i64 = 10_000_000_000;

/// How soon one that was refused is sent again.
const REFUSED_WAIT: i64 = 1_000_000_000;

/// How soon one is looked at again whose message has to be read first.
const READ_WAIT: i64 = 5_000_000;

/// Those who terminate one message and are answered. Others ask again.
const ANSWERS_MAX: usize = 8;

/// Why a message dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It was delivered as often as it may be.
    MaxDeliver,
    /// Somebody said that it is not to be delivered again.
    Terminated,
    /// It cannot be read.
    Unreadable,
}

impl Death {
    /// How it stands in the letter.
    pub fn word(self) -> &'static str {
        match self {
            Self::MaxDeliver => "max_deliver",
            Self::Terminated => "terminated",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A letter that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message.
    pub seq: u64,
    /// Why it dies.
    pub death: Death,
    /// What was said of that; may be empty.
    pub reason: String,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// A message that dies.
#[derive(Debug)]
pub(crate) struct Dying {
    pub(crate) death: Death,
    pub(crate) reason: String,
    /// Which delivery is told of.
    pub(crate) delivered: Delivered,
    /// Who is told once it is safe.
    answers: Vec<Box<[u8]>>,
    due: i64,
    /// Bytes of the letter, while it is under way.
    sent: Option<usize>,
}

impl Dying {
    pub(crate) fn of(death: Death, reason: String, delivered: Delivered) -> Self {
        Self { death, reason, delivered, answers: Vec::new(), due: 0, sent: None }
    }
}

/// All that die.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    /// The stream that keeps them.
    pub(crate) into: Box<str>,
    dying: BTreeMap<u64, Dying>,
    /// Those that are to be sent, and those that are under way, by when something is to be done about them.
    to_send: BTreeSet<(i64, u64)>,
    under_way: BTreeSet<(i64, u64)>,
    bytes: usize,
    /// Why the last one that was sent is not kept.
    refused: Option<ApiError>,
}

impl DeadLetters {
    pub(crate) fn new(into: &str) -> Box<Self> {
        Box::new(Self {
            into: into.into(),
            dying: BTreeMap::new(),
            to_send: BTreeSet::new(),
            under_way: BTreeSet::new(),
            bytes: 0,
            refused: None,
        })
    }

    /// Nothing dies.
    pub(crate) fn clear(&mut self) {
        *self = *Self::new(&self.into);
    }

    fn may_send(&self) -> bool {
        self.under_way.len() < UNDER_WAY_MAX && self.bytes < BYTES_UNDER_WAY_MAX
    }

    fn next_due(&self) -> i64 {
        let to_send = self.to_send.first().filter(|_| self.may_send());
        let dues = [to_send, self.under_way.first()].into_iter().flatten();
        dues.map(|(due, _)| *due).min().unwrap_or(NEVER)
    }

    /// It has to be there.
    fn plan(&mut self, seq: u64, due: i64, sent: Option<usize>) {
        self.unplan(seq);
        let Some(dying) = self.dying.get_mut(&seq) else { return };
        (dying.due, dying.sent) = (due, sent);
        self.bytes += sent.unwrap_or(0);
        let line = if sent.is_some() { &mut self.under_way } else { &mut self.to_send };
        line.insert((due, seq));
    }

    fn unplan(&mut self, seq: u64) {
        let Some(dying) = self.dying.get(&seq) else { return };
        self.bytes -= dying.sent.unwrap_or(0);
        self.to_send.remove(&(dying.due, seq));
        self.under_way.remove(&(dying.due, seq));
    }

    fn remove(&mut self, seq: u64) -> Option<Dying> {
        self.unplan(seq);
        self.dying.remove(&seq)
    }

    /// Word of those that were sent long ago is not waited for any more.
    fn give_up_waiting(&mut self, now: i64) {
        while let Some((_, seq)) = self.under_way.first().filter(|(due, _)| *due <= now).copied() {
            self.plan(seq, now, None);
        }
    }
}

/// How it is with the letters of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLettersInfo {
    /// The stream that is to keep them.
    pub into: String,
    /// How many messages wait to be safe there.
    pub waiting: usize,
    /// Why the last one that was sent is not kept.
    pub refused: Option<ApiError>,
}

impl Consumer {
    /// Has the stream that keeps letters be what the configuration says. What dies comes again if that changes.
    pub(crate) fn configure_dead_letters(&mut self, into: Option<&str>) {
        if self.dead.as_ref().map(|dead| &*dead.into) == into {
            return;
        }
        let before = std::mem::replace(&mut self.dead, into.map(DeadLetters::new));
        for seq in before.into_iter().flat_map(|dead| dead.dying.into_keys()) {
            self.come_again(seq);
        }
        self.waits.trim(&self.pending);
    }

    /// The stream that is to keep what dies, if one is.
    pub fn dead_letters(&self) -> Option<DeadLettersInfo> {
        let DeadLetters { into, dying, refused, .. } = &**self.dead.as_ref()?;
        Some(DeadLettersInfo { into: into.to_string(), waiting: dying.len(), refused: refused.clone() })
    }

    /// The next letter that is to be sent to that stream; to be asked again when each was. What became of it is said by
    /// [`on_letter_sent`](Self::on_letter_sent) and the like.
    pub fn next_letter(&mut self, at: &Now) -> Option<DeadLetter> {
        if !self.is_leading {
            return None;
        }
        let dead = self.dead.as_mut()?;
        dead.give_up_waiting(at.mono);
        while dead.may_send()
            && let Some((_, seq)) = dead.to_send.first().filter(|(due, _)| *due <= at.mono).copied()
        {
            if self.pending.get(seq).is_none() {
                dead.remove(seq);
                continue;
            }
            let Dying { death, reason, delivered, .. } = &dead.dying[&seq];
            let (death, reason, deliveries) = (*death, reason.clone(), delivered.deliveries);
            return Some(DeadLetter { seq, death, reason, deliveries });
        }
        None
    }

    /// The letter of a message left, and had so many bytes.
    pub fn on_letter_sent(&mut self, at: &Now, seq: u64, bytes: usize) {
        if let Some(dead) = &mut self.dead {
            dead.plan(seq, later(at.mono, WORD_WAIT), Some(bytes));
        }
    }

    /// What the message says has to be read first.
    pub fn on_letter_waits(&mut self, at: &Now, seq: u64) {
        if let Some(dead) = &mut self.dead {
            dead.plan(seq, later(at.mono, READ_WAIT), None);
        }
    }

    /// The letter of a message is not kept: it is sent again. Says whether that is news.
    pub fn on_letter_refused(&mut self, at: &Now, seq: u64, why: ApiError) -> bool {
        let Some(dead) = self.dead.as_mut().filter(|dead| dead.dying.contains_key(&seq)) else {
            return false;
        };
        dead.plan(seq, later(at.mono, REFUSED_WAIT), None);
        let is_news = dead.refused.as_ref() != Some(&why);
        dead.refused = Some(why);
        is_news
    }

    /// The letter of a message is safe: it is told of, and counts as acknowledged.
    pub fn on_letter_kept(&mut self, at: &Now, seq: u64, out: &mut Effects) {
        let Some(dead) = &mut self.dead else { return };
        let Some(Dying { death, reason, delivered, answers, .. }) = dead.remove(seq) else { return };
        dead.refused = None;
        let Some(entry) = self.pending.get(seq).copied() else { return };
        self.drop_pending(seq);
        self.move_floor(entry.first, seq);
        self.last_acked = at.wall;
        self.asleep = None;
        self.waits.trim(&self.pending);
        self.tell_acked(seq, out);
        out.push(Effect::Event(match death {
            Death::MaxDeliver => Event::MaxDeliver { stream_seq: seq, deliveries: delivered.deliveries },
            Death::Terminated | Death::Unreadable => Event::Terminated { delivered, reason },
        }));
        out.extend(answers.into_iter().map(|to| Effect::Answer { to: to.into() }));
    }

    /// When something is to be done about letters.
    pub(crate) fn letters_due(&self) -> i64 {
        self.dead.as_ref().map_or(NEVER, |dead| dead.next_due())
    }

    pub(crate) fn is_dying(&self, seq: u64) -> bool {
        self.dead.as_ref().is_some_and(|dead| dead.dying.contains_key(&seq))
    }

    /// Whether any message dies.
    pub(crate) fn has_dying(&self) -> bool {
        self.dead.as_ref().is_some_and(|dead| !dead.dying.is_empty())
    }

    /// A message that waits to be acknowledged dies, if letters are kept. Says whether it does.
    pub(crate) fn die(&mut self, at: &Now, seq: u64, dying: Dying) -> bool {
        if self.dead.is_none() {
            return false;
        }
        let Some(entry) = self.pending.get_mut(seq) else { return false };
        self.again.forget(entry);
        self.lanes.iter_mut().for_each(|lanes| lanes.come_back(seq, true));
        let Some(dead) = &mut self.dead else { return false };
        if let std::collections::btree_map::Entry::Vacant(place) = dead.dying.entry(seq) {
            place.insert(dying);
            dead.plan(seq, at.mono, None);
        }
        true
    }

    /// Whoever terminated a message that dies is answered once it is safe.
    pub(crate) fn answer_after(&mut self, seq: u64, reply: &[u8]) {
        let dying = self.dead.as_mut().and_then(|dead| dead.dying.get_mut(&seq));
        if let Some(dying) = dying.filter(|dying| !reply.is_empty() && dying.answers.len() < ANSWERS_MAX) {
            dying.answers.push(reply.into());
        }
    }

    /// It does not die, for it is acknowledged or gone.
    pub(crate) fn let_live(&mut self, seq: u64) {
        if let Some(dead) = &mut self.dead {
            dead.remove(seq);
        }
    }
}
