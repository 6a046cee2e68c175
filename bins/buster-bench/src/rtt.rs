//! Round trips in lock step: N requesters, each with its own responder and one request on its way.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::epoll::Epoll;
use crate::latency::Latencies;
use crate::meter::Meter;
use crate::pair::Pair;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};

/// At scale 1, and so much more for more pairs, up to `PAIRS_COUNTED_MAX`.
const REQUESTS_PER_PAIR: u64 = 30_000;
const PAIRS_COUNTED_MAX: u32 = 6;

/// Far beyond any sane round trip.
pub(crate) const REPLY_WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) fn run(server: &Server, title: &str, pairs: u32, settings: &Settings) -> Result<Vec<Report>> {
    let epoll = Epoll::new()?;
    let mut game = Game {
        pairs: open_pairs(server, &epoll, pairs)?,
        epoll,
        requests: 0,
        replies: 0,
        latencies: Latencies::new(),
        progress: Progress::new(title, "requests"),
    };
    let meter = Meter::start(server)?;
    game.play(plan(pairs, settings))?;
    let usage = meter.stop()?;
    let report = Report::new(title, "requests", game.replies, usage);
    Ok(vec![Report { latency: Some(game.latencies.summary()), ..report }])
}

fn plan(pairs: u32, settings: &Settings) -> Plan {
    if let Some(time) = settings.overrides.time {
        return Plan::of_time(time);
    }
    let counted = u64::from(pairs.min(PAIRS_COUNTED_MAX));
    let requests = settings.overrides.messages.unwrap_or(REQUESTS_PER_PAIR * counted);
    Plan::of_number(scaled(requests, settings.scale).max(pairs.into()))
}

struct Game {
    pairs: Vec<Pair>,
    epoll: Epoll,
    requests: u64,
    replies: u64,
    latencies: Latencies,
    progress: Progress,
}

/// Connects `count` pairs, whose responders are at the other server, if there are two.
pub(crate) fn open_pairs(server: &Server, epoll: &Epoll, count: u32) -> Result<Vec<Pair>> {
    let (mut near, mut far) = (server.dialer(), server.far_dialer());
    let pairs = (0..count).map(|index| Pair::open(&mut near, &mut far, epoll, index)).collect();
    server.await_far_interest()?;
    pairs
}

impl Game {
    fn play(&mut self, plan: Plan) -> Result<()> {
        for pair in &mut self.pairs {
            pair.request(Instant::now())?;
            self.requests += 1;
        }
        let mut readable = Vec::new();
        while self.replies < self.requests {
            readable.clear();
            readable.extend(self.epoll.wait(REPLY_WAIT_MAX)?.map(|ready| ready.token));
            ensure!(!readable.is_empty(), "{} replies never came", self.requests - self.replies);
            for token in &readable {
                self.on_readable(*token, &plan)?;
            }
            self.progress.show(|| self.replies);
        }
        Ok(())
    }

    fn on_readable(&mut self, token: usize, plan: &Plan) -> Result<()> {
        let pair = &mut self.pairs[token / 2];
        let before = self.replies;
        pair.on_readable(token, |due| {
            self.latencies.record(due.elapsed());
            self.replies += 1;
        })?;
        if self.replies > before && plan.wants_more(self.requests) {
            self.requests += 1;
            pair.request(Instant::now())?;
        }
        Ok(())
    }
}
