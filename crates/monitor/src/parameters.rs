//! The parameters of a request, read as nats-server reads them: of several of one name the first
//! counts, empty is absent, and what does not parse is refused in the words of Go's strconv.

use std::borrow::Cow;

use crate::answer::Answer;

/// The part of a request behind the question mark.
#[derive(Debug)]
pub(crate) struct Parameters<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Parameters<'q> {
    pub(crate) fn of(query: &'q str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).collect() }
    }

    /// The text of a parameter, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let first = self.pairs.iter().find(|(key, _)| key == name);
        first.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Answer> {
        match self.text(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(text) => Err(refusal("boolean", name, "ParseBool", text, "invalid syntax")),
        }
    }

    /// A number; 0 if it is absent.
    pub(crate) fn int(&self, name: &str) -> Result<i64, Answer> {
        let Some(text) = self.text(name) else { return Ok(0) };
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        text.parse().map_err(|_| refusal("int", name, "Atoi", text, why(digits)))
    }

    /// A number from 0; 0 if it is absent.
    pub(crate) fn uint(&self, name: &str) -> Result<u64, Answer> {
        let Some(text) = self.text(name) else { return Ok(0) };
        let parsed = if text.starts_with('+') { None } else { text.parse().ok() };
        parsed.ok_or_else(|| refusal("uint64", name, "ParseUint", text, why(text)))
    }

    /// `offset`; 0 if it is absent or below.
    pub(crate) fn offset(&self) -> Result<usize, Answer> {
        Ok(usize::try_from(self.int("offset")?).unwrap_or(0))
    }

    /// `limit`, if it says anything.
    pub(crate) fn limit(&self, default: usize) -> Result<usize, Answer> {
        Ok(usize::try_from(self.int("limit")?).ok().filter(|limit| *limit > 0).unwrap_or(default))
    }
}

/// Why digits are no number that fits.
fn why(digits: &str) -> &'static str {
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits { "value out of range" } else { "invalid syntax" }
}

fn refusal(kind: &str, name: &str, function: &str, text: &str, why: &str) -> Answer {
    Answer::bad_request(format!(
        "Error decoding {kind} for '{name}': strconv.{function}: parsing {text:?}: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 says it.
    #[test]
    fn what_does_not_parse_is_refused_in_gos_words() {
        let said = |answer: Answer| (answer.status, answer.body);
        let parameters = Parameters::of("limit=x&cid=-1&subs=foo&big=99999999999999999999&plus=%2b1");
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
        let parameters = Parameters::of("a=1&a=x&b=&c=two+words&offset=-3&limit=-2");
        assert!(parameters.flag("a").unwrap() && !parameters.flag("b").unwrap());
        assert_eq!((parameters.text("b"), parameters.text("c")), (None, Some("two words")));
        assert_eq!((parameters.offset().unwrap(), parameters.limit(1024).unwrap()), (0, 1024));
    }
}
