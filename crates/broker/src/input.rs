//! Bytes from clients become ops, until the input ends or has to wait.

use bytes::Bytes;
use conns::{CloseReason, ConnId, Inbox, Time};
use nats_proto::{ClientOp, Limits, ProtoError, PublishStreak, Refused, Step};

use crate::broker::Broker;
use crate::client::{Hold, Standing};
use crate::cursor::MessageNumber;
use crate::egress::SHARED_BYTES_MIN;
use crate::trace;

/// Input that is taken in for a held connection before reading from it stops. Most holds are over
/// sooner than a stop would take.
const HELD_INPUT_BYTES_MAX: usize = 64 << 10;

/// The same where the connection has yet to be admitted: whoever it is, it is not to take much. A client that
/// waits for its answer has sent less, a PING mostly, and is heard when it hangs up.
const UNADMITTED_INPUT_BYTES_MAX: usize = 512;

/// What the op in hand asks of the input behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on with the next op.
    Next,
    /// The same after a message went out, and there is nothing to check about one more to its
    /// subject that has neither reply nor headers.
    Published,
    /// Keep this op and all behind it.
    Hold(Hold),
    /// This op is done; keep what is behind it.
    NextThenHold(Hold),
}

/// Where input lies in the read it came with, which is how nats-server's log names places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'r> {
    /// Bytes of the read.
    pub(crate) len: usize,
    /// Those behind the input that is decoded.
    pub(crate) behind: &'r [u8],
    /// Where it is cut into frames, if it came in some.
    pub(crate) cuts: &'r [usize],
}

impl<'r> Reading<'r> {
    /// Where in this read something was refused: `input` is what is left of the input from there on.
    fn refused(self, input: &'r [u8]) -> Refused<'r> {
        let until_end = input.len() + self.behind.len();
        let Self { behind, cuts, .. } = self;
        Refused { input, behind, read_at: until_end as isize - self.len as isize, cuts }
    }
}

/// Messages to one subject, one behind the other.
#[derive(Debug)]
struct Streak<'i> {
    front: PublishStreak<'i>,
    latest: MessageNumber,
    /// The publisher's.
    limits: Limits,
    account: usize,
}

/// How far input is acted on at a stretch: what reaches the end is finished.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    bytes_end: usize,
    /// By [`Egress::steps`](crate::egress::Egress), ops aside.
    steps_end: u64,
    used: usize,
    ops: u64,
}

impl Stretch {
    #[inline(always)]
    fn is_over(&self, steps: u64) -> bool {
        self.used >= self.bytes_end || steps + self.ops >= self.steps_end
    }
}

impl Broker {
    /// Bytes from a client. Of what it does not act on now it keeps a copy. The caller stops reading while
    /// [`Self::wants_input`] is false.
    pub fn on_received(&mut self, now: Time, id: ConnId, bytes: &[u8]) {
        let done = self.take_in(now, id, bytes, 0);
        self.keep(id, bytes, done);
    }

    /// The same for what came in frames, which end at these places but for the last.
    pub fn on_frames(&mut self, now: Time, id: ConnId, bytes: &[u8], cuts: &[usize]) {
        let done = self.take_in_frames(now, id, bytes, 0, cuts);
        self.keep(id, bytes, done);
    }

    /// As [`Self::on_received`] for one read of which the first bytes are `done` with, as far as the client's share goes: returns
    /// how many are done with now. The caller says what becomes of the rest: [`Self::keep`], or
    /// [`Self::renew_share`] and this again.
    #[must_use]
    pub fn take_in(&mut self, now: Time, id: ConnId, read: &[u8], done: usize) -> usize {
        self.take_in_frames(now, id, read, done, &[])
    }

    /// The same for a read that came in frames, which end at these places but for the last.
    #[must_use]
    pub fn take_in_frames(
        &mut self,
        now: Time,
        id: ConnId,
        read: &[u8],
        done: usize,
        cuts: &[usize],
    ) -> usize {
        let Some(client) = self.egress.clients.open(id) else { return read.len() };
        client.last_in = now;
        self.egress.counters.now = now;
        if client.hold.is_none() && self.moves.holds_input() {
            self.moves.hold(id, client);
        }
        let mut rest = &read[done..];
        self.turn.is_cut = false;
        loop {
            let Some(client) = self.egress.clients.open(id) else { return read.len() };
            if client.hold.is_some() {
                client.inbox.extend(rest, 0);
                client.held_read = read.len();
                return read.len();
            }
            if client.inbox.is_empty() {
                let used = self.drive(now, id, rest, Reading { len: read.len(), behind: &[], cuts });
                rest = &rest[used..];
                if !self.turn.is_cut {
                    self.keep_unused(id, rest, read.len());
                    return read.len();
                }
                return read.len() - rest.len();
            }
            if rest.is_empty() {
                return read.len();
            }
            if self.turn.is_cut || self.has_had_its_share(id) {
                return read.len() - rest.len();
            }
            let client = self.egress.clients.at(id);
            // Just what finishes the op in the inbox is copied to it; the rest is decoded in place.
            let lacking = lacking(client.op_bytes.saturating_sub(client.inbox.len()), rest);
            let (piece, behind) = rest.split_at(lacking.min(rest.len()));
            client.inbox.extend(piece, 0);
            rest = behind;
            self.drive_inbox(now, id, Reading { len: read.len(), behind: rest, cuts });
        }
    }

