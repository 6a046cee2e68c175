//! One connection: requests in, answers out.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::desk::Desk;

/// How long a head may take, and how long a connection may rest between two requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of a head, and of what is read or written at once.
const BUFFER_BYTES_MAX: usize = 16 << 10;

/// Serves a connection until it ends, from either side.
pub(crate) async fn serve(socket: TcpStream, peer: SocketAddr, desk: Rc<Desk>) {
    let service = service_fn(|request| {
        let desk = Rc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request, peer.ip().to_canonical()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    // What goes wrong here is the other side's doing, and it was told if it could be.
    let _ = connection.await;
}
