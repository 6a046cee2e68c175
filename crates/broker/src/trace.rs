//! The protocol in the log, line by line, as nats-server's `-V` shows it.

use nats_proto::{ClientOp, Publish, quote, show, without_secrets};

/// How much of a message is logged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Bytes of headers and payload together; 0 is no limit.
    pub(crate) bytes_max: usize,
    /// Headers, and no payload.
    pub(crate) headers_only: bool,
}

/// Logs the line of an op a client sent, as far as nats-server does: nothing that only servers say.
#[cold]
pub(crate) fn received(label: &str, op: &ClientOp<'_>) {
    let line = match op {
        ClientOp::Connect(json) => {
            format!("CONNECT {}", without_secrets(json).unwrap_or_else(|| "[not an object]".into()))
        }
        ClientOp::Publish(publish) => {
            let reply = publish.reply.map(|reply| format!(" {}", show(reply))).unwrap_or_default();
            let sizes = show(publish.size_text);
            match publish.header {
                Some(header) => {
                    format!("HPUB {}{reply} {} {sizes}", show(publish.subject), show(header.text))
                }
                None => format!("PUB {}{reply} {sizes}", show(publish.subject)),
            }
        }
        ClientOp::Subscribe(sub) => {
            let queue = sub.queue.map(|queue| format!(" {}", show(queue))).unwrap_or_default();
            format!("SUB {}{queue} {}", show(sub.subject), show(sub.sid))
        }
        ClientOp::Unsubscribe(unsub) => {
            let max = unsub.max_text.map(|max| format!(" {}", show(max))).unwrap_or_default();
            format!("UNSUB {}{max}", show(unsub.sid))
        }
        ClientOp::Ping => "PING".into(),
        ClientOp::Pong => "PONG".into(),
        ClientOp::Ok | ClientOp::Err(_) | ClientOp::Info(_) => return,
    };
    tracing::trace!("{label} - <<- [{line}]");
}

/// Logs the body of a message that a client sent, which comes after what there is to say of its line.
#[cold]
pub(crate) fn received_body(label: &str, publish: &Publish<'_>, extent: Extent) {
    if let Some(body) = shown(publish.body, publish.header.map_or(0, |header| header.bytes), extent) {
        tracing::trace!("{label} - <<- MSG_PAYLOAD: [{body}]");
    }
}

/// Logs the line of an op that is refused.
#[cold]
pub(crate) fn refused(label: &str, verb: &str, arguments: &[u8]) {
    tracing::trace!("{label} - <<- [{verb} {}]", show(arguments));
}

/// Logs that a message goes elsewhere than a client sent it.
#[cold]
pub(crate) fn mapped(label: &str, subject: &[u8], mapped: &[u8]) {
    tracing::trace!("{label} - <<- [MAPPING {} -> {}]", show(subject), show(mapped));
}

/// Logs a message on its way to a client.
#[cold]
pub(crate) fn delivered(label: &str, sid: &[u8], publish: &Publish<'_>, stripped: bool, extent: Extent) {
    let reply = publish.reply.map(|reply| format!(" {}", show(reply))).unwrap_or_default();
    let subject = show(publish.subject);
    let sid = show(sid);
    match publish.header.filter(|header| header.bytes > 0 && !stripped) {
        Some(header) => {
            let (headers, size) = (show(header.text), show(publish.size_text));
            tracing::trace!("{label} - ->> [HMSG {subject} {sid}{reply} {headers} {size}]");
        }
        None if stripped => {
            tracing::trace!("{label} - ->> [MSG {subject} {sid}{reply} {}]", publish.payload().len())
        }
        None => tracing::trace!("{label} - ->> [MSG {subject} {sid}{reply} {}]", show(publish.size_text)),
    }
    let (body, header_bytes) = match publish.header {
        Some(header) if !stripped => (publish.body, header.bytes),
        _ => (publish.payload(), 0),
    };
    if let Some(body) = shown(body, header_bytes, extent) {
        tracing::trace!("{label} - ->> MSG_PAYLOAD: [{body}]");
    }
}

/// Logs protocol text on its way to a client, as far as nats-server does: no INFO, and no statuses.
#[cold]
pub(crate) fn sent(label: &str, bytes: &[u8]) {
    let line = show(bytes);
    let line = line.trim_end();
    if let Some(message) = line.strip_prefix("-ERR ") {
        tracing::trace!("{label} - ->> [-ERR {}]", message.trim_matches('\''));
    } else if matches!(line, "+OK" | "PING" | "PONG") {
        tracing::trace!("{label} - ->> [{}]", line.trim_start_matches('+'));
    }
}

/// Says under `-D` that a subscription had as many messages as it asked for.
#[cold]
pub(crate) fn had_its_last(label: &str, sid: &[u8], max: u64) {
    tracing::debug!("{label} - Auto-unsubscribe limit of {max} reached for sid '{}'", show(sid));
}

/// Logs that a subscription has ended.
#[cold]
pub(crate) fn unsubscribed(label: &str, sid: &[u8]) {
    tracing::trace!("{label} - <-> [DELSUB {}]", show(sid));
}

/// A message as it is logged, if anything of it is.
fn shown(body: &[u8], header_bytes: usize, extent: Extent) -> Option<String> {
    // A header block ends with an empty line, which is not shown.
    let body = if extent.headers_only { body[..header_bytes].strip_suffix(b"\r\n\r\n")? } else { body };
    if body.is_empty() {
        return None;
    }
    if extent.bytes_max == 0 || body.len() <= extent.bytes_max {
        return Some(quote(body));
    }
    let mut cut = quote(&body[..extent.bytes_max]);
    cut.insert_str(cut.len() - 1, "...");
    Some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"NATS/1.0\r\nA:b\r\n\r\nhi";

    #[test]
    fn a_message_is_shown_as_far_as_wanted() {
        let all = Extent::default();
        let cut = |bytes_max| Extent { bytes_max, ..all };
        let headers = Extent { headers_only: true, ..all };
        assert_eq!(shown(b"hello", 0, all).as_deref(), Some(r#""hello""#));
        assert_eq!(shown(b"hello", 0, cut(5)).as_deref(), Some(r#""hello""#));
        assert_eq!(shown(b"hello", 0, cut(4)).as_deref(), Some(r#""hell...""#));
        assert_eq!(shown(b"", 0, all), None);
        assert_eq!(shown(BODY, 17, headers).as_deref(), Some(r#""NATS/1.0\r\nA:b""#));
        assert_eq!(shown(BODY, 17, Extent { bytes_max: 8, ..headers }).as_deref(), Some(r#""NATS/1.0...""#));
        assert_eq!(shown(b"hello", 0, headers), None);
    }
}
