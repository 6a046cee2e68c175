//! Why a consumer delivers nothing, and how it is with one message: looked at, and nothing changed.

use crate::consumer::Consumer;
use crate::now::{NEVER, Now};
use crate::pending::Entry;

/// Members of a group that are told of as those who hold it back.
const MEMBERS_TOLD_MAX: usize = 8;

/// Why nothing is delivered, or not all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// In a word.
    pub reason: &'static str,
    /// In words.
    pub says: String,
    /// Until when, in nanoseconds since 1970, if that is known.
    pub until: Option<i64>,
    /// The message that it is about.
    pub seq: Option<u64>,
    /// The member, or the client that is pinned.
    pub who: Option<String>,
}

/// How it is with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is not what the consumer wants.
    NotMeant,
    /// It was not delivered yet.
    ToCome,
    /// It waits for its turn in a group: the lane, whose it is, and the message of its key that goes first.
    Parked {
        /// Its lane.
        lane: u16,
        /// The member whose lane that is.
        member: Option<String>,
        /// A message before it that is not done with.
        behind: Option<u64>,
    },
    /// It was delivered, and is to be acknowledged.
    Unacked {
        /// How often it was delivered.
        deliveries: u32,
        /// When it comes again, in nanoseconds since 1970; none is never.
        until: Option<i64>,
        /// The member that has it.
        member: Option<String>,
    },
    /// It is to be delivered again as soon as somebody takes it.
    Again {
        /// How often it was delivered.
        deliveries: u32,
    },
    /// It is not delivered any more, and waits to be kept elsewhere.
    Dying,
    /// It was delivered as often as may be.
    Exhausted,
    /// It was acknowledged, or lies before where the consumer began.
    Done,
}

impl Reason {
    fn new(reason: &'static str, says: impl Into<String>) -> Self {
        Self { reason, says: says.into(), ..Self::default() }
    }
}

impl Consumer {
    /// Why it delivers nothing now, or not all that there is: the first reason is enough by itself. Empty if it delivers
    /// what there is. It has to be [settled](Self::settle).
    pub fn explain(&self, at: &Now) -> Vec<Reason> {
        let found = [
            self.explain_pause(at),
            self.explain_takers(),
            self.explain_flow(at),
            self.explain_full(at),
            self.explain_priority(),
            self.explain_letters(),
            self.explain_end(),
            self.explain_wait(at),
            self.explain_exceeded(),
        ];
        found.into_iter().flatten().chain(self.explain_members()).collect()
    }

    fn wall(&self, at: &Now, due: i64) -> Option<i64> {
        (due != NEVER).then(|| due.saturating_add(at.wall.saturating_sub(at.mono)))
    }

    fn explain_pause(&self, at: &Now) -> Option<Reason> {
        let until = Some(self.settings.pause_until);
        self.is_paused(at).then(|| Reason { until, ..Reason::new("paused", "it is paused") })
    }

    fn explain_takers(&self) -> Option<Reason> {
        match &self.push {
            Some(push) if !push.is_active => {
                let to = String::from_utf8_lossy(&push.to);
                Some(Reason::new("no_interest", format!("nobody listens to {to}, where it delivers")))
            }
            None if self.requests.is_empty() => {
                Some(Reason::new("no_request", "nobody asks for messages: no pull request waits"))
            }
            _ => None,
        }
    }

    fn explain_flow(&self, at: &Now) -> Option<Reason> {
        let is_stalled =
            self.push.as_ref().and_then(|push| push.flow.as_ref()).is_some_and(|flow| flow.is_stalled());
        if is_stalled {
            return Some(Reason::new("flow_control", "the reader has not answered to flow control"));
        }
        let until = self.wall(at, self.not_before).filter(|_| self.not_before > at.mono)?;
        let (reason, says) = match self.replay.is_some() {
            true => ("replay_policy", "messages are delivered at the pace at which they came"),
            false => ("rate_limit", "the rate limit is reached"),
        };
        Some(Reason { until: Some(until), ..Reason::new(reason, says) })
    }

    fn explain_full(&self, at: &Now) -> Option<Reason> {
        let oldest = self.pending.first().filter(|_| self.is_full())?;
        let (seq, waiting) = (oldest.seq, self.pending.len());
        let says = format!(
            "max_ack_pending is reached: {waiting} messages wait to be acknowledged, the oldest is {seq}"
        );
        let until = self.wall(at, oldest.due);
        let who = self.holder_name(seq);
        Some(Reason { seq: Some(seq), until, who, ..Reason::new("max_ack_pending", says) })
    }

