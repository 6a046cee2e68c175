//! What all shards share: one value, which each of them has.
//!
//! A new handle is a field here and the line that makes it: where the server is started if it comes from there
//! ([`Given`]), else in `start.rs`. What one shard has of its own is in its [`RuntimeShell`](crate::shell).

use std::sync::{Arc, mpsc};

use cluster::Dial;
use shard_core::PeerTls;
use system::{Inquiry, ServerIdentity};
use transport::WebPolicy;

use crate::bell::Bell;
use crate::clock::Clock;
use crate::config::Config;
use crate::handshakes::HandshakeJob;
use crate::kernel_tls::KernelTls;
use crate::load_board::LoadBoard;
use crate::passwords::Passwords;
use crate::storage::Store;
use crate::workers::Workers;

/// What shards are given alike by whoever starts them.
#[derive(Clone)]
pub struct Given {
    /// What the operator decides.
    pub config: Config,
    /// What secures connections at first, if they are to be. [`Control::secure`](crate::Control::secure) changes it.
    pub tls: Option<Arc<tls_session::Acceptor>>,
    /// What secures connections to other servers.
    pub peer_tls: PeerTls,
    /// What WebSockets are subject to at first. [`Control::open_web`](crate::Control::open_web) changes it.
    pub web: Arc<WebPolicy>,
    /// How far the kernel goes on with what was secured.
    pub kernel_tls: Option<KernelTls>,
    /// What the system's answers say of the server.
    pub server: Arc<ServerIdentity>,
    /// What streams are subject to; `None` is that there are none.
    pub jetstream: Option<Arc<jetstream::Config>>,
    /// Where streams are kept, if that is in files.
    pub store: Option<Arc<Store>>,
    /// Where the first shard has other servers dialed, if there is a cluster: [`dial_routes`](crate::dial_routes) takes
    /// them. There is one attempt at a time for each server.
    pub dials: Option<mpsc::Sender<Dial>>,
    /// Where the system of each shard has found out what all of them know: [`system::INQUIRIES_MAX`] of each shard
    /// have to have a place. Answers come back with [`Control::tell_system`](crate::Control::tell_system).
    pub inquiries: mpsc::SyncSender<Inquiry>,
}

/// Plain connections, and nobody who finds anything out.
impl Default for Given {
    fn default() -> Self {
        let (inquiries, _) = mpsc::sync_channel(0);
        Self {
            config: Config::default(),
            tls: None,
            peer_tls: PeerTls::default(),
            web: Arc::default(),
            kernel_tls: None,
            server: Arc::default(),
            jetstream: None,
            store: None,
            dials: None,
            inquiries,
        }
    }
}

/// What all shards share. It is there once all of them can be woken, and stays as it is until the last one ends.
pub(crate) struct Shared {
    pub(crate) given: Given,
    pub(crate) clock: Clock,
    /// By shard: what wakes it.
    pub(crate) bells: Box<[Bell]>,
    /// By shard: the core it runs on.
    pub(crate) cpus: Vec<usize>,
    pub(crate) board: LoadBoard,
    pub(crate) passwords: Passwords,
    pub(crate) handshakes: Workers<HandshakeJob>,
}
