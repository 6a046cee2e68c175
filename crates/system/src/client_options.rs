//! The options of requests for something to be done to a client: which one.

use nats_proto::go_json::{Field, Fields, read_into};

/// Which client is meant. Without a number it is none.
#[derive(Debug, Default)]
pub(crate) struct ClientOptions {
    pub(crate) cid: u64,
}

impl ClientOptions {
    /// Whether a body names a client as it should: who sends another one is not answered by nats-server.
    pub(crate) fn are_in(body: &[u8]) -> bool {
        read_into(body, &mut Self::default()).is_ok()
    }
}

impl Fields for ClientOptions {
    fn go_type(&self) -> &'static str {
        "server.KickClientReq"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        (name == "cid").then_some(&mut self.cid as &mut dyn Field)
    }
}