    fn explain_priority(&self) -> Option<Reason> {
        if self.requests.is_empty() || self.has_claim() {
            return None;
        }
        let Some(pinned) = &self.pinned else {
            return Some(Reason::new(
                "overflow",
                "less waits than min_pending or min_ack_pending of those who ask",
            ));
        };
        let says = "another client is pinned, and does not ask";
        Some(Reason { who: Some(pinned.id.to_string()), ..Reason::new("pinned", says) })
    }

    fn explain_letters(&self) -> Option<Reason> {
        let letters = self.dead_letters().filter(|letters| letters.waiting > 0)?;
        let (count, into) = (letters.waiting, letters.into);
        let why = letters.refused.map_or_else(String::new, |why| format!(": {why}"));
        Some(Reason::new("dead_letters", format!("{count} messages wait to be kept in {into}{why}")))
    }

    fn explain_end(&self) -> Option<Reason> {
        let is_over = self.num_pending() == 0 && self.pending.is_empty();
        is_over.then(|| {
            Reason::new("nothing_left", "all that its filters let through is delivered and acknowledged")
        })
    }

    fn explain_wait(&self, at: &Now) -> Option<Reason> {
        if self.num_pending() > 0 || self.pending.is_empty() || self.again.len() > 0 {
            return None;
        }
        let next = self.pending.iter().filter(|entry| entry.deliveries > 0).min_by_key(|entry| entry.due)?;
        let says = format!(
            "all is delivered, and {} messages wait to be acknowledged; {} is the next that comes again",
            self.pending.len(),
            next.seq
        );
        let (seq, until, who) = (Some(next.seq), self.wall(at, next.due), self.holder_name(next.seq));
        Some(Reason { seq, until, who, ..Reason::new("ack_wait", says) })
    }

    fn explain_exceeded(&self) -> Option<Reason> {
        let seq = self.exceeded.first().copied()?;
        let says =
            format!("{} messages were delivered max_deliver times, the oldest is {seq}", self.exceeded.len());
        Some(Reason { seq: Some(seq), ..Reason::new("max_deliver", says) })
    }

    /// Members of whose lanes messages wait, and who do not ask for any.
    fn explain_members(&self) -> Vec<Reason> {
        let Some(lanes) = &self.lanes else { return Vec::new() };
        if lanes.members.len() == 0 {
            return vec![Reason::new("no_members", "the group has no members")];
        }
        let silent = lanes.members.able().filter(|(id, _)| self.requests.place_of(*id).is_none());
        let reason = |name: &str| {
            let says = "messages wait for a member that does not ask for any";
            Reason { who: Some(name.to_owned()), ..Reason::new("member", says) }
        };
        silent.take(MEMBERS_TOLD_MAX).map(|(_, name)| reason(name)).collect()
    }

    /// The member that has a message.
    fn holder_name(&self, seq: u64) -> Option<String> {
        let lanes = self.lanes.as_ref()?;
        let holder = lanes.members.get(lanes.holder(seq)?)?;
        Some(holder.name.to_string())
    }

    /// How it is with a message that is in the stream.
    pub fn fate(&self, at: &Now, seq: u64, subject: &[u8]) -> Fate {
        if let Some(entry) = self.pending.get(seq) {
            return self.fate_of_pending(at, entry);
        }
        if self.exceeded.contains(&seq) {
            return Fate::Exhausted;
        }
        if !self.settings.filter.matches(subject) {
            return Fate::NotMeant;
        }
        let is_listed = self.lasts.as_ref().is_some_and(|lasts| lasts.contains(seq));
        if seq >= self.cursor || is_listed { Fate::ToCome } else { Fate::Done }
    }

    fn fate_of_pending(&self, at: &Now, entry: &Entry) -> Fate {
        let Entry { seq, deliveries, due, ticket, .. } = *entry;
        if self.is_dying(seq) {
            return Fate::Dying;
        }
        let told = self.lanes.as_ref().and_then(|lanes| lanes.told(seq));
        match told {
            Some((lane, member, behind)) if deliveries == 0 => {
                Fate::Parked { lane, member: member.map(str::to_owned), behind }
            }
            _ if ticket != 0 || (told.is_some() && due <= at.mono) => Fate::Again { deliveries },
            _ => Fate::Unacked { deliveries, until: self.wall(at, due), member: self.holder_name(seq) },
        }
    }
}
