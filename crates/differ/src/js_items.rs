//! What JetStream says, without what no two servers can share: times, ids, and the sizes that hang on how long those are
//! as text.

use crate::names::Names;
use crate::server_ops::Message;
use crate::text::escape;

/// A message by its subject, its reply and what is in it.
#[must_use]
pub fn item(message: &Message<'_>, names: &Names) -> String {
    let sizes = if message.verb == "HMSG" { 2 } else { 1 };
    let words: Vec<&[u8]> = message.tail.split(|byte| *byte == b' ').collect();
    // nats-server leaves two blanks where some of what it says has no reply.
    let reply = if words.len() > sizes && !words[0].is_empty() { words[0] } else { b"-" };
    let line = [message.verb.as_bytes(), message.subject, reply].map(escape).join(" ");
    blanked(&names.apply(&format!("{line}\\r\\n{}", escape(message.body))))
}

/// The same with an item for each field of a body that is JSON, so that it is seen which of them differ.
#[must_use]
pub fn items(message: &Message<'_>, names: &Names) -> Vec<String> {
    let whole = item(message, names);
    let Some((line, body)) = whole.split_once("{\"") else { return vec![whole] };
    let mut items = vec![line.to_owned()];
    let mut rest = body;
    // A name ends with `":`, and the next one begins with a quote behind a comma or a bracket.
    while let Some((name, more)) = rest.split_once("\":") {
        let end = [",\"", "{\""].iter().filter_map(|mark| more.find(mark)).min();
        let (value, next) = end.map_or((more, ""), |end| (&more[..=end], &more[end + 2..]));
        items.push(format!("{name}: {value}"));
        rest = next;
    }
    if !rest.is_empty() {
        items.push(rest.to_owned());
    }
    items
}

/// Puts what a value is in the place of those that are another one each time.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let before = &text[..text.len() - rest.len()];
        if let Some((used, name)) = blank(before, rest) {
            out.push_str(name);
            rest = &rest[used..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// What `rest` begins with, if it is to be blanked, and how long that is.
fn blank(before: &str, rest: &str) -> Option<(usize, &'static str)> {
    if before.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(used) = time(rest) {
        return Some((used, "<time>"));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == NANOS_DIGITS {
        return Some((digits, "<nanos>"));
    }
    let is_number_of = |field: &str| digits > 0 && before.ends_with(field);
    if is_number_of("\"rtt\":") || is_number_of("\"id\":") {
        return Some((digits, "<number>"));
    }
    let word = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let is_id = word == ID_LEN && before.ends_with("\"id\":\"") && rest[word..].starts_with('"');
    is_id.then_some((word, "<id>"))
}

/// Nanoseconds since 1970 have as many digits for the next centuries, and nothing else in a script has.
const NANOS_DIGITS: usize = 19;

/// Of an advisory.
const ID_LEN: usize = 22;

/// How long a point of time of these years is that stands at the front. Those that scripts name are of other years.
fn time(text: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"202d-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let front = bytes.get(..SHAPE.len())?;
    let fits = front
        .iter()
        .zip(SHAPE)
        .all(|(c, shape)| if *shape == b'd' { c.is_ascii_digit() } else { c == shape });
    if !fits || bytes[3] < b'4' {
        return None;
    }
    let mut at = SHAPE.len();
    if bytes.get(at) == Some(&b'.') {
        at += 1 + bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    match bytes.get(at) {
        Some(b'Z') => Some(at + 1),
        Some(b'+' | b'-') => Some(at + "+00:00".len()).filter(|end| *end <= bytes.len()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_are_blanked_and_nothing_else() {
        let text =
            r#"{"id":"0123456789abcdefghijKL","ts":"2026-11-29T23:00:00.5Z","n":18446744073709551615}"#;
        let expected = r#"{"id":"<id>","ts":"<time>","n":18446744073709551615}"#;
        assert_eq!(blanked(text), expected);
        assert_eq!(blanked("$JS.ACK.A.c.1.1.1.1700000000000000000.0"), "$JS.ACK.A.c.1.1.1.<nanos>.0");
        for text in ["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "\"id\":\"a\""] {
            assert_eq!(blanked(text), text);
        }
        assert_eq!(blanked("\"rtt\":123,\"id\":7"), "\"rtt\":<number>,\"id\":<number>");
        assert_eq!(blanked("2026-11-29T23:00:00+01:00 x"), "<time> x");
    }

    #[test]
    fn sizes_are_left_out_and_replies_are_not() {
        let message = |verb, tail| Message { verb, subject: b"a", sid: b"jr_1", tail, body: b"x" };
        assert_eq!(item(&message("MSG", b"1"), &Names::default()), "MSG a -\\r\\nx");
        assert_eq!(item(&message("HMSG", b"r 1 2"), &Names::default()), "HMSG a r\\r\\nx");
        assert_eq!(item(&message("MSG", b" 1"), &Names::default()), "MSG a -\\r\\nx");
    }

    #[test]
    fn each_field_is_an_item() {
        let of = |body: &str| {
            let message =
                Message { verb: "MSG", subject: b"a", sid: b"jr_1", tail: b"1", body: body.as_bytes() };
            items(&message, &Names::default())
        };
        let body = r#"{"a":1,"b":{"c":["x","y"],"d":"e,f"},"g":[]}"#;
        assert_eq!(
            of(body),
            ["MSG a -\\r\\n", "a: 1,", "b: {", "c: [\"x\",", "y\"],\"d: \"e,f\"},", "g: []}"]
        );
        assert_eq!(of("x"), ["MSG a -\\r\\nx"]);
    }
}
