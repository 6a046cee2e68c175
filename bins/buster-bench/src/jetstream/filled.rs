//! A stream that is filled before it is read.

use anyhow::Result;

use crate::jetstream::api::Api;
use crate::jetstream::askers::Askers;
use crate::jetstream::publishing::Publishing;
use crate::jetstream::setup::{STREAM, Setup};
use crate::jetstream::stored::Stored;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::server::Server;

/// How far ahead of the acknowledgements a stream is filled: filling is not what is measured.
const WINDOW: u32 = 4_000;

/// Makes the stream and publishes so many messages to one subject of it, as fast as it takes them.
pub(super) fn make(
    server: &Server,
    api: &mut Api,
    title: &str,
    setup: &Setup,
    messages: u64,
) -> Result<Stored> {
    api.create_stream(STREAM, setup.config(STREAM))?;
    let publishing = Publishing::by_publisher(&[STREAM.to_owned()], 1, setup.payload_bytes);
    fill(server, title, publishing, messages)
}

/// Publishes so many messages as one publisher into a stream that is there.
pub(super) fn fill(
    server: &Server,
    title: &str,
    mut publishing: Publishing,
    messages: u64,
) -> Result<Stored> {
    let progress = Progress::new(&format!("{title}, filling"), "messages");
    Askers::open(server, 1, WINDOW, progress)?.play(Plan::of_number(messages), &mut publishing)?;
    Ok(publishing.into_stored())
}