    /// Whether to read from the connection. While it is held for long, its bytes stay with the kernel.
    pub fn wants_input(&self, id: ConnId) -> bool {
        self.egress.clients.peek_open(id).is_some_and(|client| {
            let held_max = match client.hold {
                Some(Hold::Auth) => UNADMITTED_INPUT_BYTES_MAX,
                // One that stands in line has said enough.
                Some(Hold::Turn) => 0,
                _ => HELD_INPUT_BYTES_MAX,
            };
            let is_held = client.hold.is_some() && client.inbox.len() >= held_max;
            client.hung_up.is_none() && !is_held && !client.leaving
        })
    }

    /// Takes the connections whose input was held and is wanted again.
    pub fn take_resumed(&mut self, into: &mut Vec<ConnId>) {
        into.clear();
        std::mem::swap(&mut self.resumed, into);
    }

    /// Decodes and carries out ops until the input ends or has to wait; returns the bytes used.
    fn drive(&mut self, now: Time, id: ConnId, input: &[u8], reading: Reading<'_>) -> usize {
        if self.egress.clients.at(id).is_peer() {
            return self.drive_peer(now, id, input);
        }
        let share = self.turn.share(self.egress.clients.at(id).share);
        let before = self.egress.deliveries();
        let (bytes_end, steps_left) = share.left(self.turn.max);
        let mut stretch = Stretch { bytes_end, steps_end: before.all + steps_left, used: 0, ops: 0 };
        self.turn.is_cut = false;
        let client = self.egress.clients.at(id);
        client.op_bytes = 0;
        if client.standing == Standing::Awaited && !matches!(input.first(), None | Some(b'C' | b'c')) {
            self.on_input_before_connect(id);
        }
        self.egress.set_publisher(id);
        let mut streak = None;
        loop {
            if self.egress.clients.open(id).is_none_or(|client| client.hold.is_some()) {
                break;
            }
            if stretch.is_over(self.egress.steps) {
                self.turn.is_cut = true;
                break;
            }
            if self.goes_on(id, input, &mut streak, &mut stretch) {
                continue;
            }
            if self.next_op(now, id, input, &mut streak, &mut stretch, reading).is_none() {
                break;
            }
        }
        self.egress.take_over(id);
        self.heed_mailboxes();
        let deliveries = self.egress.deliveries().since(before);
        let client = self.egress.clients.at(id);
        client.share = share;
        self.turn.spend(&mut client.share, stretch.used, deliveries.all + stretch.ops);
        if std::mem::take(&mut client.stall_wanted) {
            self.stall(now, id);
        }
        self.pace(now, id, deliveries);
        stretch.used
    }

