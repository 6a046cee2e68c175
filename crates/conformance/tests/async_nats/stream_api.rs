//! Requests about streams and consumers, and their answers.

use std::collections::BTreeSet;

use async_nats::HeaderMap;
use async_nats::jetstream::stream;
use futures::TryStreamExt;
use serde_json::{Value, json};
use test_kit::{Server, ServerOptions, Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    an_account_has_what_it_has,
    streams_are_made_once_and_deleted,
    names_and_lists_come_in_pages,
    a_stream_tells_of_its_subjects,
    messages_are_got_by_the_api,
    messages_are_got_directly,
    many_messages_are_got_directly,
    consumers_are_named_listed_and_deleted,
    what_is_wrong_with_a_request_is_said,
    a_level_of_the_api_can_be_asked_for,
    what_takes_a_cluster_is_refused,
    a_domain_is_part_of_the_subject,
    accounts_are_apart_and_have_limits,
);

fn an_account_has_what_it_has(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"max_bytes": 4096})).await;
        js.consumer("C", json!({})).await;
        js.put("s.a", "one").await;
        let account = js.context.query_account().await.expect("an account");
        assert_eq!((account.streams, account.consumers), (1, 1));
        assert!(account.storage > 0 && account.memory == 0);
        assert_eq!(account.reserved_storage, 4096);
        assert!(account.requests.total >= 2);
        assert_eq!(account.limits.max_streams, None);
    });
}

fn streams_are_made_once_and_deleted(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let config = || stream::Config {
            name: "S".into(),
            subjects: vec!["s.>".into()],
            max_messages: 5,
            ..Default::default()
        };
        js.context.create_stream(config()).await.expect("it is made");
        js.context.create_stream(config()).await.expect("it is the same");
        let other = stream::Config { max_messages: 6, ..config() };
        js.context.create_stream(other.clone()).await.expect_err("it is another one");
        let changed = js.context.update_stream(other).await.expect("it is changed");
        assert_eq!(changed.config.max_messages, 6);
        let kept = js.context.get_or_create_stream(config()).await.expect("it is there");
        assert_eq!(kept.cached_info().config.max_messages, 6);
        assert!(js.context.delete_stream("S").await.expect("it is deleted").success);
        assert!(js.context.delete_stream("S").await.is_err(), "it is gone");
        js.context.get_stream("S").await.expect_err("it is gone");
    });
}

fn names_and_lists_come_in_pages(setup: Setup) {
    const STREAMS: usize = 300;
    run(async {
        let js = Js::start(setup).await;
        for n in 0..STREAMS {
            let name = format!("S{n:03}");
            let config = json!({"name": name, "subjects": [format!("s.{n}")], "storage": "memory"});
            js.done(&format!("STREAM.CREATE.{name}"), config).await;
        }
        let streams: Vec<_> = js.context.streams().try_collect().await.expect("all pages");
        let names: Vec<String> = js.context.stream_names().try_collect().await.expect("all pages");
        let wanted: BTreeSet<String> = (0..STREAMS).map(|n| format!("S{n:03}")).collect();
        // The client hands pages out from behind.
        assert_eq!((names.len(), names.into_iter().collect::<BTreeSet<_>>()), (STREAMS, wanted.clone()));
        assert_eq!(streams.into_iter().map(|info| info.config.name).collect::<BTreeSet<_>>(), wanted);
        let page = js.done("STREAM.LIST", json!({"offset": 256})).await;
        assert_eq!(
            (&page["total"], &page["limit"], &page["offset"]),
            (&json!(300), &json!(256), &json!(256))
        );
        assert_eq!(page["streams"].as_array().map(Vec::len), Some(44));
        let of_subject = js.done("STREAM.NAMES", json!({"subject": "s.7"})).await;
        assert_eq!(of_subject["streams"], json!(["S007"]));
        assert_eq!(js.context.stream_by_subject("s.8").await.expect("one"), "S008");
    });
}

