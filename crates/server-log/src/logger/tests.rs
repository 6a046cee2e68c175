use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{Local, NaiveDateTime};
use tracing::subscriber::with_default;
use tracing::{Level, debug, error, info, info_span, trace, warn};

use super::*;

/// Keeps every write apart, and fails them all on demand.
#[derive(Clone, Default)]
struct Writes {
    seen: Arc<Mutex<Vec<String>>>,
    fail: bool,
}

impl Writes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        if self.fail { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn config(debug: bool, trace: bool) -> Config {
    Config { time: false, debug, trace, ..Config::default() }
}

/// What reaches the sink, a string for each write.
fn logged(config: &Config, log: impl FnOnce()) -> Vec<String> {
    let writes = Writes::default();
    with_default(Logger::new(config, 7, false, writes.clone()), log);
    writes.take()
}

fn log_every_level() {
    error!("e");
    warn!("w");
    info!("i");
    debug!("d");
    trace!("t");
}

#[test]
fn debug_and_trace_are_independent_switches() {
    let always = ["[7] [ERR] e\n", "[7] [WRN] w\n", "[7] [INF] i\n"];
    let [debug, trace] = ["[7] [DBG] d\n", "[7] [TRC] t\n"];
    assert_eq!(logged(&config(false, false), log_every_level), always);
    assert_eq!(logged(&config(true, false), log_every_level), [&always[..], &[debug]].concat());
    assert_eq!(logged(&config(false, true), log_every_level), [&always[..], &[trace]].concat());
    assert_eq!(logged(&config(true, true), log_every_level), [&always[..], &[debug, trace]].concat());
}

#[test]
fn other_crates_are_heard_from_warnings_up() {
    let lines = logged(&config(true, true), || {
        error!(target: "glommio::reactor", "e");
        warn!(target: "glommio", "w");
        info!(target: "glommio", "i");
        debug!(target: "glommio", "d");
        trace!(target: "glommio", "t");
        trace!(target: "broker::conn", "ours");
    });
    assert_eq!(lines, ["[7] [ERR] e\n", "[7] [WRN] w\n", "[7] [TRC] ours\n"]);
}

#[test]
fn an_event_switched_off_does_not_look_at_its_values() {
    fn looked_at() -> String {
        panic!("a debug event is switched off");
    }
    let lines = logged(&config(false, true), || {
        debug!(value = looked_at(), "d");
        assert!(!tracing::enabled!(Level::DEBUG));
        assert!(tracing::enabled!(Level::TRACE));
    });
    assert!(lines.is_empty());
}

#[test]
fn spans_are_switched_off() {
    let lines = logged(&config(true, true), || {
        let span = info_span!("turn", shard = 1);
        assert!(span.is_disabled());
        span.in_scope(|| info!("inside"));
    });
    assert_eq!(lines, ["[7] [INF] inside\n"]);
}

#[test]
fn the_time_on_a_line_is_the_time_of_the_event() {
    let config = Config { time: true, ..config(false, false) };
    let lines = logged(&config, || info!("x"));
    let stamp = lines[0].strip_prefix("[7] ").and_then(|line| line.strip_suffix(" [INF] x\n"));
    let stamp = NaiveDateTime::parse_from_str(stamp.unwrap(), "%Y/%m/%d %H:%M:%S%.6f").unwrap();
    // Wide enough for any clock that is set while the test runs, and too narrow for a wrong date.
    assert!((Local::now().naive_local() - stamp).abs() < chrono::TimeDelta::days(1), "{stamp}");
}

#[test]
fn switches_can_be_changed_while_places_in_the_code_know_the_answer() {
    let writes = Writes::default();
    let outlet = |config: &Config| Outlet::stream(config, 7, false, writes.clone());
    let quiet = config(false, false);
    let switchboard = Arc::new(Switchboard::new(&quiet, outlet(&quiet)));
    with_default(Logger::over(Arc::clone(&switchboard)), || {
        let log = |round: u8| {
            debug!("d{round}");
            trace!("t{round}");
        };
        log(1);
        for (round, debug, trace) in [(2, true, true), (3, false, true), (4, false, false)] {
            switchboard.switch(&config(debug, trace), outlet(&quiet));
            log(round);
        }
    });
    assert_eq!(writes.take(), ["[7] [DBG] d2\n", "[7] [TRC] t2\n", "[7] [TRC] t3\n"]);
}

#[test]
fn a_sink_that_fails_is_tried_again_and_nobody_panics() {
    let writes = Writes { fail: true, ..Writes::default() };
    with_default(Logger::new(&config(false, false), 7, false, writes.clone()), || {
        info!("one");
        info!("two");
    });
    assert_eq!(writes.take(), ["[7] [INF] one\n", "[7] [INF] two\n"]);
}

#[test]
fn a_line_is_one_write_whatever_thread_it_comes_from() {
    const THREADS: usize = 4;
    const LINES: usize = 200;
    let writes = Writes::default();
    let dispatch = tracing::Dispatch::new(Logger::new(&config(false, false), 7, false, writes.clone()));
    thread::scope(|scope| {
        for id in 0..THREADS {
            let dispatch = dispatch.clone();
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    (0..LINES).for_each(|number| info!(number, "from {id} {}", "x".repeat(300)));
                });
            });
        }
    });
    let lines = writes.take();
    assert_eq!(lines.len(), THREADS * LINES);
    for id in 0..THREADS {
        let start = format!("[7] [INF] from {id} {} number=", "x".repeat(300));
        let numbers = lines.iter().filter_map(|line| line.strip_prefix(&start));
        let wanted = (0..LINES).map(|number| format!("{number}\n"));
        assert!(numbers.eq(wanted), "lines of thread {id} in order");
    }
}
