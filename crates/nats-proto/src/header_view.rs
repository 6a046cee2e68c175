//! Reading a header block where it lies.

/// A checked header block: `NATS/1.0[ code[ text]]`, a line `Name: value` per field, an empty line.
///
/// Names are compared byte for byte, as the official clients do. Lines may end in LF alone. Bytes
/// after the empty line are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderView<'a> {
    status: Option<u16>,
    description: &'a [u8],
    /// The field lines, known to be well-formed.
    fields: &'a [u8],
}

/// What is wrong with a header block. Servers pass such blocks on unseen; it is for the reader to
/// decide what becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The block does not begin with a line `NATS/1.0`.
    #[error("header block without its version line")]
    BadVersion,
    /// Something other than three digits where the status code belongs.
    #[error("malformed status code in the header block")]
    BadStatus,
    /// A line without a colon.
    #[error("header line without a colon")]
    BadField,
    /// No empty line at the end.
    #[error("header block without its end")]
    Unfinished,
}

const VERSION: &[u8] = b"NATS/1.0";

impl<'a> HeaderView<'a> {
    /// Checks the whole block, so that everything after is free of errors.
    ///
    /// # Errors
    ///
    /// See [`HeaderError`].
    pub fn parse(block: &'a [u8]) -> Result<Self, HeaderError> {
        let (first, fields) = next_line(block).ok_or(HeaderError::BadVersion)?;
        let status = first.strip_prefix(VERSION).ok_or(HeaderError::BadVersion)?;
        let (status, description) = parse_status(status)?;
        let mut rest = fields;
        loop {
            let (line, after) = next_line(rest).ok_or(HeaderError::Unfinished)?;
            if line.is_empty() {
                let fields = &fields[..fields.len() - rest.len()];
                return Ok(Self { status, description, fields });
            }
            if !line.contains(&b':') {
                return Err(HeaderError::BadField);
            }
            rest = after;
        }
    }

    /// The status code of an inline status, such as 503 for "no responders".
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The text behind the status code; empty when there is none.
    pub fn description(&self) -> &'a [u8] {
        self.description
    }

    /// The fields in order, names and values. Blanks before a value are taken off. Lines without a
    /// name are left out, as clients do.
    pub fn iter(&self) -> HeaderFields<'a> {
        HeaderFields { rest: self.fields }
    }

    /// The first value of that name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&'a [u8]> {
        self.iter().find(|(field, _)| *field == name.as_ref()).map(|(_, value)| value)
    }

    /// Every value of that name, in order.
    pub fn get_all<'n, N>(&self, name: &'n N) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n, N>
    where
        N: AsRef<[u8]> + ?Sized,
    {
        let name = name.as_ref();
        self.iter().filter(move |(field, _)| *field == name).map(|(_, value)| value)
    }
}

impl<'a> IntoIterator for HeaderView<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = HeaderFields<'a>;

    fn into_iter(self) -> HeaderFields<'a> {
        self.iter()
    }
}

/// The fields of a [`HeaderView`], from [`HeaderView::iter`].
#[derive(Debug, Clone)]
pub struct HeaderFields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for HeaderFields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, after) = next_line(self.rest)?;
            self.rest = after;
            let colon = memchr::memchr(b':', line)?;
            if colon > 0 {
                return Some((&line[..colon], without_leading_blanks(&line[colon + 1..])));
            }
        }
    }
}

/// The text before the first LF, less one CR, and what follows it.
fn next_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', text)?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[end + 1..]))
}

/// `[ code[ text]]`.
fn parse_status(text: &[u8]) -> Result<(Option<u16>, &[u8]), HeaderError> {
    let code = text.trim_ascii();
    if code.is_empty() {
        return Ok((None, code));
    }
    if !matches!(text[0], b' ' | b'\t') {
        return Err(HeaderError::BadVersion);
    }
    let (digits, description) = code.split_at_checked(3).ok_or(HeaderError::BadStatus)?;
    let status = digits.iter().try_fold(0, |sum: u16, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0')).ok_or(HeaderError::BadStatus)
    })?;
    Ok((Some(status), description.trim_ascii()))
}

fn without_leading_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_order_case_and_repetition() {
        let block = b"NATS/1.0\r\nA: 1\r\na:2\r\nA: \t x y \r\n: nameless\r\nE:\r\n\r\nrest";
        let view = HeaderView::parse(block).unwrap();
        assert_eq!((view.status(), view.description()), (None, &b""[..]));
        let fields: Vec<_> = view.iter().collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"A", b"1"), (b"a", b"2"), (b"A", b"x y "), (b"E", b"")];
        assert_eq!(fields, expected);
        assert_eq!(view.get("A"), Some(&b"1"[..]));
        assert_eq!(view.get("B"), None);
        assert_eq!(view.get_all("A").collect::<Vec<_>>(), [&b"1"[..], b"x y "]);
    }

    #[test]
    fn status_lines() {
        let view = HeaderView::parse(b"NATS/1.0 503\r\nNats-Subject: req.1\r\n\r\n").unwrap();
        assert_eq!((view.status(), view.get("Nats-Subject")), (Some(503), Some(&b"req.1"[..])));
        let view = HeaderView::parse(b"NATS/1.0   100 Idle Heartbeat \n\n").unwrap();
        assert_eq!((view.status(), view.description()), (Some(100), &b"Idle Heartbeat"[..]));
    }

    #[test]
    fn junk_is_an_error() {
        let cases: [(&[u8], HeaderError); 9] = [
            (b"", HeaderError::BadVersion),
            (b"NATS/1.0", HeaderError::BadVersion),
            (b"NATS/1.1\r\n\r\n", HeaderError::BadVersion),
            (b"NATS/1.0x\r\n\r\n", HeaderError::BadVersion),
            (b"NATS/1.0 5\r\n\r\n", HeaderError::BadStatus),
            (b"NATS/1.0 abc\r\n\r\n", HeaderError::BadStatus),
            (b"NATS/1.0\r\nA: b\r\n", HeaderError::Unfinished),
            (b"NATS/1.0\r\n", HeaderError::Unfinished),
            (b"NATS/1.0\r\nno colon\r\n\r\n", HeaderError::BadField),
        ];
        for (block, error) in cases {
            assert_eq!(HeaderView::parse(block), Err(error), "{}", block.escape_ascii());
        }
    }
}