fn a_stream_tells_of_its_subjects(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for subject in ["s.a.1", "s.a.2", "s.b.1", "s.a.1"] {
            js.put(subject, "x").await;
        }
        js.done("STREAM.MSG.DELETE.S", json!({"seq": 2})).await;
        let info =
            js.ask("STREAM.INFO.S", json!({"subjects_filter": "s.a.>", "deleted_details": true})).await;
        assert_eq!(info["state"]["subjects"], json!({"s.a.1": 2}));
        assert_eq!((&info["state"]["num_subjects"], &info["state"]["deleted"]), (&json!(2), &json!([2])));
        assert_eq!(info["state"]["num_deleted"], 1);
        let stream = js.context.get_stream("S").await.expect("the stream");
        let subjects = stream.info_with_subjects(">").await.expect("subjects");
        let subjects: Vec<(String, usize)> = subjects.try_collect().await.expect("all pages");
        assert_eq!(subjects.len(), 2);
        let second = js.ask("STREAM.INFO.S", json!({"subjects_filter": ">", "offset": 1})).await;
        assert_eq!(second["state"]["subjects"], json!({"s.b.1": 1}));
        assert_eq!(
            (&second["total"], &second["offset"], &second["limit"]),
            (&json!(2), &json!(1), &json!(100_000))
        );
    });
}

fn messages_are_got_by_the_api(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.publish("s.a", &[("Mine", "yes")], "one").await;
        js.put("s.b", "two").await;
        js.put("s.a", "three").await;
        let stream = js.context.get_stream("S").await.expect("the stream");
        let first = stream.get_raw_message(1).await.expect("it is there");
        assert_eq!((first.subject.as_str(), first.sequence), ("s.a", 1));
        assert_eq!(
            (first.payload, first.headers.get("Mine").map(AsRef::as_ref)),
            ("one".into(), Some("yes"))
        );
        let last = stream.get_last_raw_message_by_subject("s.a").await.expect("it is there");
        assert_eq!(last.sequence, 3);
        let next = js.ask("STREAM.MSG.GET.S", json!({"seq": 2, "next_by_subj": "s.a"})).await;
        assert_eq!(next["message"]["seq"], 3);
        stream.get_raw_message(4).await.expect_err("it is not there");
        assert_eq!(js.refused("STREAM.MSG.GET.S", json!({})).await, 10003);
        let both = json!({"seq": 1, "last_by_subj": "s.a"});
        assert_eq!(js.refused("STREAM.MSG.GET.S", both).await, 10003);
    });
}

fn messages_are_got_directly(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_direct": true})).await;
        js.publish("s.a", &[("Mine", "yes")], "one").await;
        js.put("s.b", "two").await;
        js.put("s.a", "three").await;
        let stream = js.context.get_stream("S").await.expect("the stream");
        let first = stream.direct_get(1).await.expect("it is there");
        assert_eq!((first.subject.as_str(), first.sequence, &first.payload[..]), ("s.a", 1, &b"one"[..]));
        assert_eq!(first.headers.get("Mine").map(AsRef::as_ref), Some("yes"));
        assert_eq!(stream.direct_get_last_for_subject("s.a").await.expect("it is there").sequence, 3);
        let next = stream.direct_get_next_for_subject("s.b", Some(1)).await.expect("it is there");
        assert_eq!(next.sequence, 2);
        stream.direct_get(9).await.expect_err("it is not there");
        js.done("STREAM.UPDATE.S", json!({"name": "S", "subjects": ["s.>"]})).await;
        let nobody = js.client.request("$JS.API.DIRECT.GET.S", r#"{"seq":1}"#.into()).await;
        assert_eq!(nobody.expect_err("nobody").kind(), async_nats::client::RequestErrorKind::NoResponders);
    });
}

fn many_messages_are_got_directly(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_direct": true})).await;
        for n in 1..=9 {
            js.put(&format!("s.{}", n % 3), &n.to_string()).await;
        }
        let mut answers = js.listen("answers").await;
        for (body, expected) in [
            (json!({"batch": 3, "seq": 2}), vec!["2", "3", "4"]),
            (json!({"batch": 9, "next_by_subj": "s.1"}), vec!["1", "4", "7"]),
            (json!({"multi_last": ["s.*"]}), vec!["7", "8", "9"]),
            (json!({"multi_last": ["s.0", "s.1"], "up_to_seq": 6}), vec!["4", "6"]),
        ] {
            let (subject, reply) = ("$JS.API.DIRECT.GET.S".to_owned(), "answers".to_owned());
            js.client.publish_with_reply(subject, reply, body.to_string().into()).await.expect("publish");
            for payload in expected {
                assert_eq!(text(&next(&mut answers).await), payload, "{body}");
            }
            let end = next(&mut answers).await;
            assert_eq!(end.status.map(|status| status.as_u16()), Some(204), "{body}");
        }
    });
}

