//! The header that tells a service of another account who asks.

use std::time::Duration;

use nats_proto::Publish;

const KEY: &[u8] = b"Nats-Request-Info:";
const VERSION: &[u8] = b"NATS/1.0\r\n";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requester<'a> {
    /// The account that the request was published in.
    pub(crate) account: &'a str,
    /// The account that it came through last, if that is another.
    pub(crate) service: Option<&'a str>,
    pub(crate) rtt: Option<Duration>,
}

/// Puts a message's headers with one that tells of the requester in `into`, and its payload behind them. Returns the
/// length of the headers. One of that name that it had is gone: who asks does not say who it is.
pub(crate) fn put_with_info(into: &mut Vec<u8>, publish: &Publish<'_>, requester: Requester<'_>) -> usize {
    into.clear();
    let headers = publish.header.filter(|header| header.bytes > 0).map(|_| publish.headers());
    let headers = headers.and_then(|headers| headers.strip_suffix(b"\r\n")).unwrap_or(VERSION);
    for line in headers.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(KEY)) {
        into.extend_from_slice(line);
    }
    into.extend_from_slice(KEY);
    into.extend_from_slice(b" {\"acc\":");
    put_json(into, requester.account);
    if let Some(service) = requester.service {
        into.extend_from_slice(b",\"svc\":");
        put_json(into, service);
    }
    if let Some(rtt) = requester.rtt {
        into.extend_from_slice(format!(",\"rtt\":{}", rtt.as_nanos()).as_bytes());
    }
    into.extend_from_slice(b"}\r\n\r\n");
    let header_bytes = into.len();
    into.extend_from_slice(publish.payload());
    header_bytes
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
        let b = Requester { account: "B", service: None, rtt: Some(Duration::from_nanos(366_488)) };
        let line = "Nats-Request-Info: {\"acc\":\"B\",\"rtt\":366488}\r\n\r\n";
        assert_eq!(told("", b), format!("NATS/1.0\r\n{line}"));
        assert_eq!(told("NATS/1.0\r\nK: v\r\n\r\n", b), format!("NATS/1.0\r\nK: v\r\n{line}"));
        let forged = "NATS/1.0\r\nNats-Request-Info: {\"acc\":\"C\"}\r\nK: v\r\n\r\n";
        assert_eq!(told(forged, b), format!("NATS/1.0\r\nK: v\r\n{line}"));
        let chained = Requester { account: "C", service: Some("B<\n"), rtt: None };
        let line = "Nats-Request-Info: {\"acc\":\"C\",\"svc\":\"B\\u003c\\n\"}\r\n\r\n";
        assert_eq!(told("", chained), format!("NATS/1.0\r\n{line}"));
    }
}
