//! A server's log as items that can be compared: the server's own lines and those of each connection.
//!
//! Lines of different connections have no order between them. What follows the clock or the fence of the
//! player (PING, PONG), and what follows the end of a connection, is left out.

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
            Whose::Server => (Place::Log, in_order(texts, is_removal)),
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
    without_garbage(&escape(text.as_bytes()).replace("\\\\", "\\"))
}

/// Bytes that are no text come from nats-server as they are, and have been read as U+FFFD; so have to be those
/// that ours escaped.
fn without_garbage(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes: Vec<u8> = rest.as_bytes().chunks(4).map_while(high_byte).collect();
        let end = if bytes.is_empty() { "\\x".len() } else { bytes.len() * 4 };
        let shown = String::from_utf8_lossy(&bytes);
        out.push_str(if bytes.is_empty() { "\\x" } else { &shown });
        rest = &rest[end..];
    }
    out.push_str(rest);
    escape(out.as_bytes()).replace("\\\\", "\\")
}

/// `\xff`, if it stands for none of ASCII.
fn high_byte(escaped: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(escaped.strip_prefix(b"\\x")?).ok()?;
    let is_whole = digits.len() == 2;
    u8::from_str_radix(digits, 16).ok().filter(|byte| is_whole && !byte.is_ascii())
}

/// An item of a connection's log without the user: `[DBG] "A/user:a" - text` becomes `[DBG] text`.
#[must_use]
pub fn without_user(item: &str) -> String {
    const KINDS: [&str; 3] = ["/user:", "/nkey:", "/token"];
    let is_user = |part: &str| part.starts_with('"') && KINDS.iter().any(|kind| part.contains(kind));
    let without = |line: &str| {
        // What the client calls itself may stand in front of it.
        let mut parts: Vec<&str> = line.split(" - ").collect();
        if let Some(at) = parts.iter().take(2).position(|part| is_user(part)) {
            parts.remove(at);
        }
        parts.join(" - ")
    };
    let Some((level, lines)) = item.split_once(' ') else { return item.to_owned() };
    format!("{level} {}", lines.split(NEXT).map(without).collect::<Vec<_>>().join(NEXT))
}

/// Between lines that make one item.
const NEXT: &str = "\\n[TRC] ";

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

/// `[DBG] 127.0.0.1:5 - cid:4 - text` is about connection 4, and so is `wid:4`: that, and `[DBG] text`.
fn parted(line: &str, names: &Names) -> (Whose, String) {
    let line = &with_single_blanks(line);
    let labelled = line.split_once(" - cid:").or_else(|| line.split_once(" - wid:"));
    let found = labelled.and_then(|(before, after)| {
        let end = after.find(|c: char| !c.is_ascii_digit())?;
        let conn = names.conn_of(after[..end].parse().ok()?)?;
        let level = before.split(' ').next()?;
        let text = after[end..].strip_prefix(" - ").unwrap_or(&after[end..]);
        Some((Whose::Conn(conn), format!("{level} {text}")))
    });
    found.unwrap_or((Whose::Server, line.to_owned()))
}

/// The arguments of a traced op with one blank between them: so our log shows them (docs/differences.md).
fn with_single_blanks(line: &str) -> String {
    const OPS: [&str; 4] = ["PUB", "HPUB", "SUB", "UNSUB"];
    let traced = line.strip_suffix(']').and_then(|line| line.split_once("<<- ["));
    let Some((before, op)) = traced.filter(|(_, op)| OPS.contains(&op.split(' ').next().unwrap_or("")))
    else {
        return line.to_owned();
    };
    // A CR and a tab are blanks, too; in our log they are escaped.
    let op = op.replace("\\r", " ").replace("\\t", " ");
    let words: Vec<&str> = op.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect();
    format!("{before}<<- [{}]", words.join(" "))
}

fn is_left_out(text: &str) -> bool {
    const ENDS: [&str; 3] = ["<<- [PING]", "->> [PONG]", "->> [PING]"];
    const PARTS: [&str; 3] = [MARK, "Trapped \"user defined signal 1\" signal", "Client Ping Timer"];
    // What nats-server does for itself: here no events are sent (docs/differences.md).
    const INNER: [&str; 2] = ["] ACCOUNT - ", "] SYSTEM - "];
    let is_inner = INNER.iter().any(|inner| text.find(inner) == Some("[TRC".len()));
    is_inner || ENDS.iter().any(|end| text.ends_with(end)) || PARTS.iter().any(|part| text.contains(part))
}

/// What nats-server says of a connection behind its end: it takes its subscriptions away, goes on with the CONNECT of
/// a client that its account has no place for, and traces the message that was too much for its reader
/// (docs/differences.md).
const FOLLOWS_END: [&str; 7] = [
    "[DELSUB ",
    "->> [OK]",
    "no responders requires headers support",
    "invalid client protocol",
    "->> [MSG ",
    "->> [HMSG ",
    "->> MSG_PAYLOAD: [",
];

