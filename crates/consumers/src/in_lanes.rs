//! A consumer that is a group: its members ask for messages, and get those of their lanes.
//!
//! There is one cursor. What it finds for somebody who does not ask, or whose turn has not come, is *parked*: it waits to be
//! acknowledged, was delivered no times, and so counts for `max_ack_pending`. Where it stands is stored as of all that
//! waits; who is a member and who has which lane is not.

use js_proto::{PullError, PullRequest, Status};
use stream_index::{Row, Steps, StreamIndex, Walk};

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects, push_status};
use crate::lanes::{Move, Offer};
use crate::members::MemberId;
use crate::next::{Found, Listens};
use crate::now::{NEVER, Now};
use crate::pending::Entry;

/// How long a member may be silent if nothing is said of it.
const THRESHOLD_DEFAULT: i64 = 30_000_000_000;

/// What it costs to take in or to park a message, in steps.
const PARK_STEPS: usize = 8;

/// Requests that are looked at in the time of a step.
const REQUESTS_A_STEP: usize = 16;

/// Members of a group at most.
pub const MEMBERS_MAX: usize = 1_024;

/// What is told of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberInfo {
    /// Messages that it has to acknowledge.
    pub unacked: usize,
    /// Its requests that wait.
    pub waiting: usize,
    /// How many lanes are its own.
    pub lanes: usize,
}

impl Consumer {
    /// Whether it is a group.
    pub fn is_group(&self) -> bool {
        self.lanes.is_some()
    }

    /// How long it may be unused; zero is forever.
    pub fn inactive_threshold(&self) -> i64 {
        self.settings.inactive_threshold
    }

    /// The group that it is a member of. Whoever asks it for messages asks that one.
    pub fn member_of(&self) -> Option<&str> {
        self.settings.member_of.as_ref().map(|group| &***group)
    }

    /// Somebody is a member from here on, or says that it is still there. It may be silent for so long; zero says nothing of
    /// that.
    pub fn join(&mut self, at: &Now, member: &str, threshold: i64, out: &mut Effects) {
        self.joined(at, member, threshold, out);
    }

    fn joined(&mut self, at: &Now, member: &str, threshold: i64, out: &mut Effects) -> Option<MemberId> {
        let lanes = self.lanes.as_mut()?;
        if let Some(id) = lanes.members.id(member) {
            lanes.members.sign(at, id);
            return Some(id);
        }
        if lanes.members.len() >= MEMBERS_MAX {
            return None;
        }
        let id = lanes.members.add(at, member, if threshold > 0 { threshold } else { THRESHOLD_DEFAULT });
        lanes.members.end_reliefs();
        lanes.part(at, Move::Joined, out);
        self.asleep = None;
        Some(id)
    }

    /// Somebody is no member any more: its lanes go to others, and whoever waits for it is told.
    pub fn leave(&mut self, at: &Now, member: &str, out: &mut Effects) {
        let Some(lanes) = &mut self.lanes else { return };
        let Some(id) = lanes.members.id(member) else { return };
        lanes.drop_member(id, Move::Left, out);
        lanes.part(at, Move::Left, out);
        while let Some(place) = self.requests.place_of(id) {
            if let Some(request) = self.requests.get(place) {
                push_status(out, &request.reply, &Status::ConsumerDeleted);
            }
            self.requests.drop_at(place);
        }
    }

    /// The lanes of a member go to others, if there are others: an operator wants that. It is a member as before, and has
    /// lanes again once somebody comes. Says whether it is one.
    pub fn hand_over(&mut self, at: &Now, member: &str, out: &mut Effects) -> bool {
        let Some(lanes) = &mut self.lanes else { return false };
        let Some(id) = lanes.members.id(member) else { return false };
        lanes.members.relieve(id);
        lanes.part(at, Move::Relieved, out);
        self.asleep = None;
        true
    }

