//! What the server does when it is sent a signal.

use std::sync::{Arc, mpsc};
use std::{io, process, thread};

use fabric::ShardId;
use server_log::Log;
use server_options::LameDuck;
use shard_runtime::{Control, wall_clock};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::{flag, iterator};
use system::SystemEvent;

use crate::error::NodeError;
use crate::{lame_duck, notify};

/// Each signal that is answered, and its name in the log: what Go calls it.
const NAMES: [(i32, &str); 6] = [
    (SIGINT, "interrupt"),
    (SIGTERM, "terminated"),
    (SIGHUP, "hangup"),
    (SIGUSR1, "user defined signal 1"),
    (SIGUSR2, "user defined signal 2"),
    (SIGQUIT, "quit"),
];

/// Power is about to fail, an init system says; signal-hook has no name for it.
const SIGPWR: i32 = 30;

/// Signals that would end another program, and that Go, and so nats-server, takes no notice of. Writing a log
/// beyond a limit on files is one, and then the write fails.
const IGNORED: [i32; 7] = [SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGIO, SIGPWR];

/// So are those that mean nothing but what programs agree on, from the second one on.
const IGNORED_REAL_TIME: std::ops::RangeInclusive<i32> = 35..=64;

/// The exit code after SIGQUIT, which nobody in nats-server answers: Go's.
const QUIT_EXIT_CODE: i32 = 2;

/// Signals that are watched from now on, and answered once there is a server.
pub(crate) struct Signals {
    signals: iterator::Signals,
}

impl Signals {
    /// Watches all that are answered. As process 1 of a container we would not be sent others.
    pub(crate) fn watch() -> Result<Self, NodeError> {
        ignore_others().map_err(NodeError::Signals)?;
        let signals = iterator::Signals::new(NAMES.map(|(signal, _)| signal)).map_err(NodeError::Signals)?;
        Ok(Self { signals })
    }

    /// Answers those that come, or came already, on a thread of its own.
    pub(crate) fn answer(mut self, mut duties: Duties) -> Result<(), NodeError> {
        let answer = move || self.signals.forever().for_each(|signal| duties.on_signal(signal));
        thread::Builder::new().name("signals".into()).spawn(answer).map_err(NodeError::Signals)?;
        Ok(())
    }
}

/// Has signals noted where nobody looks. A tool that runs the server may keep one that means nothing to itself, as
/// valgrind does with the last: then it does not reach us anyway.
fn ignore_others() -> io::Result<()> {
    let unread = Arc::default();
    for signal in IGNORED {
        flag::register(signal, Arc::clone(&unread))?;
    }
    for signal in IGNORED_REAL_TIME {
        let _ = flag::register(signal, Arc::clone(&unread));
    }
    Ok(())
}

/// What there is to do when a signal comes.
pub(crate) struct Duties {
    control: Control,
    pace: LameDuck,
    log: Log,
    reload: Box<dyn FnMut() + Send>,
    /// In lame duck mode: ends it when it is dropped.
    lame_duck: Option<mpsc::Sender<()>>,
}

impl Duties {
    /// `reload` reads the configuration again and logs what came of it.
    pub(crate) fn new(control: Control, pace: LameDuck, log: Log, reload: Box<dyn FnMut() + Send>) -> Self {
        Self { control, pace, log, reload, lame_duck: None }
    }

    fn on_signal(&mut self, signal: i32) {
        let name = NAMES.iter().find(|(known, _)| *known == signal).map_or("unknown", |(_, name)| name);
        tracing::info!("Trapped {name:?} signal");
        match signal {
            SIGINT => self.stop(),
            // Whoever sends this to a server in lame duck mode knows that it will end.
            SIGTERM if self.lame_duck.is_some() => {}
            SIGTERM => self.stop(),
            SIGHUP => (self.reload)(),
            SIGUSR1 => self.log.reopen(),
            SIGUSR2 => self.enter_lame_duck(),
            _ => {
                self.log.flush();
                process::exit(QUIT_EXIT_CODE);
            }
        }
    }

    fn stop(&mut self) {
        self.lame_duck = None;
        shut_down(&self.control);
    }

    fn enter_lame_duck(&mut self) {
        if self.lame_duck.is_some() {
            return;
        }
        let (stop, stopped) = mpsc::channel();
        let (control, pace) = (self.control.clone(), self.pace);
        let run = move || {
            if lame_duck::run(&control, &pace, &stopped) {
                shut_down(&control);
            }
        };
        match thread::Builder::new().name("lame-duck".into()).spawn(run) {
            Ok(_) => self.lame_duck = Some(stop),
            Err(error) => tracing::error!("Could not enter lame duck mode: {error}"),
        }
    }
}

fn shut_down(control: &Control) {
    tracing::info!("Initiating Shutdown...");
    notify::stopping();
    control.tell_system(ShardId(0), SystemEvent::Stopping(wall_clock()));
    // What is told leaves before the shards stop, which they do as soon as they see that they are to.
    let _ = control.ask(ShardId(0), |_, _| ()).recv();
    control.stop();
}
