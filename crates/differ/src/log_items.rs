//! A server's log as items that can be compared: the server's own lines and those of each connection.
//!
//! Lines of different connections have no order between them. What follows the clock or the fence of the
//! player (PING, PONG), and what is taken back when a connection ends, is left out.

use std::collections::BTreeMap;

use crate::names::Names;
use crate::recording::{Place, Recording};
use crate::text::escape;
use crate::wire_items::group_of;

/// The line after which a server takes connections.
const READY: &str = "[INF] Server is ready";

/// In the line of a connection that has ended.
pub const CLOSED: &str = " connection closed: ";

/// What a server says to USR1 when it logs to no file; the player asks for it to know that it has read
/// all that was logged before.
pub const MARK: &str = "File log re-open ignored, not a file logger";

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Server,
    Conn(usize),
}

/// Adds what `log` says to `recording`.
pub fn record(recording: &mut Recording, log: &str, names: &Names) {
    let mut lines = entries(log).map(|entry| names.apply(entry.trim_end()));
    let mut start = Vec::new();
    for line in lines.by_ref() {
        let is_last = line == READY;
        start.push(escape(without_ids(&line).as_bytes()));
        if is_last {
            break;
        }
    }
    let mut texts: BTreeMap<Whose, Vec<String>> = BTreeMap::new();
    for line in lines {
        let (whose, text) = parted(&line, names);
        if !is_left_out(&text) {
            texts.entry(whose).or_default().push(text);
        }
    }
    recording.insert(Place::Start, start);
    for (whose, texts) in texts {
        let (place, items) = match whose {
            Whose::Server => (Place::Log, texts),
            Whose::Conn(conn) => (Place::ConnLog { conn }, settled(texts)),
        };
        let items: Vec<String> = items.iter().map(|text| escaped_once(text)).collect();
        if !items.is_empty() {
            recording.insert(place, items);
        }
    }
}

/// Ids are drawn anew at each start, and a server that is not named is called by its id. One that refuses its
/// file has not told where that is.
fn without_ids(line: &str) -> String {
    let replaced = |word: &str| {
        let (path, rest) = word.split_once(CONFIG_FILE).unwrap_or((word, ""));
        match (path.rfind('/'), path.find('/')) {
            (Some(end), Some(start)) if path.len() == end + 1 => {
                format!("{}CONFIG_FILE{rest}", &path[..start])
            }
            _ if word.len() == SERVER_ID_LEN && word.starts_with('N') => "SERVER_ID".to_owned(),
            _ => word.to_owned(),
        }
    };
    line.split_inclusive([' ', '\n'])
        .map(|word| {
            let end = word.len() - word.trim_end_matches([' ', '\n']).len();
            replaced(&word[..word.len() - end]) + &word[word.len() - end..]
        })
        .collect()
}

/// What the player calls the file.
const CONFIG_FILE: &str = "server.conf";

const SERVER_ID_LEN: usize = 56;

/// What clients send is escaped in our log (docs/differences.md); so it counts as alike whether it is or not.
fn escaped_once(text: &str) -> String {
    escape(text.as_bytes()).replace("\\\\", "\\")
}

/// The log's lines without process id and time; a line without them belongs to the one before.
fn entries(log: &str) -> impl Iterator<Item = String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (unstamped(line), entries.last_mut()) {
            (Some(text), _) => entries.push(text.to_owned()),
            (None, Some(last)) => *last = format!("{last}\n{line}"),
            (None, None) => entries.push(line.to_owned()),
        }
    }
    entries.into_iter()
}

/// `[7] 2026/11/20 06:04:41.687690 [INF] text` without what stands before the level.
fn unstamped(line: &str) -> Option<&str> {
    let mut words = line.splitn(4, ' ');
    let pid = words.next()?.strip_prefix('[')?.strip_suffix(']')?;
    pid.parse::<u32>().ok()?;
    let (_date, _time) = (words.next()?, words.next()?);
    words.next()
}

