//! What nats-server answers for parts that do not exist: other servers.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::moment::Moment;

/// `/routez` of a server without routes.
pub fn routez(server_id: &str, server_name: &str, now: Moment) -> Answer {
    #[derive(Serialize)]
    struct Routez<'a> {
        server_id: &'a str,
        server_name: &'a str,
        now: Moment,
        num_routes: u32,
        routes: [(); 0],
    }
    Answer::json(&Routez { server_id, server_name, now, num_routes: 0, routes: [] })
}

/// `/leafz` of a server without leaf nodes.
pub fn leafz(server_id: &str, now: Moment) -> Answer {
    #[derive(Serialize)]
    struct Leafz<'a> {
        server_id: &'a str,
        now: Moment,
        leafnodes: u32,
        leafs: [(); 0],
    }
    Answer::json(&Leafz { server_id, now, leafnodes: 0, leafs: [] })
}

/// `/gatewayz` of a server without gateways.
pub fn gatewayz(server_id: &str, now: Moment) -> Answer {
    #[derive(Serialize)]
    struct Gatewayz<'a> {
        server_id: &'a str,
        now: Moment,
        outbound_gateways: Map<String, Value>,
        inbound_gateways: Map<String, Value>,
    }
    Answer::json(&Gatewayz { server_id, now, outbound_gateways: Map::new(), inbound_gateways: Map::new() })
}

/// `/ipqueuesz`: we have none of nats-server's inner queues.
pub fn ip_queuesz() -> Answer {
    Answer::json_text(200, "{}".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_does_not_exist_has_an_empty_shape() {
        let now = Moment(0);
        let routez = routez("ID", "n", now).text();
        let expected = concat!(
            "{\n  \"server_id\": \"ID\",\n  \"server_name\": \"n\",\n  \"now\": \"1970-01-01T00:00:00Z\",\n",
            "  \"num_routes\": 0,\n  \"routes\": []\n}"
        );
        assert_eq!(routez, expected);
        assert!(leafz("ID", now).text().ends_with("\"leafnodes\": 0,\n  \"leafs\": []\n}"));
        let ending = "\"outbound_gateways\": {},\n  \"inbound_gateways\": {}\n}";
        assert!(gatewayz("ID", now).text().ends_with(ending));
        assert_eq!(ip_queuesz().text(), "{}");
    }
}
