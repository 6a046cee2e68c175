//! Subscription churn: connections that subscribe and unsubscribe as fast as the server takes it.
//!
//! Each sends a block of SUBs, the UNSUBs of all of them and a PING; its PONG starts the next block.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Dialer};
use crate::epoll::Epoll;
use crate::frames;
use crate::inbox::Inbox;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};
use crate::stream::Stream;

/// How many subscriptions a connection holds at most at a time.
const SUBS_PER_BLOCK: u64 = 256;

/// A pair of SUB and UNSUB counts as one; all connections together, at scale 1.
const PAIRS: u64 = 1_500_000;

const PONG_WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) struct Churner {
    stream: Stream,
    inbox: Inbox,
    block: Vec<u8>,
    /// Blocks that have their PONG.
    done: u64,
}

pub(crate) fn run(
    server: &Server,
    title: &str,
    connections: u32,
    settings: &Settings,
) -> Result<Vec<Report>> {
    let epoll = Epoll::new()?;
    let mut dialer = server.dialer();
    let churners = (0..connections).map(|index| Churner::open(&mut dialer, index));
    let mut churners = churners.collect::<Result<Vec<_>>>()?;
    for (token, churner) in churners.iter().enumerate() {
        epoll.watch_reading(&churner.stream, token)?;
    }
    let pairs = scaled(settings.overrides.messages.unwrap_or(PAIRS), settings.scale);
    let blocks = pairs.div_ceil(u64::from(connections) * SUBS_PER_BLOCK);
    let meter = Meter::start(server)?;
    play(&mut churners, epoll, blocks, Progress::new(title, "SUB and UNSUB"))?;
    let usage = meter.stop()?;
    if settings.verify {
        confirm_nobody_listens(&mut dialer, &mut churners)?;
    }
    let operations = blocks * u64::from(connections) * SUBS_PER_BLOCK;
    Ok(vec![Report::new(title, "SUB and UNSUB", operations, usage)])
}

fn play(churners: &mut [Churner], mut epoll: Epoll, blocks: u64, mut progress: Progress) -> Result<()> {
    churners.iter_mut().try_for_each(Churner::send)?;
    let all = blocks * churners.len() as u64;
    let mut done = 0;
    while done < all {
        let mut is_quiet = true;
        for ready in epoll.wait(PONG_WAIT_MAX)? {
            is_quiet = false;
            let churner = &mut churners[ready.token];
            if churner.finishes_block()? {
                done += 1;
                if churner.done < blocks {
                    churner.send()?;
                }
            }
        }
        ensure!(!is_quiet, "{} blocks were never done", all - done);
        progress.show(|| done * SUBS_PER_BLOCK);
    }
    Ok(())
}

/// Publishes to everything that was subscribed to: nobody may get any of it.
fn confirm_nobody_listens(dialer: &mut Dialer, churners: &mut [Churner]) -> Result<()> {
    let mut publisher = client::open(dialer, b"")?;
    for connection in 0..churners.len() {
        let subjects = (0..SUBS_PER_BLOCK).map(|sid| subject(connection as u32, sid));
        let frames: Vec<u8> = subjects.flat_map(|subject| frames::publish(&subject, None, 16)).collect();
        publisher.write_all(&frames).context("publishing")?;
    }
    client::await_pong(&mut publisher)?;
    for churner in churners {
        churner.stream.set_nonblocking(false)?;
        let messages = client::await_pong(&mut churner.stream)?;
        ensure!(messages == 0, "{messages} messages after the last UNSUB");
    }
    Ok(())
}

impl Churner {
    /// SUB and UNSUB that the server has taken.
    pub(crate) fn pairs(&self) -> u64 {
        self.done * SUBS_PER_BLOCK
    }

    pub(crate) fn open(dialer: &mut Dialer, index: u32) -> Result<Self> {
        let stream = client::open(dialer, b"")?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, inbox: Inbox::default(), block: block(index), done: 0 })
    }

    /// Sends the next block, small enough to fit into an empty socket.
    pub(crate) fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.block).context("sending SUBs")
    }

    /// Whether the PONG of a block has come since it was asked last.
    pub(crate) fn finishes_block(&mut self) -> Result<bool> {
        let strange = |_: &nats_proto::Message<'_>| anyhow::bail!("a message nobody published");
        self.inbox.read(&mut self.stream, &mut [0; 512], strange)?;
        let pongs = self.inbox.pongs();
        Ok(std::mem::replace(&mut self.done, pongs) < pongs)
    }
}

fn subject(connection: u32, sid: u64) -> String {
    format!("churn.{connection}.{sid}")
}

fn block(connection: u32) -> Vec<u8> {
    let mut block = Vec::new();
    for sid in 0..SUBS_PER_BLOCK {
        block.extend(frames::subscribe(&subject(connection, sid), None, &sid.to_string()));
    }
    for sid in 0..SUBS_PER_BLOCK {
        block.extend(frames::unsubscribe(&sid.to_string()));
    }
    block.extend(frames::PING);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_takes_back_all_it_asks_for_and_ends_in_a_ping() {
        let text = String::from_utf8(block(3)).unwrap();
        let count = |verb| text.lines().filter(|line| line.starts_with(verb)).count() as u64;
        assert_eq!((count("SUB churn.3."), count("UNSUB ")), (SUBS_PER_BLOCK, SUBS_PER_BLOCK));
        assert!(text.ends_with("UNSUB 255\r\nPING\r\n"));
    }
}