    /// What is told of a member, if it is one now.
    pub fn member_info(&self, member: &str) -> Option<MemberInfo> {
        let members = &self.lanes.as_ref()?.members;
        let id = members.id(member)?;
        let one = members.get(id)?;
        let waiting = self.requests.iter().filter(|request| request.member == id).count();
        Some(MemberInfo { unacked: one.out, waiting, lanes: one.lanes })
    }

    /// How many members there are now.
    pub fn members(&self) -> usize {
        self.lanes.as_ref().map_or(0, |lanes| lanes.members.len())
    }

    /// A member asks for messages: as [`on_request`](Self::on_request). One that was silent for too long is a member again.
    #[expect(clippy::too_many_arguments, reason = "it is said who asks, beside what is asked")]
    pub fn on_member_request(
        &mut self,
        at: &Now,
        (member, threshold): (&str, i64),
        reply: &[u8],
        body: &[u8],
        index: &StreamIndex,
        listens: Listens<'_>,
        out: &mut Effects,
    ) {
        if !self.is_leading {
            return;
        }
        match self.joined(at, member, threshold, out) {
            Some(id) => self.take_request_of(at, id, reply, PullRequest::parse(body), index, listens, out),
            None => push_status(out, &reply.into(), &Status::BadRequest("Too Many Members")),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "it is said who asks, beside what is asked")]
    pub(crate) fn take_request_of(
        &mut self,
        at: &Now,
        member: MemberId,
        reply: &[u8],
        request: Result<PullRequest, PullError>,
        index: &StreamIndex,
        listens: Listens<'_>,
        out: &mut Effects,
    ) {
        self.lanes.iter_mut().for_each(|lanes| lanes.asking = member);
        self.take_request(at, reply, request, index, listens, out);
        self.lanes.iter_mut().for_each(|lanes| lanes.asking = MemberId::NOBODY);
    }

    /// Which member asks, while it does.
    pub(crate) fn asking(&self) -> MemberId {
        self.lanes.as_ref().map_or(MemberId::NOBODY, |lanes| lanes.asking)
    }

    /// Whether there is a message which that member may have.
    pub(crate) fn has_for(&self, member: MemberId) -> bool {
        self.lanes.as_ref().is_some_and(|lanes| lanes.next_for(member).is_some())
    }

    /// Whoever has the message says something.
    pub(crate) fn sign_holder(&mut self, at: &Now, seq: u64) -> MemberId {
        let Some(lanes) = &mut self.lanes else { return MemberId::NOBODY };
        let holder = lanes.holder(seq).unwrap_or_default();
        lanes.members.sign(at, holder);
        holder
    }

    /// When a member may have been silent for too long.
    pub(crate) fn silence_due(&self) -> i64 {
        self.lanes.as_ref().map_or(NEVER, |lanes| lanes.members.silent_at())
    }

    /// Who was silent for too long is no member any more, unless it waits for messages.
    pub(crate) fn expire_members(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) {
        if self.silence_due() > at.mono {
            return;
        }
        self.tend(at, false, listens, out);
        let Some(lanes) = &mut self.lanes else { return };
        let mut has_left = false;
        for id in lanes.members.silent(at.mono) {
            if self.requests.place_of(id).is_some() {
                lanes.members.spare(at, id);
                continue;
            }
            let member = lanes.members.get(id).map(|member| member.name.to_string()).unwrap_or_default();
            lanes.drop_member(id, Move::Silent, out);
            out.push(Effect::Silent { member });
            has_left = true;
        }
        if has_left {
            lanes.part(at, Move::Silent, out);
            self.asleep = None;
        }
    }

