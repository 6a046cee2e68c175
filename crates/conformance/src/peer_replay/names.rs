//! What differs from server to server, and from run to run: names for it, and what is left of the rest.

use std::collections::BTreeMap;

/// Fields of INFO whose values say nothing of how a server behaves.
const ANY_VALUE: [&str; 8] =
    ["version", "go", "git_commit", "nonce", "xkey", "port", "client_id", "connect_urls"];

/// What the names of a recording stand for in this run.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, String>,
    /// Fields of INFO that may be there or not, and whose values may be any.
    free: &'static [&'static str],
}

impl Names {
    /// None yet, where these fields of INFO are the server's to choose.
    pub(super) fn with_free(free: &'static [&'static str]) -> Self {
        Self { known: BTreeMap::new(), free }
    }

    /// What the recording says, with what its names stand for. Those that stand for nothing yet are made up.
    pub(super) fn fill_in(&mut self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, behind)) = next_name(rest) {
            filled.push_str(before);
            let value = self.known.entry(name.to_owned()).or_insert_with(|| made_up(name));
            filled.push_str(value);
            rest = behind;
        }
        filled + rest
    }

    /// Whether that was said, names aside, and what they stand for from now on.
    pub(super) fn is_like(&mut self, expected: &str, got: &str) -> bool {
        let body = |text: &str| {
            let (verb, rest) = text.split_once(' ')?;
            let end = rest.rfind('}')? + 1;
            matches!(verb, "INFO" | "CONNECT")
                .then(|| (verb.to_owned(), rest[..end].to_owned(), rest[end..].to_owned()))
        };
        match (body(expected), body(got)) {
            (Some((verb, expected, end)), Some((got_verb, got, got_end))) => {
                (verb, end) == (got_verb, got_end) && self.is_like_body(&expected, &got)
            }
            _ => self.is_like_text(&in_order(expected), &in_order(got)),
        }
    }

    /// The same fields in the same order, with the same values.
    fn is_like_body(&mut self, expected: &str, got: &str) -> bool {
        let bound = |body: &str| {
            let mut fields = fields(body);
            fields.retain(|(key, _)| !self.free.contains(&&**key));
            fields
        };
        let (expected, got) = (bound(expected), bound(got));
        expected.len() == got.len()
            && expected.iter().zip(&got).all(|((key, value), (got_key, got_value))| {
                key == got_key && (ANY_VALUE.contains(&&**key) || self.is_like_text(value, got_value))
            })
    }

    fn is_like_text(&mut self, expected: &str, got: &str) -> bool {
        let Some((before, name, behind)) = next_name(expected) else { return expected == got };
        let Some(got) = got.strip_prefix(before) else { return false };
        let (literal, more) = next_name(behind).map_or((behind, false), |(literal, ..)| (literal, true));
        let at = match (literal.is_empty(), more) {
            (true, false) => Some(got.len()),
            _ => got.find(literal),
        };
        let Some((value, rest)) = at.map(|at| got.split_at(at)) else { return false };
        let known = self.known.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        known == value && self.is_like_text(behind, rest)
    }
}

/// A message with its queue groups in order: in which they are told says nothing.
fn in_order(unit: &str) -> String {
    let Some((line, payload)) = unit.split_once("\r\n") else { return unit.to_owned() };
    let mut words: Vec<&str> = line.split(' ').collect();
    let first = words.iter().position(|word| *word == "|").map(|at| at + 1);
    let first = first.or_else(|| words.iter().position(|word| *word == "+").map(|at| at + 2));
    let sizes = match words[0] {
        "RMSG" => 1,
        // To leaf nodes and hubs; else a leaf cluster and an account come before the subject.
        "LMSG" if matches!(words.get(2), Some(&("|" | "+"))) => 1,
        "HMSG" | "LMSG" => 2,
        _ => return unit.to_owned(),
    };
    let end = words.len() - sizes;
    if let Some(groups) = first.and_then(|first| words.get_mut(first..end)) {
        groups.sort_unstable();
    }
    format!("{}\r\n{payload}", words.join(" "))
}

/// The first name in a text, with what stands before and behind.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('<').map(|at| from + at) {
        let close = open + text[open..].find('>')?;
        let name = &text[open + 1..close];
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if !name.is_empty() && name.bytes().all(is_name) {
            return Some((&text[..open], name, &text[close + 1..]));
        }
        from = open + 1;
    }
    None
}

/// Something that a server takes for what the name says.
fn made_up(name: &str) -> String {
    match name {
        id if id.starts_with("ID") => {
            format!("N{:A>55}", &id[2..].replace(|digit: char| !('2'..='7').contains(&digit), "B"))
        }
        port if ["ROUTE", "CLIENT", "LEAF"].iter().any(|of| port.starts_with(of)) => "1".to_owned(),
        other => format!("{other:x>22}"),
    }
}

/// The fields of a JSON object in their order, values as they are written.
fn fields(body: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let (mut depth, mut is_text, mut begin) = (0_u32, false, 1);
    let mut push = |field: &str| {
        if let Some((key, value)) = field.split_once(':') {
            fields.push((key.trim_matches('"').to_owned(), value.to_owned()));
        }
    };
    let bytes = body.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if bytes[at.saturating_sub(1)] != b'\\' => is_text = !is_text,
            _ if is_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    push(&body[begin..at]);
                }
            }
            b',' if depth == 1 => {
                push(&body[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_same_all_along() {
        let mut names = Names::default();
        assert!(
            names.is_like("-ERR 'name \"<DYN1>\" is not \"C\"'\r\n", "-ERR 'name \"x y\" is not \"C\"'\r\n")
        );
        assert!(names.is_like("<DYN1>!", "x y!") && !names.is_like("<DYN1>!", "z!"));
        assert_eq!(names.fill_in("to <DYN1> <CLIENT_A>"), "to x y 1");
        assert_eq!(names.fill_in("<ID3>").len(), 56);
        assert!(names.is_like("a < b > c", "a < b > c"));
    }

    #[test]
    fn groups_are_told_in_any_order() {
        let mut names = Names::default();
        assert!(names.is_like("RMSG A foo | q z 2\r\nhi\r\n", "RMSG A foo | z q 2\r\nhi\r\n"));
        assert!(names.is_like("HMSG A foo + r q z 1 2\r\nhi\r\n", "HMSG A foo + r z q 1 2\r\nhi\r\n"));
        assert!(names.is_like("LMSG foo | q z 2\r\nhi\r\n", "LMSG foo | z q 2\r\nhi\r\n"));
        assert!(!names.is_like("RMSG A foo | q 2\r\nhi\r\n", "RMSG A foo | q z 2\r\nhi\r\n"));
    }

    #[test]
    fn bodies_are_compared_by_their_fields() {
        let mut names = Names::default();
        let expected = "INFO {\"server_id\":\"<ID1>\",\"port\":<ROUTE_A>,\"version\":\"2.9.10\",\"urls\":[\"a,b\"]} \r\n";
        let got = |rest: &str| {
            format!("INFO {{\"server_id\":\"N1\",\"port\":6222,\"version\":\"2.14.5\",\"urls\":{rest}")
        };
        assert!(names.is_like(expected, &got("[\"a,b\"]} \r\n")));
        assert!(!names.is_like(expected, &got("[\"a,b\"]}\r\n")));
        assert!(!names.is_like(expected, &got("[\"a\"]} \r\n")));
        let more = got("[\"a,b\"],\"more\":true} \r\n");
        assert!(!names.is_like(expected, &more));
        assert!(Names::with_free(&["more"]).is_like(expected, &more));
    }
}
