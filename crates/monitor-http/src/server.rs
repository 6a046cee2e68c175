//! The listener and its thread.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use monitor::Answer;
use tokio::net::TcpListener as AsyncListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::connection::{Answers, serve};
use crate::gate::Gate;
use crate::guests::Guests;

/// Answers a path and what stands behind its question mark. It may wait.
pub(crate) type Handler = Arc<dyn Fn(&str, &str) -> Answer + Send + Sync>;

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

/// A listener at work. Dropping it ends it, and all its connections.
#[derive(Debug)]
pub struct Running {
    _stop: oneshot::Sender<()>,
}

/// Listens on a thread of its own and has `handler` answer, one request at a time.
///
/// # Errors
/// There is no thread or no poller to be had.
pub fn start(
    listener: Listener,
    handler: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
) -> Result<Running, StartError> {
    listener.socket.set_nonblocking(true)?;
    // Answers are gathered one after the other: the memory of one is all that any takes.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    let (stop, stopped) = oneshot::channel();
    let handler: Handler = Arc::new(handler);
    thread::Builder::new()
        .name("monitor".to_owned())
        .spawn(move || run(runtime, listener, handler, stopped))?;
    Ok(Running { _stop: stop })
}

fn run(runtime: Runtime, listener: Listener, handler: Handler, stopped: oneshot::Receiver<()>) {
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        tokio::select! {
            outcome = accept(listener, handler) => {
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

async fn accept(listener: Listener, handler: Handler) -> io::Result<()> {
    let tls = listener.tls.map(TlsAcceptor::from);
    let socket = AsyncListener::from_std(listener.socket)?;
    let guests = Guests::default();
    let answers = Answers { handler, gate: Gate::default() };
    loop {
        match socket.accept().await {
            Ok((connection, _)) => {
                let guest = guests.enter();
                let number = guest.number();
                let served = serve(connection, tls.clone(), guest, answers.clone());
                guests.set_task(number, tokio::task::spawn_local(served).abort_handle());
            }
            Err(error) => {
                tracing::debug!("Error accepting a monitoring connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
