//! The header that tells a service of another account who asks.

use std::time::Duration;

use conns::Conn;
use monitor::{Clock, Moment, compact};
use nats_auth::ConnectionType;
use nats_proto::Publish;

use crate::client::Client;
use crate::record::Introduction;

const KEY: &[u8] = b"Nats-Request-Info:";
const VERSION: &[u8] = b"NATS/1.0\r\n";

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Requester<'a> {
    /// The account that the request was published in.
    pub(crate) account: &'a str,
    /// The account that it came through last, if that is another.
    pub(crate) service: Option<&'a str>,
    pub(crate) rtt: Option<Duration>,
    /// More of the client, if that is shared.
    pub(crate) client: Option<Details<'a>>,
    /// The server, if anything is.
    pub(crate) server: Option<&'a str>,
    /// Its cluster, if it is in one and the server is told.
    pub(crate) cluster: Option<String>,
}

/// A client that is told of.
#[derive(Debug, Clone)]
pub(crate) struct Details<'a> {
    /// Where the wall clock is known.
    start: Option<Moment>,
    host: String,
    cid: u64,
    user: String,
    introduction: Introduction<'a>,
    is_websocket: bool,
}

impl<'a> Details<'a> {
    pub(crate) fn of(client: &'a Conn<Client>, clock: Option<Clock>) -> Self {
        Self {
            start: clock.map(|clock| clock.moment(client.record.start.0)),
            host: client.peer().address().map(|address| address.ip().to_string()).unwrap_or_default(),
            cid: client.cid,
            user: client.who().map(|who| who.name().to_string()).unwrap_or_default(),
            introduction: client.record.introduction(),
            is_websocket: client.how() == ConnectionType::Websocket,
        }
    }
}

/// Puts a message's headers with one that tells of the requester in `into`, and its payload behind them. Returns the
/// length of the headers. One of that name that it had is gone: who asks does not say who it is. So is what stands behind
/// a blank line, where nobody looks for headers.
pub(crate) fn put_with_info(into: &mut Vec<u8>, publish: &Publish<'_>, requester: Requester<'_>) -> usize {
    into.clear();
    let headers = Some(publish.headers()).filter(|headers| !headers.is_empty()).unwrap_or(VERSION);
    let lines = headers.split_inclusive(|byte| *byte == b'\n');
    for line in lines.take_while(|line| !is_blank(line)).filter(|line| !is_info(line)) {
        into.extend_from_slice(line);
    }
    // A line that does not end would go on with ours.
    while into.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        into.pop();
    }
    into.extend_from_slice(b"\r\n");
    into.extend_from_slice(KEY);
    into.extend_from_slice(b" {");
    put_requester(into, &requester);
    into.extend_from_slice(b"}\r\n\r\n");
    let header_bytes = into.len();
    into.extend_from_slice(publish.payload());
    header_bytes
}

