//! Direct gets of the last message of a subject, from a stream that holds many of each.

use anyhow::Result;
use serde_json::json;

use crate::jetstream::api::Api;
use crate::jetstream::asking::Asking;
use crate::jetstream::filled;
use crate::jetstream::gets::Gets;
use crate::jetstream::publishing::Publishing;
use crate::jetstream::setup::{STREAM, Setup};
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};

/// How many messages the stream has at scale 1.
const MESSAGES: u64 = 100_000;

pub(crate) fn run(server: &Server, title: &str, window: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let mut config = setup.config(STREAM);
    config["allow_direct"] = json!(true);
    api.create_stream(STREAM, config)?;
    let subjects: Vec<String> = (0..setup.keys).map(|key| format!("{STREAM}.key-{key:05}")).collect();
    let publishing = Publishing::by_key(STREAM, &subjects, setup.payload_bytes);
    let stored = filled::fill(server, title, publishing, scaled(MESSAGES, settings.scale))?;
    let mut gets = Gets::new(STREAM, &subjects, &stored, setup.payload_bytes)?;
    let got = Asking { server, window, setup: &setup, settings }.measure(title, "gets", &mut gets)?;
    api.delete_stream(STREAM)?;
    Ok(vec![got])
}