/// Puts deliveries of one message in order, drops those to queue groups and what follows the end.
fn settled(texts: Vec<String>) -> Vec<String> {
    let mut items: Vec<(String, Option<String>)> = Vec::new();
    let mut texts = texts.into_iter().peekable();
    let mut has_ended = false;
    while let Some(text) = texts.next() {
        if has_ended && FOLLOWS_END.iter().any(|what| text.contains(what)) {
            continue;
        }
        has_ended |= text.contains(CLOSED);
        let is_last = text.contains(" Auto-unsubscribe limit of ");
        let sent = if is_last { texts.next_if(|next| delivery(next).is_some()) } else { None };
        let Some(TracedDelivery { same, sid, is_grouped }) = delivery(sent.as_deref().unwrap_or(&text))
        else {
            items.push((text, None));
            continue;
        };
        let payload = texts.next_if(|next| next.contains("->> MSG_PAYLOAD: "));
        let ends = texts.next_if(|next| is_last && next.ends_with(&format!("<-> [DELSUB {sid}]")));
        let same = same + payload.as_deref().unwrap_or("");
        let what = [Some(text), sent, payload];
        let told = if !is_grouped {
            vec![what.into_iter().chain([ends]).flatten().collect::<Vec<_>>().join("\n")]
        } else if is_last {
            what.into_iter().take(1).chain([ends]).flatten().collect()
        } else {
            Vec::new()
        };
        items.extend(told.into_iter().map(|text| (text, (!is_grouped).then(|| same.clone()))));
    }
    sink_publishes(&mut items);
    for run in items.chunk_by_mut(|one, next| one.1.is_some() && one.1 == next.1) {
        run.sort();
    }
    let texts = items.into_iter().map(|(text, _)| text).collect();
    let mut texts = in_order(texts, |text| is_removal(text) || is_end_of_subscription(text));
    texts.dedup_by(|next, one| one.ends_with(REPEATED) && next.ends_with(REPEATED));
    texts
}

/// Between the line of a message and the message others may say something: nats-server shows the line before that,
/// and ours behind it (docs/differences.md).
fn sink_publishes(items: &mut [(String, Option<String>)]) {
    let is_of_others = |(text, delivered): &&(String, Option<String>)| {
        delivered.is_some() || is_removal(text) || is_end_of_subscription(text)
    };
    for at in (0..items.len()).rev() {
        if items[at].0.contains("<<- [PUB ") || items[at].0.contains("<<- [HPUB ") {
            let passed = items[at + 1..].iter().take_while(is_of_others).count();
            items[at..=at + passed].rotate_left(1);
        }
    }
}

/// Sorts what stands side by side and is alike.
fn in_order(mut texts: Vec<String>, is_alike: fn(&str) -> bool) -> Vec<String> {
    for run in texts.chunk_by_mut(|one, next| is_alike(one) && is_alike(next)) {
        run.sort();
    }
    texts
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

/// A traced delivery.
struct TracedDelivery<'t> {
    /// The line without the sid.
    same: String,
    sid: &'t str,
    /// It is to a member of a queue group.
    is_grouped: bool,
}