    /// Carries out the messages that go on with a streak, if there is one and there are any. Leaves none when it
    /// has ended, or when the client may have changed.
    #[inline(always)]
    fn goes_on<'i>(
        &mut self,
        id: ConnId,
        input: &'i [u8],
        streak: &mut Option<Streak<'i>>,
        stretch: &mut Stretch,
    ) -> bool {
        let Some(Streak { front, latest, limits, account }) = streak else { return false };
        let ops_before = stretch.ops;
        while !stretch.is_over(self.egress.steps) {
            let Some((len, publish)) = front.next(&input[stretch.used..], limits) else {
                *streak = None;
                break;
            };
            stretch.ops += 1;
            let flow = self.dispatch_next(id, *account, &publish, *latest);
            *latest = self.egress.cursor().number();
            stretch.used += if matches!(flow, Flow::Hold(_)) { 0 } else { len };
            let has_settled = self.settle();
            if has_settled || flow != Flow::Published {
                *streak = None;
                self.heed(id, flow);
                break;
            }
        }
        stretch.ops > ops_before
    }

    /// Carries out the op at the front of what is left, if it is all there.
    #[inline(always)]
    fn next_op<'i>(
        &mut self,
        now: Time,
        id: ConnId,
        input: &'i [u8],
        streak: &mut Option<Streak<'i>>,
        stretch: &mut Stretch,
        reading: Reading<'_>,
    ) -> Option<()> {
        let input = &input[stretch.used..];
        self.look_ahead(id, input);
        let client = self.egress.clients.at(id);
        let (limits, account) = (client.limits, client.account);
        // By reference: an op is a row of words, and would be copied.
        match &client.decoder.step(input, &limits) {
            Ok(Step::NeedMore { at_least }) => {
                client.op_bytes = *at_least;
                if client.abilities.headers || !has_header_line(input) {
                    return None;
                }
                // Its line is enough to refuse it.
                self.on_proto_error(id, &ProtoError::BadPayloadEnd, &reading.refused(input));
            }
            Ok(Step::Op { used, op }) => {
                stretch.ops += 1;
                let flow = self.on_op(now, id, op);
                if let ClientOp::Publish(publish) = op
                    && flow == Flow::Published
                {
                    let front = PublishStreak::of(input, publish);
                    let latest = self.egress.cursor().number();
                    *streak = front.map(|front| Streak { front, latest, limits, account });
                }
                stretch.used += if matches!(flow, Flow::Hold(_)) { 0 } else { *used };
                self.heed(id, flow);
            }
            Err(error) => self.on_proto_error(id, error, &reading.refused(input)),
        }
        if self.settle() {
            *streak = None;
        }
        Some(())
    }

    pub(crate) fn drive_inbox(&mut self, now: Time, id: ConnId, reading: Reading<'_>) {
        let client = self.egress.clients.at(id);
        // That a payload does not end as it has to shows one byte before it should be there.
        if client.inbox.len() + 1 < client.op_bytes {
            return;
        }
        let inbox = std::mem::take(&mut client.inbox);
        let rest = if inbox.len() < SHARED_BYTES_MIN {
            let mut inbox = inbox;
            let used = self.drive(now, id, inbox.as_slice(), reading);
            inbox.advance(used);
            inbox
        } else {
            let (input, used) = inbox.into_shared();
            self.drive_shared(now, id, input, used, reading)
        };
        if let Some(client) = self.egress.clients.open(id)
            && !rest.is_empty()
        {
            client.inbox = rest;
            client.inbox.extend(&[], client.op_bytes);
        }
    }

    /// The same for input so large that those who get its messages share it. The first `used` bytes of it are
    /// used up already. Returns what is left of it.
    fn drive_shared(
        &mut self,
        now: Time,
        id: ConnId,
        input: Bytes,
        used: usize,
        reading: Reading<'_>,
    ) -> Inbox {
        self.egress.lend(input.clone());
        let used = used + self.drive(now, id, &input[used..], reading);
        self.egress.lend(Bytes::new());
        // Without a copy where nobody else has a part in it: an op that has to wait, mostly.
        if used < input.len() { Inbox::rest_of(input.into(), used) } else { Inbox::default() }
    }

    /// Keeps the start of an op, with room for all of it, or what a hold keeps back, of a read of that length.
    fn keep_unused(&mut self, id: ConnId, unused: &[u8], read: usize) {
        if let Some(client) = self.egress.clients.open(id)
            && !unused.is_empty()
        {
            client.held_read = read;
            client.inbox.extend(unused, client.op_bytes);
        }
    }

    /// Holds a connection, if what it said last asks for that.
    fn heed(&mut self, id: ConnId, flow: Flow) {
        let (Flow::Hold(hold) | Flow::NextThenHold(hold)) = flow else { return };
        if let Some(client) = self.egress.clients.open(id) {
            client.hold = Some(hold);
        }
    }

    #[cold]
    fn on_proto_error(&mut self, id: ConnId, error: &ProtoError, refused: &Refused<'_>) {
        let client = self.egress.clients.at(id);
        let line = error.line(refused);
        if self.egress.trace
            && let Some((verb, arguments)) = line
        {
            trace::refused(&client.label, verb, arguments);
        }
        if line.is_some_and(|(verb, _)| verb == "HPUB") && !client.abilities.headers {
            return self.refuse_headers(id);
        }
        let words = error.log_words(refused);
        // The order of it all is nats-server's.
        match error {
            ProtoError::PayloadTooLarge { .. } => {
                tracing::error!("{} - {words}", client.label);
                if let Some(("HPUB", arguments)) = line {
                    self.trace_too_large(id, arguments, refused.input);
                }
                self.send_wire_text(id, error);
                self.close(id, CloseReason::MaxPayloadExceeded);
                self.log_web_breach(id, "maximum payload exceeded");
            }
            ProtoError::ControlLineTooLong { .. } => {
                self.send_wire_text(id, error);
                self.close(id, CloseReason::MaxControlLineExceeded);
                self.log_breach(id, words);
            }
            _ => {
                self.send_wire_text(id, error);
                self.end_breach(id, words);
            }
        }
    }

    fn send_wire_text(&mut self, id: ConnId, error: &ProtoError) {
        self.pay_ok(id);
        if let Some(text) = error.wire_text() {
            self.egress.send_err(id, text);
        }
    }
}

/// Whether input that is not yet an op has the whole line of an HPUB at its front.
fn has_header_line(input: &[u8]) -> bool {
    matches!(input.first(), Some(b'H' | b'h')) && memchr::memchr(b'\n', input).is_some()
}

/// How many bytes finish the op in the inbox, or the line that says how many do. `known` is what the
/// decoder asked for; while it reads a line, that is just one more.
fn lacking(known: usize, rest: &[u8]) -> usize {
    if known > 1 { known } else { memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1) }
}
