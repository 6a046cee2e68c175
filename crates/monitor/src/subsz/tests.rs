use nats_proto::go_json::pretty;

use super::*;
use crate::request::Request;

const CLOCK: Clock = Clock { now: Moment(0), shards_now: 0 };

fn asked(query: &str) -> Request {
    Request::read("", "GET", format!("/subsz?{query}").as_bytes()).0
}

fn answer(text: &str, shown: Vec<SubscriptionRow>) -> String {
    let Request::Subsz(query) = asked(text) else { panic!("{text} is refused") };
    let lookups =
        Lookups { inserts: 3, removes: 1, cached: 4, lookups: 8, hits: 2, fanout_max: 2, fanout_sum: 5 };
    let subsz = Subsz { server_id: "ID", clock: CLOCK, subscriptions: 2, lookups, total: shown.len(), shown };
    pretty(&subsz.text(&query))
}

/// As nats-server 2.14.5 writes it.
#[test]
fn lookups_and_subscriptions_are_told_as_nats_server_tells_them() {
    let row = SubscriptionRow {
        cid: 7,
        account: "A".into(),
        subject: (*b"foo.*").into(),
        queue: None,
        sid: (*b"1").into(),
        msgs: 2,
        max: 0,
    };
    let expected = r#"{
  "server_id": "ID",
  "now": "1970-01-01T00:00:00Z",
  "num_subscriptions": 2,
  "num_cache": 4,
  "num_inserts": 3,
  "num_removes": 1,
  "num_matches": 8,
  "cache_hit_rate": 0.25,
  "max_fanout": 2,
  "avg_fanout": 1.25,
  "total": 1,
  "offset": 0,
  "limit": 1024,
  "subscriptions_list": [
    {
      "account": "A",
      "account_tag": "A",
      "subject": "foo.*",
      "sid": "1",
      "msgs": 2,
      "cid": 7
    }
  ]
}"#;
    assert_eq!(answer("subs=1", vec![row]), expected);
    assert!(answer("", Vec::new()).ends_with("\"limit\": 1024\n}"));
}

#[test]
fn only_what_can_be_published_to_can_be_tested() {
    for subject in ["foo.*", ">", "a..b", "a%20.", "%ff."] {
        let Request::Answered(refused) = asked(&format!("subs=1&test={subject}")) else {
            panic!("{subject} is taken")
        };
        let shown = http_head::unescape(subject.as_bytes()).unwrap();
        let expected = [b"invalid test subject, must be valid publish subject: ", &shown[..]].concat();
        assert_eq!(refused.body, expected);
    }
    for subject in ["foo.x*", "%20", "a%20b", "a.%0a"] {
        assert!(matches!(asked(&format!("test={subject}")), Request::Subsz(_)), "{subject}");
    }
}
