//! Round trips at a given rate, however long they take: the open loop.
//!
//! Requests are due at even distances, shared out over the pairs in turns, and a latency counts from
//! when its request was due, not from when it was sent. So a server that stops for a moment is charged
//! for every request that moment held up, those included that the generator could not even send.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::thread::set_current_timer_slack;

use crate::epoll::Epoll;
use crate::latency::Latencies;
use crate::meter::Meter;
use crate::pair::Pair;
use crate::progress::Progress;
use crate::report::Report;
use crate::rtt::{REPLY_WAIT_MAX, open_pairs};
use crate::server::Server;
use crate::settings::{Settings, scaled};

/// How long requests are sent at scale 1.
const TIME: Duration = Duration::from_secs(3);

/// In nanoseconds; the kernel's own default would put off every wake-up by 50 µs.
const TIMER_SLACK: NonZeroU64 = NonZeroU64::MIN;

pub(crate) fn run(
    server: &Server,
    title: &str,
    pairs: u32,
    rate: f64,
    settings: &Settings,
) -> Result<Vec<Report>> {
    set_current_timer_slack(Some(TIMER_SLACK)).context("asking for exact timers")?;
    let time = settings.overrides.time.unwrap_or(TIME.mul_f64(settings.scale));
    let requests = match settings.overrides.messages {
        Some(messages) => scaled(messages, settings.scale),
        None => scaled((time.as_secs_f64() * rate) as u64, 1.0),
    };
    let epoll = Epoll::new()?;
    let pairs = open_pairs(server, &epoll, pairs)?;
    let title = format!("{title} at {rate}/s");
    let progress = Progress::new(&title, "requests");
    let mut game = Game { pairs, epoll, replies: 0, latencies: Latencies::new(), progress };
    let meter = Meter::start(server)?;
    game.play(&Schedule { start: Instant::now(), rate, requests })?;
    let usage = meter.stop()?;
    let report = Report::new(&title, "requests", requests, usage);
    Ok(vec![Report { latency: Some(game.latencies.summary()), ..report }])
}

struct Schedule {
    start: Instant,
    /// Requests per second.
    rate: f64,
    requests: u64,
}

impl Schedule {
    fn due(&self, request: u64) -> Instant {
        self.start + Duration::from_secs_f64(request as f64 / self.rate)
    }
}

struct Game {
    pairs: Vec<Pair>,
    epoll: Epoll,
    replies: u64,
    latencies: Latencies,
    progress: Progress,
}

impl Game {
    fn play(&mut self, schedule: &Schedule) -> Result<()> {
        let mut sent = 0;
        let mut moved_at = schedule.start;
        let mut readable = Vec::new();
        while self.replies < schedule.requests {
            let now = Instant::now();
            sent += self.send_due(schedule, sent, now)?;
            let patience = match sent < schedule.requests {
                true => schedule.due(sent).saturating_duration_since(now),
                false => REPLY_WAIT_MAX,
            };
            readable.clear();
            readable.extend(self.epoll.wait(patience)?.map(|ready| ready.token));
            for token in &readable {
                self.on_readable(*token)?;
            }
            if !readable.is_empty() {
                moved_at = now;
            }
            ensure!(now - moved_at < REPLY_WAIT_MAX, "{} replies never came", sent - self.replies);
            self.progress.show(|| self.replies);
        }
        Ok(())
    }

    /// How many were due by now.
    fn send_due(&mut self, schedule: &Schedule, from: u64, now: Instant) -> Result<u64> {
        let mut request = from;
        while request < schedule.requests && schedule.due(request) <= now {
            let pair = (request % self.pairs.len() as u64) as usize;
            self.pairs[pair].request(schedule.due(request))?;
            request += 1;
        }
        self.pairs.iter_mut().try_for_each(Pair::flush)?;
        Ok(request - from)
    }

    fn on_readable(&mut self, token: usize) -> Result<()> {
        self.pairs[token / 2].on_readable(token, |due| {
            self.latencies.record(due.elapsed());
            self.replies += 1;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_even_distances() {
        let schedule = Schedule { start: Instant::now(), rate: 1000.0, requests: 10 };
        assert_eq!(schedule.due(0), schedule.start);
        assert_eq!(schedule.due(7) - schedule.start, Duration::from_millis(7));
    }
}
