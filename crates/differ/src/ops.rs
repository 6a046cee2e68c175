//! What a client has said so far, as far as the player has to know it to wait for the answer.

use nats_proto::{ClientDecoder, ClientOp, Limits, Step};

/// Large enough for everything a script says: what a server refuses for its size is the server's business.
const LIMITS: Limits = Limits { control_line_bytes_max: 1 << 20, payload_bytes_max: 1 << 28 };

/// Where a client stands in its own stream of ops.
#[derive(Debug, Default)]
pub struct Said {
    decoder: ClientDecoder,
    /// Not yet a whole op.
    rest: Vec<u8>,
    /// PINGs so far: as many PONGs are to come.
    pub pings: usize,
    /// CONNECTs so far.
    pub connects: usize,
    /// What it subscribed to so far.
    pub filters: Vec<Vec<u8>>,
    /// It said something that ends the connection.
    pub is_broken: bool,
}

impl Said {
    /// The client says this.
    pub fn say(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut used_up = 0;
        while !self.is_broken {
            match self.decoder.step(&self.rest[used_up..], &LIMITS) {
                Ok(Step::Op { used, op }) => {
                    self.pings += usize::from(matches!(op, ClientOp::Ping));
                    self.connects += usize::from(matches!(op, ClientOp::Connect(_)));
                    if let ClientOp::Subscribe(sub) = &op {
                        self.filters.push(sub.subject.to_vec());
                    }
                    self.is_broken = matches!(op, ClientOp::Err(_));
                    used_up += used;
                }
                Ok(Step::NeedMore { .. }) => break,
                Err(_) => self.is_broken = true,
            }
        }
        self.rest.drain(..used_up);
    }

    /// Whether a PING now would be one, and not part of something unfinished.
    #[must_use]
    pub fn is_between_ops(&self) -> bool {
        self.rest.is_empty() && !self.is_broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_within_a_payload_is_none() {
        let mut said = Said::default();
        said.say(b"PING\r\nPUB a 6\r\nPI");
        assert_eq!((said.pings, said.is_between_ops()), (1, false));
        said.say(b"NG\r\n\r\npInG\n");
        assert_eq!((said.pings, said.is_between_ops()), (2, true));
    }

    #[test]
    fn nothing_follows_a_mistake() {
        let mut said = Said::default();
        said.say(b"PING\r\nFOO\r\nPING\r\n");
        assert_eq!((said.pings, said.is_between_ops(), said.is_broken), (1, false, true));
    }
}
