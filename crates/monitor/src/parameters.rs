//! The parameters of a request, read as nats-server reads them: of several of one name the first
//! counts, empty is absent, and what does not parse is refused in the words of Go's strconv.

use std::borrow::Cow;

use http_head::unescape;
use nats_proto::quote;

use crate::answer::Answer;

/// The part of a request behind the question mark.
#[derive(Debug)]
pub(crate) struct Parameters {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What [`Parameters::flag_or_detail`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagOrDetail {
    Flag(bool),
    Detail,
}

impl Parameters {
    /// Reads them. As with Go, one with a semicolon or with a `%` that escapes nothing is passed over.
    pub(crate) fn of(query: &[u8]) -> Self {
        let pair = |text: &[u8]| {
            if text.is_empty() || text.contains(&b';') {
                return None;
            }
            let cut = text.iter().position(|byte| *byte == b'=');
            let (name, value) = cut.map_or((text, &b""[..]), |at| (&text[..at], &text[at + 1..]));
            Some((unescape_words(name)?, unescape_words(value)?))
        };
        Self { pairs: query.split(|byte| *byte == b'&').filter_map(pair).collect() }
    }

    /// The bytes of a parameter, unless it is empty.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let first = self.pairs.iter().find(|(key, _)| key == name.as_bytes());
        first.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    /// All that were read, in order.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The text of a parameter, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.bytes(name).map(String::from_utf8_lossy)
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(Cow::into_owned)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Answer> {
        let Some(text) = self.bytes(name) else { return Ok(false) };
        match text {
            b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(false),
            b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(true),
            _ => Err(refusal("boolean", name, "ParseBool", text, "invalid syntax")),
        }
    }

    /// A flag that may also say `detail`.
    pub(crate) fn flag_or_detail(&self, name: &str) -> Result<FlagOrDetail, Answer> {
        if self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("detail")) {
            return Ok(FlagOrDetail::Detail);
        }
        Ok(FlagOrDetail::Flag(self.flag(name)?))
    }

    /// A number; 0 if it is absent.
    pub(crate) fn int(&self, name: &str) -> Result<i64, Answer> {
        let Some(text) = self.bytes(name) else { return Ok(0) };
        let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
        parsed(text).ok_or_else(|| refusal("int", name, "Atoi", text, why(digits)))
    }

    /// A number from 0; 0 if it is absent.
    pub(crate) fn uint(&self, name: &str) -> Result<u64, Answer> {
        let Some(text) = self.bytes(name) else { return Ok(0) };
        let number = if text.starts_with(b"+") { None } else { parsed(text) };
        number.ok_or_else(|| refusal("uint64", name, "ParseUint", text, why(text)))
    }

    /// `offset`; 0 if it is absent or below.
    pub(crate) fn offset(&self) -> Result<usize, Answer> {
        Ok(offset_of(self.int("offset")?))
    }

    /// `limit`, if it says anything.
    pub(crate) fn limit(&self, default: usize) -> Result<usize, Answer> {
        Ok(limit_of(self.int("limit")?, default))
    }
}

/// How many to leave out.
pub(crate) fn offset_of(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// How many to show at most, if that says anything.
pub(crate) fn limit_of(number: i64, default: usize) -> usize {
    usize::try_from(number).ok().filter(|limit| *limit > 0).unwrap_or(default)
}

/// In a query a plus stands for a blank, unless it is escaped.
fn unescape_words(text: &[u8]) -> Option<Vec<u8>> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    unescape(&spaced)
}

fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// Why digits are no number that fits.
fn why(digits: &[u8]) -> &'static str {
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if are_digits { "value out of range" } else { "invalid syntax" }
}

fn refusal(kind: &str, name: &str, function: &str, text: &[u8], why: &str) -> Answer {
    Answer::bad_request(format!(
        "Error decoding {kind} for '{name}': strconv.{function}: parsing {}: {why}",
        quote(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 says it.
    #[test]
    fn what_does_not_parse_is_refused_in_gos_words() {
        let said = |answer: Answer| (answer.status, answer.text());
        let parameters = Parameters::of(b"limit=x&cid=-1&subs=foo&big=99999999999999999999&plus=%2b1");
        let expected = "Error decoding int for 'limit': strconv.Atoi: parsing \"x\": invalid syntax";
        assert_eq!(parameters.limit(1).map_err(said), Err((400, expected.into())));
        let expected = "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"-1\": invalid syntax";
        assert_eq!(parameters.uint("cid").map_err(said), Err((400, expected.into())));
        let expected =
            "Error decoding boolean for 'subs': strconv.ParseBool: parsing \"foo\": invalid syntax";
        assert_eq!(parameters.flag("subs").map_err(said), Err((400, expected.into())));
        let expected = "Error decoding int for 'big': strconv.Atoi: parsing \"99999999999999999999\": value out of range";
        assert_eq!(parameters.int("big").map_err(said), Err((400, expected.into())));
        assert_eq!(parameters.int("plus").map_err(said), Ok(1));
    }

    #[test]
    fn the_first_of_a_name_counts_and_empty_is_absent() {
        let parameters = Parameters::of(b"a=1&a=x&b=&c=two+words&offset=-3&limit=-2");
        assert!(parameters.flag("a").unwrap() && !parameters.flag("b").unwrap());
        assert_eq!((parameters.text("b"), parameters.owned("c").as_deref()), (None, Some("two words")));
        assert_eq!((parameters.offset().unwrap(), parameters.limit(1024).unwrap()), (0, 1024));
    }

    /// As nats-server 2.14.5 reads them.
    #[test]
    fn what_go_cannot_read_is_passed_over() {
        let parameters = Parameters::of(b"a=%zz&a=%4&a=x;b=1&&%61=y=z&=&c;d=1");
        assert_eq!(parameters.owned("a").as_deref(), Some("y=z"));
        assert_eq!((parameters.text("b"), parameters.text("d")), (None, None));
    }
}
