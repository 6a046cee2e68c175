//! After a restart: what is there, and what the consumer delivers.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use brittle_disk::Dice;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::consume;
use crate::names::{STREAM, StreamKind, consumer_config, of_consumer, of_stream, stream_config};
use crate::requests::{Answer, Gone, Requests};
use crate::round::Shared;

/// No such stream, no such consumer, and no such message.
const STREAM_NOT_FOUND: u64 = 10059;
const CONSUMER_NOT_FOUND: u64 = 10014;
const MESSAGE_NOT_FOUND: u64 = 10037;

/// Creates both, behind so many other streams: new ones go round the shards.
pub(crate) fn create(addr: SocketAddr, kind: StreamKind, others: u64) {
    let mut requests = Requests::connect(addr, "create");
    for number in 0..others {
        let name = format!("OTHER{number}");
        let config = json!({ "name": name, "subjects": [format!("others.{number}")], "storage": "file" });
        let made = requests.ask(&format!("$JS.API.STREAM.CREATE.{name}"), &config.to_string());
        assert!(matches!(made, Answer::Body(_)), "another stream is refused: {made:?}");
    }
    create_stream(&mut requests, kind);
    create_consumer(&mut requests);
}

fn create_stream(requests: &mut Requests, kind: StreamKind) {
    let made = requests.ask(&of_stream("CREATE"), &stream_config(kind).to_string());
    assert!(matches!(made, Answer::Body(_)), "the stream is refused: {made:?}");
}

fn create_consumer(requests: &mut Requests) {
    let made = requests.ask(&of_consumer("CREATE"), &consumer_config().to_string());
    assert!(matches!(made, Answer::Body(_)), "the consumer is refused: {made:?}");
}

/// Holds the ledger against the server.
pub(crate) fn check(
    shared: &Shared,
    kind: StreamKind,
    addr: SocketAddr,
    name: &str,
    dice: Dice,
) -> Result<(), Gone> {
    let mut requests = Requests::connect(addr, &format!("{name}.check"));
    let Some(last) = last_seq(&mut requests)? else {
        shared.ledger().on_stream_gone();
        create_stream(&mut requests, kind);
        create_consumer(&mut requests);
        return Ok(());
    };
    let there = contents(&mut requests, last)?;
    shared.ledger().on_contents(&there);
    match requests.try_ask(&of_consumer("INFO"), "")? {
        Answer::Body(_) => {}
        Answer::Error(CONSUMER_NOT_FOUND, _) => {
            shared.ledger().on_consumer_gone();
            create_consumer(&mut requests);
        }
        other => panic!("the consumer answers {other:?}"),
    }
    consume::until_empty(shared, requests, dice)?;
    shared.ledger().on_drained(&there);
    Ok(())
}

fn last_seq(requests: &mut Requests) -> Result<Option<u64>, Gone> {
    match requests.try_ask(&of_stream("INFO"), "")? {
        Answer::Body(info) => Ok(info["state"]["last_seq"].as_u64()),
        Answer::Error(STREAM_NOT_FOUND, _) => Ok(None),
        other => panic!("the stream {STREAM} answers {other:?}"),
    }
}

/// Every message, asked for by its sequence.
fn contents(requests: &mut Requests, last: u64) -> Result<BTreeMap<u64, String>, Gone> {
    let bodies: Vec<String> = (1..=last).map(|seq| format!("{{\"seq\":{seq}}}")).collect();
    let answers = requests.ask_all(&of_stream("MSG.GET"), &bodies)?;
    let mut there = BTreeMap::new();
    for (seq, answer) in (1..).zip(answers) {
        match answer {
            Answer::Body(body) => drop(there.insert(seq, payload(&body["message"]))),
            Answer::Error(MESSAGE_NOT_FOUND, _) => {}
            other => panic!("message {seq} answers {other:?}"),
        }
    }
    Ok(there)
}

fn payload(message: &Value) -> String {
    let data = message["data"].as_str().unwrap_or_default();
    let bytes = BASE64.decode(data.as_bytes()).expect("payloads are in base 64");
    String::from_utf8_lossy(&bytes).into_owned()
}
