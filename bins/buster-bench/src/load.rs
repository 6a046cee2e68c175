//! A load as the command line names it, and how it is put on a server.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

use crate::kinds::{Body, Kind};
use crate::names;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::{churn, fairness, idle, open_loop, rtt, soak, streaming, stuck, subscriptions};

/// A kind of load and, where it takes one, its number.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    kind: &'static Kind,
    /// 0 for the loads that take no number.
    size: u32,
}

impl Load {
    pub(crate) fn new(kind: &'static Kind, size: Option<u32>) -> Result<Self> {
        let Some(limits) = kind.size else {
            ensure!(size.is_none(), "{} takes no number", kind.name);
            return Ok(Self { kind, size: 0 });
        };
        let size = size.unwrap_or(limits.default);
        let [min, max] = [limits.min, limits.max].map(|bound| limits.shown(bound));
        ensure!((limits.min..=limits.max).contains(&size), "{} takes {min} to {max}", kind.name);
        Ok(Self { kind, size })
    }

    /// `fan-out`, or `rtt 64`.
    pub(crate) fn title(&self) -> String {
        match self.kind.size {
            Some(size) => format!("{} {}", self.kind.name, size.shown(self.size)),
            None => self.kind.name.to_owned(),
        }
    }

    /// Puts the load on `server`: one report per phase.
    pub(crate) fn run(&self, server: &mut Server, settings: &Settings) -> Result<Vec<Report>> {
        let title = self.title();
        let outcome = match &self.kind.body {
            Body::Stream(shape) => streaming::run(server, &title, shape, settings),
            Body::Sized(shape) => streaming::run(server, &title, &shape(self.size), settings),
            Body::Stuck(shape) => stuck::run(server, &title, shape, settings),
            Body::Rtt => match settings.rate {
                Some(rate) => open_loop::run(server, &title, self.size, rate, settings),
                None => rtt::run(server, &title, self.size, settings),
            },
            Body::Idle => idle::run(server, &title, self.size, settings),
            Body::Quiet => idle::run_quiet(server, &title, self.size, settings),
            Body::Subscriptions => subscriptions::run(server, &title, self.size, settings),
            Body::Soak(shape) => soak::run(server, &title, self.size, shape, settings),
            Body::Churn => churn::run(server, &title, self.size, settings),
            Body::JetStream(load) => load.run(server, &title, self.size, settings),
            Body::Http(load) => load.run(server, &title, self.size, settings),
            Body::Fairness => fairness::run(server, &title, settings),
        };
        outcome.context(title)
    }
}

impl FromStr for Load {
    type Err = anyhow::Error;

    /// Reads `fan-out` or `rtt:64`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, size) = match text.split_once(':') {
            Some((name, size)) => (name, Some(size)),
            None => (text, None),
        };
        let kind = names::find(name).with_context(|| format!("there is no load `{name}`"))?;
        let size = match (kind.size, size) {
            (Some(limits), Some(size)) => {
                Some(limits.read(size).with_context(|| format!("the number in `{text}`"))?)
            }
            (None, Some(_)) => bail!("{name} takes no number"),
            (_, None) => None,
        };
        Self::new(kind, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_read_with_and_without_a_number() {
        assert_eq!("queue".parse::<Load>().unwrap().title(), "queue");
        assert_eq!("idle:7".parse::<Load>().unwrap().title(), "idle 7");
        assert_eq!("idle".parse::<Load>().unwrap().title(), "idle 10000");
        assert_eq!("request-reply:7".parse::<Load>().unwrap().title(), "rtt 7");
        assert_eq!("soak:90s".parse::<Load>().unwrap().title(), "soak 1m30s");
        assert_eq!("soak:2".parse::<Load>().unwrap().title(), "soak 2");
        for wrong in ["", "nope", "queue:3", "rtt:", "rtt:x", "rtt:0", "idle:500001", "soak:9s", "soak:2001"]
        {
            assert!(wrong.parse::<Load>().is_err(), "{wrong}");
        }
    }
}
