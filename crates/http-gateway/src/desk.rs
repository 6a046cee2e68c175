//! One request after the other: who asks, what for, and what comes of it.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http_api::{
    Answer, Ask, Asked, Batch, BatchItem, Credentials, Failure, Format, Kind, Outgoing, Pass, Problem,
    Received, Step, Then, Wants, asked_as, body_bytes_max, plan, ticket_answer, ticket_of,
};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use tokio::sync::Semaphore;

use crate::body::Body;
use crate::client::Client;
use crate::collect::{BODIES_BYTES_MAX, collect};
use crate::config::Config;
use crate::dial::Backend;
use crate::kept::Kept;
use crate::perform;
use crate::pool::{Identity, Pool};
use crate::streams::Streams;
use crate::tail::tail;
use crate::tickets::{TICKET_TIME, Tickets};
use crate::unique::unique;

/// Messages of a batch that are under way at a time.
const IN_FLIGHT_MAX: usize = 256;

/// Where requests are answered.
pub(crate) struct Desk {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) streams: Rc<Streams>,
    tickets: Tickets,
    kept: Kept,
    /// For bodies of requests, in bytes.
    room: Semaphore,
}

impl Desk {
    pub(crate) fn new(config: Config, backend: Backend) -> Self {
        Self {
            config,
            pool: Pool::new(backend),
            streams: Rc::default(),
            tickets: Tickets::default(),
            kept: Kept::default(),
            room: Semaphore::new(BODIES_BYTES_MAX),
        }
    }

    /// The answer to a request from that address.
    pub(crate) async fn answer(&self, request: Request<Incoming>, from: IpAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if !self.pool.backend().takes_clients() {
            return closing(&Problem::new(Kind::Unavailable, "the server is about to end: ask another one"));
        }
        if parts.method == Method::OPTIONS
            && let Some(answer) = self.config.guard.preflight(&parts.headers)
        {
            return whole(answer);
        }
        let pass = match self.config.guard.check(&parts.method, &parts.headers) {
            Ok(pass) => pass,
            Err(problem) => return closing(&problem),
        };
        let bytes_max = body_bytes_max(&parts.method, parts.uri.path(), self.config.limits.payload_bytes_max);
        let body = match collect(body, bytes_max, &self.room).await {
            Ok(body) => body,
            Err(problem) => return marked(closing(&problem), &pass),
        };
        let answered = self.asked(&parts, &body.bytes, from).await;
        marked(answered.unwrap_or_else(|problem| whole(problem.answer())), &pass)
    }

    async fn asked(&self, parts: &Parts, body: &[u8], from: IpAddr) -> Result<Response<Body>, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let credentials = match ticket_of(query)? {
            Some(word) if parts.method == Method::GET => self.tickets.redeem(&word, parts.uri.path())?,
            _ => Credentials::read(&parts.headers, query, self.config.query_credentials)?,
        };
        let credentials = match credentials {
            Credentials::None => asked_as(&self.config.routes, &parts.method, parts.uri.path()),
            said => said,
        };
        let asked = Asked {
            method: &parts.method,
            path: parts.uri.path(),
            query,
            headers: &parts.headers,
            body,
            unique,
            limits: &self.config.limits,
            routes: &self.config.routes,
        };
        self.take(plan(&asked)?, &(credentials, from)).await
    }

    /// Takes one step after the other.
    async fn take(&self, mut step: Step, identity: &Identity) -> Result<Response<Body>, Problem> {
        loop {
            step = match step {
                Step::Answer(answer) => return Ok(whole(answer)),
                Step::Follow(follow) => return tail(self, follow, identity).await,
                Step::Batch(batch) => return self.batch(batch, identity).await,
                Step::Ticket(path) => {
                    let word = self.tickets.issue(&identity.0, &path)?;
                    return Ok(whole(ticket_answer(&word, &path, TICKET_TIME)));
                }
                Step::Ask(ask) => {
                    let Ask { message, wants, timeout, keep, then } = ask;
                    if !keep.is_zero()
                        && let Some(said) = self.kept.find(identity, &message)
                    {
                        then(Ok(said))
                    } else {
                        let outcome = self.perform(&message, wants, timeout, identity).await;
                        if let Ok(said) = &outcome {
                            self.kept.keep(identity, &message, said, keep);
                        }
                        then(outcome)
                    }
                }
            }
        }
    }

    async fn perform(
        &self,
        message: &Outgoing,
        wants: Wants,
        timeout: Duration,
        identity: &Identity,
    ) -> Result<Vec<Received>, Failure> {
        let client = self.pool.enter(identity).await?;
        perform::begin(&client, message, wants, timeout).await.end().await
    }

    async fn batch(&self, batch: Batch, identity: &Identity) -> Result<Response<Body>, Problem> {
        let client = self.pool.enter(identity).await.map_err(|failure| failure.problem(""))?;
        let (mut lines, mut items) = (Vec::new(), batch.items.into_iter().peekable());
        while items.peek().is_some() {
            let under_way = begin(&client, items.by_ref().take(IN_FLIGHT_MAX)).await;
            for item in under_way {
                lines.extend(Batch::line(&item.answer().await));
            }
        }
        let mut response = Response::new(Body::whole(lines));
        let kind = HeaderValue::from_static(Format::Lines.content_type());
        response.headers_mut().insert(CONTENT_TYPE, kind);
        Ok(response)
    }
}

/// A message of a batch, under way.
enum Item {
    Performing(perform::Performing, Then),
    Refused(Problem),
}

async fn begin(client: &Rc<Client>, items: impl Iterator<Item = BatchItem>) -> Vec<Item> {
    let mut begun = Vec::new();
    for item in items {
        begun.push(match item {
            BatchItem::Ask(ask) => {
                let performing = perform::begin(client, &ask.message, ask.wants, ask.timeout).await;
                Item::Performing(performing, ask.then)
            }
            BatchItem::Refused(problem) => Item::Refused(problem),
        });
    }
    begun
}

impl Item {
    async fn answer(self) -> Answer {
        match self {
            Self::Refused(problem) => problem.answer(),
            Self::Performing(performing, then) => match then(performing.end().await) {
                Step::Answer(answer) => answer,
                step => unreachable!("what a message of a batch leads to is an answer, not {step:?}"),
            },
        }
    }
}

/// An answer that is there.
fn whole(answer: Answer) -> Response<Body> {
    answer.map(Body::whole)
}

/// The last one of a connection, since nobody knows where the next request begins.
fn closing(problem: &Problem) -> Response<Body> {
    let mut response = whole(problem.answer());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn marked(mut response: Response<Body>, pass: &Pass) -> Response<Body> {
    pass.mark(response.headers_mut());
    response
}
