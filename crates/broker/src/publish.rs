//! PUB and HPUB, step by step: is it to be traced, which subject is it mapped to, may it, who gets it. What hands it
//! over is in `dispatch` and `egress`.

use std::time::Duration;

use conns::{ConnId, Time};
use nats_proto::{Publish, encode};
use smallvec::SmallVec;
use subject_trie::is_valid_literal;

use crate::broker::Broker;
use crate::client::{Abilities, Hold, Reminder};
use crate::complaint::Complaint;
use crate::cursor::MessageNumber;
use crate::envelope::Envelope;
use crate::guard::Permit;
use crate::input::Flow;
use crate::offers::{Offer, OwnedMessage, Refusals};
use crate::seldom::SeldomLine;
use crate::session::OK;
use crate::subscription::SubKey;
use crate::trace;
use crate::turn::long_subject_steps;

/// How long a publisher waits once it has met a reader that falls behind. nats-server's publishers wait 2 to 5 ms
/// for each such message, and 10 ms a read at most. [`SeldomLine::Stalled`] says it.
const STALL: Duration = Duration::from_millis(5);

/// It waits again each time it has sent this part of what may wait for a reader, 2 MiB by default. So a reader
/// that takes nothing is cut off after some eight waits, and holds nobody up for longer; one that takes 400 MB
/// a second from each publisher is waited for as long as it likes.
const STALLS_PER_OUTBOX: usize = 32;

/// Subscriptions of a requester to its reply subject that are compared to find the one which is told that nobody took
/// the request. Of more than that, any may be. Each takes a hundred nanoseconds, or fifty microseconds with very many
/// tokens.
const COMPARED_MAX: usize = 8;

/// How far a publish goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To those who want the message.
    Subscribers,
    /// Nobody gets it: it only has to be known whether somebody would.
    Nobody,
}

/// A message that may be published, and what was looked up of its publisher.
pub(crate) struct Checked {
    pub(crate) account: usize,
    pub(crate) abilities: Abilities,
    permit: Permit,
}

impl Broker {
    /// A client sent a message.
    pub(crate) fn on_publish(&mut self, id: ConnId, publish: &Publish<'_>) -> Flow {
        if publish.header.is_some() && self.trace_requests.may_be_in(publish.headers()) {
            return self.on_traced_publish(id, publish);
        }
        self.publish(id, publish, Reach::Subscribers)
    }

    /// Publishes a message to the subject that its account maps it to, which is mostly its own, and where it goes from
    /// there.
    #[inline]
    pub(crate) fn publish(&mut self, id: ConnId, publish: &Publish<'_>, reach: Reach) -> Flow {
        let client = self.egress.clients.at(id);
        if client.watch.detours {
            return self.publish_by_detours(id, publish, reach);
        }
        self.check_and_dispatch(id, publish.subject, publish, reach)
    }

    /// Publishes a message that was written for the subject `written`, if it may be.
    pub(crate) fn check_and_dispatch(
        &mut self,
        id: ConnId,
        written: &[u8],
        publish: &Publish<'_>,
        reach: Reach,
    ) -> Flow {
        let Checked { account, abilities, permit } = match self.check(id, written, publish) {
            Ok(checked) => checked,
            Err(flow) => return flow,
        };
        self.egress.begin();
        let answer_wanted = abilities.no_responders && publish.reply.is_some();
        if reach == Reach::Nobody {
            if answer_wanted && !self.would_be_taken(account, &Envelope::new(id, publish)) {
                self.answer_no_responders(id, publish);
            }
            return Flow::Next;
        }
        let is_owned =
            self.may_be_owned(publish.subject) && self.send_to_owner(account, &Envelope::new(id, publish));
        let goes_on = permit == Permit::Always
            && !(abilities.verbose || abilities.pedantic || self.egress.trace || is_owned);
        match self.dispatch(id, account, publish, answer_wanted && !is_owned) {
            // To look up what goes on with it is not counted, so the answer has to be at hand.
            Flow::Next if goes_on && self.spaces[account].remembers_answer() => Flow::Published,
            flow => flow,
        }
    }

