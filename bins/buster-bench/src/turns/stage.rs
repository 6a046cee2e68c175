//! A server with very many rows, for something to happen to them.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{self, Dialer};
use crate::frames;
use crate::monitor::get;
use crate::server::{self, Server};
use crate::stream::Stream;

use super::Turns;
use super::rows::{self, Rows};
use super::tally::Tally;

/// SUBs that are sent at once before the event: few enough for turns to stay short.
const PORTION: u32 = 128;

/// How much is written at once in the event.
const FLOOD: u32 = 4096;

/// For all that an event may take.
const EVENT_WAIT_MAX: Duration = Duration::from_secs(120);

const POLL_EVERY: Duration = Duration::from_millis(10);

/// What the last turns of an event may take until they are counted.
const SETTLE: Duration = Duration::from_millis(200);

pub(crate) struct Stage {
    server: Server,
    monitor: SocketAddr,
    config: Option<Config>,
    dialer: Dialer,
    pub(crate) rows: u32,
    pub(crate) connections: u32,
    /// The connection with the subscriptions.
    owner: Option<Stream>,
    /// All others.
    pub(crate) others: Vec<Stream>,
    latest: Tally,
}

/// A configuration file that goes with the server.
struct Config {
    path: PathBuf,
}

impl Config {
    fn write(&self, text: &str) -> Result<()> {
        fs::write(&self.path, text).with_context(|| format!("writing {}", self.path.display()))
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Stage {
    pub(crate) fn open(turns: &Turns, flags: &str, config: Option<fn(u32) -> String>) -> Result<Self> {
        let monitor = server::free_addr()?;
        let mut command = format!("{} -m {} {flags}", turns.command, monitor.port());
        let config = config.map(|text| {
            let name = format!("buster-bench-{}.conf", std::process::id());
            let config = Config { path: std::env::temp_dir().join(name) };
            config.write(&text(turns.connections)).map(|()| config)
        });
        let config = config.transpose()?;
        if let Some(Config { path }) = &config {
            command += &format!(" -c {}", path.display());
        }
        let server = Server::start(&command)?;
        Ok(Self {
            dialer: server.dialer(),
            server,
            monitor,
            config,
            rows: turns.rows,
            connections: turns.connections,
            owner: None,
            others: Vec::new(),
            latest: Tally::default(),
        })
    }

    /// What the server says now.
    pub(crate) fn look(&mut self) -> Result<Tally> {
        self.latest = Tally::ask(self.monitor)?;
        Ok(self.latest)
    }

    /// What it said last: it may be gone.
    pub(crate) fn latest(&self) -> Tally {
        self.latest
    }

    /// Lets the turns that are under way end, and be counted.
    pub(crate) fn settle(&mut self) -> Result<()> {
        thread::sleep(SETTLE);
        // A server that ended meanwhile has told before.
        let _ = self.look();
        Ok(())
    }

    /// Opens the connection that is to have the subscriptions.
    pub(crate) fn take_owner(&mut self) -> Result<()> {
        self.owner = Some(client::open(&mut self.dialer, b"")?);
        Ok(())
    }

    /// The same, as a user of the configuration.
    pub(crate) fn take_user(&mut self) -> Result<()> {
        self.owner = Some(self.log_in(0)?);
        Ok(())
    }

    fn log_in(&mut self, number: u32) -> Result<Stream> {
        let mut stream = client::greet_from(&mut self.dialer)?;
        let line =
            format!("CONNECT {{\"verbose\":false,\"protocol\":0,\"user\":\"u{number}\",\"pass\":\"p\"}}\r\n");
        stream.write_all(line.as_bytes()).context("sending CONNECT")?;
        client::await_pong(&mut stream)?;
        Ok(stream)
    }

    /// Opens the other connections, each with this to say.
    pub(crate) fn take_others(&mut self, count: u32, lines: &[u8]) -> Result<()> {
        for number in 0..count {
            let stream =
                client::open(&mut self.dialer, lines).with_context(|| format!("connection {number}"))?;
            self.others.push(stream);
        }
        Ok(())
    }

    /// The same, as users of the configuration.
    pub(crate) fn take_users(&mut self, count: u32) -> Result<()> {
        for number in 1..count {
            let stream = self.log_in(number)?;
            self.others.push(stream);
        }
        Ok(())
    }

    /// Subscribes to all rows, in small portions.
    pub(crate) fn fill(&mut self, rows: Rows) -> Result<()> {
        for start in (0..self.rows).step_by(PORTION as usize) {
            let lines = rows.subscribe(start..self.rows.min(start + PORTION));
            self.say(&lines)?;
            self.await_pong()?;
        }
        Ok(())
    }

    /// The same as fast as it goes.
    pub(crate) fn flood(&mut self, rows: Rows) -> Result<()> {
        self.pour(|numbers| rows.subscribe(numbers))
    }

    pub(crate) fn flood_unsubscribing(&mut self) -> Result<()> {
        self.pour(rows::unsubscribe)
    }

    fn pour(&mut self, lines: impl Fn(std::ops::Range<u32>) -> Vec<u8>) -> Result<()> {
        for start in (0..self.rows).step_by(FLOOD as usize) {
            let lines = lines(start..self.rows.min(start + FLOOD));
            self.say(&lines)?;
        }
        self.await_pong()
    }

    pub(crate) fn connect_again(&mut self) -> Result<()> {
        self.say(frames::CONNECT)?;
        self.await_pong()?;
        self.until(|tally| tally.subscriptions < 100)
    }

    /// Ends the connection with the subscriptions, and waits until they are gone.
    pub(crate) fn end_owner(&mut self) -> Result<()> {
        self.owner = None;
        self.until(|tally| tally.subscriptions < 100)
    }

    /// Ends all connections.
    pub(crate) fn end_all(&mut self) -> Result<()> {
        self.owner = None;
        self.others.clear();
        self.until(|tally| tally.connections == 0 && tally.subscriptions == 0)
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let owner = self.owner.as_mut().context("nobody subscribes")?;
        owner.write_all(bytes).context("writing to the server")
    }

    /// Publishes to what all other connections subscribe to, and reads what one of them is sent.
    pub(crate) fn publish_to_others(&mut self) -> Result<()> {
        self.say(&frames::publish("a", None, 16))?;
        self.await_pong()?;
        let other = self.others.last_mut().context("there are no other connections")?;
        let messages = client::await_pong(other)?;
        ensure!(messages == 1, "{messages} messages instead of one");
        Ok(())
    }

    /// Publishes to what all rows subscribe to, and reads all that comes of it.
    pub(crate) fn publish_to_owner(&mut self) -> Result<()> {
        self.say(&frames::publish("row.all", None, 16))?;
        let messages = client::await_pong(self.owner.as_mut().context("nobody subscribes")?)?;
        ensure!(messages == u64::from(self.rows), "{messages} messages");
        Ok(())
    }

    fn await_pong(&mut self) -> Result<()> {
        client::await_pong(self.owner.as_mut().context("nobody subscribes")?).map(drop)
    }

    /// Asks for pages, so many at once.
    pub(crate) fn ask(&self, path: &str, at_once: usize) -> Result<()> {
        thread::scope(|scope| {
            let asking = || scope.spawn(|| get(self.monitor, path).map(drop));
            let asked: Vec<_> = (0..at_once).map(|_| asking()).collect();
            asked.into_iter().try_for_each(|asked| asked.join().expect("a request does not panic"))
        })
    }

    /// Has the server read this configuration.
    pub(crate) fn reload(&mut self, text: &str) -> Result<()> {
        let loaded = self.loaded_at()?;
        self.config.as_ref().context("there is no configuration")?.write(text)?;
        self.signal(Signal::HUP)?;
        let give_up_at = Instant::now() + EVENT_WAIT_MAX;
        while self.loaded_at()? == loaded {
            self.read_and_forget()?;
            if Instant::now() >= give_up_at {
                bail!("the server has not reloaded");
            }
            thread::sleep(POLL_EVERY);
        }
        Ok(())
    }

    fn loaded_at(&self) -> Result<String> {
        let page = get(self.monitor, "/varz")?;
        let line = page.lines().find(|line| line.contains("config_load_time"));
        Ok(line.context("/varz does not tell when the configuration was loaded")?.to_owned())
    }

    /// Has the server end in lame duck mode.
    pub(crate) fn retire(&mut self) -> Result<()> {
        self.signal(Signal::USR2)?;
        let give_up_at = Instant::now() + EVENT_WAIT_MAX;
        while self.look().is_ok() {
            if Instant::now() >= give_up_at {
                bail!("the server has not ended");
            }
            thread::sleep(POLL_EVERY);
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.server.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        Ok(kill_process(pid.context("the server has no process")?, signal)?)
    }

    pub(crate) fn until(&mut self, is_so: impl Fn(&Tally) -> bool) -> Result<()> {
        let give_up_at = Instant::now() + EVENT_WAIT_MAX;
        while !is_so(&self.look()?) {
            self.read_and_forget()?;
            if Instant::now() >= give_up_at {
                bail!("it takes too long: {:?}", self.latest);
            }
            thread::sleep(POLL_EVERY);
        }
        Ok(())
    }

    /// Reads what the connection with the subscriptions was sent.
    fn read_and_forget(&mut self) -> Result<()> {
        let Some(owner) = &mut self.owner else { return Ok(()) };
        let mut buffer = vec![0; 1 << 20];
        loop {
            match owner.discard(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("reading from the server"),
            }
        }
    }
}
