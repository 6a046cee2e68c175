//! What the caller allows, and what a decoder answers.

/// nats-server's default `max_control_line`, in bytes.
pub const CONTROL_LINE_BYTES_MAX: usize = 4096;

/// nats-server's default `max_payload`, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// A server may send lines this many times longer than a client: an INFO lists every URL of the
/// cluster, and a MSG carries the subscriber's sid on top of the publisher's arguments. nats-server
/// applies the same factor to what other servers send it.
pub(crate) const SERVER_LINE_FACTOR: usize = 16;

/// How much of a peer's input a decoder takes for one op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest argument part of one line in bytes: from the first argument byte, without the line
    /// end. What a server sends may be sixteen times as long. Default 4096.
    pub control_line_bytes_max: usize,
    /// Largest message in bytes, headers included. A client sets this from INFO's `max_payload`.
    /// `usize::MAX` for no limit. Default 1 MiB.
    pub payload_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { control_line_bytes_max: CONTROL_LINE_BYTES_MAX, payload_bytes_max: PAYLOAD_BYTES_MAX }
    }
}

impl Limits {
    /// The same limits with the line length allowed to servers.
    pub(crate) fn for_server_lines(&self) -> Self {
        let control_line_bytes_max = self.control_line_bytes_max.saturating_mul(SERVER_LINE_FACTOR);
        Self { control_line_bytes_max, ..*self }
    }
}

/// What one call of a decoder found at the front of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<T> {
    /// A whole op. The caller drops `used` bytes from the front before the next call.
    Op {
        /// Bytes the op took, line ends included.
        used: usize,
        /// The op, borrowing from the input.
        op: T,
    },
    /// No whole op yet. The caller keeps the input as it is and calls again with more behind it.
    NeedMore {
        /// Total bytes from the front of the input before an op can be complete; always more than
        /// were given. (A mistake of the peer may show earlier.)
        at_least: usize,
    },
}

impl<T> Step<T> {
    #[inline(always)]
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Op { used, op } => Step::Op { used, op: f(op) },
            Self::NeedMore { at_least } => Step::NeedMore { at_least },
        }
    }
}