    /// Whether a message may be published now, by links that are full, by the protocol and by permissions. If not, the
    /// client and the log know why.
    #[inline(always)]
    pub(crate) fn check(
        &mut self,
        id: ConnId,
        written: &[u8],
        publish: &Publish<'_>,
    ) -> Result<Checked, Flow> {
        let client = self.egress.clients.at(id);
        let (abilities, account, watch) = (client.abilities, client.account, client.watch);
        if self.must_wait(account, publish.subject) {
            self.mesh.hold(id);
            return Err(Flow::Hold(Hold::Link));
        }
        if breaks_lines(publish) {
            self.egress.send_err(id, "Unknown Protocol Operation");
            self.end_breach(id, "line end within a subject");
            return Err(Flow::Next);
        }
        if publish.header.is_some() && !abilities.headers {
            self.refuse_headers(id);
            return Err(Flow::Next);
        }
        self.egress.count_taken(publish);
        if abilities.pedantic && !is_valid_literal(written) {
            self.egress.send_err(id, "Invalid Publish Subject");
        }
        if self.egress.trace {
            self.trace_body(id, written, publish);
        }
        let permit = if watch.publishes { self.permit(id, publish.subject) } else { Permit::Always };
        if let Some(complaint) = self.complaint(account, permit, publish) {
            self.complain(id, &complaint);
            return Err(Flow::Next);
        }
        if abilities.verbose {
            self.egress.send(id, OK);
        }
        Ok(Checked { account, abilities, permit })
    }

    /// The client sent headers and did not say that it understands them.
    #[cold]
    pub(crate) fn refuse_headers(&mut self, id: ConnId) {
        self.pay_ok(id);
        self.end_breach(id, "message headers not supported");
    }

    #[cold]
    fn trace_body(&mut self, id: ConnId, written: &[u8], publish: &Publish<'_>) {
        let label = &self.egress.clients.at(id).label;
        // Also where a mapping leads back to the same subject.
        if !std::ptr::eq(written, publish.subject) {
            trace::mapped(label, written, publish.subject);
        }
        trace::received_body(label, publish, self.egress.trace_extent);
    }

    /// The subject that the client's account maps this one to, if it does.
    pub(crate) fn mapped(&mut self, id: ConnId, subject: &[u8]) -> Option<Vec<u8>> {
        let account = self.egress.clients.at(id).account;
        self.mapped_in(account, subject)
    }

    /// The subject that an account maps this one to, if it does.
    pub(crate) fn mapped_in(&mut self, account: usize, subject: &[u8]) -> Option<Vec<u8>> {
        let mappings = self.config.settings.directory.account(account).mappings();
        let mut mapped = Vec::new();
        self.egress.steps += mappings.len() as u64;
        let random = || (self.random.next() >> 32) as u32;
        mappings.apply(subject, random, &mut mapped).then_some(mapped)
    }

    fn permit(&mut self, id: ConnId, subject: &[u8]) -> Permit {
        let now = self.egress.counters.now;
        let guard = self.egress.clients.at(id).guard.as_mut();
        let Some(guard) = guard else { return Permit::Always };
        let permit = guard.may_publish(now, subject);
        self.egress.steps += guard.take_steps();
        permit
    }

    /// What there is to say of a message that must not be published, if it must not.
    fn complaint(&self, account: usize, permit: Permit, publish: &Publish<'_>) -> Option<Complaint> {
        let is_system = || self.config.settings.directory.account(account).is_system();
        if permit == Permit::No || is_reserved(publish.subject, is_system) {
            return Some(Complaint::of_subject(publish.subject));
        }
        publish.reply.filter(|reply| is_reserved_reply(reply)).map(Complaint::of_reply)
    }

