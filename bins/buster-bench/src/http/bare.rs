//! hyper that answers everything with `204`: what an HTTP server can reach here. It runs as a process of its own, as
//! servers do, on one thread, as the HTTP API's.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use std::task::{self, Poll};
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

use crate::output;

/// Our own, and not for people.
pub(crate) const COMMAND: &str = "bare-http";

pub(super) struct Bare {
    addr: SocketAddr,
    child: Child,
}

impl Bare {
    /// Starts this program once more.
    pub(super) fn start() -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let child = command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut bare = Self { addr: (Ipv4Addr::LOCALHOST, 0).into(), child };
        let mut line = String::new();
        let output = bare.child.stdout.take().context("its output")?;
        BufReader::new(output).read_line(&mut line)?;
        bare.addr = line.trim().parse().with_context(|| format!("`{}` is no address", line.trim()))?;
        Ok(bare)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says where it listens, and answers until standard input ends: it does not outlive who started it.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    output::print(format_args!("{}\n", listener.local_addr()?))?;
    thread::spawn(move || answer(listener));
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Answers whoever connects, for ever.
pub(super) fn answer(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            spawn_local(async move {
                let nothing = |_: Request<Incoming>| async {
                    let mut response = Response::new(Nothing);
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    Ok::<_, Infallible>(response)
                };
                http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(nothing)).await
            });
        }
    })
}

/// A body without a byte.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