/// The requester alone, as JSON.
pub(crate) fn client_info(requester: &Requester<'_>) -> Box<[u8]> {
    let mut info = b"{".to_vec();
    put_requester(&mut info, requester);
    info.push(b'}');
    info.into()
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

fn is_info(line: &[u8]) -> bool {
    line.get(..KEY.len()).is_some_and(|key| key.eq_ignore_ascii_case(KEY))
}

/// The fields, in nats-server's order.
fn put_requester(into: &mut Vec<u8>, requester: &Requester<'_>) {
    if let Some(Details { start, host, cid, .. }) = &requester.client {
        if let Some(start) = start {
            into.extend_from_slice(b"\"start\":");
            into.extend_from_slice(&compact(start));
            into.push(b',');
        }
        put_field(into, "host", host);
        into.extend_from_slice(format!("\"id\":{cid},").as_bytes());
    }
    put_field(into, "acc", requester.account);
    put_field(into, "svc", requester.service.unwrap_or_default());
    if let Some(Details { user, introduction, .. }) = &requester.client {
        put_field(into, "user", user);
        put_field(into, "name", introduction.name);
        put_field(into, "lang", introduction.lang);
        put_field(into, "ver", introduction.version);
    }
    if let Some(rtt) = requester.rtt {
        into.extend_from_slice(format!("\"rtt\":{},", rtt.as_nanos()).as_bytes());
    }
    put_field(into, "server", requester.server.unwrap_or_default());
    put_field(into, "cluster", requester.cluster.as_deref().unwrap_or_default());
    if let Some(Details { is_websocket, .. }) = requester.client {
        put_field(into, "kind", "Client");
        put_field(into, "client_type", if is_websocket { "websocket" } else { "nats" });
    }
    // The comma behind the last one: there is an account.
    into.pop();
}

/// A field and a comma; nothing if it is empty.
fn put_field(into: &mut Vec<u8>, name: &str, value: &str) {
    if !value.is_empty() {
        into.push(b'"');
        into.extend_from_slice(name.as_bytes());
        into.extend_from_slice(b"\":");
        put_json(into, value);
        into.push(b',');
    }
}

/// A text of JSON, escaped as Go does it.
fn put_json(into: &mut Vec<u8>, text: &str) {
    into.push(b'"');
    for character in text.chars() {
        match character {
            '"' => into.extend_from_slice(b"\\\""),
            '\\' => into.extend_from_slice(b"\\\\"),
            '\n' => into.extend_from_slice(b"\\n"),
            '\r' => into.extend_from_slice(b"\\r"),
            '\t' => into.extend_from_slice(b"\\t"),
            '\u{8}' => into.extend_from_slice(b"\\b"),
            '\u{c}' => into.extend_from_slice(b"\\f"),
            '\0'..=' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if character != ' ' => {
                into.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            _ => into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use nats_proto::HeaderLen;

    use super::*;

    fn of<'a>(account: &'a str, service: Option<&'a str>) -> Requester<'a> {
        Requester { account, service, rtt: None, client: None, server: None, cluster: None }
    }

    fn told(headers: &str, requester: Requester<'_>) -> String {
        let body = format!("{headers}hi");
        let header = (!headers.is_empty()).then_some(HeaderLen { bytes: headers.len(), text: b"" });
        let publish = Publish { subject: b"s", reply: None, header, size_text: b"", body: body.as_bytes() };
        let mut into = b"old".to_vec();
        let header_bytes = put_with_info(&mut into, &publish, requester);
        assert_eq!(&into[header_bytes..], b"hi");
        into.truncate(header_bytes);
        String::from_utf8(into).unwrap()
    }

    /// nats-server 2.14.5 said the same.
    #[test]
    fn it_stands_behind_what_there_is() {
        let b = Requester { rtt: Some(Duration::from_nanos(366_488)), ..of("B", None) };
        let line = "Nats-Request-Info: {\"acc\":\"B\",\"rtt\":366488}\r\n\r\n";
        assert_eq!(told("", b.clone()), format!("NATS/1.0\r\n{line}"));
        assert_eq!(told("NATS/1.0\r\nK: v\r\n\r\n", b.clone()), format!("NATS/1.0\r\nK: v\r\n{line}"));
        let forged = "NATS/1.0\r\nNats-Request-Info: {\"acc\":\"C\"}\r\nK: v\r\n\r\n";
        assert_eq!(told(forged, b), format!("NATS/1.0\r\nK: v\r\n{line}"));
        let chained = of("C", Some("B<\n"));
        let line = "Nats-Request-Info: {\"acc\":\"C\",\"svc\":\"B\\u003c\\n\"}\r\n\r\n";
        assert_eq!(told("", chained), format!("NATS/1.0\r\n{line}"));
    }

    /// nats-server 2.14.5 said the same.
    #[test]
    fn a_client_that_is_shared_is_told_of() {
        let client = Details {
            start: Some(Moment(1_000_000_000)),
            host: "127.0.0.1".into(),
            cid: 9,
            user: "c".into(),
            introduction: Introduction { name: "n<m", lang: "go", version: "" },
            is_websocket: false,
        };
        let requester = Requester { client: Some(client), server: Some("S1"), ..of("D", Some("C")) };
        let line = concat!(
            "Nats-Request-Info: {\"start\":\"1970-01-01T00:00:01Z\",\"host\":\"127.0.0.1\",\"id\":9,\"acc\":\"D\",",
            "\"svc\":\"C\",\"user\":\"c\",\"name\":\"n\\u003cm\",\"lang\":\"go\",\"server\":\"S1\",",
            "\"kind\":\"Client\",\"client_type\":\"nats\"}\r\n\r\n"
        );
        assert_eq!(told("", requester), format!("NATS/1.0\r\n{line}"));
    }

    /// Ours was part of the line before, or stood where nobody looks.
    #[test]
    fn headers_that_do_not_end_as_they_should_do_not_hide_it() {
        let c = of("C", None);
        let expected = "NATS/1.0\r\nK: v\r\nNats-Request-Info: {\"acc\":\"C\"}\r\n\r\n";
        for headers in [
            "NATS/1.0\r\nK: v\r\n",
            "NATS/1.0\r\nK: v",
            "NATS/1.0\r\nK: v\n",
            "NATS/1.0\r\nK: v\r\n\r\nMore: x\r\n\r\n",
            "NATS/1.0\r\nnats-request-info: {}\r\nK: v\r\n\r\n",
        ] {
            assert_eq!(told(headers, c.clone()), expected, "{headers:?}");
        }
    }
}
