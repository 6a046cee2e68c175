//! A key-value bucket as the clients make one: puts are publishes, gets are direct.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::jetstream::api::Api;
use crate::jetstream::asking::Asking;
use crate::jetstream::gets::Gets;
use crate::jetstream::publishing::Publishing;
use crate::jetstream::setup::Setup;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

const BUCKET: &str = "KV_bench";

/// One report for puts and one for gets.
pub(crate) fn run(server: &Server, title: &str, window: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let config = json!({
        "subjects": ["$KV.bench.>"],
        "max_msgs_per_subject": 1,
        "discard": "new",
        "allow_rollup_hdrs": true,
        "deny_delete": true,
        "allow_direct": true,
    });
    api.create_stream(BUCKET, config)?;
    let asking = Asking { server, window, setup: &setup, settings };
    let subjects: Vec<String> = (0..setup.keys).map(|key| format!("$KV.bench.key-{key:05}")).collect();
    let mut puts = Publishing::by_key(BUCKET, &subjects, setup.payload_bytes);
    let put = asking.measure(&format!("{title}, put"), "puts", &mut puts)?;
    let (held, stored) = (api.held(BUCKET)?, puts.into_stored());
    let keys = stored.count().min(setup.keys as u64);
    ensure!(held.messages == keys, "the bucket has {} keys where {keys} were put", held.messages);
    let mut gets = Gets::new(BUCKET, &subjects, &stored, setup.payload_bytes)?;
    let got = asking.measure(&format!("{title}, get"), "gets", &mut gets)?;
    api.delete_stream(BUCKET)?;
    Ok(vec![put, got])
}
