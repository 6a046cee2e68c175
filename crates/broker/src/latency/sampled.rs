//! Headers by which other systems trace requests, and that say which of them are traced.

use std::borrow::Cow;
use std::collections::BTreeMap;

use nats_proto::HeaderView;

use crate::trace_request::is_sampled;

/// Bytes of such headers that are told again. Fields beyond that are left out.
const HEADERS_BYTES_MAX: usize = 4096;

/// What the name of a header takes beside its letters, and what a value does, however short it is.
const NAME_BYTES: usize = 64;
const TEXT_BYTES: usize = 32;

/// Fields of such names that are looked at. What comes behind them says nothing.
const FIELDS_MAX: usize = 128;

// As Go writes them: a capital letter at the beginning and behind each hyphen, all others small.
const UBER: &str = "Uber-Trace-Id";
const UBER_CONTEXT: &str = "Uberctx-";
const B3: &str = "B3";
const B3_SAMPLED: &str = "X-B3-Sampled";
const B3_TRACE: &str = "X-B3-Traceid";
const B3_PARENT: &str = "X-B3-Parentspanid";
const B3_SPAN: &str = "X-B3-Spanid";
const PARENT: &str = "Traceparent";
const STATE: &str = "Tracestate";

/// Such headers by name, with their values.
pub(crate) type TracedBy = BTreeMap<String, Vec<String>>;

type Fields<'a> = BTreeMap<String, Vec<Cow<'a, str>>>;

/// The headers that say that a request is traced, if any do. Of several kinds the first counts, in the order
/// below.
pub(super) fn traced_by(headers: &[u8]) -> Option<TracedBy> {
    let fields = read(headers)?;
    let first = |name| fields.get(name).and_then(|values| values.first()).map(|value| &**value);
    if let Some(uber) = first(UBER) {
        return is_uber_sampled(uber)
            .then(|| told(&fields, |name| name == UBER || name.starts_with(UBER_CONTEXT)));
    }
    let of_b3 = |name: &str| [B3_SAMPLED, B3_TRACE, B3_PARENT, B3_SPAN].contains(&name);
    match first(B3_SAMPLED) {
        Some("1") => return Some(told(&fields, of_b3)),
        Some("0") => return None,
        _ if first(B3_TRACE).is_some() => return Some(told(&fields, of_b3)),
        _ => {}
    }
    if let Some(b3) = first(B3) {
        return may_be_sampled(b3).then(|| told(&fields, |name| name == B3));
    }
    first(PARENT)
        .filter(|parent| is_sampled(parent.as_bytes()))
        .map(|_| told(&fields, |name| name == PARENT || name == STATE))
}

/// The fields of such names, by name. Nothing if the block is none, as where a name has letters that names have not.
fn read(headers: &[u8]) -> Option<Fields<'_>> {
    let view = HeaderView::parse(headers).ok().filter(|_| headers.len() > b"NATS/1.0\r\n\r\n".len())?;
    let (mut fields, mut count) = (Fields::new(), 0);
    for (name, value) in view.iter() {
        let is_of_names = |byte: &u8| byte.is_ascii_alphanumeric() || b" !#$%&'*+-.^_`|~".contains(byte);
        if !name.iter().all(is_of_names) {
            return None;
        }
        if count == FIELDS_MAX || !is_of_tracing(name) {
            continue;
        }
        count += 1;
        fields.entry(canonical(name)).or_default().push(String::from_utf8_lossy(value.trim_ascii_end()));
    }
    Some(fields)
}

fn is_of_tracing(name: &[u8]) -> bool {
    let all = [UBER, B3, B3_SAMPLED, B3_TRACE, B3_PARENT, B3_SPAN, PARENT, STATE];
    let context = name.get(..UBER_CONTEXT.len());
    all.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        || context.is_some_and(|begin| begin.eq_ignore_ascii_case(UBER_CONTEXT.as_bytes()))
}

