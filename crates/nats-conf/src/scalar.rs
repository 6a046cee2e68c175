//! Strings, numbers, truth values, dates and variables: what a value is without brackets.
//!
//! Bare words are whatever stands up to a blank, a line end, `,` `;` `]` `}` or a single quote. What
//! begins with a digit is a number only if all of it is: `5s` is a string, `5m` five millions.

use crate::cursor::{Cursor, is_blank, is_line_end};
use crate::{ConfError, Data, Date, Position};

/// A value without brackets, or where to find it.
pub(crate) struct Scalar {
    pub(crate) meaning: Meaning,
    pub(crate) position: Position,
}

pub(crate) enum Meaning {
    Data(Data),
    /// The name after a dollar sign.
    Variable(String),
}

/// Reads the value that begins here.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    match cursor.peek() {
        Some('\'') => single_quoted(cursor),
        Some('"') => double_quoted(cursor),
        Some('(') => block(cursor),
        Some('-') => negative(cursor),
        Some('0'..='9') => digits_first(cursor),
        Some('.') => Err(cursor.syntax("Floats must start with a digit")),
        Some(c) if is_line_end(c) => Err(cursor.syntax("Expected value but found new line")),
        _ => bare(cursor, Text::begin(cursor)),
    }
}

/// Text between single quotes, taken as it is.
fn single_quoted(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    cursor.bump();
    let text = Text::begin(cursor);
    cursor.skip(|c| c != '\'');
    let scalar = text.string(cursor)?;
    if cursor.eat('\'') { Ok(scalar) } else { Err(cursor.syntax(UNEXPECTED_END)) }
}

/// Text between double quotes, with escapes.
fn double_quoted(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    cursor.bump();
    let mut text = Text::begin(cursor);
    loop {
        cursor.skip(|c| !matches!(c, '"' | '\\'));
        match cursor.peek() {
            Some('\\') => text.escape(cursor)?,
            None => return Err(cursor.syntax(UNEXPECTED_END)),
            Some(_) => {
                let scalar = text.string(cursor)?;
                cursor.bump();
                return Ok(scalar);
            }
        }
    }
}

/// The lines between `(` and a `)` that has a line for itself. The line feeds at both ends belong to it.
fn block(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    cursor.bump();
    let text = Text::begin(cursor);
    while let Some(c) = cursor.bump() {
        let closes = c == '\n' && (cursor.at(")\n") || (cursor.at(")") && cursor.ends_after(1)));
        if closes {
            let scalar = text.string(cursor)?;
            cursor.bump();
            return Ok(scalar);
        }
    }
    Err(cursor.syntax("Unexpected EOF processing block."))
}

/// A bare word of which `text` has begun: a truth value, a variable or a string.
fn bare(cursor: &mut Cursor<'_>, mut text: Text) -> Result<Scalar, ConfError> {
    loop {
        cursor.skip(|c| !ends_bare(c) && c != '\\');
        if cursor.peek() != Some('\\') {
            break;
        }
        text.escape(cursor)?;
    }
    if cursor.peek() == Some('\'') {
        // It ends the word, makes it a string whatever it says, and is gone.
        let scalar = text.string(cursor);
        cursor.bump();
        return scalar;
    }
    text.word(cursor)
}

fn ends_bare(c: char) -> bool {
    is_line_end(c) || is_blank(c) || matches!(c, ',' | ';' | ']' | '}' | '\'')
}

/// A number below zero.
fn negative(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    let text = Text::begin(cursor);
    cursor.bump();
    match cursor.peek() {
        Some('0'..='9') => {}
        Some('.') => return Err(cursor.syntax("Floats must start with a digit, not '.'.")),
        _ => return Err(cursor.syntax(format!("Expected a digit but got '{}'.", cursor.shown()))),
    }
    skip_digits(cursor);
    match cursor.peek() {
        Some('.') => fraction(cursor, text),
        Some(c) if is_unit(c) => unit(cursor, text),
        _ => text.integer(cursor),
    }
}

/// A number, a date, an address, or a bare word that begins with a digit.
fn digits_first(cursor: &mut Cursor<'_>) -> Result<Scalar, ConfError> {
    let text = Text::begin(cursor);
    let digits = skip_digits(cursor);
    match cursor.peek() {
        Some('-') if digits == YEAR_DIGITS => date(cursor, text),
        Some('-') => Err(cursor.syntax("All ISO8601 dates must be in full Zulu form.")),
        Some('.') => fraction(cursor, text),
        Some(c) if is_unit(c) => unit(cursor, text),
        Some(c) if !ends_number(c) => {
            // Whatever it is, it is part of the word, even a quote or a backslash.
            cursor.bump();
            bare(cursor, text)
        }
        _ => text.integer(cursor),
    }
}

