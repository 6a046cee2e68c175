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

    /// Whether the connection ends with the answer.
    pub fn closes(&self) -> bool {
        let says = |word: &[u8]| {
            let mut words = self.values_of("connection").flat_map(|value| value.split(|byte| *byte == b','));
            words.any(|said| trim(said).eq_ignore_ascii_case(word))
        };
        says(b"close") || self.version.0 != 1 || (self.version == (1, 0) && !says(b"keep-alive"))
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