fn canonical(name: &[u8]) -> String {
    let mut begins = true;
    let letter = |byte: &u8| {
        let letter = if begins { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        begins = *byte == b'-';
        char::from(letter)
    };
    if name.contains(&b' ') {
        String::from_utf8_lossy(name).into()
    } else {
        name.iter().map(letter).collect()
    }
}

/// The last of four parts is a hexadecimal number of one or two digits, an odd one.
fn is_uber_sampled(id: &str) -> bool {
    let mut parts = id.split(':').skip(3);
    let (Some(flags), None) = (parts.next(), parts.next()) else { return false };
    let last = flags.chars().last().filter(|_| flags.len() <= 2);
    last.and_then(|digit| digit.to_digit(16)).is_some_and(|digit| digit & 1 == 1)
}

/// The third part says no, or there is but one that does. All others say yes, or leave it open.
fn may_be_sampled(b3: &str) -> bool {
    let parts: Vec<&str> = b3.split('-').collect();
    parts.get(2).copied().or((parts.len() == 1).then_some(b3)) != Some("0")
}

fn told(fields: &Fields<'_>, is_told: impl Fn(&str) -> bool) -> TracedBy {
    let mut bytes = 0;
    let mut has_room = |name: &str, values: &[Cow<'_, str>]| {
        let of_values = values.iter().map(|value| value.len() + TEXT_BYTES);
        bytes += name.len() + NAME_BYTES + of_values.sum::<usize>();
        bytes <= HEADERS_BYTES_MAX
    };
    let owned = |values: &[Cow<'_, str>]| values.iter().map(|value| value.clone().into_owned()).collect();
    fields
        .iter()
        .filter(|(name, _)| is_told(name))
        .filter(|(name, values)| has_room(name, values))
        .map(|(name, values)| (name.clone(), owned(values)))
        .collect()
}

#[cfg(test)]
mod tests {
    use monitor::compact;

    use super::*;

    fn traced(fields: &str) -> String {
        let block = format!("NATS/1.0\r\n{fields}\r\n");
        let told = traced_by(block.as_bytes());
        told.map(|told| String::from_utf8(compact(&told)).unwrap()).unwrap_or_default()
    }

    /// nats-server 2.14.5 told the same of the same requests.
    #[test]
    fn requests_that_others_trace_are_told_from_those_that_they_do_not() {
        for (fields, expected) in [
            ("", ""),
            ("A: b\r\n", ""),
            ("Uber-Trace-Id: a:b:c:1\r\n", r#"{"Uber-Trace-Id":["a:b:c:1"]}"#),
            (
                "uberctx-x: y\r\nUBER-TRACE-ID: a:b:c:0d\r\nA: b\r\n",
                r#"{"Uber-Trace-Id":["a:b:c:0d"],"Uberctx-X":["y"]}"#,
            ),
            ("Uber-Trace-Id: a:b:c:0\r\nB3: 1\r\n", ""),
            ("Uber-Trace-Id: a:b:c:001\r\n", ""),
            ("Uber-Trace-Id: a:b:c\r\n", ""),
            ("X-B3-Sampled: 1\r\n", r#"{"X-B3-Sampled":["1"]}"#),
            ("X-B3-Sampled: 0\r\nX-B3-TraceId: 7\r\n", ""),
            (
                "X-B3-TraceId: 7\r\nX-B3-SpanId: 8\r\nX-B3-ParentSpanId: 9\r\n",
                r#"{"X-B3-Parentspanid":["9"],"X-B3-Spanid":["8"],"X-B3-Traceid":["7"]}"#,
            ),
            ("b3: 80f1-e457-1-05e3\r\n", r#"{"B3":["80f1-e457-1-05e3"]}"#),
            ("b3: 80f1-e457\r\n", r#"{"B3":["80f1-e457"]}"#),
            ("b3: 80f1-e457-0\r\n", ""),
            ("b3: 0\r\n", ""),
            (
                "traceparent: 00-4b-00-01\r\ntracestate: a=b\r\n",
                r#"{"Traceparent":["00-4b-00-01"],"Tracestate":["a=b"]}"#,
            ),
            ("traceparent: 00-4b-00-00\r\n", ""),
            ("traceparent: 00-4b-00-01\r\nno name: x\r\n", r#"{"Traceparent":["00-4b-00-01"]}"#),
            ("traceparent: 00-4b-00-01\r\nno(name: x\r\n", ""),
            ("traceparent : 00-4b-00-01\r\n", ""),
        ] {
            assert_eq!(traced(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let long = "x".repeat(HEADERS_BYTES_MAX);
        let kept = traced(&format!("traceparent: 00-4b-00-01\r\ntracestate: {long}\r\n"));
        assert_eq!(kept, r#"{"Traceparent":["00-4b-00-01"]}"#);
        let empty = "B3:\r\n".repeat(10_000);
        assert_eq!(traced(&empty), "{}", "a value takes room, however short it is");
        let others = "A: b\r\n".repeat(10_000);
        assert_eq!(traced(&format!("{others}b3: 1\r\n")), r#"{"B3":["1"]}"#);
    }
}
