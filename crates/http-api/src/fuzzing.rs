//! The body of the fuzz target `http_request`: whatever is asked, what a server is told is the commands that are meant.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nats_proto::{ClientDecoder, ClientOp, Step as Read};

use crate::call::{Asked, Limits};
use crate::credentials::Credentials;
use crate::guard::Guard;
use crate::message::Received;
use crate::session::Session;
use crate::step::{Outgoing, Step};
use crate::{BatchItem, BoundRoute, plan};

/// Questions that one request leads to.
const STEPS_MAX: usize = 16;

/// Takes the input for a request: its method, its target and its headers on lines of their own, an empty line, and the
/// body; what is answered to each question stands behind a line of `---`.
///
/// # Panics
/// A server would be told something else than what is meant.
pub fn http_request(input: &[u8]) {
    let mut parts = input.split(|byte| *byte == 0x1e);
    let request = parts.next().unwrap_or_default();
    let Some((method, target, headers, body)) = read(request) else { return };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let guard = Guard { is_open: true, ..Guard::default() };
    let _ = (guard.check(&method, &headers), guard.preflight(&headers));
    let _ = Credentials::read(&headers, query, true);
    let limits = Limits::default();
    let routes = [("POST /hooks/>", "hooks.>"), ("GET /api/*", "api.get.*")];
    let routes = routes.map(|(place, subject)| BoundRoute::read(place, subject).expect("it is one"));
    let asked = Asked {
        method: &method,
        path,
        query,
        headers: &headers,
        body,
        unique: || "unique".to_owned(),
        limits: &limits,
        routes: &routes,
    };
    let Ok(mut step) = plan(&asked) else { return };
    for _ in 0..STEPS_MAX {
        let replies: Vec<Received> = parts
            .next()
            .map(|payload| Received { payload: payload.to_vec(), ..Received::default() })
            .into_iter()
            .collect();
        step = match step {
            Step::Ask(ask) => {
                check(&ask.message);
                (ask.then)(Ok(replies))
            }
            Step::Batch(batch) => return batch.items.iter().for_each(check_item),
            Step::Follow(follow) => {
                check_subscription(&follow.subject, follow.queue.as_deref());
                return follow.begin.iter().for_each(check);
            }
            Step::Answer(_) | Step::Ticket(_) => return,
        };
    }
    panic!("a request leads to more than {STEPS_MAX} questions");
}

fn read(request: &[u8]) -> Option<(Method, String, HeaderMap, &[u8])> {
    let mut rest = request;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line)
    };
    let method = Method::from_bytes(line()?).ok()?;
    let target = String::from_utf8(line()?.to_vec()).ok()?;
    let mut headers = HeaderMap::new();
    loop {
        let field = line()?;
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&field[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(field[colon + 1..].trim_ascii()).ok()?);
    }
    Some((method, target, headers, rest))
}

fn check_item(item: &BatchItem) {
    if let BatchItem::Ask(ask) = item {
        check(&ask.message);
    }
}

/// A server reads one op, and it is that message.
fn check(message: &Outgoing) {
    if message.subject.is_empty() {
        return;
    }
    let mut session = opened();
    if session.publish(message).is_err() {
        return;
    }
    only_op(&session.take_output(), |op| {
        let ClientOp::Publish(publish) = op else { panic!("it is no message: {op:?}") };
        assert_eq!(publish.subject, message.subject.as_bytes());
        assert_eq!(publish.reply, message.reply.as_deref().map(str::as_bytes));
        assert_eq!((publish.headers(), publish.payload()), (&message.headers[..], &message.payload[..]));
    });
}

fn check_subscription(subject: &str, queue: Option<&str>) {
    let mut session = opened();
    session.follow(subject, queue);
    only_op(&session.take_output(), |op| {
        let ClientOp::Subscribe(subscribe) = op else { panic!("it is no subscription: {op:?}") };
        assert_eq!((subscribe.subject, subscribe.queue), (subject.as_bytes(), queue.map(str::as_bytes)));
    });
}

fn opened() -> Session {
    let mut session = Session::new(&Credentials::None, "fuzz", "unique");
    session.on_bytes(b"INFO {\"max_payload\":1048576}\r\nPONG\r\n");
    session.take_output();
    session
}

fn only_op(bytes: &[u8], check: impl FnOnce(ClientOp<'_>)) {
    let limits = nats_proto::Limits { control_line_bytes_max: 1 << 20, ..nats_proto::Limits::default() };
    match ClientDecoder::default().step(bytes, &limits) {
        Ok(Read::Op { used, op }) if used == bytes.len() => check(op),
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::table::ROUTES;

    const PIECES: [&str; 24] = [
        "?timeout=5",
        "?limit=1&",
        "ack=stream&",
        "reply=a",
        "%0d%0a",
        "%20",
        "a.b",
        "*",
        ">",
        "\n",
        "\n\n",
        "natsh-a: b\n",
        "accept: application/json\n",
        "authorization: Basic YTpi\n",
        "origin: http://x\n",
        "host: h\n",
        "{",
        "}",
        "{\"subject\":\"a\",\"text\":\"x\"}",
        "\"",
        "{\"error\":{\"code\":404}}",
        "\u{1e}",
        "{\"seq\":1}",
        "/",
    ];

    proptest! {
        #[test]
        fn whatever_is_asked_is_said_in_one_piece(route in 0..ROUTES.len(), pieces in vec(select(&PIECES[..]), 0..12)) {
            let route = &ROUTES[route];
            let path = route.path.replace(['{', '}', '*'], "");
            let input = format!("{}\n{path}{}", route.method, pieces.concat());
            http_request(input.as_bytes());
        }

        #[test]
        fn bytes_are_no_harm(bytes in vec(any::<u8>(), 0..200)) {
            http_request(&bytes);
            http_request(&[b"PUT\n/v1/nats/subjects/", &bytes[..]].concat());
            http_request(&[b"POST\n/hooks/", &bytes[..]].concat());
        }
    }
}
