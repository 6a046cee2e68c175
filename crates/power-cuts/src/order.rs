//! Whether an answer leaves before the sync that covers it.

use std::thread;
use std::time::{Duration, Instant};

use brittle_disk::BrittleDisk;
use serde_json::json;
use test_kit::{ANSWER_DEADLINE, Message};

use crate::names::{delivered_seq, of_consumer, of_stream};
use crate::requests::Requests;

/// Round trips during which nothing may come, once a sync waits.
const ROUND_TRIPS: u32 = 20;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// An answer that left while all syncs were held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// That a message is stored.
    PubAck,
    /// That an acknowledgement of the consumer is.
    Confirmation,
    /// That a message is deleted.
    Delete,
    /// That messages are purged.
    Purge,
}

/// Which of these leave while no sync is done.
pub(crate) fn early_answers(disk: &BrittleDisk, requests: &mut Requests, of: &[Early]) -> Vec<Early> {
    for number in 0..4 {
        requests.ask("cuts.order", &format!("before {number}"));
    }
    let mut is_early = |what: &Early| {
        let (subject, body) = request(*what, requests);
        !waits_for_a_sync(disk, requests, &subject, &body)
    };
    of.iter().copied().filter(|what| is_early(what)).collect()
}

fn request(what: Early, requests: &mut Requests) -> (String, String) {
    match what {
        Early::PubAck => ("cuts.order".to_owned(), "held".to_owned()),
        Early::Confirmation => (delivery(requests).reply.expect("it can be acknowledged"), "+ACK".to_owned()),
        Early::Delete => (of_stream("MSG.DELETE"), json!({ "seq": 2 }).to_string()),
        Early::Purge => (of_stream("PURGE"), json!({ "seq": 4 }).to_string()),
    }
}

/// Asks while syncs are held: true if the answer comes once they are let through, false if it comes before.
fn waits_for_a_sync(disk: &BrittleDisk, requests: &mut Requests, subject: &str, body: &str) -> bool {
    let reply = requests.fresh_inbox();
    let is_answer = |message: &Message| message.subject == reply;
    let held = disk.hold_syncs();
    requests.publish(subject, &reply, "", body.as_bytes()).expect("the server is there");
    let start = Instant::now();
    while held.waiting() == 0 {
        if requests.flush().iter().any(is_answer) {
            return false;
        }
        assert!(start.elapsed() < ANSWER_DEADLINE, "neither an answer nor a sync of {subject}");
        thread::sleep(PAUSE);
    }
    // What was on its way when the sync was asked for has come by then.
    for _ in 0..ROUND_TRIPS {
        if requests.flush().iter().any(is_answer) {
            return false;
        }
        thread::sleep(PAUSE);
    }
    drop(held);
    loop {
        let message = requests.next_message().expect("the server is there");
        if is_answer(&message) {
            return true;
        }
    }
}

/// One message of the consumer.
fn delivery(requests: &mut Requests) -> Message {
    let reply = requests.inbox("pull");
    let body = format!("{{\"batch\":1,\"expires\":{}}}", ANSWER_DEADLINE.as_nanos());
    requests.publish(&of_consumer("MSG.NEXT"), &reply, "", body.as_bytes()).expect("the server is there");
    loop {
        let message = requests.next_message().expect("the server is there");
        if message.reply.as_deref().and_then(delivered_seq).is_some() {
            return message;
        }
    }
}