const YEAR_DIGITS: usize = 4;

/// nats-server does not end a number at `]`, and refuses `[1,2]`; we do.
fn ends_number(c: char) -> bool {
    is_line_end(c) || is_blank(c) || matches!(c, ',' | ';' | ']' | '}')
}

fn is_unit(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'k' | 'm' | 'g' | 't' | 'p' | 'e')
}

fn skip_digits(cursor: &mut Cursor<'_>) -> usize {
    cursor.skip(|c| c.is_ascii_digit())
}

/// What follows the digits of a number if it begins like a unit.
fn unit(cursor: &mut Cursor<'_>, text: Text) -> Result<Scalar, ConfError> {
    cursor.bump();
    cursor.skip(|c| matches!(c, 'b' | 'B' | 'i' | 'I'));
    match cursor.peek() {
        Some(c) if !ends_number(c) && !c.is_ascii_digit() => bare(cursor, text),
        _ => text.integer(cursor),
    }
}

/// What follows the digits of a number from the point on.
fn fraction(cursor: &mut Cursor<'_>, text: Text) -> Result<Scalar, ConfError> {
    cursor.bump();
    if skip_digits(cursor) == 0 {
        let shown = cursor.shown();
        return Err(
            cursor.syntax(format!("Floats must have a digit after the '.', but got '{shown}' instead."))
        );
    }
    if cursor.peek() == Some('.') {
        cursor.skip(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '-'));
        return text.string(cursor);
    }
    text.float(cursor)
}

/// A date of which the year was read.
fn date(cursor: &mut Cursor<'_>, text: Text) -> Result<Scalar, ConfError> {
    cursor.bump();
    for wanted in "00-00T00:00:00Z".chars() {
        let fits = |c: char| if wanted == '0' { c.is_ascii_digit() } else { c == wanted };
        if !cursor.peek().is_some_and(fits) {
            let wanted = if wanted == '0' { "digit".into() } else { format!("'{wanted}'") };
            let shown = cursor.shown();
            let message = format!("Expected {wanted} in ISO8601 datetime, but found '{shown}' instead.");
            return Err(cursor.syntax(message));
        }
        cursor.bump();
    }
    let written = cursor.since(text.mark);
    let reason = || format!("expected Zulu formatted DateTime, but got '{written}'");
    let data = Date::parse(written).map(Data::Date).ok_or_else(reason);
    text.finish(cursor, data)
}

const UNEXPECTED_END: &str = "Unexpected EOF.";

/// A token as it is gathered: the source from a mark on, or what escapes made of it.
struct Text {
    /// The start of the token.
    mark: crate::cursor::Mark,
    /// The start of what is not in `gathered` yet.
    rest: crate::cursor::Mark,
    /// What came before and with the last escape; None before the first one.
    gathered: Option<Vec<u8>>,
}

impl Text {
    fn begin(cursor: &Cursor<'_>) -> Self {
        Self { mark: cursor.mark(), rest: cursor.mark(), gathered: None }
    }

