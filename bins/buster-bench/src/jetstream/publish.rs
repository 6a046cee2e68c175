//! Publishes into a stream, so many of each publisher's without an answer.

use anyhow::Result;
use serde_json::json;

use crate::jetstream::api::Api;
use crate::jetstream::askers::Askers;
use crate::jetstream::publishing::Publishing;
use crate::jetstream::pull;
use crate::jetstream::setup::{STREAM, Setup};
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

pub(crate) fn run(server: &Server, title: &str, window: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    api.create_stream(STREAM, json!({ "subjects": [format!("{STREAM}.>")] }))?;
    let mut publishing = Publishing::by_publisher(STREAM, setup.publishers, setup.payload_bytes);
    let progress = Progress::new(title, "acks");
    let mut askers = Askers::open(server, setup.publishers as usize, window, progress)?;
    let meter = Meter::start(server)?;
    let acks = askers.play(setup.plan(settings), &mut publishing)?;
    let report = Report::new(title, "acks", acks, meter.stop()?);
    if settings.verify {
        pull::verify(server, &mut api, title, setup.payload_bytes, &publishing.stored)?;
    }
    api.delete_stream(STREAM)?;
    let latency = Some(askers.latency());
    Ok(vec![Report { payload_bytes: setup.payload_bytes, latency, ..report }])
}
