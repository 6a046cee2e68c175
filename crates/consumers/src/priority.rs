//! Priority groups: whose request gets a message, where not all that wait are alike.
//!
//! With the policy `overflow` a request may want that so many messages wait before it gets any; with `prioritized` those
//! with the lowest number come first (their place in the [line](crate::requests)); with `pinned_client` one is served
//! alone, by an id that it is given with its first message and names in its next requests, until it asks for nothing for
//! too long or is unpinned. A consumer has one group, as in nats-server: it takes more names, and serves them as one.

use std::sync::Arc;

use js_proto::{GroupState, PriorityPolicy, PullPriority, Status, Timestamp};

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects, push_status};
use crate::event::Event;
use crate::groups::{Pinned, Wish};
use crate::now::{NEVER, Now, later};
use crate::request::{Request, class_of};

/// The priority of those that come last.
const PRIORITY_MAX: u8 = 9;

/// A digit of an id.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// As many digits as nats-server's ids have.
const ID_DIGITS: usize = 22;

/// What a request gets now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Messages.
    Served,
    /// Nothing for now.
    Waits,
    /// Somebody else is pinned by now: it ends.
    Over,
}

impl Consumer {
    fn policy(&self) -> PriorityPolicy {
        self.settings.priorities.as_ref().map_or(PriorityPolicy::None, |priorities| priorities.policy)
    }

    /// Whether requests do not simply come in the order of their line.
    pub(crate) fn picks(&self) -> bool {
        matches!(self.policy(), PriorityPolicy::Overflow | PriorityPolicy::PinnedClient)
    }

    /// Whether a message that nobody takes now may be taken once there are more.
    pub(crate) fn serves_overflow(&self) -> bool {
        self.policy() == PriorityPolicy::Overflow
    }

    /// Whether a request may pass others that came before it: those that come together are to be in line before any is
    /// served.
    pub fn is_prioritized(&self) -> bool {
        self.policy() == PriorityPolicy::Prioritized
    }