    /// One more message to the subject of the `last`, after [`Flow::Published`]. The client is as it was then, and
    /// may.
    #[inline(always)]
    pub(crate) fn dispatch_next(
        &mut self,
        id: ConnId,
        account: usize,
        publish: &Publish<'_>,
        last: MessageNumber,
    ) -> Flow {
        if self.must_wait(account, publish.subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        self.egress.count_taken(publish);
        self.egress.begin_next(last, publish);
        match self.dispatch(id, account, publish, false) {
            Flow::Next => Flow::Published,
            flow => flow,
        }
    }

    /// Gives a message to those who want it, and the publisher the answer that it wants.
    fn dispatch(&mut self, id: ConnId, account: usize, publish: &Publish<'_>, answer_wanted: bool) -> Flow {
        if self.sampling.is_due() {
            self.sample(id, account, publish.subject);
        }
        let ticket = self.offers.next_ticket();
        let envelope = Envelope::new(id, publish);
        let dispatched = self.dispatcher(account).dispatch(envelope, answer_wanted, ticket);
        if self.egress.reader_behind() {
            self.egress.clients.at(id).stall_wanted = true;
        }
        if dispatched.offers > 0 {
            self.offers.open(Offer {
                origin: id.into(),
                is_from_afar: false,
                account,
                message: OwnedMessage::of(&Envelope::new(id, publish)),
                awaiting: dispatched.offers,
                taken: dispatched.taken,
                answer_wanted,
                refusals: Refusals::default(),
                with: ticket..ticket + 1,
                asked: None,
            });
            return Flow::NextThenHold(Hold::Offer);
        }
        if answer_wanted && !dispatched.taken {
            self.answer_no_responders(id, publish);
        }
        Flow::Next
    }

    /// Tells a requester that nobody took its request, if it listens for the reply itself.
    pub(crate) fn answer_no_responders(&mut self, id: ConnId, publish: &Publish<'_>) {
        let Some(reply) = publish.reply else { return };
        let Some(client) = self.egress.clients.find(id) else { return };
        let account = client.account;
        let listening = self.spaces[account].local_matches(reply);
        self.egress.steps += listening.plain.len() as u64;
        let own = listening.plain.iter().copied().filter(|key| self.egress.subs.at(*key).conn() == id);
        let own: SmallVec<[SubKey; 4]> = own.take(COMPARED_MAX).collect();
        let Some(key) = self.first_of(account, &own) else { return };
        let sid = &self.egress.subs.at(key).sid;
        let mut status = b"NATS/1.0 503\r\nNats-Subject: ".to_vec();
        status.extend_from_slice(publish.subject);
        status.extend_from_slice(b"\r\n\r\n");
        let mut line = Vec::new();
        encode::hmsg(&mut line, reply, sid, None, &status, b"");
        self.egress.send(id, &line);
    }

    /// Which of some subscriptions that match a subject nats-server comes to first.
    fn first_of(&mut self, account: usize, keys: &[SubKey]) -> Option<SubKey> {
        let (first, others) = keys.split_first()?;
        let (mut first, mut its_filter) = (*first, Vec::new());
        if others.is_empty() {
            return Some(first);
        }
        let local = &self.spaces[account].local;
        local.filter(self.egress.subs.at(first).filter, &mut its_filter);
        for other in others {
            local.filter(self.egress.subs.at(*other).filter, &mut self.filter);
            // It is climbed for, put together and compared.
            self.egress.steps += 1 + 3 * long_subject_steps(&self.filter);
            if is_met_before(&self.filter, &its_filter) {
                first = *other;
                std::mem::swap(&mut its_filter, &mut self.filter);
            }
        }
        Some(first)
    }

    /// Makes a publisher wait for readers that fall behind.
    pub(crate) fn stall(&mut self, now: Time, id: ConnId) {
        let between = (self.config.settings.options.max_pending / STALLS_PER_OUTBOX) as u64;
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.hold.is_none() && client.record.on_stall(between) {
            self.egress.counters.totals.stalls += 1;
            self.wait_for_readers(now, id, STALL);
            self.log_seldom(id, SeldomLine::Stalled);
        }
    }

    /// Holds a publisher that nothing else holds for so long.
    pub(crate) fn wait_for_readers(&mut self, now: Time, id: ConnId, time: Duration) {
        let until = now + time;
        self.egress.clients.at(id).hold = Some(Hold::Stall(until));
        self.egress.clients.remind(id, until, Reminder::Stall);
    }

    pub(crate) fn on_stall_over(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if let Some(Hold::Stall(until)) = client.hold
            && until <= now
        {
            self.resume(id, Hold::Stall(until));
        }
    }
}

/// Whether nats-server meets the first of two filters first, as it walks down its tree for a subject that both
/// match: `>` comes before all, `*` before what lies below a token, and behind the token where the subject ends.
fn is_met_before(one: &[u8], other: &[u8]) -> bool {
    let tokens = |filter| <[u8]>::split(filter, |byte| *byte == b'.');
    let (mut ones, mut others) = (tokens(one).peekable(), tokens(other).peekable());
    while let (Some(token), Some(against)) = (ones.next(), others.next()) {
        if token == against {
            continue;
        }
        let ends_here = ones.peek().is_none() && others.peek().is_none();
        return match (token, against) {
            (b">", _) => true,
            (_, b">") => false,
            (token, _) => (token == b"*") != ends_here,
        };
    }
    false
}

/// Whether the message would tear apart the lines of those who get it. The decoder lets such subjects
/// through, as nats-server's does; other clients must not suffer for it.
pub(crate) fn breaks_lines(publish: &Publish<'_>) -> bool {
    let has_line_end = |subject: &[u8]| memchr::memchr2(b'\r', b'\n', subject).is_some();
    has_line_end(publish.subject) || publish.reply.is_some_and(has_line_end)
}

/// Replies to other clusters.
const ROUTED_REPLIES: &[u8] = b"_GR_.";

/// Whether a subject is one that servers keep for themselves. What begins like [`ROUTED_REPLIES`] and ends
/// there is none, as in nats-server.
pub(crate) fn is_reserved(subject: &[u8], is_system: impl FnOnce() -> bool) -> bool {
    match subject.first() {
        Some(b'_') => is_beyond(subject, ROUTED_REPLIES),
        Some(b'$') => subject.starts_with(b"$NRG.") && !is_system(),
        _ => false,
    }
}

/// The same for reply subjects.
fn is_reserved_reply(reply: &[u8]) -> bool {
    match reply.first() {
        Some(b'_') => reply.starts_with(b"_R_.") || is_beyond(reply, ROUTED_REPLIES),
        Some(b'$') => is_beyond(reply, b"$JS.ACK."),
        _ => false,
    }
}

fn is_beyond(subject: &[u8], prefix: &[u8]) -> bool {
    subject.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_met_in_the_order_of_the_peers_tree() {
        let order = [">", "*.>", "*.*.b", "*.a.b", "a.>", "a.*.b", "a.a.>", "a.a.b", "a.a.*"];
        for (at, one) in order.iter().enumerate() {
            for (other_at, other) in order.iter().enumerate() {
                let is_first = is_met_before(one.as_bytes(), other.as_bytes());
                assert_eq!(is_first, at < other_at, "{one} {other}");
            }
        }
    }

    // `$GR.x` and all of these without an end were refused.
    #[test]
    fn what_servers_keep_for_themselves_is_what_the_peer_says() {
        for (subject, reserved, as_reply) in [
            (&b"_GR_.x"[..], true, true),
            (b"_GR_.", false, false),
            (b"$GR.x", false, false),
            (b"$NRG.", true, false),
            (b"$NRG.x", true, false),
            (b"$NRG", false, false),
            (b"_R_.", false, true),
            (b"_R_.x", false, true),
            (b"_R_", false, false),
            (b"$JS.ACK.", false, false),
            (b"$JS.ACK.x", false, true),
            (b"", false, false),
        ] {
            let shown = subject.escape_ascii();
            assert_eq!(is_reserved(subject, || false), reserved, "{shown}");
            assert_eq!(is_reserved_reply(subject), as_reply, "{shown}");
        }
        assert!(!is_reserved(b"$NRG.x", || true));
    }
}
