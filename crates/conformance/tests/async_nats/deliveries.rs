//! What clients and consumers say to each other.

use std::time::Duration;

use async_nats::jetstream::{AckKind, consumer};
use futures::StreamExt;
use serde_json::{Value, json};
use test_kit::{ServerOptions, Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    a_request_in_each_form,
    bytes_of_a_request_are_limited,
    a_request_whose_time_is_over_is_told,
    a_request_with_heartbeats,
    who_waits_for_a_deleted_consumer_is_told,
    each_word_of_an_acknowledgement,
    a_double_acknowledgement_is_answered,
    an_acknowledgement_may_ask_for_more,
    the_long_form_of_an_acknowledgement_is_understood,
    the_long_form_is_written_where_that_is_asked_for,
    deliveries_are_counted,
    an_ordered_push_goes_on_after_a_restart,
    an_ordered_pull_sees_everything_in_order,
    a_request_whose_reader_is_gone_takes_nothing,
    what_is_acknowledged_can_be_sampled,
    many_pull_from_one_consumer,
);

const NEXT: &str = "$JS.API.CONSUMER.MSG.NEXT.S.C";

async fn with_messages(setup: Setup, count: usize) -> Js {
    let js = Js::start(setup).await;
    js.stream(json!({})).await;
    for n in 1..=count {
        js.put("s.a", &format!("m{n}")).await;
    }
    js.consumer("C", json!({})).await;
    js
}

async fn ask_for(js: &Js, body: &str) {
    let (reply, body) = ("answers".to_owned(), body.to_owned().into());
    js.client.publish_with_reply(NEXT.to_owned(), reply, body).await.expect("publish");
}

fn status(message: &async_nats::Message) -> (u16, &str) {
    let status = message.status.expect("it is no message");
    (status.as_u16(), message.description.as_deref().unwrap_or_default())
}