    /// Why a request is refused for what it says of its group. One of who is pinned shows that it is there.
    pub(crate) fn check_priority(&mut self, at: &Now, asked: &PullPriority) -> Option<Status<'static>> {
        if asked.priority == PullPriority::LAST {
            return None;
        }
        let policy = self.policy();
        let has_floor = asked.min_pending != 0 || asked.min_ack_pending != 0;
        let bad = |text| Some(Status::BadRequest(text));
        if has_floor && policy != PriorityPolicy::Overflow {
            return bad("Not a Overflow Priority consumer");
        }
        if !asked.id.is_empty() && policy != PriorityPolicy::PinnedClient {
            return bad("Not a Pinned Client Priority consumer");
        }
        if !(0..=PRIORITY_MAX.into()).contains(&asked.priority) {
            return bad("Priority must be between 0 and 9");
        }
        let priorities = self.settings.priorities.as_ref()?;
        if asked.group.is_empty() {
            return bad("Priority Group missing");
        }
        if priorities.group(&asked.group).is_none() {
            return bad("Invalid Priority Group");
        }
        let pinned = self.pinned.as_mut()?;
        if *pinned.id == *asked.id {
            pinned.until = later(at.mono, priorities.timeout);
            return None;
        }
        (!asked.id.is_empty()).then_some(Status::PinIdMismatch)
    }

    /// What of a request is to be remembered that was not refused. None if it names no group.
    pub(crate) fn wish(&self, asked: &PullPriority) -> Option<Box<Wish>> {
        let group = self.settings.priorities.as_ref()?.group(&asked.group)?.clone();
        let PullPriority { min_pending, min_ack_pending, .. } = *asked;
        let pin = (!asked.id.is_empty()).then(|| asked.id.as_str().into());
        Some(Box::new(Wish { group, min_pending, min_ack_pending, pin }))
    }

    /// Where in the line its place is, as the first of the tickets there.
    pub(crate) fn class(&self, asked: &PullPriority) -> u64 {
        let behind_all = class_of(PRIORITY_MAX + 1);
        match self.policy() {
            PriorityPolicy::Prioritized => u8::try_from(asked.priority).map_or(behind_all, class_of),
            _ => class_of(0),
        }
    }

    /// What the next message means to a request.
    pub(crate) fn claim(&self, request: &Request) -> Claim {
        let Some(wish) = request.wish.as_deref() else {
            return if self.pinned.is_none() { Claim::Served } else { Claim::Waits };
        };
        match self.policy() {
            PriorityPolicy::Overflow if !self.overflows(wish) => Claim::Waits,
            PriorityPolicy::PinnedClient => match (&wish.pin, &self.pinned) {
                (None, None) => Claim::Served,
                (None, Some(_)) => Claim::Waits,
                (Some(id), Some(pinned)) if *id == pinned.id => Claim::Served,
                (Some(_), _) => Claim::Over,
            },
            _ => Claim::Served,
        }
    }

    /// Whether so much waits that it gets some of it. What comes again counts beside what is to come.
    fn overflows(&self, wish: &Wish) -> bool {
        let reaches =
            |floor: i64, count: u64| u64::try_from(floor).is_ok_and(|floor| 0 < floor && floor <= count);
        let again = u64::from(self.again.len() > 0);
        (wish.min_pending <= 0 && wish.min_ack_pending <= 0)
            || reaches(wish.min_pending, self.num_pending() + again)
            || reaches(wish.min_ack_pending, self.pending.len() as u64)
    }

    /// Which request takes the next message, by its place in the line. Those on the way to it that are over are told,
    /// and end.
    pub(crate) fn pick(&mut self, out: &mut Effects) -> Option<usize> {
        if !self.picks() {
            return (!self.requests.is_empty()).then_some(0);
        }
        let mut place = 0;
        while let Some(request) = self.requests.get(place) {
            match self.claim(request) {
                _ if request.has_ended() => place += 1,
                Claim::Served => return Some(place),
                Claim::Waits => place += 1,
                Claim::Over => {
                    push_status(out, &request.reply, &Status::WrongPinId(request.pending()));
                    self.requests.drop_at(place);
                }
            }
        }
        None
    }

    /// Whether there is a request that the next message means something to.
    pub(crate) fn has_claim(&self) -> bool {
        if !self.picks() {
            return !self.requests.is_empty();
        }
        self.requests.iter().any(|request| self.claim(request) != Claim::Waits)
    }

    /// Somebody is to get a message who asked for it without an id: where nobody is served alone, that one is from now on.
    /// Returns by which id the message is sent.
    pub(crate) fn pin(&mut self, at: &Now, place: usize, out: &mut Effects) -> Option<Arc<str>> {
        let priorities = self.settings.priorities.as_ref()?;
        if priorities.policy != PriorityPolicy::PinnedClient {
            return None;
        }
        let wish = self.requests.get_mut(place)?.wish.as_deref_mut()?;
        if self.pinned.is_none() {
            let id: Arc<str> = id_of(at.random).into();
            wish.pin = Some(id.clone());
            let (group, until) = (wish.group.clone(), later(at.mono, priorities.timeout));
            out.push(Effect::Event(Event::Pinned { group: group.to_string(), id: id.to_string() }));
            self.pinned = Some(Box::new(Pinned { id, group, since: at.wall, until }));
        }
        self.pinned.as_ref().map(|pinned| pinned.id.clone())
    }

    /// Nobody is served alone any more, until somebody is again: an operator wants that. False if the consumer has no such
    /// group.
    pub fn unpin(&mut self, group: &str, out: &mut Effects) -> bool {
        let is_there = self.settings.priorities.as_ref().is_some_and(|all| all.group(group).is_some());
        if is_there {
            self.asleep = None;
            self.pinned = None;
            out.push(Effect::Event(Event::Unpinned { group: group.to_owned(), reason: "admin" }));
        }
        is_there
    }

    /// Until when whoever is served alone may be silent.
    pub(crate) fn pin_ends(&self) -> i64 {
        self.pinned.as_ref().map_or(NEVER, |pinned| pinned.until)
    }

    pub(crate) fn expire_pin(&mut self, at: &Now, out: &mut Effects) {
        if let Some(pinned) = self.pinned.take_if(|pinned| pinned.until <= at.mono) {
            out.push(Effect::Event(Event::Unpinned { group: pinned.group.to_string(), reason: "timeout" }));
        }
    }

    /// What is told of its group.
    pub(crate) fn group_states(&self) -> Vec<GroupState> {
        if let Some(lanes) = &self.lanes {
            let state = |(number, member, since): (usize, &str, i64)| GroupState {
                group: format!("lane-{number}"),
                pinned_client_id: member.to_owned(),
                pinned_ts: Timestamp::from_unix_nanos(since),
            };
            return lanes.owners().map(state).collect();
        }
        let group = self.settings.priorities.as_ref().and_then(|priorities| priorities.groups.first());
        let state = |group: &Arc<str>| GroupState {
            group: group.to_string(),
            pinned_client_id: self.pinned.as_ref().map(|pinned| pinned.id.to_string()).unwrap_or_default(),
            pinned_ts: self
                .pinned
                .as_ref()
                .map(|pinned| Timestamp::from_unix_nanos(pinned.since))
                .unwrap_or_default(),
        };
        group.map(state).into_iter().collect()
    }
}

/// An id that nobody else has, as long as the number is another one each time.
fn id_of(random: u64) -> String {
    let mut state = random;
    let mut next = || {
        // splitmix64, whose outputs differ for different states.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut number = u128::from(next()) << 64 | u128::from(next());
    let digits = (0..ID_DIGITS).map(|_| {
        let digit = DIGITS[(number % 62) as usize];
        number /= 62;
        char::from(digit)
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_others_and_differ() {
        let ids: Vec<String> = (0..100).map(id_of).collect();
        assert!(
            ids.iter().all(|id| id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        );
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    }
}
