//! A connection, seen from both ends.

use std::collections::VecDeque;

use conns::ConnId;
use nats_auth::ConnectionType;

use crate::client::Client;
use crate::socket::Socket;
use crate::web_client::WebClient;

/// Whether a shard receives from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiving {
    Off,
    On,
    /// It was told to stop, and something is still under way.
    Stopping,
    /// Nothing more comes, for good.
    Over,
}

pub(crate) struct Connection {
    pub(crate) client: Client,
    /// What stands between it and its socket, if it comes over a WebSocket.
    pub(crate) web: Option<WebClient>,
    /// The shard it lives on, and its name there: not before it is accepted, nor on its way elsewhere.
    pub(crate) home: Option<(usize, ConnId)>,
    pub(crate) was_accepted: bool,
    pub(crate) socket: Socket,
    /// How much of what the client sent has come to the server, as far as it has not been received.
    pub(crate) arrived: usize,
    /// What the client sent since, write by write: when, and how many bytes.
    pub(crate) under_way: VecDeque<(u64, usize)>,
    pub(crate) receiving: Receiving,
    /// Reads that the shard has not given back.
    pub(crate) reads_out: usize,
    pub(crate) steps_left: u64,
    pub(crate) hangs_up: bool,
    /// Whether the server still has it.
    pub(crate) open: bool,
}

impl Connection {
    /// What the client had sent by then arrives.
    pub(crate) fn let_arrive(&mut self, by: u64) {
        while let Some((_, bytes)) = self.under_way.pop_front_if(|(at, _)| *at <= by) {
            self.arrived += bytes;
        }
    }

    /// By which listener it comes.
    pub(crate) fn how(&self) -> ConnectionType {
        if self.web.is_some() { ConnectionType::Websocket } else { ConnectionType::Standard }
    }

    /// Whether the server took nobody any more when it came.
    pub(crate) fn was_refused(&self) -> bool {
        !self.was_accepted
    }

    pub(crate) fn has_arrivals(&self) -> bool {
        self.arrived > 0
    }

    /// Whether the shard can be told something.
    pub(crate) fn has_events(&self, now: u64) -> bool {
        let is_heard = match self.receiving {
            Receiving::On => self.has_arrivals() || self.socket.hangup.is_some(),
            Receiving::Stopping => true,
            Receiving::Off | Receiving::Over => false,
        };
        is_heard || (self.socket.told_full && self.socket.is_writable(now))
    }
}
