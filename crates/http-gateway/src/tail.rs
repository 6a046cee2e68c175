//! Messages told as they come. Each of these has a client of the server for itself: who reads slowly leaves the rest with
//! the server, which knows how long it waits for whom.

use std::time::Duration;

use bytes::Bytes;
use http_api::{Failure, Follow, Problem, Received, Session, Told, begun};
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout};

use crate::body::Body;
use crate::client::{OPEN_TIME_MAX, READ_BYTES};
use crate::desk::Desk;
use crate::dial::Duplex;
use crate::pool::{Identity, name_of};
use crate::streams::Place;
use crate::telling::Telling;
use crate::unique::unique;

/// Pieces that wait for who reads.
const PIECES_MAX: usize = 2;

/// How long who reads may take over a piece. Then the stream ends, and its place is another's: the server has given up on
/// such a reader before.
const STALL_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes of messages that come before anybody can be told of them. Where there are more the stream does not begin.
const EARLY_BYTES_MAX: usize = 64 << 20;

/// So far is no end.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A connection to the server that follows a subject.
struct Line {
    session: Session,
    stream: Box<dyn Duplex>,
    /// Messages that came before anybody could be told of them.
    early: Vec<Received>,
}

/// Begins to tell.
pub(crate) async fn tail(
    desk: &Desk,
    follow: Follow,
    identity: &Identity,
) -> Result<Response<Body>, Problem> {
    let subject = follow.subject.clone();
    let failed = |failure: Failure| failure.problem(&subject);
    let config = &desk.config;
    let place =
        desk.streams.enter(identity, config.max_streams, config.max_streams_per_user).map_err(failed)?;
    let opening = Line::open(desk, &follow, identity);
    let late = |_| Failure::Unavailable("the server says nothing".to_owned());
    let (line, first) =
        timeout(OPEN_TIME_MAX, opening).await.map_err(late).and_then(|line| line).map_err(failed)?;
    let pending = first.map_or(Ok(0), |first| begun(&first))?;
    let (pieces, stream) = mpsc::channel(PIECES_MAX);
    let (content_type, head) = (follow.format.content_type(), follow.head.clone());
    spawn_local(pump(line, Telling::new(follow, pending), pieces, place));
    let mut response = Response::new(Body::Stream(stream));
    let headers = response.headers_mut();
    headers.extend(head);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Line {
    /// Connects, subscribes, and asks what is to be asked first: the answer to that.
    async fn open(
        desk: &Desk,
        follow: &Follow,
        identity: &Identity,
    ) -> Result<(Self, Option<Received>), Failure> {
        let stream = desk.pool.backend().dial().await?;
        let session = Session::new(&identity.0, &name_of(identity), &unique());
        let mut line = Self { session, stream, early: Vec::new() };
        line.until(|told| matches!(told, Told::Open)).await?;
        line.session.follow(&follow.subject, follow.queue.as_deref());
        let fence = line.session.publish_fenced(None)?;
        line.until(|told| *told == Told::Fenced(fence)).await?;
        let Some(begin) = &follow.begin else { return Ok((line, None)) };
        let ticket = line.session.ask(begin)?;
        let answer = line.until(|told| matches!(told, Told::Reply(of, _) if *of == ticket)).await?;
        line.session.forget(ticket);
        let Told::Reply(_, answer) = answer else { unreachable!("it is a reply that was waited for") };
        Ok((line, Some(answer)))
    }

    /// Says what there is to say, and reads until it hears that.
    async fn until(&mut self, is_it: impl Fn(&Told) -> bool) -> Result<Told, Failure> {
        let (mut found, mut early_bytes) = (None, 0);
        while found.is_none() {
            let mut news = self.say().await;
            news.extend(self.hear().await);
            for told in news {
                match told {
                    told if found.is_none() && is_it(&told) => found = Some(told),
                    Told::Message(message) => {
                        early_bytes += message.bytes();
                        if early_bytes > EARLY_BYTES_MAX {
                            return Err(Failure::Unavailable(
                                "too much comes before the stream begins".to_owned(),
                            ));
                        }
                        self.early.push(message);
                    }
                    Told::Failed(_, failure) | Told::Refused(failure) | Told::Ended(failure) => {
                        return Err(failure);
                    }
                    _ => {}
                }
            }
        }
        Ok(found.expect("the loop ends with it"))
    }

    /// Says what there is to say.
    async fn say(&mut self) -> Vec<Told> {
        let output = self.session.take_output();
        match self.stream.write_all(&output).await {
            Ok(()) => Vec::new(),
            Err(_) => self.session.on_end(),
        }
    }

    /// What the server says next. It may be called off.
    async fn hear(&mut self) -> Vec<Told> {
        let mut bytes = vec![0; READ_BYTES];
        match self.stream.read(&mut bytes).await {
            Ok(read @ 1..) => self.session.on_bytes(&bytes[..read]),
            _ => self.session.on_end(),
        }
    }
}

/// Tells what comes until it is enough: by the request, by who reads, or by the server.
async fn pump(mut line: Line, mut telling: Telling, pieces: mpsc::Sender<Bytes>, _place: Place) {
    let end = Instant::now() + telling.follow.timeout.unwrap_or(FAR);
    let mut text = telling.writer.opening();
    let early = std::mem::take(&mut line.early).into_iter().map(Told::Message).collect();
    let mut over = telling.tell(early, &mut line.session, &mut text);
    loop {
        if let Some(reason) = &over {
            text.extend(telling.left_out());
            text.extend(telling.writer.closing(reason.as_deref()));
        }
        if !text.is_empty() {
            let sent = timeout(STALL_TIME_MAX, pieces.send(std::mem::take(&mut text).into())).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
        if over.is_some() {
            return;
        }
        let lost = line.say().await;
        over = telling.tell(lost, &mut line.session, &mut text);
        if over.is_some() {
            continue;
        }
        let silence = Instant::now() + telling.follow.idle_heartbeat;
        tokio::select! {
            told = line.hear() => over = telling.tell(told, &mut line.session, &mut text),
            () = sleep_until(end) => over = Some(None),
            () = sleep_until(silence) => {
                text.extend(telling.left_out());
                text.extend(telling.writer.heartbeat());
            }
            () = pieces.closed() => return,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use http_api::{Credentials, Format, Shape, Source};
    use hyper::HeaderMap;
    use tokio::io::duplex;
    use tokio::runtime::Builder;
    use tokio::task::LocalSet;

    use super::*;
    use crate::streams::Streams;

    pub(crate) fn follow() -> Follow {
        Follow {
            subject: "a".into(),
            queue: None,
            begin: None,
            source: Source::Subject,
            head: HeaderMap::new(),
            format: Format::Events,
            shape: Shape::default(),
            limit: None,
            ends_at_last: false,
            sample: None,
            timeout: None,
            idle_heartbeat: Duration::from_secs(1),
        }
    }

    #[test]
    fn who_never_reads_gives_up_its_place() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let streams = std::rc::Rc::new(Streams::default());
            let who = (Credentials::None, std::net::IpAddr::from([127, 0, 0, 1]));
            let place = streams.enter(&who, 1, 1).unwrap();
            let (stream, _server) = duplex(1 << 16);
            let session = Session::new(&who.0, "x", "u");
            let line = Line { session, stream: Box::new(stream), early: Vec::new() };
            // Heartbeats fill what nobody takes.
            let (pieces, _never_read) = mpsc::channel(PIECES_MAX);
            pump(line, Telling::new(follow(), 0), pieces, place).await;
            assert!(streams.enter(&who, 1, 1).is_ok());
        });
    }
}
