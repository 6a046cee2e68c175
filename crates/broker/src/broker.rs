//! The machine itself: events in, outputs out.
//!
//! The caller feeds events (`on_*`) with the time, then takes what follows from them: connections
//! to flush, to read from again, batches for other shards, and the next deadline. Nothing here
//! waits, and nothing reads a clock.
//!
//! Always true between events: no connection with a fence has its output flushed; a held connection
//! has no input decoded; a closing connection has no subscriptions.

use std::net::SocketAddr;

use fabric::{Batch, Frame, Interest, MeshMessage, OfferReply, ShardId};
use nats_proto::{ServerInfo, Step, encode};

use crate::account::{Account, MemberChange, Told};
use crate::client::{Client, ConnId, Hold};
use crate::close::CloseReason;
use crate::config::Config;
use crate::deadlines::{Deadlines, Due};
use crate::egress::Egress;
use crate::fence::Fences;
use crate::mesh::Mesh;
use crate::offers::Offers;
use crate::outbox::Outbox;
use crate::placement::{Placed, Placement};
use crate::random::Random;
use crate::route::Router;
use crate::time::Time;

/// The account of clients that name none.
const GLOBAL_ACCOUNT: &str = "$G";

/// Bytes that an unfinished op has to lack for them to be read straight to where they belong.
const IN_PLACE_BYTES_MIN: usize = 8 << 10;

/// Bytes taken at once to finish a control line, whose end is not known before it comes.
const LINE_PIECE_BYTES: usize = 256;

/// What to do with a connection's output.
#[derive(Debug)]
pub enum Flush<'a> {
    /// Nothing for now.
    Nothing,
    /// Send this, then report with [`Broker::on_sent`] or [`Broker::on_blocked`].
    Send(&'a Outbox),
    /// All is said: close the socket. The connection's id is void from here on.
    Close,
}

/// What the op in hand asks of the input behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on with the next op.
    Next,
    /// Keep this op and all behind it.
    Hold(Hold),
    /// This op is done; keep what is behind it.
    NextThenHold(Hold),
}

/// One shard of core NATS.
pub struct Broker {
    pub(crate) config: Config,
    pub(crate) accounts: Vec<Account>,
    pub(crate) egress: Egress,
    pub(crate) mesh: Mesh,
    pub(crate) fences: Fences,
    pub(crate) deadlines: Deadlines,
    pub(crate) offers: Offers,
    pub(crate) random: Random,
    placement: Placement,
    resumed: Vec<ConnId>,
}

impl Broker {
    /// A shard without connections.
    pub fn new(config: Config) -> Self {
        Self {
            accounts: vec![Account::new(GLOBAL_ACCOUNT)],
            egress: Egress::new(config.max_pending, config.seed, config.trace),
            mesh: Mesh::new(config.shard, config.shards),
            fences: Fences::default(),
            deadlines: Deadlines::default(),
            offers: Offers::default(),
            random: Random::new(config.seed),
            placement: Placement::new(config.shards, config.max_connections),
            resumed: Vec::new(),
            config,
        }
    }

    // Events.

    /// Decides where a connection goes that this shard accepted. All connections have to be placed
    /// by one shard, the first.
    pub fn place(&mut self) -> Placed {
        assert_eq!(self.config.shard, ShardId(0), "one shard counts connections");
        self.placement.place()
    }

    /// A connection that was placed here. Greets it.
    pub fn on_accepted(&mut self, now: Time, placed: Placed, peer: SocketAddr) -> ConnId {
        let mut client = Client::new(placed.cid, peer, !placed.over_limit, now);
        client.next_ping = now + self.config.ping_interval;
        client.ping_reminder = client.next_ping;
        let next_ping = client.next_ping;
        tracing::debug!("{} - Client connection created", client.label);
        let id = self.egress.clients.insert(client);
        self.deadlines.push(next_ping, id, Due::Ping);
        self.send_info(id, |_| ());
        if placed.over_limit {
            self.egress.send_err(id, "maximum connections exceeded");
            self.close(id, CloseReason::MaxConnectionsExceeded);
        }
        id
    }

