//! What nats-server answers for parts that do not exist: gateways, queues within.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::moment::Moment;

/// `/gatewayz` of a server without gateways.
pub fn gatewayz(server_id: &str, now: Moment) -> impl Serialize {
    #[derive(Serialize)]
    struct Gatewayz<'a> {
        server_id: &'a str,
        now: Moment,
        outbound_gateways: Map<String, Value>,
        inbound_gateways: Map<String, Value>,
    }
    Gatewayz { server_id, now, outbound_gateways: Map::new(), inbound_gateways: Map::new() }
}

/// `/ipqueuesz`: we have none of nats-server's inner queues.
pub fn ip_queuesz() -> impl Serialize {
    Map::<String, Value>::new()
}

/// What nats-server tells of Raft in a message: there are no groups.
pub fn raftz() -> impl Serialize {
    Map::<String, Value>::new()
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::pretty;

    use super::*;

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_does_not_exist_has_an_empty_shape() {
        let now = Moment(0);
        let ending = "\"outbound_gateways\": {},\n  \"inbound_gateways\": {}\n}";
        assert!(pretty(&gatewayz("ID", now)).ends_with(ending));
        assert_eq!((pretty(&ip_queuesz()), pretty(&raftz())), ("{}".into(), "{}".into()));
    }
}