fn consumers_are_named_listed_and_deleted(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for name in ["B", "A", "C"] {
            js.consumer(name, json!({})).await;
        }
        let stream = js.context.get_stream("S").await.expect("the stream");
        let mut names: Vec<String> = stream.consumer_names().try_collect().await.expect("all pages");
        names.sort_unstable();
        assert_eq!(names, ["A", "B", "C"]);
        let infos: Vec<_> = stream.consumers().try_collect().await.expect("all pages");
        assert_eq!(infos.len(), 3);
        assert!(stream.delete_consumer("B").await.expect("it is deleted").success);
        assert_eq!(js.refused("CONSUMER.DELETE.S.B", Value::Null).await, 10014);
        assert_eq!(js.refused("CONSUMER.INFO.S.B", Value::Null).await, 10014);
        assert_eq!(js.state().await["consumer_count"], 2);
    });
}

fn what_is_wrong_with_a_request_is_said(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for (what, body, code) in [
            ("STREAM.CREATE.T", json!({"name": "U"}), 10056),
            ("STREAM.CREATE.T", json!({"name": "T", "unknown": 1}), 10025),
            ("STREAM.CREATE.T", json!({"name": 5}), 10025),
            ("STREAM.INFO.none", Value::Null, 10059),
            ("STREAM.DELETE.S", json!({"x": 1}), 10038),
            ("CONSUMER.CREATE.none", json!({"stream_name": "none", "config": {}}), 10059),
            ("CONSUMER.INFO.S.none", Value::Null, 10014),
        ] {
            assert_eq!(js.refused(what, body.clone()).await, code, "{what} {body}");
        }
        let relaxed = "jetstream { strict: false }".to_owned();
        let js = Js::with(ServerOptions { config: Some(relaxed), ..options(setup) }).await;
        js.done("STREAM.CREATE.T", json!({"name": "T", "unknown": 1})).await;
    });
}

fn a_level_of_the_api_can_be_asked_for(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for (level, code) in [("1", 0), ("4", 0), ("5", 10185), ("x", 10185)] {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Required-Api-Level", level);
            let answer = js.client.request_with_headers("$JS.API.INFO", headers, "".into()).await;
            let answer: Value = serde_json::from_slice(&answer.expect("an answer").payload).expect("JSON");
            assert_eq!(answer["error"]["err_code"].as_u64().unwrap_or(0), code, "{level}");
        }
        js.stream(json!({"allow_msg_ttl": true})).await;
        let info = js.done("STREAM.INFO.S", Value::Null).await;
        assert_eq!(info["config"]["metadata"]["_nats.req.level"], "1");
    });
}

fn what_takes_a_cluster_is_refused(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.consumer("C", json!({})).await;
        for what in ["STREAM.LEADER.STEPDOWN.S", "STREAM.PEER.REMOVE.S", "CONSUMER.LEADER.STEPDOWN.S.C"] {
            assert_eq!(js.refused(what, Value::Null).await, 10010, "{what}");
        }
        // These are heard, and nobody answers on a server that is alone.
        let mut answers = js.listen("answers").await;
        for what in [
            "META.LEADER.STEPDOWN",
            "SERVER.REMOVE",
            "ACCOUNT.PURGE.A",
            "ACCOUNT.STREAM.MOVE.A.S",
            "ACCOUNT.STREAM.CANCEL_MOVE.A.S",
        ] {
            let subject = format!("$JS.API.{what}");
            js.client.publish_with_reply(subject, "answers", "{}".into()).await.expect("publish");
        }
        js.done("STREAM.INFO.S", Value::Null).await;
        publish(&js.client, "answers", "the first").await;
        assert_eq!(text(&next(&mut answers).await), "the first");
    });
}

