//! What the handler is given, and what it gives back.

use hyper::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
use hyper::{HeaderMap, Method};
use monitor::Answer;

use crate::watch::Watch;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// What stands between that and the version, as it was written.
    pub target: Vec<u8>,
    /// Whether the answer may be packed by gzip.
    pub takes_gzip: bool,
    /// The tags of what who asks has already.
    pub has: Option<Vec<u8>>,
}

/// What comes of it.
#[derive(Debug)]
pub enum Reply {
    /// All of it at once.
    Whole(Answer),
    /// Words on and on, for as long as they are taken.
    Watch(Watch),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Whole(answer)
    }
}

impl Asked {
    pub(crate) fn new(method: &Method, target: Vec<u8>, headers: &HeaderMap) -> Self {
        let takes_gzip = headers.get_all(ACCEPT_ENCODING).iter().any(|value| names_gzip(value.as_bytes()));
        let has = headers.get(IF_NONE_MATCH).map(|tags| tags.as_bytes().to_vec());
        Self { method: method.as_str().to_owned(), target, takes_gzip, has }
    }

    /// Whether it asks for what is there, or whether it is.
    pub fn only_reads(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD")
    }

    /// Whether who asks has what bears this tag.
    pub fn has(&self, tag: &str) -> bool {
        let is_that = |word: &[u8]| {
            let word = word.trim_ascii();
            word.strip_prefix(b"W/").unwrap_or(word) == tag.as_bytes() || word == b"*"
        };
        self.has.as_deref().is_some_and(|tags| tags.split(|byte| *byte == b',').any(is_that))
    }
}

/// Whether gzip is among the codings that are named, and not as one that is not taken.
fn names_gzip(codings: &[u8]) -> bool {
    codings.split(|byte| *byte == b',').any(|coding| {
        let mut words = coding.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_gzip = words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"gzip"));
        is_gzip && !words.any(|word| matches!(word, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named() {
        for (codings, taken) in [
            (&b"gzip, deflate, br"[..], true),
            (b"br;q=1.0, GZIP;q=0.8", true),
            (b"gzip;q=0", false),
            (b"gzip ; q=0.0, br", false),
            (b"xgzip", false),
            (b"", false),
        ] {
            assert_eq!(names_gzip(codings), taken, "{}", codings.escape_ascii());
        }
    }

    #[test]
    fn a_tag_is_found_among_others() {
        let has = |tags: &[u8]| {
            let (method, target, has) = (String::new(), Vec::new(), Some(tags.to_vec()));
            Asked { method, target, takes_gzip: false, has }.has("\"a\"")
        };
        assert!(has(b"\"a\"") && has(b"\"b\", W/\"a\"") && has(b"*"));
        assert!(!has(b"\"b\"") && !has(b"a") && !has(b""));
    }
}
