//! Loads of the HTTP API.
//!
//! Connections that are kept ask, each waiting for its answer. How fast that goes is held against hyper that says one
//! thing and does nothing else, on the same machine in the same run: more an HTTP server cannot reach there.

mod answer;
mod asking;
mod bare;
mod readers;
mod responder;
mod setup;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::meter::Meter;
use crate::plan::Plan;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};

use self::asking::Asking;
use self::bare::Bare;
pub(crate) use self::bare::{COMMAND as BARE, serve as serve_bare};

/// Each is a connection.
pub(crate) const CONNECTIONS_MAX: u32 = 10_000;

/// How long is asked at scale 1, of the server and of the bare one.
const TIME: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// The number is that of connections, here and below.
    Publish,
    Request,
    Next,
    /// The number is that of readers.
    Readers,
}

impl Load {
    pub(crate) fn run(
        self,
        server: &Server,
        title: &str,
        size: u32,
        settings: &Settings,
    ) -> Result<Vec<Report>> {
        let request = match self {
            Self::Readers => return readers::run(server, title, size, settings),
            Self::Publish => setup::publish(),
            Self::Request => setup::request(),
            Self::Next => setup::next(server, settings)?,
        };
        let _responder = match self {
            Self::Request => Some(responder::start(server, setup::SUBJECT)?),
            _ => None,
        };
        let bare = Bare::start().context("starting a bare HTTP server")?;
        let (request, connections) = (&request[..], size);
        let at_most = Asking { addr: bare.addr(), request, status: setup::NOTHING, connections };
        let meter = Meter::start_alone()?;
        let most = at_most.run(title, &plan(settings))?.answers as f64 / meter.elapsed().as_secs_f64();
        drop(bare);

        let asking = Asking { addr: address(server)?, request, status: self.status(), connections };
        let meter = Meter::start(server)?;
        let asked = asking.run(title, &plan(settings))?;
        let usage = meter.stop()?;
        let report = Report::new(title, "requests", asked.answers, usage);
        let of_bare = Some(report.rate_per_second() / most);
        Ok(vec![Report { latency: Some(asked.latencies.summary()), of_bare, ..report }])
    }

    /// What the server answers with.
    fn status(self) -> u16 {
        match self {
            Self::Publish => setup::NOTHING,
            _ => setup::SOMETHING,
        }
    }
}

fn address(server: &Server) -> Result<SocketAddr> {
    server.http().context("the server's command needs {http}, a file that has it listen for HTTP")
}

fn plan(settings: &Settings) -> Plan {
    match (settings.overrides.messages, settings.overrides.time) {
        (Some(requests), _) => Plan::of_number(scaled(requests, settings.scale)),
        (None, Some(time)) => Plan::of_time(time),
        (None, None) => Plan::of_time(TIME.mul_f64(settings.scale)),
    }
}
