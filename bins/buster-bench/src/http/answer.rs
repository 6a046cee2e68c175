//! How long an answer is: enough of HTTP to know when to ask again.

use anyhow::{Context, Result, bail};

/// No header that is looked for is behind as much.
const HEAD_BYTES_MAX: usize = 16 << 10;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// One that is there as a whole.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Of head and body.
    pub(super) bytes: usize,
}

/// The answer that `input` begins with, once all of it is there.
pub(super) fn read(input: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = input.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
        if input.len() > HEAD_BYTES_MAX {
            bail!("a head without an end");
        }
        return Ok(None);
    };
    let head = std::str::from_utf8(&input[..end]).context("a head that is no text")?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.with_context(|| format!("no answer: {head}"))?;
    let bytes = end + HEAD_END.len() + body_bytes(head, status)?;
    Ok((input.len() >= bytes).then_some(Answer { status, bytes }))
}

fn body_bytes(head: &str, status: u16) -> Result<usize> {
    let named = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse())
    });
    match named {
        Some(length) => length.context("a length that is no number"),
        None if status == 204 => Ok(0),
        None => bail!("an answer of unknown length: {head}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let input = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabcHTTP";
        assert_eq!(read(input).unwrap(), Some(Answer { status: 200, bytes: input.len() - 4 }));
        assert!((0..input.len() - 4).all(|end| read(&input[..end]).unwrap().is_none()));
        let nothing = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(nothing).unwrap(), Some(Answer { status: 204, bytes: nothing.len() }));
    }

    #[test]
    fn what_has_no_length_or_is_no_answer_fails() {
        for wrong in
            ["HTTP/1.1 200 OK\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
        {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read(&[b'x'; HEAD_BYTES_MAX + 1]).is_err());
    }
}
