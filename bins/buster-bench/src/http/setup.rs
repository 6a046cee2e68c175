//! What is asked, and what has to be there before.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::client;
use crate::frames;
use crate::jetstream::Api;
use crate::server::Server;
use crate::settings::{Settings, scaled};

/// Answers: with a body, and without.
pub(super) const SOMETHING: u16 = 200;
pub(super) const NOTHING: u16 = 204;

pub(super) const SUBJECT: &str = "bench.http";

const STREAM: &str = "bench";
const PAYLOAD_BYTES: usize = 128;
const QUESTION_BYTES: usize = 16;

/// More than anyone asks for in the usual time, at scale 1.
const MESSAGES: u64 = 300_000;

/// So many are published at a time.
const BLOCK: u64 = 1_000;

const STORED_WAIT_MAX: Duration = Duration::from_secs(60);

pub(super) fn publish() -> Vec<u8> {
    request_of("PUT", &format!("/v1/nats/subjects/{SUBJECT}"), &[b'x'; PAYLOAD_BYTES])
}

pub(super) fn request() -> Vec<u8> {
    request_of("POST", &format!("/v1/nats/subjects/{SUBJECT}"), &[b'x'; QUESTION_BYTES])
}

/// Makes a stream in memory whose messages a consumer hands out, one at a time and not to be acknowledged.
pub(super) fn next(server: &Server, settings: &Settings) -> Result<Vec<u8>> {
    let mut api = Api::open(server)?;
    api.create_stream(STREAM, json!({ "subjects": ["bench.>"], "storage": "memory" }))?;
    fill(server, &mut api, scaled(settings.overrides.messages.unwrap_or(MESSAGES), settings.scale))?;
    api.create_consumer(STREAM, STREAM, json!({ "durable_name": STREAM, "ack_policy": "none" }))?;
    Ok(request_of("POST", &format!("/v1/js/streams/{STREAM}/consumers/{STREAM}/next"), b"{\"no_wait\":true}"))
}

fn fill(server: &Server, api: &mut Api, count: u64) -> Result<()> {
    let mut publisher = client::open(&mut server.dialer(), b"")?;
    let frame = frames::publish(SUBJECT, None, PAYLOAD_BYTES);
    for first in (0..count).step_by(BLOCK as usize) {
        let block = frame.repeat(BLOCK.min(count - first) as usize);
        publisher.write_all(&block).context("filling the stream")?;
    }
    let give_up_at = Instant::now() + STORED_WAIT_MAX;
    while api.held(STREAM)?.messages < count {
        ensure!(Instant::now() < give_up_at, "the stream does not fill");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn request_of(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
