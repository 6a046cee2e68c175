//! What can be wrong with the bytes of a peer.

/// The peer broke the protocol. Nothing after such bytes can be understood, so the connection ends.
///
/// The value never depends on how the bytes were cut into reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// A byte that no verb has in this place, or a verb the peer's role may not send.
    #[error("unknown protocol operation")]
    UnknownOperation,
    /// The arguments of one line are longer than [`Limits::control_line_bytes_max`](crate::Limits).
    #[error("control line over the limit of {max} bytes")]
    ControlLineTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// The announced size is over [`Limits::payload_bytes_max`](crate::Limits). Raised from the line
    /// alone, before the payload arrives.
    #[error("payload of {size} bytes, limit {max}")]
    PayloadTooLarge {
        /// The announced size in bytes, headers included.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The payload was not followed by exactly CR LF.
    #[error("payload does not end in CR LF")]
    BadPayloadEnd,
    /// Too few or too many arguments.
    #[error("wrong number of arguments for {op}")]
    BadArguments {
        /// The verb, in capitals.
        op: &'static str,
    },
    /// A size that is not one to nine ASCII digits, or headers larger than the whole message.
    #[error("malformed size for {op}")]
    BadSize {
        /// The verb, in capitals.
        op: &'static str,
    },
}

impl ProtoError {
    /// The text nats-server puts between the quotes of `-ERR '…'` before it closes the connection,
    /// or `None` where it closes without a word.
    pub fn wire_text(&self) -> Option<&'static str> {
        match self {
            Self::UnknownOperation | Self::BadPayloadEnd => Some("Unknown Protocol Operation"),
            Self::ControlLineTooLong { .. } => Some("maximum control line exceeded"),
            Self::PayloadTooLarge { .. } => Some("Maximum Payload Violation"),
            Self::BadArguments { .. } | Self::BadSize { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_text_is_what_clients_match_on() {
        let cases = [
            (ProtoError::UnknownOperation, Some("Unknown Protocol Operation")),
            (ProtoError::BadPayloadEnd, Some("Unknown Protocol Operation")),
            (ProtoError::ControlLineTooLong { max: 1 }, Some("maximum control line exceeded")),
            (ProtoError::PayloadTooLarge { size: 2, max: 1 }, Some("Maximum Payload Violation")),
            (ProtoError::BadArguments { op: "PUB" }, None),
            (ProtoError::BadSize { op: "PUB" }, None),
        ];
        for (error, text) in cases {
            assert_eq!(error.wire_text(), text, "{error}");
        }
    }
}