/// `[DBG] 127.0.0.1:5 - cid:4 - text` is about connection 4: that, and `[DBG] text`.
fn parted(line: &str, names: &Names) -> (Whose, String) {
    let found = line.split_once(" - cid:").and_then(|(before, after)| {
        let end = after.find(|c: char| !c.is_ascii_digit())?;
        let conn = names.conn_of(after[..end].parse().ok()?)?;
        let level = before.split(' ').next()?;
        let text = after[end..].strip_prefix(" - ").unwrap_or(&after[end..]);
        Some((Whose::Conn(conn), format!("{level} {text}")))
    });
    found.unwrap_or((Whose::Server, line.to_owned()))
}

fn is_left_out(text: &str) -> bool {
    const ENDS: [&str; 3] = ["<<- [PING]", "->> [PONG]", "->> [PING]"];
    const PARTS: [&str; 3] = [MARK, "Trapped \"user defined signal 1\" signal", "Client Ping Timer"];
    // What nats-server does for itself: our system account sends nothing (docs/differences.md).
    const INNER: [&str; 2] = ["] ACCOUNT - ", "] SYSTEM - "];
    let is_inner = INNER.iter().any(|inner| text.find(inner) == Some("[TRC".len()));
    is_inner || ENDS.iter().any(|end| text.ends_with(end)) || PARTS.iter().any(|part| text.contains(part))
}

/// Puts deliveries of one message in order, drops those to queue groups and what follows the end.
fn settled(texts: Vec<String>) -> Vec<String> {
    let mut items: Vec<(String, Option<String>)> = Vec::new();
    let mut texts = texts.into_iter().peekable();
    let mut has_ended = false;
    while let Some(mut text) = texts.next() {
        if has_ended && text.contains("[DELSUB ") {
            continue;
        }
        has_ended |= text.contains(CLOSED);
        let Some((same, is_grouped)) = delivery(&text) else {
            items.push((text, None));
            continue;
        };
        let payload = texts.next_if(|next| next.contains("->> MSG_PAYLOAD: "));
        if is_grouped {
            continue;
        }
        let same = same + payload.as_deref().unwrap_or("");
        if let Some(payload) = payload {
            text = format!("{text}\n{payload}");
        }
        items.push((text, Some(same)));
    }
    for run in items.chunk_by_mut(|one, next| one.1.is_some() && one.1 == next.1) {
        run.sort();
    }
    for is_alike in [is_removal, is_end_of_subscription] {
        for run in items.chunk_by_mut(|one, next| is_alike(&one.0) && is_alike(&next.0)) {
            run.sort();
        }
    }
    items.dedup_by(|next, one| one.0.ends_with(REPEATED) && next.0.ends_with(REPEATED));
    items.into_iter().map(|(text, _)| text).collect()
}

/// A reload takes subscriptions away in any order, and the log tells of each.
fn is_removal(text: &str) -> bool {
    text.contains("Removed sub ") || text.contains("->> [-ERR Permissions Violation for Subscription to ")
}

/// A second CONNECT ends them in any order.
fn is_end_of_subscription(text: &str) -> bool {
    text.contains("<-> [DELSUB ")
}

/// nats-server says this again for every read that a message came in.
const REPEATED: &str = "->> [-ERR Invalid Publish Subject]";

