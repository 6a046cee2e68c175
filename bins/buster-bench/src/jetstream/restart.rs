//! How long a server takes until it has its stream again, after an orderly end and after a sudden one.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::jetstream::api::{Api, Held};
use crate::jetstream::setup::{STREAM, Setup};
use crate::jetstream::{filled, pull};
use crate::meter::Meter;
use crate::report::Report;
use crate::server::{End, Server};
use crate::settings::{Settings, scaled};

/// A server that takes longer has lost some.
const READY_WAIT_MAX: Duration = Duration::from_secs(120);

/// What a server holds while nothing happens is looked at after so long; what it keeps for a while is gone by then.
const IDLE_TIME: Duration = Duration::from_secs(6);

/// Between two looks at the stream.
const LOOK_EVERY: Duration = Duration::from_millis(1);

const ENDS: [(End, &str); 2] = [(End::Orderly, "SIGTERM"), (End::Sudden, "kill -9")];

/// One report of what a server holds while nothing happens, and one per end; each with a stream that was filled anew.
pub(crate) fn run(
    server: &mut Server,
    title: &str,
    messages: u32,
    settings: &Settings,
) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    ensure!(
        server.keeps_what_it_has(),
        "the server is started again: it needs --server with {{store}} in it"
    );
    let messages = scaled(messages.into(), settings.scale);
    let mut reports = Vec::new();
    for (end, name) in ENDS {
        let phase = format!("{title}, {name}");
        let mut api = Api::open(server)?;
        let stored = filled::make(server, &mut api, &phase, &setup, messages)?;
        drop(api);
        if reports.is_empty() {
            reports.push(idle(server, &format!("{title}, idle"), messages)?);
        }
        reports.push(restart(server, &phase, end, messages)?);
        let mut api = Api::open(server)?;
        if settings.verify {
            pull::verify(server, &mut api, &phase, STREAM, setup.payload_bytes, &stored)?;
        }
        api.delete_stream(STREAM)?;
    }
    Ok(reports)
}

/// What it holds: its memory is what counts.
fn idle(server: &Server, title: &str, messages: u64) -> Result<Report> {
    let meter = Meter::start(server)?;
    thread::sleep(IDLE_TIME);
    Ok(Report::new(title, "messages", messages, meter.stop()?))
}

fn restart(server: &mut Server, title: &str, end: End, messages: u64) -> Result<Report> {
    let stop = Instant::now();
    server.stop(end)?;
    let stopped = stop.elapsed();
    let meter = Meter::start_alone()?;
    server.start_again()?;
    let greeted = meter.elapsed();
    await_all(server, messages, READY_WAIT_MAX)?;
    let usage = meter.of_a_new(server).stop()?;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let note = format!(
        "all there after {:.0} ms, INFO after {:.0} ms; it took {:.0} ms to end",
        millis(usage.elapsed),
        millis(greeted),
        millis(stopped)
    );
    Ok(Report { note: Some(note), ..Report::new(title, "messages", messages, usage) })
}

/// Asks until the stream has all of `messages`.
fn await_all(server: &Server, messages: u64, wait_max: Duration) -> Result<()> {
    let all = Held { messages, last_seq: messages };
    let give_up_at = Instant::now() + wait_max;
    loop {
        let held = Api::open(server).and_then(|mut api| api.held(STREAM));
        if held.as_ref().is_ok_and(|held| *held == all) {
            return Ok(());
        }
        if Instant::now() >= give_up_at {
            let held = held.context("the stream did not come back")?;
            let gone = messages.saturating_sub(held.messages);
            bail!("of {messages} messages that were acknowledged {gone} are gone: {held:?}");
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake;
    use serde_json::json;

    /// Waits for ten messages in a stream that has first `before` and then `after` of them.
    fn wait(before: u64, after: u64, wait_max: Duration) -> Result<()> {
        let mut held = std::iter::once(before).chain(std::iter::repeat(after));
        let server = fake::serve(move |request| {
            let held = held.next()?;
            let state = json!({ "state": { "messages": held, "last_seq": 10 } });
            Some(request.answered(&state.to_string()))
        });
        await_all(&server, 10, wait_max)
    }

    #[test]
    fn a_stream_is_waited_for_until_all_of_it_is_there() {
        wait(0, 10, READY_WAIT_MAX).unwrap();
    }

    #[test]
    fn messages_that_do_not_come_back_are_counted() {
        let error = wait(7, 7, Duration::ZERO).unwrap_err().to_string();
        assert!(error.starts_with("of 10 messages that were acknowledged 3 are gone"), "{error}");
    }

    #[test]
    fn a_server_that_keeps_nothing_is_not_restarted() {
        let mut server = fake::serve(|_| None);
        let settings = Settings {
            scale: 1.0,
            verify: false,
            rate: None,
            overrides: crate::shape::Overrides::default(),
            websockets: None,
            compresses: false,
        };
        let error = run(&mut server, "js-restart 5", 5, &settings).unwrap_err().to_string();
        assert!(error.contains("it needs --server with {store}"), "{error}");
    }
}