fn a_request_in_each_form(setup: Setup) {
    run(async {
        let js = with_messages(setup, 10).await;
        let mut answers = js.listen("answers").await;
        for (body, count) in [("", 1), ("2", 2), (r#"{"batch":3}"#, 3), (r#"{"batch":1,"no_wait":true}"#, 1)]
        {
            ask_for(&js, body).await;
            for _ in 0..count {
                assert!(next(&mut answers).await.status.is_none(), "{body}");
            }
        }
        ask_for(&js, r#"{"batch":5,"no_wait":true}"#).await;
        for n in 8..=10 {
            assert_eq!(text(&next(&mut answers).await), format!("m{n}"));
        }
        assert_eq!(status(&next(&mut answers).await), (404, "No Messages"));
        ask_for(&js, "{").await;
        assert_eq!(status(&next(&mut answers).await).0, 400);
    });
}

fn bytes_of_a_request_are_limited(setup: Setup) {
    run(async {
        let js = with_messages(setup, 5).await;
        let mut answers = js.listen("answers").await;
        ask_for(&js, r#"{"batch":5,"max_bytes":100,"expires":1000000000}"#).await;
        let mut count = 0;
        let end = loop {
            let answer = next(&mut answers).await;
            if answer.status.is_some() {
                break answer;
            }
            count += 1;
        };
        assert!((1..5).contains(&count), "{count}");
        assert_eq!(status(&end), (409, "Message Size Exceeds MaxBytes"));
    });
}

fn a_request_whose_time_is_over_is_told(setup: Setup) {
    run(async {
        let js = with_messages(setup, 1).await;
        let mut answers = js.listen("answers").await;
        ask_for(&js, r#"{"batch":3,"expires":100000000}"#).await;
        assert_eq!(text(&next(&mut answers).await), "m1");
        let over = next(&mut answers).await;
        assert_eq!(status(&over), (408, "Request Timeout"));
        let headers = over.headers.expect("headers");
        assert_eq!(headers.get("Nats-Pending-Messages").expect("a count").as_str(), "2");
    });
}

fn a_request_with_heartbeats(setup: Setup) {
    run(async {
        let js = with_messages(setup, 0).await;
        let mut answers = js.listen("answers").await;
        ask_for(&js, r#"{"batch":1,"expires":2000000000,"idle_heartbeat":100000000}"#).await;
        for _ in 0..2 {
            assert_eq!(status(&next(&mut answers).await), (100, "Idle Heartbeat"));
        }
        ask_for(&js, r#"{"batch":1,"expires":100000000,"idle_heartbeat":100000000}"#).await;
        let refused = loop {
            let answer = next(&mut answers).await;
            if status(&answer).0 != 100 {
                break answer;
            }
        };
        assert_eq!(status(&refused), (400, "Bad Request - heartbeat value too large"));
    });
}

fn who_waits_for_a_deleted_consumer_is_told(setup: Setup) {
    run(async {
        let js = with_messages(setup, 0).await;
        let mut answers = js.listen("answers").await;
        ask_for(&js, r#"{"batch":1,"expires":30000000000}"#).await;
        settle(&js.client).await;
        js.done("CONSUMER.DELETE.S.C", Value::Null).await;
        assert_eq!(status(&next(&mut answers).await), (409, "Consumer Deleted"));
        ask_for(&js, "").await;
        assert_eq!(status(&next(&mut answers).await).0, 503);
    });
}

fn each_word_of_an_acknowledgement(setup: Setup) {
    run(async {
        let js = with_messages(setup, 6).await;
        let mut terminated = js.listen("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.C").await;
        let mut refused = js.listen("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.S.C").await;
        let taken = js.take("C", 5).await;
        taken[0].double_ack_with(AckKind::Ack).await.expect("ack");
        taken[1].double_ack_with(AckKind::Nak(None)).await.expect("nak");
        taken[2].double_ack_with(AckKind::Nak(Some(Duration::from_millis(100)))).await.expect("nak");
        taken[3].double_ack_with(AckKind::Progress).await.expect("progress");
        taken[4].double_ack_with(AckKind::Term).await.expect("term");
        let info = js.consumer_info("C").await;
        assert_eq!((&info["num_ack_pending"], &info["ack_floor"]["stream_seq"]), (&json!(3), &json!(1)));
        assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (2, 2));
        let mut others: Vec<_> = js.take("C", 2).await.iter().map(seq_and_count).collect();
        others.sort_unstable();
        assert_eq!(others, [(3, 2), (6, 1)]);
        let event: Value = serde_json::from_slice(&next(&mut terminated).await.payload).expect("JSON");
        assert_eq!(event["stream_seq"], 5);
        let event: Value = serde_json::from_slice(&next(&mut refused).await.payload).expect("JSON");
        assert_eq!(event["stream_seq"], 2);
    });
}

fn a_double_acknowledgement_is_answered(setup: Setup) {
    run(async {
        let js = with_messages(setup, 2).await;
        let taken = js.take("C", 2).await;
        for message in &taken {
            ack(message).await;
            ack(message).await;
        }
        assert_eq!(js.consumer_info("C").await["ack_floor"]["stream_seq"], 2);
        let next = taken[1].message.reply.clone().expect("a reply subject").replace(".S.C.", ".S.NONE.");
        let nobody = js.client.request(next, "+ACK".into()).await.expect_err("nobody is there");
        assert_eq!(nobody.kind(), async_nats::client::RequestErrorKind::NoResponders);
    });
}

fn an_acknowledgement_may_ask_for_more(setup: Setup) {
    run(async {
        let js = with_messages(setup, 5).await;
        let mut answers = js.listen("answers").await;
        ask_for(&js, "1").await;
        let mut last = next(&mut answers).await;
        for (words, count) in [("+NXT", 1), ("+NXT 2", 2), (r#"+NXT {"batch":1,"no_wait":true}"#, 1)] {
            let before = js.consumer_info("C").await["delivered"]["stream_seq"].as_u64().expect("a number");
            let reply = last.reply.take().expect("a reply");
            js.client.publish_with_reply(reply, "answers", words.into()).await.expect("publish");
            for seq in before + 1..=before + count {
                last = next(&mut answers).await;
                assert_eq!(&last.payload[..], format!("m{seq}").as_bytes());
            }
            assert_eq!(js.consumer_info("C").await["delivered"]["stream_seq"], before + count);
        }
        let reply = last.reply.clone().expect("a reply");
        js.client
            .publish_with_reply(reply, "answers", r#"+NXT {"no_wait":true}"#.into())
            .await
            .expect("publish");
        assert_eq!(status(&next(&mut answers).await), (404, "No Messages"));
        assert_eq!(js.consumer_info("C").await["num_ack_pending"], 1);
    });
}

/// It names the domain, or `_`, and the account by a hash.
fn the_long_form_of_an_acknowledgement_is_understood(setup: Setup) {
    run(async {
        let js = with_messages(setup, 2).await;
        let taken = js.take("C", 2).await;
        let long = |at: usize, hash: &str| {
            let reply = taken[at].message.reply.clone().expect("a reply");
            reply.replace("$JS.ACK.", &format!("$JS.ACK._.{hash}."))
        };
        publish(&js.client, &long(1, "zzzzzzzz"), "+ACK").await;
        assert_eq!(js.consumer_info("C").await["num_ack_pending"], 2, "that is another account");
        let answer = js.client.request(long(0, "szMpdrwD"), "+ACK".into()).await.expect("an answer");
        assert_eq!(&answer.payload[..], b"");
        assert_eq!(js.consumer_info("C").await["ack_floor"]["stream_seq"], 1);
    });
}

fn the_long_form_is_written_where_that_is_asked_for(setup: Setup) {
    run(async {
        let config = "jetstream { domain: hub }\nfeature_flags { js_ack_fc_v2: true }".to_owned();
        let js = Js::with(ServerOptions { config: Some(config), ..options(setup) }).await;
        js.stream(json!({})).await;
        js.consumer("C", json!({})).await;
        js.put("s.a", "m1").await;
        let js = js.restarted().await;
        js.put("s.a", "m2").await;
        let taken = js.take("C", 2).await;
        let reply = taken[1].message.reply.clone().expect("a reply");
        assert!(reply.starts_with("$JS.ACK.hub.szMpdrwD.S.C.1.2.2."), "{reply}");
        ack(&taken[0]).await;
        publish(&js.client, &reply.replace(".hub.szMpdrwD.", "."), "+ACK").await;
        assert_eq!(js.consumer_info("C").await["ack_floor"]["stream_seq"], 2, "both forms are understood");
        let mut pushed = js.listen("d").await;
        let push = json!({"deliver_subject": "d", "ack_policy": "flow_control", "max_ack_pending": 2});
        js.consumer("P", push).await;
        let question = loop {
            let message = next(&mut pushed).await;
            if let Some(reply) = message.reply.filter(|_| message.status.is_some()) {
                break reply;
            }
        };
        assert!(question.starts_with("$JS.FC.hub.szMpdrwD.S.P."), "{question}");
    });
}

fn deliveries_are_counted(setup: Setup) {
    run(async {
        let js = with_messages(setup, 2).await;
        let first = &js.take("C", 1).await[0];
        let info = first.info().expect("it was delivered");
        assert_eq!((info.stream, info.consumer, info.delivered), ("S", "C", 1));
        assert_eq!((info.stream_sequence, info.consumer_sequence, info.pending), (1, 1, 1));
        first.ack_with(AckKind::Nak(None)).await.expect("nak");
        let again = &js.take("C", 1).await[0];
        let info = again.info().expect("it was delivered");
        assert_eq!((info.stream_sequence, info.consumer_sequence, info.delivered), (1, 2, 2));
    });
}

fn an_ordered_push_goes_on_after_a_restart(setup: Setup) {
    run(async {
        let js = with_messages(setup, 50).await;
        let ordered =
            consumer::push::OrderedConfig { deliver_subject: js.client.new_inbox(), ..Default::default() };
        let stream = js.context.get_stream("S").await.expect("the stream");
        let consumer = stream.create_consumer(ordered).await.expect("a consumer");
        let mut messages = consumer.messages().await.expect("messages");
        for n in 1..=50 {
            assert_eq!(said(&messages.next().await.expect("more").expect("a message")), format!("m{n}"));
        }
        let js = js.restarted().await;
        js.put("s.a", "m51").await;
        let message = loop {
            // It tells of the heartbeats that it missed, and makes another consumer.
            if let Ok(message) = messages.next().await.expect("more") {
                break message;
            }
        };
        assert_eq!(said(&message), "m51");
    });
}

fn an_ordered_pull_sees_everything_in_order(setup: Setup) {
    run(async {
        let js = with_messages(setup, 300).await;
        let stream = js.context.get_stream("S").await.expect("the stream");
        let ordered = consumer::pull::OrderedConfig { filter_subject: "s.>".into(), ..Default::default() };
        let consumer = stream.create_consumer(ordered).await.expect("a consumer");
        let mut messages = consumer.messages().await.expect("messages");
        for n in 1..=300 {
            assert_eq!(said(&messages.next().await.expect("more").expect("a message")), format!("m{n}"));
        }
    });
}

fn a_request_whose_reader_is_gone_takes_nothing(setup: Setup) {
    run(async {
        let js = with_messages(setup, 0).await;
        let gone = connect(&js.server).await;
        let answers = subscribe(&gone, "gone").await;
        settle(&gone).await;
        let body = r#"{"batch":1,"expires":60000000000}"#;
        gone.publish_with_reply(NEXT, "gone", body.into()).await.expect("publish");
        settle(&gone).await;
        assert_eq!(js.consumer_info("C").await["num_waiting"], 1);
        drop(answers);
        gone.drain().await.expect("drain");
        while js.consumer_info("C").await["num_waiting"] == 1 {}
        js.put("s.a", "m1").await;
        let taken = &js.take("C", 1).await[0];
        assert_eq!(seq_and_count(taken), (1, 1));
    });
}

fn what_is_acknowledged_can_be_sampled(setup: Setup) {
    run(async {
        let js = with_messages(setup, 1).await;
        let mut samples = js.listen("$JS.EVENT.METRIC.CONSUMER.ACK.S.M").await;
        js.consumer("M", json!({"sample_freq": "100%"})).await;
        ack(&js.take("M", 1).await[0]).await;
        let sample: Value = serde_json::from_slice(&next(&mut samples).await.payload).expect("JSON");
        assert_eq!((&sample["stream_seq"], &sample["deliveries"]), (&json!(1), &json!(1)));
        assert!(sample["ack_time"].as_u64().is_some_and(|nanos| nanos > 0), "{sample}");
    });
}

fn many_pull_from_one_consumer(setup: Setup) {
    const MESSAGES: usize = 200;
    run(async {
        let js = with_messages(setup, 0).await;
        let (heard, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
        for client in connect_many(&js.server, 4).await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let context = async_nats::jetstream::new(client);
                let consumer: consumer::PullConsumer =
                    context.get_consumer_from_stream("C", "S").await.expect("the consumer");
                let mut messages = consumer.messages().await.expect("messages");
                while let Some(Ok(message)) = messages.next().await {
                    ack(&message).await;
                    let _ = heard.send(seq_and_count(&message));
                }
            });
        }
        for n in 0..MESSAGES {
            js.put("s.a", &n.to_string()).await;
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..MESSAGES {
            let (seq, count) = arrivals.recv().await.expect("they are alive");
            assert!(seen.insert(seq) && count == 1, "{seq} came {count} times");
        }
        assert_eq!(js.consumer_info("C").await["ack_floor"]["stream_seq"], MESSAGES);
    });
}