    /// Takes a backslash and what it stands for.
    fn escape(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ConfError> {
        let gathered = self.gathered.get_or_insert_default();
        gathered.extend_from_slice(cursor.since(self.rest).as_bytes());
        cursor.bump();
        gathered.push(match cursor.peek() {
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('"') => b'"',
            Some('\\') => b'\\',
            Some('x') => hex_byte(cursor)?,
            _ => return Err(bad_escape(cursor)),
        });
        cursor.bump();
        self.rest = cursor.mark();
        Ok(())
    }

    /// The token, ending here, as a string.
    fn string(self, cursor: &Cursor<'_>) -> Result<Scalar, ConfError> {
        let written = cursor.since(self.rest);
        let Some(mut gathered) = self.gathered else {
            let position = cursor.token(self.mark, written.len());
            return Ok(Scalar { meaning: Meaning::Data(Data::String(written.into())), position });
        };
        gathered.extend_from_slice(written.as_bytes());
        let position = cursor.token(self.mark, gathered.len());
        match String::from_utf8(gathered) {
            Ok(text) => Ok(Scalar { meaning: Meaning::Data(Data::String(text)), position }),
            Err(_) => Err(cursor.syntax("The escapes of a string must make UTF-8")),
        }
    }

    /// The token, ending here, as a bare word.
    fn word(self, cursor: &Cursor<'_>) -> Result<Scalar, ConfError> {
        if self.gathered.is_some() {
            return self.string(cursor);
        }
        let written = cursor.since(self.mark);
        if let Some(truth) = truth(written) {
            return self.finish(cursor, Ok(Data::Bool(truth)));
        }
        match written.strip_prefix('$') {
            Some(name) if !name.starts_with(BCRYPT) => {
                let position = cursor.token(self.mark, name.len());
                Ok(Scalar { meaning: Meaning::Variable(name.into()), position })
            }
            _ => self.string(cursor),
        }
    }

    fn integer(self, cursor: &Cursor<'_>) -> Result<Scalar, ConfError> {
        let data = integer(cursor.since(self.mark)).map(Data::Integer);
        self.finish(cursor, data)
    }

    fn float(self, cursor: &Cursor<'_>) -> Result<Scalar, ConfError> {
        let written = cursor.since(self.mark);
        let number = written.parse().ok().filter(|number: &f64| number.is_finite());
        let data = number.map(Data::Float).ok_or_else(|| format!("float '{written}' is out of the range"));
        self.finish(cursor, data)
    }

    fn finish(self, cursor: &Cursor<'_>, data: Result<Data, String>) -> Result<Scalar, ConfError> {
        let position = cursor.token(self.mark, cursor.since(self.mark).len());
        match data {
            Ok(data) => Ok(Scalar { meaning: Meaning::Data(data), position }),
            Err(reason) => Err(ConfError::BadScalar { position, reason }),
        }
    }
}

/// What looks like a variable and is a password's hash.
const BCRYPT: &str = "2a$";

fn truth(word: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
    match () {
        () if is(["true", "yes", "on"]) => Some(true),
        () if is(["false", "no", "off"]) => Some(false),
        () => None,
    }
}

/// The byte of `\xNN`; the cursor goes from the x to the last digit.
fn hex_byte(cursor: &mut Cursor<'_>) -> Result<u8, ConfError> {
    cursor.bump();
    let mark = cursor.mark();
    for last in [false, true] {
        if cursor.peek().is_none_or(is_line_end) {
            return Err(cursor.syntax("Expected two hexadecimal digits after '\\x', but hit end of line"));
        }
        if !last {
            cursor.bump();
        }
    }
    let (first, second) = (cursor.since(mark).chars().next(), cursor.peek());
    let digit = |c: Option<char>| c.and_then(|c| c.to_digit(16));
    match (digit(first), digit(second)) {
        (Some(high), Some(low)) => Ok((high * 16 + low) as u8),
        _ => {
            let written: String = first.into_iter().chain(second).collect();
            Err(cursor.syntax(format!("Expected two hexadecimal digits after '\\x', but got '{written}'")))
        }
    }
}

fn bad_escape(cursor: &Cursor<'_>) -> ConfError {
    let shown = cursor.shown();
    cursor.syntax(format!(
        "Invalid escape character '{shown}'. Only the following escape characters are allowed: \
         \\xXX, \\t, \\n, \\r, \\\", \\\\."
    ))
}

/// A whole number with its unit: `k` is 1000, `kb`, `ki` and `kib` are 1024, and so on.
fn integer(written: &str) -> Result<i64, String> {
    let too_large = || format!("integer '{written}' is out of the range");
    let digits = written.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(written.len());
    let (number, unit) = written.split_at(digits);
    let number: i64 = number.parse().map_err(|_| too_large())?;
    let unit = unit.to_ascii_lowercase();
    let Some(first) = unit.chars().next() else { return Ok(number) };
    let base: i64 = match &unit[1..] {
        "" => 1000,
        "b" | "i" | "ib" => 1024,
        _ => return Err(format!("expected integer, but got '{written}'")),
    };
    let power = "kmgtpe".find(first).map_or(0, |place| place as u32 + 1);
    number.checked_mul(base.pow(power)).ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_multiply() {
        for (written, number) in [
            ("0", 0),
            ("-12", -12),
            ("1k", 1000),
            ("1K", 1000),
            ("2kb", 2048),
            ("2Ki", 2048),
            ("64MiB", 64 << 20),
            ("3m", 3_000_000),
            ("2g", 2_000_000_000),
            ("2GB", 2 << 30),
            ("5ti", 5 << 40),
            ("5p", 5_000_000_000_000_000),
            ("-7eb", -(7 << 60)),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(integer(written), Ok(number), "{written}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for written in ["9223372036854775808", "-9223372036854775809", "10e", "8eb", "9000000000000000000k"] {
            assert_eq!(integer(written), Err(format!("integer '{written}' is out of the range")));
        }
        for written in ["1kbb", "1kii", "1mbi"] {
            assert_eq!(integer(written), Err(format!("expected integer, but got '{written}'")));
        }
    }
}