fn delivery(text: &str) -> Option<TracedDelivery<'_>> {
    let (before, args) = text.split_once("->> [")?;
    let mut words = args.splitn(4, ' ');
    let (verb, subject, sid) = (words.next()?, words.next()?, words.next()?);
    if verb != "MSG" && verb != "HMSG" {
        return None;
    }
    let tail = words.next().unwrap_or("");
    let same = format!("{before}{verb} {subject} {tail}");
    Some(TracedDelivery { same, sid, is_grouped: group_of(sid.as_bytes()).is_some() })
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
    fn users_are_taken_out_of_the_lines_of_a_connection() {
        for (item, expected) in [
            (r#"[DBG] "A/user:a" - Client connection closed"#, "[DBG] Client connection closed"),
            (r#"[TRC] "v1:go:x" - "$G/user:u" - <<- [PUB a - 2]"#, r#"[TRC] "v1:go:x" - <<- [PUB a - 2]"#),
            (r#"[TRC] "v1:go:x" - ->> [OK]"#, r#"[TRC] "v1:go:x" - ->> [OK]"#),
            (r#"[TRC] "A/user:a" - x\n[TRC] "A/user:a" - y"#, r"[TRC] x\n[TRC] y"),
            (r#"[TRC] "v1:go:a\nb" - "$G/nkey:U" - x\n y"#, r#"[TRC] "v1:go:a\nb" - x\n y"#),
        ] {
            assert_eq!(without_user(item), expected);
        }
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
    fn what_follows_the_end_is_left_out() {
        let recording = recorded(&[
            "[INF] Server is ready",
            "[TRC] 127.0.0.1:5 - cid:4 - <-> [DELSUB 1]",
            "[DBG] 127.0.0.1:5 - cid:4 - Client connection closed: Client Closed",
            "[TRC] 127.0.0.1:5 - cid:4 - <-> [DELSUB 2]",
            "[TRC] 127.0.0.1:5 - cid:4 - ->> [OK]",
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
    fn bytes_that_are_no_text_count_as_what_they_are_read_as() {
        let ready = "[INF] Server is ready";
        let raw = recorded(&[ready, "[TRC] 127.0.0.1:5 - cid:4 - <<- [PUB a\u{fffd}\u{fffd}.\u{e9}\\x1]"]);
        let escaped = recorded(&[ready, "[TRC] 127.0.0.1:5 - cid:4 - <<- [PUB a\\xff\\xe2.\\xc3\\xa9\\x1]"]);
        assert_eq!(raw, escaped);
        let other = recorded(&[ready, "[TRC] 127.0.0.1:5 - cid:4 - <<- [PUB a\\xff.\u{e9}\\x1]"]);
        assert_ne!(raw, other);
    }

    #[test]
    fn a_last_delivery_and_what_is_said_around_it_have_no_order_among_others() {
        let [ready, dbg, trc] =
            ["[INF] Server is ready", "[DBG] 127.0.0.1:5 - cid:4 - ", "[TRC] 127.0.0.1:5 - cid:4 - "];
        let sent =
            |sid: &str| vec![format!("{trc}->> [MSG a {sid} 1]"), format!("{trc}->> MSG_PAYLOAD: [\"x\"]")];
        let last = |sid: &str| {
            let before = format!("{dbg}Auto-unsubscribe limit of 1 reached for sid '{sid}'");
            [vec![before], sent(sid), vec![format!("{trc}<-> [DELSUB {sid}]")]].concat()
        };
        let of = |parts: &[Vec<String>]| {
            let lines = [vec![ready.to_owned()], parts.concat()].concat();
            recorded(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert_eq!(of(&[last("1"), sent("2")]), of(&[sent("2"), last("1")]));
        let end_first = [sent("2"), last("1")[3..].to_vec(), last("1")[..3].to_vec()];
        assert_ne!(of(&[last("1"), sent("2")]), of(&end_first));
        let of_group = of(&[last("q0_1")]);
        let told = ["[DBG] Auto-unsubscribe limit of 1 reached for sid 'q0_1'", "[TRC] <-> [DELSUB q0_1]"];
        assert_eq!(of_group[&Place::ConnLog { conn: 0 }], told);
    }

    #[test]
    fn subscriptions_that_a_reload_takes_away_have_no_order() {
        let removed =
            |sid: u8| format!("[INF] Removed sub \"a\" (sid \"{sid}\") for User \"u\" - not authorized");
        let of = |first: u8, second: u8| {
            recorded(&["[INF] Server is ready", &removed(first), &removed(second), "[INF] Reloaded"])
        };
        assert_eq!(of(1, 2), of(2, 1));
    }

    #[test]
    fn what_comes_before_a_message_is_complete_has_no_order_with_its_line() {
        let at = |line: &str| format!("[TRC] 127.0.0.1:5 - cid:4 - {line}");
        let [line, body] = [at("<<- [PUB b 1]"), at("<<- MSG_PAYLOAD: [\"y\"]")];
        let [other, others] = [at("->> [MSG a 1 1]"), at("->> MSG_PAYLOAD: [\"x\"]")];
        let of = |lines: [&String; 4]| {
            let lines: Vec<&str> = lines.into_iter().map(String::as_str).collect();
            recorded(&[vec!["[INF] Server is ready"], lines].concat())
        };
        assert_eq!(of([&line, &other, &others, &body]), of([&other, &others, &line, &body]));
        assert_ne!(of([&line, &body, &other, &others]), of([&other, &others, &line, &body]));
    }

    #[test]
    fn blanks_between_arguments_do_not_count() {
        let of = |op: &str| {
            recorded(&["[INF] Server is ready", &format!("[TRC] 127.0.0.1:5 - cid:4 - \"n\" - <<- [{op}]")])
        };
        assert_eq!(of("PUB a  \t2 "), of("PUB a 2"));
        assert_eq!(of("UNSUB 2  x "), of("UNSUB 2 x"));
        assert_eq!(of("SUB a\r2\r"), of("SUB a 2"));
        assert_eq!(of("SUB a\\r"), of("SUB a\r"));
        assert_ne!(of("SUB a 12"), of("SUB a 1 2"));
        assert_ne!(of("CONNECT {\"a\":  1}"), of("CONNECT {\"a\": 1}"));
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
