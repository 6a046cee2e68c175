//! What a request asks for: the text between its method and its version, taken apart as Go does it.

use crate::escapes::escape_path;

/// Where a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// With its escapes, and as it was written, if it may be.
    pub path: Vec<u8>,
    /// What is behind the question mark, as it was written.
    pub query: Vec<u8>,
}

impl Target {
    /// Reads it: a path, or a whole URL. `None` if it is neither.
    pub fn read(method: &[u8], written: &[u8]) -> Option<Self> {
        if written.is_empty() || written.iter().any(u8::is_ascii_control) {
            return None;
        }
        // A proxy is asked for a connection to a host, which has no path.
        let is_host = method == b"CONNECT" && !written.starts_with(b"/");
        let rest = if is_host { written } else { behind_scheme(written)? };
        let cut = rest.iter().position(|byte| *byte == b'?');
        let (path, query) = cut.map_or((rest, &b""[..]), |at| (&rest[..at], &rest[at + 1..]));
        let path = if is_host {
            &path[path.iter().position(|byte| *byte == b'/').unwrap_or(path.len())..]
        } else if rest.len() == written.len() {
            path.starts_with(b"/").then_some(path)?
        } else {
            behind_authority(path)
        };
        Some(Self { path: escape_path(path)?, query: query.to_vec() })
    }
}

/// What follows `http:`, or all of it if there is no such thing. `None` if there is a colon and nothing
/// in front of it.
fn behind_scheme(written: &[u8]) -> Option<&[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match written.iter().position(|byte| !is_part(byte)) {
        Some(0) if written[0] == b':' => None,
        Some(at) if written[at] == b':' && written[0].is_ascii_alphabetic() => Some(&written[at + 1..]),
        _ => Some(written),
    }
}

/// The path of a URL, behind its scheme. One that does not begin with a slash is no path.
fn behind_authority(rest: &[u8]) -> &[u8] {
    match rest.strip_prefix(b"//") {
        Some(authority) => {
            let path = authority.iter().position(|byte| *byte == b'/');
            path.map_or(b"", |at| &authority[at..])
        }
        None if rest.starts_with(b"/") => rest,
        None => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.27 reads them.
    #[test]
    fn paths_and_urls_come_apart() {
        for (written, path, query) in [
            ("/varz", "/varz", ""),
            ("/varz?", "/varz", ""),
            ("/varz?a?b#c", "/varz", "a?b#c"),
            ("/a#b", "/a%23b", ""),
            ("//a/b", "//a/b", ""),
            ("http://h:1/varz?x", "/varz", "x"),
            ("http://h?x", "", "x"),
            ("http:/varz", "/varz", ""),
            ("x:varz", "", ""),
            ("/x:varz", "/x:varz", ""),
        ] {
            let target = Target { path: path.into(), query: query.into() };
            assert_eq!(Target::read(b"GET", written.as_bytes()), Some(target), "{written}");
        }
        let host = Target { path: Vec::new(), query: Vec::new() };
        assert_eq!(Target::read(b"CONNECT", b"h:80"), Some(host));
        for wrong in ["", "varz", ":varz", "1:/varz", "/%", "/a\tb", "/a\x7fb", "?a"] {
            assert_eq!(Target::read(b"GET", wrong.as_bytes()), None, "{wrong}");
        }
    }
}
