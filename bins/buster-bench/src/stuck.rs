//! A subscriber that never reads: what it costs the server in memory, and the others in rate.
//!
//! The same load runs twice, without and with the subscriber that never reads. It wants what the
//! others want, so the server has to hold back for it as much as it holds back for anybody, and then
//! cut it off.

use anyhow::Result;

use crate::client;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::streaming;

pub(crate) fn run(server: &Server, title: &str, shape: &Shape, settings: &Settings) -> Result<Vec<Report>> {
    let shape = &shape.with(&settings.overrides)?;
    let alone = streaming::measure(server, &format!("{title}, without"), shape, settings)?;
    let stuck = client::open(&mut server.dialer(), &shape.subscribe_line(0))?;
    let beside = streaming::measure(server, title, shape, settings)?;
    drop(stuck);
    let kept = beside.rate_per_second() / alone.rate_per_second();
    Ok(vec![alone, Report { rate_kept: Some(kept), ..beside }])
}
