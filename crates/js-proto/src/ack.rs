//! What an acknowledgement says.

use nats_proto::go_json::read_into;

use crate::go_struct::go_structs;
use crate::{Nanos, PullError, PullRequest};

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ack {
    /// It is done.
    Done,
    /// It is done, and more is wanted.
    Next(Result<PullRequest, PullError>),
    /// It is to be delivered again, after that long.
    Again(Nanos),
    /// It takes longer.
    Progress,
    /// It is not to be delivered again, for that reason.
    Terminate(String),
    /// Some other word. It changes nothing, but is answered.
    Unknown,
}

go_structs! {
    /// What may follow `-NAK`.
    pub struct NakOptions = "server.ConsumerNakOptions" {
        /// When it is to be delivered again.
        delay: Nanos = "delay";
    }
}

impl Ack {
    /// Reads one. Delays that make no sense are none.
    pub fn parse(body: &[u8]) -> Self {
        match body {
            b"" | b"+ACK" | b"+OK" => Self::Done,
            b"+WPI" => Self::Progress,
            _ => Self::parse_with_arguments(body),
        }
    }

    fn parse_with_arguments(body: &[u8]) -> Self {
        if let Some(request) = body.strip_prefix(b"+NXT") {
            Self::Next(PullRequest::parse(request))
        } else if let Some(delay) = body.strip_prefix(b"-NAK") {
            Self::Again(delay_in(delay.trim_ascii()).unwrap_or_default())
        } else if let Some(reason) = body.strip_prefix(b"+TERM") {
            Self::Terminate(String::from_utf8_lossy(reason.trim_ascii()).into_owned())
        } else {
            Self::Unknown
        }
    }
}

fn delay_in(argument: &[u8]) -> Option<Nanos> {
    if !argument.starts_with(b"{") {
        return Nanos::parse(str::from_utf8(argument).ok()?);
    }
    let mut options = NakOptions::default();
    read_into(argument, &mut options).ok()?;
    Some(options.delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_mean_to_the_peer() {
        let again = |seconds| Ack::Again(Nanos::from_secs(seconds));
        for (body, ack) in [
            ("", Ack::Done),
            ("+ACK", Ack::Done),
            ("+OK", Ack::Done),
            ("+WPI", Ack::Progress),
            ("-NAK", again(0)),
            ("-NAK {\"delay\": 2000000000}", again(2)),
            ("-NAK 2s", again(2)),
            ("-NAK-2s", again(-2)),
            ("-NAK bogus", again(0)),
            ("-NAK {\"delay\":\"2s\"}", again(0)),
            ("+TERM", Ack::Terminate(String::new())),
            ("+TERM  no good ", Ack::Terminate("no good".into())),
            ("+NXT", Ack::Next(Ok(PullRequest::of_number(1)))),
            ("+NXT 5", Ack::Next(Ok(PullRequest::of_number(5)))),
            ("+NXT {\"batch\":5}", Ack::Next(Ok(PullRequest { batch: 5, ..Default::default() }))),
            ("hello", Ack::Unknown),
            ("+ACK ", Ack::Unknown),
            ("+WPI now", Ack::Unknown),
            ("+ack", Ack::Unknown),
        ] {
            assert_eq!(Ack::parse(body.as_bytes()), ack, "{body}");
        }
    }
}
