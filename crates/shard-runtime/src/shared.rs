//! What all shards are given alike.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use system::{Inquiry, Server};

use crate::kernel_tls::KernelTls;

/// What all shards are given alike when they start.
#[derive(Clone)]
pub struct Shared {
    /// How long a shard without work looks for some before it sleeps; with `None` only while work keeps coming at
    /// once.
    pub busy_poll: Option<Duration>,
    /// What secures connections, if they are to be.
    pub tls: Option<Arc<tls_session::Acceptor>>,
    /// How far the kernel goes on with what was secured.
    pub kernel_tls: Option<KernelTls>,
    /// What the system's answers say of the server.
    pub server: Arc<Server>,
    /// Where the system of each shard has found out what all of them know: [`system::INQUIRIES_MAX`] of each shard
    /// have to have a place. Answers come back with [`Control::tell_system`](crate::Control::tell_system).
    pub inquiries: mpsc::SyncSender<Inquiry>,
}

/// Plain connections, and nobody who finds anything out.
impl Default for Shared {
    fn default() -> Self {
        let (inquiries, _) = mpsc::sync_channel(0);
        Self { busy_poll: None, tls: None, kernel_tls: None, server: Arc::default(), inquiries }
    }
}