/// Of a traced delivery: the line without the sid, and whether that is a queue group member's.
fn delivery(text: &str) -> Option<(String, bool)> {
    let (before, args) = text.split_once("->> [")?;
    let mut words = args.splitn(4, ' ');
    let (verb, subject, sid) = (words.next()?, words.next()?, words.next()?);
    if verb != "MSG" && verb != "HMSG" {
        return None;
    }
    let tail = words.next().unwrap_or("");
    Some((format!("{before}{verb} {subject} {tail}"), group_of(sid.as_bytes()).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(lines: &[&str]) -> Recording {
        let stamped: String =
            lines.iter().map(|line| format!("[7] 2026/11/20 06:04:41.687690 {line}\n")).collect();
        let mut names = Names::default();
        names.learn_cid(4, 0);
        names.learn("127.0.0.1:5", "CONN0");
        let mut recording = Recording::new();
        record(&mut recording, &stamped, &names);
        recording
    }

    #[test]
    fn lines_are_parted_by_whom_they_are_about() {
        let recording = recorded(&[
            "[INF] Starting",
            "[INF] Server is ready",
            "[DBG] 127.0.0.1:5 - cid:4 - Client connection created",
            "[TRC] ACCOUNT - <<- [PUB $SYS.x 0]",
            "[INF] one\nsecond line",
            "[ERR] 127.0.0.1:5 - cid:4 - \"name\" - oh",
            "[DBG] 127.0.0.1:5 - cid:9 - unknown",
        ]);
        assert_eq!(recording[&Place::Start], ["[INF] Starting", "[INF] Server is ready"]);
        let conn = ["[DBG] Client connection created", "[ERR] \"name\" - oh"];
        assert_eq!(recording[&Place::ConnLog { conn: 0 }], conn);
        let server = ["[INF] one\\nsecond line", "[DBG] CONN0 - cid:9 - unknown"];
        assert_eq!(recording[&Place::Log], server);
    }

    #[test]
    fn deliveries_are_ordered_and_the_fence_is_left_out() {
        let recording = recorded(&[
            "[INF] Server is ready",
            "[TRC] 127.0.0.1:5 - cid:4 - <<- [PING]",
            "[TRC] 127.0.0.1:5 - cid:4 - \"n\" - ->> [PONG]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> [MSG a 2 1]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> MSG_PAYLOAD: [\"x\"]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> [MSG a 1 1]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> MSG_PAYLOAD: [\"x\"]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> [MSG a q0_1 1]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> MSG_PAYLOAD: [\"x\"]",
            "[DBG] Trapped \"user defined signal 1\" signal",
            "[INF] File log re-open ignored, not a file logger",
        ]);
        let one = |sid| format!("[TRC] ->> [MSG a {sid} 1]\\n[TRC] ->> MSG_PAYLOAD: [\"x\"]");
        assert_eq!(recording[&Place::ConnLog { conn: 0 }], [one(1), one(2)]);
        assert!(!recording.contains_key(&Place::Log));
    }

    #[test]
    fn subscriptions_taken_back_at_the_end_are_left_out() {
        let recording = recorded(&[
            "[INF] Server is ready",
            "[TRC] 127.0.0.1:5 - cid:4 - <-> [DELSUB 1]",
            "[DBG] 127.0.0.1:5 - cid:4 - Client connection closed: Client Closed",
            "[TRC] 127.0.0.1:5 - cid:4 - <-> [DELSUB 2]",
        ]);
        let expected = ["[TRC] <-> [DELSUB 1]", "[DBG] Client connection closed: Client Closed"];
        assert_eq!(recording[&Place::ConnLog { conn: 0 }], expected);
    }

    #[test]
    fn an_escaped_byte_counts_as_the_byte() {
        let ready = "[INF] Server is ready";
        let raw = recorded(&[ready, "[TRC] 127.0.0.1:5 - cid:4 - <<- [PUB a\u{1b}b]"]);
        let escaped = recorded(&[ready, "[TRC] 127.0.0.1:5 - cid:4 - <<- [PUB a\\x1bb]"]);
        assert_eq!(raw, escaped);
    }

    #[test]
    fn ids_at_the_start_are_replaced() {
        let line = format!("[INF]   ID:       N{}", "A".repeat(55));
        assert_eq!(recorded(&[&line])[&Place::Start], ["[INF]   ID:       SERVER_ID"]);
        let refused = recorded(&["nats-server: /tmp/x-1/server.conf:1:0: a b\n/tmp/x-1/server.conf:2:0: c"]);
        assert_eq!(refused[&Place::Start], ["nats-server: CONFIG_FILE:1:0: a b\\nCONFIG_FILE:2:0: c"]);
    }

    #[test]
    fn a_server_that_ends_before_it_is_ready_has_only_a_start() {
        let recording = recorded(&["[INF] Starting", "[FTL] no"]);
        assert_eq!(recording[&Place::Start], ["[INF] Starting", "[FTL] no"]);
        assert_eq!(recording.len(), 1);
    }
}
