//! An answer to a monitoring request, as items that can be compared.

use serde_json::Value;

use crate::json_items;
use crate::names::Names;
use crate::text::escape;

/// Headers whose values differ with the time or with the length of what is blanked.
const BLANKED: [&str; 2] = ["date", "content-length"];

/// Status, headers and body of `response`. The order of lists of connections is free unless they are
/// sorted by something that no two of them share.
#[must_use]
pub fn items(response: &[u8], names: &Names) -> Vec<String> {
    let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else {
        return vec![format!("unfinished: {}", escape(response))];
    };
    let (head, body) = (&response[..end], &response[end + 4..]);
    let is_chunked =
        String::from_utf8_lossy(head).to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
    let whole = if is_chunked { unchunked(body) } else { None };
    let body = whole.as_deref().unwrap_or(body);
    let mut lines =
        head.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line.trim_ascii_end()));
    let mut items = vec![escape(lines.next().unwrap_or_default().as_bytes())];
    let mut headers: Vec<String> = lines.map(|line| header(&line)).collect();
    headers.sort();
    let is_page = headers.iter().any(|header| header.starts_with("content-type: text/html"));
    items.extend(headers);
    // A page for people may look as it likes.
    items.extend(if is_page { vec!["<page>".to_owned()] } else { body_items(body, names) });
    items
}

/// The body that came in chunks; `None` if the last is missing.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(str::from_utf8(&body[..end]).ok()?, 16).ok()?;
        let chunk = &body[end + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(chunk.get(..size)?);
        body = chunk.get(size + 2..)?;
    }
}

fn header(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let name = name.to_ascii_lowercase();
    let value = if BLANKED.contains(&name.as_str()) { "<any>" } else { value.trim() };
    escape(format!("{name}: {value}").as_bytes())
}

fn body_items(body: &[u8], names: &Names) -> Vec<String> {
    if let Ok(mut json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice::<Value>(body) {
        json_items::settle(&mut json, names);
        return json_items::items(&json, names);
    }
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| names.apply(&escape(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_apart_and_text_is_not() {
        let of = |text: &str| items(text.as_bytes(), &Names::default());
        let json = of("HTTP/1.1 200 OK\r\nDate: now\r\nA: b\r\n\r\n{\n \"x\": 1\n}");
        assert_eq!(json, ["HTTP/1.1 200 OK", "a: b", "date: <any>", ".x 1"]);
        let text = of("HTTP/1.1 400 Bad Request\r\n\r\nno\nnot");
        assert_eq!(text, ["HTTP/1.1 400 Bad Request", "no\\n", "not"]);
        let chunked =
            of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"x\"\r\n3\r\n:1}\r\n0\r\n\r\n");
        assert_eq!(chunked, ["HTTP/1.1 200 OK", "transfer-encoding: chunked", ".x 1"]);
        let page = of("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>");
        assert_eq!(page, ["HTTP/1.1 200 OK", "content-type: text/html; charset=utf-8", "<page>"]);
        assert_eq!(of("HTTP/1.1 200"), ["unfinished: HTTP/1.1 200"]);
    }
}
