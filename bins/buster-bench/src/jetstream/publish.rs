//! Publishes into streams, so many of each publisher's without an answer: messages, or batches of them.

use anyhow::Result;

use crate::jetstream::api::Api;
use crate::jetstream::askers::Askers;
use crate::jetstream::publishing::{Kept, Publishing};
use crate::jetstream::pull;
use crate::jetstream::setup::Setup;
use crate::jetstream::syncs::Syncs;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

pub(crate) fn run(server: &Server, title: &str, window: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let names = setup.names();
    for name in &names {
        let mut config = setup.config(name);
        if setup.batch.is_some() {
            config["allow_atomic"] = true.into();
        }
        api.create_stream(name, config)?;
    }
    let (publishers, payload_bytes) = (setup.publishers, setup.payload_bytes);
    let mut publishing = match setup.batch {
        None => Publishing::by_publisher(&names, publishers, payload_bytes),
        Some(each) => Publishing::in_batches(&names, publishers, each, payload_bytes),
    };
    let progress = Progress::new(title, "acks");
    let mut askers = Askers::open(server, setup.publishers as usize, window, progress)?;
    let syncs = Syncs::before(server)?;
    let meter = Meter::start(server)?;
    let acks = askers.play(setup.plan(settings), &mut publishing)?;
    let each = setup.batch.map_or(1, u64::from);
    let what = if setup.batch.is_some() { "messages" } else { "acks" };
    let report = Report::new(title, what, acks * each, meter.stop()?);
    let syncs_each = syncs.map(|syncs| syncs.each_of(acks)).transpose()?;
    for Kept { stream, stored } in &publishing.streams {
        if settings.verify && stored.count() > 0 {
            pull::verify(server, &mut api, title, stream, setup.payload_bytes, stored)?;
        }
        api.delete_stream(stream)?;
    }
    let latency = Some(askers.latency());
    Ok(vec![Report { payload_bytes: setup.payload_bytes, latency, syncs_each, ..report }])
}
