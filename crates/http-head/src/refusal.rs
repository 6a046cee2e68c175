//! Why a request is not even looked at, in the words of Go's `net/http`.

/// What is wrong with the head of a request. Nothing more is read from who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no request, or its headers contradict each other.
    Malformed,
    /// It names no host, and has to.
    MissingHost,
    /// It names one that is none.
    MalformedHost,
    /// A header is called what none may be called.
    InvalidHeaderName,
    /// It is of no version that can be answered.
    Version,
    /// Its body comes in a way that is not understood.
    TransferEncoding,
    /// It is longer than it may be.
    TooLarge,
    /// Go takes longer ones, and knows none of what they ask for.
    TargetTooLong,
}

impl Refusal {
    /// All that is said: it ends the connection, and has neither a date nor a length.
    pub fn answer(self) -> Vec<u8> {
        let (status, body) = self.words();
        let headers = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
        format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}").into_bytes()
    }

    fn words(self) -> (&'static str, &'static str) {
        let status = match self {
            Self::Malformed => "400 Bad Request",
            Self::MissingHost => "400 Bad Request: missing required Host header",
            Self::MalformedHost => "400 Bad Request: malformed Host header",
            Self::InvalidHeaderName => "400 Bad Request: invalid header name",
            Self::Version => "505 HTTP Version Not Supported: unsupported protocol version",
            Self::TransferEncoding => return ("501 Not Implemented", "Unsupported transfer encoding"),
            Self::TargetTooLong => "414 URI Too Long",
            Self::TooLarge => "431 Request Header Fields Too Large",
        };
        (status, status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_peer_says() {
        let said = "HTTP/1.1 400 Bad Request: missing required Host header\r\n\
            Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
            400 Bad Request: missing required Host header";
        assert_eq!(Refusal::MissingHost.answer(), said.as_bytes());
        let said = "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Connection: close\r\n\r\nUnsupported transfer encoding";
        assert_eq!(Refusal::TransferEncoding.answer(), said.as_bytes());
    }
}
