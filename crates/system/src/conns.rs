//! `CONNS` of an account: what another server asks of it, and whoever listens is told when it changes.

use monitor::{AccountRow, AccountStat, Moment};
use nats_proto::go_json::{Field, Fields, read_into};
use serde::Serialize;

use crate::server_identity::{ServerIdentity, ServerText};

const CONNECTIONS: &str = "io.nats.server.advisory.v1.account_connections";

/// What an account has, in nats-server's order.
#[derive(Serialize)]
struct ConnsText<'a> {
    r#type: &'static str,
    id: String,
    timestamp: Moment,
    server: ServerText<'a>,
    #[serde(flatten)]
    stat: AccountStat<'a>,
}

/// The body of a message about an account.
pub(crate) fn conns(server: &ServerIdentity, now: Moment, account: &AccountRow) -> Vec<u8> {
    monitor::compact(&ConnsText {
        r#type: CONNECTIONS,
        id: server.next_event_id(),
        timestamp: now,
        server: server.signs(now),
        stat: account.stat(),
    })
}

/// Whether a request is about the account that its subject names: its body may name it again.
pub(crate) fn is_about(account: &str, body: &[u8]) -> bool {
    let mut asked = Asked { acc: account.to_owned() };
    (body.is_empty() || read_into(body, &mut asked).is_ok()) && asked.acc == account
}

struct Asked {
    acc: String,
}

impl Fields for Asked {
    fn go_type(&self) -> &'static str {
        "server.accNumConnsReq"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        match name {
            "acc" => Some(&mut self.acc),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 does.
    #[test]
    fn a_request_may_name_its_account_again() {
        assert!(is_about("A", b"") && is_about("A", b"{}") && is_about("A", br#"{"acc":"A"}"#));
        assert!(!is_about("A", br#"{"acc":"B"}"#) && !is_about("A", b"x") && !is_about("A", br#"{"acc":1}"#));
    }
}
