//! What services need of the server, as clients make them: groups that share, answers of all, errors in headers.

use async_nats::HeaderMap;
use futures::StreamExt;
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(each_request_is_one_instances, all_instances_answer_a_ping, errors_are_in_headers);

/// Instances of a service on clients of their own, which say who they are.
async fn instances(js: &Js, count: usize) {
    for (n, client) in connect_many(&js.server, count).await.into_iter().enumerate() {
        let mut pings = subscribe(&client, "$SRV.PING").await;
        let mut jobs = client.queue_subscribe("svc.jobs", "q".to_owned()).await.expect("subscribe");
        settle(&client).await;
        tokio::spawn(async move {
            loop {
                let (asked, is_job) = tokio::select! {
                    Some(ping) = pings.next() => (ping, false),
                    Some(job) = jobs.next() => (job, true),
                    else => return,
                };
                let reply = asked.reply.expect("a reply");
                let mut headers = HeaderMap::new();
                if is_job && asked.payload.is_empty() {
                    headers.insert("Nats-Service-Error", "nothing to do");
                    headers.insert("Nats-Service-Error-Code", "400");
                }
                client.publish_with_headers(reply, headers, n.to_string().into()).await.expect("publish");
            }
        });
    }
}

fn each_request_is_one_instances(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        instances(&js, 3).await;
        let mut answers = js.listen("answers").await;
        for _ in 0..30 {
            let (subject, reply) = ("svc.jobs".to_owned(), "answers".to_owned());
            js.client.publish_with_reply(subject, reply, "job".into()).await.expect("publish");
        }
        for _ in 0..30 {
            next(&mut answers).await;
        }
        let last = js.client.request("svc.jobs", "job".into()).await.expect("an answer");
        assert!(last.headers.is_none_or(|headers| headers.get("Nats-Service-Error").is_none()));
        publish(&js.client, "answers", "no more").await;
        assert_eq!(text(&next(&mut answers).await), "no more");
    });
}

fn all_instances_answer_a_ping(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        instances(&js, 3).await;
        let mut answers = js.listen("answers").await;
        js.client.publish_with_reply("$SRV.PING", "answers", "".into()).await.expect("publish");
        let mut who = Vec::new();
        for _ in 0..3 {
            who.push(text(&next(&mut answers).await));
        }
        who.sort_unstable();
        assert_eq!(who, ["0", "1", "2"]);
    });
}

fn errors_are_in_headers(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        instances(&js, 1).await;
        let answer = js.client.request("svc.jobs", "".into()).await.expect("an answer");
        let headers = answer.headers.expect("headers");
        let of = |name: &str| headers.get(name).map(ToString::to_string);
        assert_eq!(of("Nats-Service-Error-Code").as_deref(), Some("400"));
        assert_eq!(of("Nats-Service-Error").as_deref(), Some("nothing to do"));
    });
}
