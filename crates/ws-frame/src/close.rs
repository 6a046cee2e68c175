//! Why a connection closes: the codes of RFC 6455, section 7.4, and the payload of a close frame.

use crate::error::FrameError;
use crate::reader::CONTROL_BYTES_MAX;

/// What a close frame says when it is put into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// The client is done.
    pub const NORMAL: Self = Self(1000);
    /// The server stops, or has not heard from the client.
    pub const GOING_AWAY: Self = Self(1001);
    /// What was sent is no frame, or no NATS protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The client may not do that, or a limit is reached.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A payload beyond the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// Anything else that the server has no better word for.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// TLS failed.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// Whether a frame may carry it: 1004 to 1006 and 1015 are only for those who tell of a close, and 1016 to 2999
    /// have no meaning yet.
    fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What is in a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why. `None` if nothing is said at all.
    pub status: Option<Status>,
    /// The same in words, at most [`Close::REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

impl Close {
    /// What a reason may have: a control frame's payload, and two bytes of it are the status.
    pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

    /// A close with a reason. One that is too long is cut, and ends in three dots.
    pub fn new(status: Status, reason: &str) -> Self {
        let mut reason = reason.to_owned();
        if reason.len() > Self::REASON_BYTES_MAX {
            reason.truncate(reason.floor_char_boundary(Self::REASON_BYTES_MAX - 3));
            reason.push_str("...");
        }
        Self { status: Some(status), reason }
    }

    /// Reads what the peer sent, and returns what to answer: the same, unless it cannot be said.
    pub(crate) fn answer_to(payload: &[u8]) -> Result<Self, FrameError> {
        let (status, reason) = match payload {
            [] => return Ok(Self { status: None, reason: String::new() }),
            [_] => return Err(FrameError::CloseOfOneByte),
            [high, low, reason @ ..] => (Status(u16::from_be_bytes([*high, *low])), reason),
        };
        if !status.may_be_sent() {
            return Err(FrameError::CloseStatus(status.0));
        }
        Ok(match std::str::from_utf8(reason) {
            Ok(reason) => Self { status: Some(status), reason: reason.to_owned() },
            Err(_) => Self::new(Status::INVALID_PAYLOAD, "invalid utf8 body in close frame"),
        })
    }

    /// The payload of the frame.
    pub fn payload(&self) -> Vec<u8> {
        match self.status {
            None => Vec::new(),
            Some(Status(status)) => [&status.to_be_bytes()[..], self.reason.as_bytes()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_answered_with_the_same() {
        for payload in [
            &b""[..],
            b"\x03\xe8",
            b"\x03\xe8bye",
            b"\x0b\xb8mine",
            &[b"\x03\xe8", &[b'x'; 123][..]].concat(),
        ] {
            let answer = Close::answer_to(payload).expect("it may be said");
            assert_eq!(answer.payload(), payload);
        }
        let answer = Close::answer_to(b"\x03\xe8\xff").expect("it is answered all the same");
        assert_eq!(answer, Close::new(Status(1007), "invalid utf8 body in close frame"));
    }

    #[test]
    fn a_close_that_nobody_may_send_is_an_error() {
        assert_eq!(Close::answer_to(b"\x03"), Err(FrameError::CloseOfOneByte));
        for status in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            assert_eq!(Close::answer_to(&status.to_be_bytes()), Err(FrameError::CloseStatus(status)));
        }
        for status in [1000_u16, 1003, 1007, 1014, 3000, 4999] {
            assert!(Close::answer_to(&status.to_be_bytes()).is_ok(), "{status}");
        }
    }

    #[test]
    fn a_long_reason_ends_in_dots() {
        let close = Close::new(Status::PROTOCOL_ERROR, &"x".repeat(123));
        assert_eq!(close.reason, "x".repeat(123));
        let close = Close::new(Status::PROTOCOL_ERROR, &"x".repeat(124));
        assert_eq!(close.reason, "x".repeat(120) + "...");
        let close = Close::new(Status::PROTOCOL_ERROR, &"é".repeat(62));
        assert_eq!(close.reason, "é".repeat(60) + "...");
        let close = Close::new(Status::PROTOCOL_ERROR, &("x".to_owned() + &"é".repeat(62)));
        assert_eq!(close.reason, "x".to_owned() + &"é".repeat(59) + "...", "a letter is not cut in two");
    }
}