    /// Bytes from a client. The caller stops reading while [`Self::wants_input`] is false.
    pub fn on_received(&mut self, now: Time, id: ConnId, bytes: &[u8]) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.closing.is_some() {
            return;
        }
        client.last_in = now;
        let mut rest = bytes;
        loop {
            let Some(client) = self.egress.clients.find(id).filter(|client| client.closing.is_none()) else {
                return;
            };
            if client.hold.is_some() {
                client.inbox.extend_from_slice(rest);
                return;
            }
            if client.inbox.is_empty() {
                let used = self.drive(now, id, rest);
                return self.keep_unused(id, &rest[used..]);
            }
            if rest.is_empty() {
                return;
            }
            // Just what finishes the op in the inbox is copied to it; the rest is decoded in place.
            let lacking = client.op_bytes.saturating_sub(client.inbox.len()).max(LINE_PIECE_BYTES);
            let (piece, behind) = rest.split_at(lacking.min(rest.len()));
            client.inbox.extend_from_slice(piece);
            rest = behind;
            self.drive_inbox(now, id);
        }
    }

    /// Where the next bytes of the client may be put directly, if it is in the middle of an op that
    /// still lacks that many: then report with [`Self::on_received_in_place`].
    pub fn room_for_op(&mut self, id: ConnId) -> Option<&mut Vec<u8>> {
        let client = self.egress.clients.find(id)?;
        let room = client.inbox.capacity() - client.inbox.len();
        let is_wanted = client.closing.is_none() && client.hold.is_none() && !client.inbox.is_empty();
        (is_wanted && room >= IN_PLACE_BYTES_MIN).then_some(&mut client.inbox)
    }

    /// Bytes from a client that were appended to what [`Self::room_for_op`] gave.
    pub fn on_received_in_place(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.closing.is_none() {
            client.last_in = now;
            self.drive_inbox(now, id);
        }
    }

    /// The client will send no more, or its socket failed.
    pub fn on_hangup(&mut self, id: ConnId, reason: CloseReason) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.closing.is_none() {
            self.close(id, reason);
        } else if !reason.keeps_output() {
            self.drop_output(id);
        }
    }

    /// The client's socket took `count` bytes of its outbox.
    pub fn on_sent(&mut self, id: ConnId, count: usize) {
        let Some(client) = self.egress.clients.find(id) else { return };
        client.blocked_since = None;
        client.outbox.advance(&mut self.egress.pool, count);
    }

    /// The client's socket is full. Report with [`Self::on_writable`] when it is not.
    pub fn on_blocked(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        client.blocked_since.get_or_insert(now);
        if !client.write_reminder {
            client.write_reminder = true;
            self.deadlines.push(now + self.config.write_deadline, id, Due::Write);
        }
    }

    /// The client's socket takes bytes again.
    pub fn on_writable(&mut self, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.blocked_since.take().is_some() {
            self.egress.mark_dirty(id);
        }
    }

    /// A batch from another shard.
    pub fn on_batch(&mut self, now: Time, from: ShardId, batch: Batch) {
        let mut stalled = None;
        for frame in batch.frames() {
            match frame.expect("shards of one build understand each other") {
                Frame::Message(message) => self.on_message(from, &message, &mut stalled),
                Frame::Interest(interest) => {
                    self.accounts[interest.account as usize].on_interest(from, &interest);
                }
                Frame::OfferReply(reply) => self.on_offer_reply(now, &reply),
                Frame::Stall { origin } => self.stall(now, ConnId::from_bits(origin)),
            }
        }
        if batch.closed > 0 {
            self.placement.on_closed(from, batch.closed as usize);
        }
        let received = self.mesh.link(from).on_applied(batch);
        if received.confirmed_moved {
            self.lift_fences(now);
        }
        if received.uncongested {
            for id in self.mesh.on_uncongested(from) {
                self.resume(now, id, Hold::Link);
            }
        }
        self.settle();
    }

    /// Does what is due.
    pub fn on_deadlines(&mut self, now: Time) {
        while let Some((id, due)) = self.deadlines.pop(now) {
            match due {
                Due::Ping => self.on_ping_due(now, id),
                Due::Stall => self.on_stall_over(now, id),
                Due::Write => self.on_write_due(now, id),
            }
        }
        self.settle();
    }

    /// The server stops: ends all connections once their output is flushed.
    pub fn on_shutdown(&mut self) {
        for id in self.egress.clients.ids() {
            self.close(id, CloseReason::ServerShutdown);
        }
    }

    // Outputs.

    /// Takes the connections that [`Self::flush`] has something to say about.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        self.egress.take_dirty(into);
    }

    /// Bytes queued for clients since the dirty connections were last taken: the caller flushes
    /// early when one turn queues a lot, so that readers are not cut off for our own lateness.
    pub fn unflushed_bytes(&self) -> usize {
        self.egress.unflushed()
    }

    /// What to do with a connection's output. Call it again after each report.
    pub fn flush(&mut self, id: ConnId) -> Flush<'_> {
        let Some(client) = self.egress.clients.peek(id) else { return Flush::Nothing };
        if client.fence.is_some() || client.blocked_since.is_some() {
            return Flush::Nothing;
        }
        if client.outbox.is_empty() {
            if client.closing.is_none() {
                return Flush::Nothing;
            }
            self.release(id);
            return Flush::Close;
        }
        Flush::Send(&self.egress.clients.peek(id).expect("it was just there").outbox)
    }

    /// Takes the connections whose input was held and is wanted again.
    pub fn take_resumed(&mut self, into: &mut Vec<ConnId>) {
        into.clear();
        std::mem::swap(&mut self.resumed, into);
    }

    /// Whether to read from the connection. While it is held, its bytes stay with the kernel.
    pub fn wants_input(&self, id: ConnId) -> bool {
        self.egress.clients.peek(id).is_some_and(|client| client.closing.is_none() && client.hold.is_none())
    }

    /// Takes what there is to tell another shard.
    pub fn take_batch(&mut self, to: ShardId) -> Option<Batch> {
        let link = self.mesh.link(to);
        link.wants_batch().then(|| link.take_batch())
    }

    /// When [`Self::on_deadlines`] is next needed.
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// How many connections live here, closing ones included.
    pub fn connections(&self) -> usize {
        self.egress.clients.len()
    }

    // Input.

    /// Decodes and carries out ops until the input ends or has to wait; returns the bytes used.
    fn drive(&mut self, now: Time, id: ConnId, input: &[u8]) -> usize {
        let mut used = 0;
        loop {
            let client = self.egress.clients.at(id);
            if client.closing.is_some() || client.hold.is_some() {
                break;
            }
            match client.decoder.step(&input[used..], &self.config.limits) {
                Ok(Step::NeedMore { at_least }) => {
                    client.op_bytes = at_least;
                    break;
                }
                Ok(Step::Op { used: len, op }) => match self.on_op(now, id, &op) {
                    Flow::Next => used += len,
                    Flow::Hold(hold) => self.hold(id, hold),
                    Flow::NextThenHold(hold) => {
                        used += len;
                        self.hold(id, hold);
                    }
                },
                Err(error) => self.on_proto_error(id, &error),
            }
            self.settle();
        }
        let client = self.egress.clients.at(id);
        if std::mem::take(&mut client.stall_wanted) && client.hold.is_none() && client.closing.is_none() {
            self.stall(now, id);
        }
        used
    }

    fn drive_inbox(&mut self, now: Time, id: ConnId) {
        let mut inbox = std::mem::take(&mut self.egress.clients.at(id).inbox);
        let used = self.drive(now, id, &inbox);
        let client = self.egress.clients.at(id);
        if client.closing.is_none() && used < inbox.len() {
            inbox.drain(..used);
            inbox.reserve(client.op_bytes.saturating_sub(inbox.len()));
            client.inbox = inbox;
        }
    }

    /// Keeps the start of an op, with room for all of it, or what a hold keeps back.
    fn keep_unused(&mut self, id: ConnId, unused: &[u8]) {
        let client = self.egress.clients.at(id);
        if client.closing.is_none() && !unused.is_empty() {
            client.inbox.reserve(client.op_bytes.max(unused.len()));
            client.inbox.extend_from_slice(unused);
        }
    }

    fn hold(&mut self, id: ConnId, hold: Hold) {
        let client = self.egress.clients.at(id);
        if client.closing.is_none() {
            client.hold = Some(hold);
        }
    }

    /// Ends a hold, if it is this one that holds the connection.
    pub(crate) fn resume(&mut self, now: Time, id: ConnId, hold: Hold) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.hold != Some(hold) || client.closing.is_some() {
            return;
        }
        client.hold = None;
        self.drive_inbox(now, id);
        if self.wants_input(id) {
            self.resumed.push(id);
        }
    }

    fn on_proto_error(&mut self, id: ConnId, error: &nats_proto::ProtoError) {
        tracing::error!("{} - Client parser error: {error}", self.egress.clients.at(id).label);
        if let Some(text) = error.wire_text() {
            self.egress.send_err(id, text);
        }
        self.close(id, CloseReason::of_proto_error(error));
    }

    // The mesh.

    fn on_message(&mut self, from: ShardId, message: &MeshMessage<'_>, stalled: &mut Option<u64>) {
        let arrived = self.router(message.account as usize).arrive(message);
        if self.egress.reader_behind() && *stalled != Some(message.origin) {
            *stalled = Some(message.origin);
            self.mesh.link(from).push_stall(message.origin);
        }
        // Interest that ended with this message has to reach the sender before the answer does.
        self.settle();
        if message.ticket != 0 {
            let refused = arrived.refused.iter().copied();
            self.mesh.link(from).push_offer_reply(message.ticket, arrived.taken, refused);
        }
        // A group that refused a message without a ticket lost its members to closed connections
        // only; the message shares the fate of what lay in their outboxes.
    }

    fn on_offer_reply(&mut self, now: Time, reply: &OfferReply<'_>) {
        let mut offer = self.offers.take(reply.ticket);
        offer.awaiting -= 1;
        offer.taken |= reply.taken;
        if !reply.refused.is_empty() {
            let publish = offer.message.as_publish();
            let routed =
                self.router(offer.account).reroute(offer.origin, &publish, reply.refused, reply.ticket);
            self.settle();
            offer.taken |= routed.taken;
            offer.awaiting += routed.offers;
        }
        if offer.awaiting > 0 {
            self.offers.put_back(reply.ticket, offer);
            return;
        }
        if offer.answer_wanted && !offer.taken {
            self.answer_no_responders(offer.origin, &offer.message.as_publish());
        }
        self.resume(now, offer.origin, Hold::Offer);
    }

    /// Tells the other shards of a change among this shard's members. Returns the round to wait for
    /// if the change must not take effect before all shards know of it.
    pub(crate) fn announce(
        &mut self,
        account: usize,
        filter: &[u8],
        queue: Option<&[u8]>,
        change: MemberChange,
    ) -> Option<u64> {
        if !self.mesh.has_peers() {
            return None;
        }
        // A join that adds nothing to tell still relies on what was told for others before it.
        let relies_on_news = change == MemberChange::Join && !self.mesh.is_settled();
        let Some((before, now)) = self.accounts[account].count(filter, queue, change) else {
            return relies_on_news.then(|| self.mesh.round());
        };
        let Told { weight, firm } = now;
        let interest = Interest { account: account as u32, filter, queue, weight, firm };
        let round = self.mesh.announce(&interest);
        (relies_on_news || before.needs_fence(now)).then_some(round)
    }

    // Shared by the files that carry out ops.

    pub(crate) fn router(&mut self, account: usize) -> Router<'_> {
        Router {
            account_index: account,
            account: &mut self.accounts[account],
            egress: &mut self.egress,
            mesh: &mut self.mesh,
            random: &mut self.random,
        }
    }

    /// Finishes what writing to clients left behind: subscriptions that had their last message,
    /// readers that were cut off. Every event ends with it.
    pub(crate) fn settle(&mut self) {
        while let Some(key) = self.egress.expired.pop() {
            self.expire(key);
        }
        while let Some(id) = self.egress.overrun.pop() {
            self.wind_up(id, CloseReason::SlowConsumerPendingBytes);
        }
    }

    pub(crate) fn send_info(&mut self, id: ConnId, amend: impl FnOnce(&mut ServerInfo)) {
        let client = self.egress.clients.at(id);
        let mut info = self.config.info.clone();
        info.client_id = client.cid;
        info.client_ip = client.peer.ip().to_string();
        amend(&mut info);
        let mut line = Vec::new();
        encode::info(&mut line, &info);
        self.egress.send(id, &line);
    }

    /// Closes a connection once its output left, if the reason leaves anyone to read it.
    pub(crate) fn close(&mut self, id: ConnId, reason: CloseReason) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.closing.is_none() {
            client.closing = Some(reason);
            self.wind_up(id, reason);
        }
    }

    fn wind_up(&mut self, id: ConnId, reason: CloseReason) {
        let client = self.egress.clients.at(id);
        tracing::debug!("{} - Client connection closed: {reason}", client.label);
        client.inbox = Vec::new();
        client.hold = None;
        client.owes_ok = false;
        let round = self.unsubscribe_all(id);
        let client = self.egress.clients.at(id);
        if reason == CloseReason::ServerShutdown {
            client.fence = None; // No shard is left to confirm anything.
        } else if let Some(round) = round {
            // The end of the connection shows only when no shard counts on it any more.
            self.fences.raise(id, client, round);
        }
        if !reason.keeps_output() {
            self.drop_output(id);
        }
        self.egress.mark_dirty(id);
    }

    fn drop_output(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        client.outbox.clear(&mut self.egress.pool);
        client.blocked_since = None;
        self.egress.mark_dirty(id);
    }

    fn release(&mut self, id: ConnId) {
        let client = self.egress.clients.remove(id).expect("a connection is released once");
        if !client.counted {
            return;
        }
        if self.config.shard == ShardId(0) {
            self.placement.on_closed(ShardId(0), 1);
        } else {
            self.mesh.link(ShardId(0)).count_closed();
        }
    }
}
