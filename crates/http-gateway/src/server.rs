//! The listener and its thread.

use std::cell::Cell;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener as AsyncListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

use crate::config::Config;
use crate::connection::serve;
use crate::desk::Desk;
use crate::dial::Backend;
use crate::shared::Shared;

/// Connections at a time. Who comes then is let go without a word.
const CONNECTIONS_MAX: usize = 16 << 10;

/// How long to wait when the system has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener's thread could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP thread cannot run: {0}")]
pub struct StartError(#[from] io::Error);

/// Where to listen.
#[derive(Debug)]
pub struct Listener {
    /// The socket, bound.
    pub socket: TcpListener,
    /// Others than HTTP come in here too: what becomes of them.
    pub shared: Option<Shared>,
}

/// Listeners at work. Dropping this ends them, and all its connections.
#[derive(Debug)]
pub struct Running {
    _stop: oneshot::Sender<()>,
}

/// Answers requests on a thread of its own.
///
/// # Errors
/// There is no thread or no poller to be had.
pub fn start(listeners: Vec<Listener>, config: Config, backend: Backend) -> Result<Running, StartError> {
    for listener in &listeners {
        listener.socket.set_nonblocking(true)?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new()
        .name("http".to_owned())
        .spawn(move || run(runtime, listeners, config, backend, stopped))?;
    Ok(Running { _stop: stop })
}

fn run(
    runtime: Runtime,
    listeners: Vec<Listener>,
    config: Config,
    backend: Backend,
    stopped: oneshot::Receiver<()>,
) {
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let desk = Rc::new(Desk::new(config, backend));
        let connections = Rc::new(Cell::new(0));
        for listener in listeners {
            spawn_local(accept(listener, Rc::clone(&desk), Rc::clone(&connections)));
        }
        tokio::select! {
            () = desk.pool.sweep() => {}
            // An error says that the sender is gone: it is time.
            _ = stopped => {}
        }
    });
    drop(tasks);
    runtime.shutdown_background();
}

async fn accept(listener: Listener, desk: Rc<Desk>, connections: Rc<Cell<usize>>) {
    let Listener { socket, shared } = listener;
    let socket = match AsyncListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!("Error accepting HTTP connections: {error}"),
    };
    loop {
        match socket.accept().await {
            Ok(_) if connections.get() >= CONNECTIONS_MAX => {}
            Ok((connection, peer)) => {
                let (desk, shared, held) = (Rc::clone(&desk), shared.clone(), Counted::new(&connections));
                spawn_local(async move {
                    // Small answers do not wait for each other.
                    let _ = connection.set_nodelay(true);
                    let sorted = match shared {
                        Some(shared) => shared.sort(connection).await,
                        None => Some(connection),
                    };
                    if let Some(connection) = sorted {
                        serve(connection, peer, desk).await;
                    }
                    drop(held);
                });
            }
            Err(error) => {
                tracing::debug!("Error accepting an HTTP connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Counts a connection while it is there.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
