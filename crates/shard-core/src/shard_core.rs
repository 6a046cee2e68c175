//! The core of a shard, and its turn.
//!
//! A turn is bounded: what the shell took in at once, what the queues of the other shards hold, a slice of what is
//! too long for one turn. Output leaves at the end of the turn, or earlier when a turn produces a lot. What a socket
//! does not take waits until the socket is writable.

use std::time::Duration;

use broker::{Broker, ServiceId};
use conns::{ConnId, Time};
use fabric::ShardId;
use jetstream::JetStream;
use system::System;
use transport::Ended;

use crate::aside::Aside;
use crate::forged::Forged;
use crate::output::Burst;
use crate::parcels::ParcelSource;
use crate::shell::{EventOf, Shell};
use crate::slots::Slots;
use crate::stopping::Stage;
use crate::transports::Transports;

/// All that decides on one shard, and the order in which it does.
///
/// Always true: batches to other shards leave before the output of the same turn, and what was received is acted on
/// behind all that other shards had sent by then (docs/decisions/0001-interest-fence.md).
pub struct ShardCore<S: Shell> {
    pub(crate) shard: ShardId,
    pub(crate) broker: Broker,
    pub(crate) system: System,
    /// Streams, if they are asked for.
    pub(crate) jetstream: Option<JetStream>,
    /// What stands between sockets and the broker.
    pub(crate) transports: Transports,
    /// The other shards.
    pub(crate) others: Box<[ParcelSource]>,
    pub(crate) stage: Stage,
    /// Bytes that clients sent in this turn.
    pub(crate) received_bytes: usize,
    /// A queue to another shard was full when last looked at.
    pub(crate) is_queue_full: bool,
    /// A queue was full when output should have left: what there is waits for the next turn.
    pub(crate) output_waits: bool,
    /// Reads of connections that stand in line.
    pub(crate) aside: Slots<Aside<S::Read>>,
    pub(crate) reads_aside: usize,
    /// A WebSocket whose frames were received at once and have yet to be answered, or end it.
    pub(crate) unheeded: Option<(ConnId, Result<(), Ended>)>,
    /// Somebody in line may not be served yet: some of what waits there was received after other shards' parcels were
    /// last taken, so what they have sent by now comes first.
    pub(crate) line_waits: bool,
    /// Those in line had a round in the middle of the batch of events in hand: there is one at most.
    pub(crate) is_round_had: bool,
    /// Connections whose output does not wait for the end of the turn: who caused it said little, while others said
    /// much.
    pub(crate) prompt: Vec<ConnId>,
    /// What was sent since others were heard.
    pub(crate) burst: Burst,
    /// Some of what was received is not taken in yet.
    pub(crate) is_taking_in: bool,
    /// Output is being sent: who is heard meanwhile does not begin with it anew.
    pub(crate) is_flushing: bool,
    pub(crate) forged: Forged,
    /// Connections that were handed over before any may come.
    pub(crate) early: Vec<(S::Socket, nats_auth::ConnectionType)>,
    // Scratch, kept for its capacity.
    pub(crate) events: Vec<EventOf<S>>,
    pub(crate) ids: Vec<ConnId>,
    pub(crate) unsent: Vec<ConnId>,
    pub(crate) ready_services: Vec<ServiceId>,
}

impl<S: Shell> ShardCore<S> {
    /// One of so many shards. The system's service was opened on the broker.
    pub fn new(shard: ShardId, shards: usize, broker: Broker, system: System) -> Self {
        Self {
            shard,
            broker,
            system,
            jetstream: None,
            transports: Transports::default(),
            others: ShardId::all(shards).filter(|other| *other != shard).map(ParcelSource::new).collect(),
            stage: Stage::Serving,
            received_bytes: 0,
            is_queue_full: false,
            output_waits: false,
            aside: Slots::default(),
            reads_aside: 0,
            unheeded: None,
            line_waits: false,
            is_round_had: false,
            prompt: Vec::new(),
            burst: Burst::default(),
            is_taking_in: false,
            is_flushing: false,
            forged: Forged::default(),
            early: Vec::new(),
            events: Vec::new(),
            ids: Vec::new(),
            unsent: Vec::new(),
            ready_services: Vec::new(),
        }
    }

    /// Takes a turn: what happened, what to do about it, and what comes of it. Returns whether the shard was told to
    /// stop and has done so.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn turn(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        self.broker.on_turn(now);
        if !self.broker.knows_wall_clock() {
            self.broker.learn_wall_clock(shell.wall_clock());
        }
        self.take_events(shell, now)?;
        // After the wake-ups have been taken: one that comes from here on wakes the shard again.
        self.heed_orders(shell, now)?;
        self.offload(shell)?;
        self.on_deadlines(shell, now)?;
        self.broker.work_off();
        self.serve_line(shell, now)?;
        self.receive_from_resumed(shell)?;
        self.receive_more(shell, now)?;
        self.serve_services(shell, now);
        self.hand_over_passwords(shell);
        self.reach_out(shell)?;
        self.flush(shell, now)?;
        self.let_leave(shell, now)?;
        self.stage_ended(shell, now)
    }

    /// The turn took so much of the processor. Returns how many bytes clients sent in it.
    pub fn on_turn_ended(&mut self, took: Duration) -> usize {
        self.broker.on_turn_ended(took);
        std::mem::take(&mut self.received_bytes)
    }

    /// Whether the turn was ended before all was done.
    pub fn has_work_left(&self) -> bool {
        self.broker.is_anyone_in_line()
            || self.broker.has_chores()
            || self.services_have_work()
            || self.transports.may_resume()
            || (self.broker.dirty_count() > 0 && !self.output_waits)
    }

    /// Whether something is to be done as soon as other shards have taken what they were sent.
    pub fn awaits_room(&self) -> bool {
        self.is_queue_full || self.output_waits
    }

    /// What the shard's connections are and have.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The same to be changed, between two turns. What it is to send because of it leaves in the next.
    pub fn broker_mut(&mut self) -> &mut Broker {
        &mut self.broker
    }

    /// Takes rules away, for tests that have to notice.
    #[doc(hidden)]
    pub fn forge(&mut self, forged: Forged) {
        self.forged = forged;
    }
}
