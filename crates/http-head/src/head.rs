//! A head that is over and that Go would serve.

use crate::blanks::trim;

/// Bytes of a target. Go takes longer ones, and knows none of what they ask for.
pub const TARGET_BYTES_MAX: usize = 8 << 10;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// As it was sent: methods have a case.
    pub method: Box<[u8]>,
    /// What stands between the method and the version.
    pub target: Box<[u8]>,
    /// Of HTTP.
    pub version: (u8, u8),
    /// A body follows, in chunks.
    pub is_chunked: bool,
    /// Bytes of the body that follows, if that is said and it does not come in chunks.
    pub length: Option<u64>,
    /// Headers that say how it goes on, and those that were asked for, in order: their names in lower case, and
    /// what they say, blanks around it aside.
    pub values: Vec<(&'static str, Vec<u8>)>,
}

impl Head {
    /// What the headers of that name say, in order. The name is in lower case, and one that was asked for.
    pub fn values_of<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.values.iter().filter(move |(of, _)| *of == name).map(|(_, value)| &value[..])
    }

    /// What the first of them says.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.iter().find(|(of, _)| *of == name).map(|(_, value)| &value[..])
    }

    /// Whether the connection ends with the answer. As Go has it, the first `Connection` is also split at blanks, and
    /// for HTTP/1.0 it alone counts.
    pub fn closes(&self) -> bool {
        let first = self.value("connection").unwrap_or_default();
        let first_says = |word: &[u8]| {
            let mut words = first.split(|byte| matches!(byte, b' ' | b',' | b'\t'));
            words.any(|said| said.eq_ignore_ascii_case(word))
        };
        let mut all = self.values_of("connection").flat_map(|value| value.split(|byte| *byte == b','));
        match self.version {
            (1, 0) => !first_says(b"keep-alive"),
            (1, _) => first_says(b"close") || all.any(|said| trim(said).eq_ignore_ascii_case(b"close")),
            _ => true,
        }
    }

    /// Whether a body follows, even an empty one.
    pub fn has_body(&self) -> bool {
        self.is_chunked || self.length.is_some()
    }

    /// Whether it is a POST: some clients send a line end too many behind one.
    pub fn is_post(&self) -> bool {
        *self.method == *b"POST"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes(version: (u8, u8), connection: &[&str]) -> bool {
        let values = connection.iter().map(|said| ("connection", said.as_bytes().to_vec())).collect();
        let (method, target) = ([].into(), [].into());
        Head { method, target, version, is_chunked: false, length: None, values }.closes()
    }

    /// As nats-server 2.14.5 does it.
    #[test]
    fn what_connection_says_counts_as_it_does_for_the_peer() {
        for (connection, old, new) in [
            (&[][..], true, false),
            (&["Keep-Alive"], false, false),
            (&["x", "keep-alive"], true, false),
            (&["keep-alive", "close"], false, true),
            (&["close", "keep-alive"], true, true),
            (&["x keep-alive"], false, false),
            (&["keep-alive, close"], false, true),
            (&["keep-alive\tx"], false, false),
            (&["keepx-alive"], true, false),
            (&["x close"], true, true),
            (&["x", "y close"], true, false),
            (&["x", "y, close"], true, true),
            (&["close;"], true, false),
        ] {
            assert_eq!(
                (closes((1, 0), connection), closes((1, 1), connection)),
                (old, new),
                "{connection:?}"
            );
        }
    }
}
