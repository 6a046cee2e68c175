//! What other threads can ask of running shards.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

use broker::Broker;
use conns::Time;
use fabric::ShardId;
use jetstream::JetStream;
use monitor::Moment;
use nats_auth::ConnectionType;
use transport::WebPolicy;

use crate::orders::{Order, Orders, Task};

/// A hand on running shards, for any thread. Shards do not look after it: they run until they are
/// stopped, however many of these there are.
#[derive(Debug, Clone)]
pub struct Control {
    pub(crate) shards: Arc<[Arc<Orders>]>,
    /// Set once no more connections are to be accepted.
    closed: Arc<AtomicBool>,
    /// Where other servers come in, once that is known.
    pub(crate) routes: Arc<OnceLock<TcpListener>>,
    /// The same of leaf nodes.
    pub(crate) leafs: Arc<OnceLock<TcpListener>>,
}

impl Control {
    pub(crate) fn new(shards: Arc<[Arc<Orders>]>) -> Self {
        Self { shards, closed: Arc::default(), routes: Arc::default(), leafs: Arc::default() }
    }

    /// The shards there are.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        ShardId::all(self.shards.len())
    }

    /// Has a shard run a closure on its broker, in one of its next turns, and hands out where the answer comes.
    /// What the broker is to send because of it leaves in the same turn. Orders to one shard are
    /// carried out in the order they were given.
    ///
    /// The receiver is disconnected without an answer if the shard stops or fails first, or has done
    /// so. While very many orders wait for the shard this waits as well; so a shard's own thread must
    /// not call it.
    ///
    /// # Panics
    /// There is no such shard.
    pub fn ask<R: Send + 'static>(
        &self,
        shard: ShardId,
        question: impl FnOnce(&mut Broker, Time) -> R + Send + 'static,
    ) -> mpsc::Receiver<R> {
        let (sender, answer) = mpsc::channel();
        self.shards[shard.index()].give(Order::Run(Box::new(move |broker, now| {
            // Who asked may not care for the answer.
            let _ = sender.send(question(broker, now));
        })));
        answer
    }

    /// The same for a closure on the streams of a shard. There is no answer either where there may be none.
    ///
    /// # Panics
    /// There is no such shard.
    pub fn ask_streams<R: Send + 'static>(
        &self,
        shard: ShardId,
        question: impl FnOnce(&mut JetStream, &mut Broker, Time, Moment) -> R + Send + 'static,
    ) -> mpsc::Receiver<R> {
        let (sender, answer) = mpsc::channel();
        self.shards[shard.index()].give(Order::Streams(Box::new(move |jetstream, broker, now, wall| {
            let _ = sender.send(question(jetstream, broker, now, wall));
        })));
        answer
    }

    /// Tells the system's service of a shard something, in the order of what else the shard is told. As
    /// [`Self::ask`] does, this waits while very many orders do.
    ///
    /// # Panics
    /// There is no such shard.
    pub fn tell_system(&self, shard: ShardId, event: system::SystemEvent) {
        self.shards[shard.index()].give(Order::System(event));
    }

    /// Secures connections that are accepted from here on with this, or not at all. Those that are there
    /// stay as they are, handshakes that have begun included.
    pub fn secure(&self, acceptor: Option<Arc<tls_session::Acceptor>>) {
        for shard in &*self.shards {
            shard.give(Order::Secure(acceptor.clone()));
        }
    }

    /// Subjects WebSockets that are accepted from here on to this. Those that are there stay as they are.
    pub fn open_web(&self, policy: &Arc<WebPolicy>) {
        for shard in &*self.shards {
            shard.give(Order::OpenWeb(Arc::clone(policy)));
        }
    }

    /// Connects to the server from within its process: a socket of its own, without any port. A server that stops
    /// accepting before it has come to this one closes it unread. As [`Self::ask`] does, this waits while very many
    /// orders do.
    ///
    /// # Errors
    /// No more connections are accepted, or the process has no descriptor left.
    pub fn connect(&self) -> io::Result<UnixStream> {
        if !self.is_accepting() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = UnixStream::pair()?;
        far.set_nonblocking(true)?;
        self.shards[0].give(Order::Connect(far.into(), ConnectionType::InProcess));
        Ok(near)
    }

    /// Hands over a connection that another thread accepted, none of whose bytes were taken. It is served like those that
    /// the shards accept, or closed if they accept no more. As [`Self::ask`] does, this waits while very many orders do.
    pub fn take_over(&self, socket: TcpStream, how: ConnectionType) {
        if self.is_accepting() {
            self.shards[0].give(Order::Connect(socket.into(), how));
        }
    }

    /// Closes the listeners: no more connections are accepted. Those that are there stay. A question
    /// that the first shard is asked after this finds it done.
    pub fn stop_accepting(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.stop_accepting_routes();
        self.shards[0].give(Order::Own(Task::StopAccepting));
    }

    /// Whether connections are accepted: nobody has asked for an end of that.
    pub fn is_accepting(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    /// Asks all shards to finish: they stop reading, deliver what they took in, and end. Asking
    /// again changes nothing.
    pub fn stop(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.stop_accepting_routes();
        for shard in &*self.shards {
            shard.stop();
        }
    }
}