fn a_domain_is_part_of_the_subject(setup: Setup) {
    run(async {
        let domain = "jetstream { domain: hub }".to_owned();
        let js = Js::with(ServerOptions { config: Some(domain), ..options(setup) }).await;
        js.stream(json!({})).await;
        assert_eq!(js.publish("s.a", &[], "one").await, json!({"stream": "S", "seq": 1, "domain": "hub"}));
        let in_domain = async_nats::jetstream::with_domain(js.client.clone(), "hub");
        assert_eq!(in_domain.query_account().await.expect("an account").domain.as_deref(), Some("hub"));
        let elsewhere = js.client.request("$JS.other.API.INFO", "".into()).await;
        assert_eq!(elsewhere.expect_err("no").kind(), async_nats::client::RequestErrorKind::NoResponders);
    });
}

fn accounts_are_apart_and_have_limits(setup: Setup) {
    const CONFIG: &str = "accounts {
        A { users: [{user: a, password: x}], jetstream { max_streams: 1, max_consumers: 1, max_mem: 100KB,
            max_file: 1MB, store_max_stream_bytes: 64KB, max_bytes_required: true, max_ack_pending: 5 } }
        B { users: [{user: b, password: x}], jetstream: enabled }
        N { users: [{user: n, password: x}] }
    }";
    async fn of(server: &Server, user: &str) -> async_nats::Client {
        let options = async_nats::ConnectOptions::with_user_and_password(user.into(), "x".into());
        options.connect(server.url()).await.expect("it gets in")
    }
    async fn ask(client: &async_nats::Client, what: &str, body: Value) -> Value {
        let answer = client.request(format!("$JS.API.{what}"), body.to_string().into()).await;
        serde_json::from_slice(&answer.expect("an answer").payload).expect("JSON")
    }
    run(async {
        let config = ServerOptions { config: Some(CONFIG.into()), ..options(setup) };
        let server = Server::start(config).expect("the server starts");
        let (a, b, n) = (of(&server, "a").await, of(&server, "b").await, of(&server, "n").await);
        let stream = |more| with(json!({"name": "S", "subjects": ["s"], "max_bytes": 1024}), more);
        for (more, code) in
            [(json!({"max_bytes": -1}), 10113), (json!({"max_bytes": 100_000}), 10122), (json!({}), 0)]
        {
            let answer = ask(&a, "STREAM.CREATE.S", stream(more)).await;
            assert_eq!(answer["error"]["err_code"].as_u64().unwrap_or(0), code, "{answer}");
        }
        let second = json!({"name": "T", "max_bytes": 1024});
        assert_eq!(ask(&a, "STREAM.CREATE.T", second).await["error"]["err_code"], 10027);
        let made = ask(&b, "STREAM.CREATE.S", stream(json!({"max_bytes": -1}))).await;
        assert_eq!(made["did_create"], true, "the same name in another account");
        let of_n = ask(&n, "STREAM.CREATE.S", stream(json!({}))).await;
        assert_eq!(of_n["error"]["err_code"], 10039);
        let pending = json!({"stream_name": "S", "config": {"durable_name": "C", "name": "C",
            "ack_policy": "explicit", "max_ack_pending": 6}});
        assert_eq!(ask(&a, "CONSUMER.CREATE.S.C", pending).await["error"]["err_code"], 10121);
        for (name, code) in [("C", 0), ("D", 10026)] {
            let body = json!({"stream_name": "S", "config": {"durable_name": name, "name": name}});
            let answer = ask(&a, &format!("CONSUMER.CREATE.S.{name}"), body).await;
            assert_eq!(answer["error"]["err_code"].as_u64().unwrap_or(0), code, "{answer}");
        }
        let stored: Value =
            serde_json::from_slice(&b.request("s", "b's".into()).await.expect("an answer").payload)
                .expect("JSON");
        assert_eq!(stored["seq"], 1);
        assert_eq!(ask(&a, "STREAM.INFO.S", json!({})).await["state"]["messages"], 0);
        assert_eq!(ask(&b, "STREAM.INFO.S", json!({})).await["state"]["messages"], 1);
    });
}
