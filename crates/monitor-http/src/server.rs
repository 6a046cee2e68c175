//! The listener and its thread.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener as AsyncListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::asked::{Asked, Reply};
use crate::connection::{Answers, serve};
use crate::gate::Gate;
use crate::guests::Guests;
use crate::head_room::HeadRoom;

/// Answers a request. It may wait.
pub(crate) type Handler = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// How long to wait when the system has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where to listen.
pub struct Listener {
    /// The socket, bound.
    pub socket: TcpListener,
    /// For HTTPS: what to offer. It should ask for no client certificate.
    pub tls: Option<Arc<ServerConfig>>,
}

/// The listener's thread could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the monitoring thread cannot run: {0}")]
pub struct StartError(#[from] io::Error);

/// What connections that are accepted are secured with.
type Tls = Option<Arc<ServerConfig>>;

/// A listener at work. Dropping it ends it, and all its connections.
#[derive(Debug)]
pub struct Running {
    _stop: oneshot::Sender<()>,
    tls: watch::Sender<Tls>,
}

impl Running {
    /// Offers this on connections that are accepted from here on.
    ///
    /// # Panics
    /// The listener is not for HTTPS.
    pub fn secure(&self, tls: Arc<ServerConfig>) {
        let before = self.tls.send_replace(Some(tls));
        assert!(before.is_some(), "HTTP does not become HTTPS");
    }
}

/// Listens on a thread of its own and has `handler` answer, one request at a time.
///
/// # Errors
/// There is no thread or no poller to be had.
pub fn start(
    listener: Listener,
    handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Result<Running, StartError> {
    listener.socket.set_nonblocking(true)?;
    // Answers are gathered one after the other: the memory of one is all that any takes.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    let (stop, stopped) = oneshot::channel();
    let (tls, offered) = watch::channel(listener.tls);
    let handler: Handler = Arc::new(handler);
    thread::Builder::new()
        .name("monitor".to_owned())
        .spawn(move || run(runtime, listener.socket, offered, handler, stopped))?;
    Ok(Running { _stop: stop, tls })
}

fn run(
    runtime: Runtime,
    socket: TcpListener,
    offered: watch::Receiver<Tls>,
    handler: Handler,
    stopped: oneshot::Receiver<()>,
) {
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        tokio::select! {
            outcome = accept(socket, offered, handler) => {
                if let Err(error) = outcome {
                    tracing::error!("Error starting monitor: {error}");
                }
            }
            // An error says that the sender is gone: it is time.
            _ = stopped => {}
        }
    });
    drop(tasks);
    runtime.shutdown_background();
}

async fn accept(socket: TcpListener, offered: watch::Receiver<Tls>, handler: Handler) -> io::Result<()> {
    let socket = AsyncListener::from_std(socket)?;
    let guests = Guests::default();
    let answers = Answers { handler, gate: Gate::default(), head_room: HeadRoom::default() };
    loop {
        match socket.accept().await {
            Ok((connection, _)) => {
                let guest = guests.enter();
                let number = guest.number();
                let tls = offered.borrow().clone().map(TlsAcceptor::from);
                let served = serve(connection, tls, guest, answers.clone());
                guests.set_task(number, tokio::task::spawn_local(served).abort_handle());
            }
            Err(error) => {
                tracing::debug!("Error accepting a monitoring connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
