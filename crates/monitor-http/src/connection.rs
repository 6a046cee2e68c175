//! One connection: requests in, answers out.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderName,
    HeaderValue, LOCATION, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use monitor::Answer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::asked::{Asked, Reply};
use crate::body::Answered;
use crate::gate::Gate;
use crate::guests::Guest;
use crate::head_room::HeadRoom;
use crate::respelled::Respelled;
use crate::server::Handler;
use crate::targets::target;
use crate::watch::Watch;

/// How long a header may take, and how long a connection may rest between two requests.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a TLS handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);

/// After this a connection takes no more requests; after this again it is cut off, however much of an
/// answer is left.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);

/// Bytes kept of a head as hyper sees it, in which a target counts twice, and of an answer that a connection does not take.
const BUFFER_BYTES_MAX: usize = 24 << 10;

/// Where answers come from.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) handler: Handler,
    pub(crate) gate: Gate,
    pub(crate) head_room: HeadRoom,
}

/// Serves a connection until it ends, from either side.
pub(crate) async fn serve(socket: TcpStream, tls: Option<TlsAcceptor>, guest: Guest, answers: Answers) {
    match tls {
        None => converse(socket, guest, answers).await,
        Some(tls) => match timeout(HANDSHAKE_TIME_MAX, tls.accept(socket)).await {
            Ok(Ok(secured)) => converse(secured, guest, answers).await,
            Ok(Err(error)) => tracing::debug!("TLS handshake error on a monitoring connection: {error}"),
            Err(_) => tracing::debug!("TLS handshake timeout on a monitoring connection"),
        },
    }
}

async fn converse(io: impl AsyncRead + AsyncWrite + Unpin, guest: Guest, answers: Answers) {
    let guest = &guest;
    let service = service_fn(|request| answer(request, guest, answers.clone()));
    let mut respelled = Respelled::new(io, &answers.head_room);
    {
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME_MAX)
                .max_buf_size(BUFFER_BYTES_MAX)
                // Who says no more may have asked before, and waits.
                .half_close(true)
                .serve_connection(TokioIo::new(&mut respelled), service)
        );
        // What goes wrong here is the other side's doing, and it was told if it could be.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = sleep(CONNECTION_TIME_MAX) => {
                connection.as_mut().graceful_shutdown();
                if guest.is_watching() {
                    let _ = connection.await;
                } else {
                    let _ = timeout(CONNECTION_TIME_MAX, connection).await;
                }
            }
        }
    }
    respelled.end().await;
}

async fn answer(
    request: Request<Incoming>,
    guest: &Guest,
    answers: Answers,
) -> Result<Response<Answered>, Infallible> {
    if !is_met(request.headers().get(EXPECT)) {
        return Ok(expectation_failed());
    }
    let written = target(request.uri().path()).unwrap_or_default();
    let asked = Asked::new(request.method(), written, request.headers());
    // Where its body ends only hyper knows, and targets behind it would reach us as they are.
    let has_body =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
    let pass = answers.gate.pass().await;
    // The handler waits for the shards, and this thread must not. It cannot be called off: so the pass
    // is in use until it is done, even if who asked has left.
    let gathering = spawn_local(async move {
        let _pass = pass;
        spawn_blocking(move || (answers.handler)(&asked)).await
    });
    let reply = gathering.await.and_then(|reply| reply).unwrap_or_else(|_| Answer::unavailable().into());
    Ok(match reply {
        Reply::Whole(answer) => whole(answer, guest, has_body),
        Reply::Watch(watch) => told(watch, guest),
    })
}

fn whole(answer: Answer, guest: &Guest, has_body: bool) -> Response<Answered> {
    let held = guest.hold(answer.body.len());
    let mut response = Response::new(Answered::new(answer.body, held));
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    if answer.any_origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    if answer.no_sniff {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    if let Some(location) = answer.location.and_then(|location| location.try_into().ok()) {
        headers.insert(LOCATION, location);
    }
    for (name, value) in answer.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if answer.closes || has_body {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Nobody on the way is to keep it, or to wait for more of it.
fn told(watch: Watch, guest: &Guest) -> Response<Answered> {
    guest.watch();
    let mut response = Response::new(Answered::told(watch.tell()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether what a client expects is what every server does: nothing, or to say that a body may come.
fn is_met(expectation: Option<&HeaderValue>) -> bool {
    let text = expectation.map_or(&b""[..], HeaderValue::as_bytes);
    let mut words = text.split(|byte| b" ,\t".contains(byte));
    text.is_empty() || words.any(|word| word.eq_ignore_ascii_case(b"100-continue"))
}

fn expectation_failed() -> Response<Answered> {
    let mut response = Response::new(Answered::empty());
    *response.status_mut() = StatusCode::EXPECTATION_FAILED;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
