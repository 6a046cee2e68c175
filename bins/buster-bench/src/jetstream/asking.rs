//! One connection that keeps so many requests without an answer, measured.

use anyhow::Result;

use crate::jetstream::askers::{Askers, Job};
use crate::jetstream::setup::Setup;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

pub(super) struct Asking<'a> {
    pub(super) server: &'a Server,
    pub(super) window: u32,
    pub(super) setup: &'a Setup,
    pub(super) settings: &'a Settings,
}

impl Asking<'_> {
    /// Asks as often, or as long, as was said; `what` is counted.
    pub(super) fn measure(&self, title: &str, what: &'static str, job: &mut impl Job) -> Result<Report> {
        let mut askers = Askers::open(self.server, 1, self.window, Progress::new(title, what))?;
        let meter = Meter::start(self.server)?;
        let count = askers.play(self.setup.plan(self.settings), job)?;
        let report = Report::new(title, what, count, meter.stop()?);
        let latency = Some(askers.latency());
        Ok(Report { payload_bytes: self.setup.payload_bytes, latency, ..report })
    }
}