    /// What is to be delivered next: what waits for those who ask, then what the stream has for them. What it has for others
    /// is parked on the way.
    pub(crate) fn find_in_lanes(
        &mut self,
        at: &Now,
        index: &StreamIndex,
        steps: &mut Steps,
        out: &mut Effects,
    ) -> Found {
        if !self.take_in_stored(at, index, steps) {
            return Found::Again;
        }
        steps.spend(self.requests.len() / REQUESTS_A_STEP);
        while let Some((seq, member)) = self.next_parked() {
            match index.get(seq) {
                _ if self.is_exceeded(seq) => self.exceed(at, seq, self.deliveries(seq), out),
                Some(row) => return self.offer(row, member, None),
                // Nobody said that it is gone.
                None => self.forget(seq),
            }
        }
        loop {
            if self.is_full() {
                return Found::Full;
            }
            if steps.left() == 0 {
                return Found::Again;
            }
            match index.next(&self.settings.filter, self.cursor, steps) {
                Walk::Found(row) => {
                    self.cursor = row.seq;
                    steps.spend(PARK_STEPS);
                    if let Some(found) = self.offer_or_park(row, index) {
                        return found;
                    }
                }
                Walk::More(seq) => {
                    self.cursor = seq.max(self.cursor);
                    return Found::Again;
                }
                Walk::End => {
                    self.cursor = self.cursor.max(index.last_seq() + 1);
                    return Found::End;
                }
            }
        }
    }

    fn offer(&mut self, row: Row, member: MemberId, place: Option<crate::lanes::Place>) -> Found {
        if let Some(lanes) = &mut self.lanes {
            lanes.offer = Some(Offer { seq: row.seq, member, place });
        }
        Found::Row(row)
    }

    fn offer_or_park(&mut self, row: Row, index: &StreamIndex) -> Option<Found> {
        let lanes = self.lanes.as_ref()?;
        let place = lanes.place(row.seq, index.subject(row.subject));
        let taker = lanes.taker_of(place).filter(|taker| self.requests.place_of(*taker).is_some());
        if let Some(member) = taker {
            return Some(self.offer(row, member, Some(place)));
        }
        self.delivered.consumer += 1;
        self.delivered.stream = self.delivered.stream.max(row.seq);
        self.pass(row.seq);
        let parked = Entry { deliveries: 0, ..Entry::new(row.seq, self.delivered.consumer, NEVER) };
        self.pending.insert(parked);
        self.mark(row.seq);
        if let Some(lanes) = &mut self.lanes {
            lanes.take_in(row.seq, place, MemberId::NOBODY);
        }
        None
    }

    /// The next message that waits and is for somebody who asks: they are served in turn.
    fn next_parked(&self) -> Option<(u64, MemberId)> {
        let lanes = self.lanes.as_ref()?;
        let mut asked = MemberId::NOBODY;
        self.requests.iter().find_map(|request| {
            if request.member == asked {
                return None;
            }
            asked = request.member;
            lanes.next_for(asked).map(|seq| (seq, asked))
        })
    }

    /// Takes in what was stored: who has it is not known, so it counts as with somebody until its time is over. Says whether
    /// that is all.
    fn take_in_stored(&mut self, at: &Now, index: &StreamIndex, steps: &mut Steps) -> bool {
        loop {
            let Some(lanes) = &mut self.lanes else { return true };
            let Some(behind) = lanes.behind else { return true };
            let Some(Entry { seq, due, deliveries, .. }) = self.pending.next_after(behind).copied() else {
                lanes.behind = None;
                return true;
            };
            if steps.left() == 0 {
                return false;
            }
            steps.spend(PARK_STEPS);
            lanes.behind = Some(seq);
            match index.get(seq) {
                Some(row) => {
                    let place = lanes.place(seq, index.subject(row.subject));
                    let is_out = deliveries > 0 && due > at.mono;
                    lanes.take_in(seq, place, if is_out { MemberId::UNKNOWN } else { MemberId::NOBODY });
                }
                None => self.forget(seq),
            }
        }
    }

    /// A message goes to whom it was offered.
    pub(crate) fn note_out(&mut self, seq: u64) {
        let Some(lanes) = &mut self.lanes else { return };
        let Some(Offer { member, place, .. }) = lanes.offer.take_if(|offer| offer.seq == seq) else { return };
        match place {
            Some(place) => lanes.take_in(seq, place, member),
            None => lanes.go_out(seq, member),
        }
    }
}
