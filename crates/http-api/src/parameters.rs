//! What stands behind the question mark.

use std::str::FromStr;
use std::time::Duration;

use http_head::unescape;

use crate::problem::Problem;

/// Parameters of a request: so many nobody needs.
const PARAMETERS_MAX: usize = 64;

/// The parameters of a request, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them. A `+` is a blank, as forms write it.
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        let parts = query.split('&').filter(|part| !part.is_empty());
        let read: Result<Vec<_>, Problem> = parts.take(PARAMETERS_MAX + 1).map(pair).collect();
        let read = read?;
        if read.len() > PARAMETERS_MAX {
            return Err(Problem::bad(format!("more than {PARAMETERS_MAX} parameters")));
        }
        Ok(Self(read))
    }

    /// Refuses parameters that a route does not know, so that a slip of the pen is not taken for an answer. Those that
    /// are no business of a route's are none here.
    pub(crate) fn only_where(&self, counts: impl Fn(&str) -> bool, known: &[&str]) -> Result<(), Problem> {
        match self.0.iter().find(|(name, _)| counts(name) && !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) if known.is_empty() => {
                Err(Problem::bad(format!("no parameter {name:?}: there are none here")))
            }
            Some((name, _)) => {
                Err(Problem::bad(format!("no parameter {name:?}: there are {}", known.join(", "))))
            }
        }
    }

    /// What the last of that name says.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// What all of that name say.
    pub(crate) fn texts<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A number.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| wrong(name, text, "a whole number"));
        self.text(name).map(parse).transpose()
    }

    /// A time: milliseconds, or a number with `ms`, `s` or `m` behind it.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Duration>, Problem> {
        let parse = |text: &str| duration(text).ok_or_else(|| wrong(name, text, "a time, as 1500 or 2s"));
        self.text(name).map(parse).transpose()
    }

    /// Whether something is on: `1`, `true` or nothing but the name.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("0" | "false") => Ok(false),
            Some("" | "1" | "true") => Ok(true),
            Some(text) => Err(wrong(name, text, "true or false")),
        }
    }
}

fn wrong(name: &str, text: &str, wanted: &str) -> Problem {
    Problem::bad(format!("parameter {name:?} is {text:?}, not {wanted}"))
}

fn pair(part: &str) -> Result<(String, String), Problem> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    Ok((decoded(name)?, decoded(value)?))
}

fn decoded(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let bytes = unescape(spaced.as_bytes());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Problem::bad("a parameter is not escaped as it should be"))
}

/// `1500` and `1500ms`, `2s`, `1m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_and_escapes_are_undone() {
        let parameters = Parameters::read("a=1&b=x%26y+z&a=2&c").unwrap();
        assert_eq!(parameters.text("a"), Some("2"));
        assert_eq!(parameters.text("b"), Some("x&y z"));
        assert_eq!(parameters.texts("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(parameters.switch("c").unwrap() && !parameters.switch("d").unwrap());
        assert!(parameters.only_where(|_| true, &["a", "b", "c"]).is_ok());
        assert!(parameters.only_where(|name| name != "c", &["a", "b"]).is_ok());
        assert!(parameters.only_where(|_| true, &["a", "b"]).unwrap_err().detail.contains("\"c\""));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert!(Parameters::read("a=%zz").is_err() && Parameters::read("a=%ff").is_err());
        assert!(Parameters::read(&"a&".repeat(PARAMETERS_MAX + 1)).is_err());
        let parameters = Parameters::read("n=x&t=5h").unwrap();
        assert!(parameters.number::<u64>("n").is_err() && parameters.time("t").is_err());
        assert!(parameters.switch("n").is_err());
    }

    #[test]
    fn times_have_units() {
        for (text, milliseconds) in [("0", 0), ("1500", 1500), ("250ms", 250), ("2s", 2000), ("1m", 60_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "s", "-1", "1.5s", "1h", "99999999999999999999", "18446744073709551615m"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
