//! Starting the shards, and waiting for their end.

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::{fmt, io};

use broker::Config;
use fabric::ShardId;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::bell::Bell;
use crate::clock::Clock;
use crate::control::Control;
use crate::error::RuntimeError;
use crate::io::Backend;
use crate::load_board::LoadBoard;
use crate::mesh_port::MeshPort;
use crate::orders::Orders;
use crate::passwords::Passwords;
use crate::preflight::memlock_limit;
use crate::shard_thread::{Ready, Seed, ShardThread};
use crate::shared::Shared;
use crate::workers::Workers;

/// The running shards.
pub struct Shards {
    threads: Vec<ShardThread>,
    control: Control,
}

impl Shards {
    /// What stops them, and asks them things.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits until all shards have ended.
    ///
    /// # Errors
    /// One of them failed; the others were stopped.
    pub fn wait(self) -> Result<(), RuntimeError> {
        let shards = self.threads.len();
        let mut outcome = Ok(());
        for (shard, thread) in self.threads.into_iter().enumerate() {
            let locks_memory = matches!(thread, ShardThread::Executor(_));
            let Err(error) = thread.join() else { continue };
            outcome = outcome.and(Err(match Errno::from_io_error(&error) {
                Some(Errno::NOMEM) if locks_memory => {
                    RuntimeError::MemlockExhausted { shards, limit: memlock_limit() }
                }
                _ => RuntimeError::Failed { shard, reason: error.to_string() },
            }));
        }
        outcome
    }
}

/// Starts a shard for each configuration, on the given cores in turn. The first shard accepts from
/// a duplicate of `listener` and places the connections.
///
/// # Errors
/// A shard could not get what its backend needs, its core or its thread; none runs then.
pub fn start(
    backend: Backend,
    configs: Vec<Config>,
    listener: &TcpListener,
    cpus: &[usize],
    shared: &Shared,
) -> Result<Shards, RuntimeError> {
    let clock = Clock::new();
    let shards = configs.len();
    let board = Arc::new(LoadBoard::new(shards));
    let control = Control::new(orders(shards).map_err(|error| not_started(0, &error))?);
    let passwords = Arc::new(Passwords::new());
    let mut listener = Some(listener.try_clone().map_err(|error| not_started(0, &error))?);
    let (ready, all_ready) = mpsc::channel();
    let mut bell_senders = Vec::new();
    let mut threads = Vec::new();
    let handshakes = Arc::new(Workers::new());
    for (shard, (config, ports)) in configs.into_iter().zip(mesh(shards)).enumerate() {
        let (bell_sender, bells) = mpsc::channel();
        bell_senders.push(bell_sender);
        let seed = Seed {
            backend,
            shard: ShardId(shard as u8),
            cpus: (0..shards).map(|shard| cpus[shard % cpus.len()]).collect(),
            config,
            ports,
            listener: listener.take(),
            control: control.clone(),
            passwords: Arc::clone(&passwords),
            clock,
            handshakes: Arc::clone(&handshakes),
            shared: shared.clone(),
            board: Arc::clone(&board),
            ready: ready.clone(),
            bells,
        };
        match seed.spawn(cpus[shard % cpus.len()]) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // Those that are there hear of no bells and end. Whoever tries again needs what they have.
                drop((ready, bell_senders));
                let _ = Shards { threads, control }.wait();
                return Err(no_thread(shard, error));
            }
        }
    }
    drop(ready);
    introduce(Shards { threads, control }, &all_ready, bell_senders)
}

/// Waits for the doors of all shards and tells each shard of all bells: they begin.
fn introduce(
    shards: Shards,
    all_ready: &mpsc::Receiver<Ready>,
    bell_senders: Vec<mpsc::Sender<Arc<[Bell]>>>,
) -> Result<Shards, RuntimeError> {
    let mut doors: Vec<Ready> = all_ready.iter().collect();
    if doors.len() < shards.threads.len() {
        drop(bell_senders);
        return Err(shards.wait().err().unwrap_or_else(|| not_started(0, &"it ended at once")));
    }
    doors.sort_by_key(|(shard, _)| shard.0);
    let counters = shards.control.shards.iter().map(|orders| Arc::clone(orders.counter()));
    let bells: Arc<[Bell]> =
        doors.into_iter().zip(counters).map(|((_, door), counter)| Bell::new(door, counter)).collect();
    for bell_sender in bell_senders {
        // A shard that is gone already has stopped the others, and `wait` says why.
        let _ = bell_sender.send(Arc::clone(&bells));
    }
    Ok(shards)
}

fn not_started(shard: usize, reason: &dyn fmt::Display) -> RuntimeError {
    RuntimeError::NotStarted { shard, reason: reason.to_string() }
}

fn no_thread(shard: usize, error: io::Error) -> RuntimeError {
    match error.kind() {
        io::ErrorKind::WouldBlock => RuntimeError::NoThread { shard, error },
        _ => not_started(shard, &error),
    }
}

/// An empty queue of orders for each shard.
fn orders(shards: usize) -> Result<Arc<[Arc<Orders>]>, Errno> {
    let counter = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Arc::new);
    (0..shards).map(|_| Ok(Arc::new(Orders::new(counter()?)))).collect()
}

/// The ports of each shard to each other shard.
fn mesh(shards: usize) -> Vec<Vec<Option<MeshPort>>> {
    let mut ports: Vec<Vec<Option<MeshPort>>> = (0..shards).map(|_| Vec::new()).collect();
    for a in 0..shards {
        // Row by row, so that each row grows in the order of the shards.
        ports[a].push(None);
        for b in a + 1..shards {
            let (to_b, to_a) = MeshPort::pair();
            ports[a].push(Some(to_b));
            ports[b].push(Some(to_a));
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_port_to_every_other_shard() {
        for (shard, row) in mesh(4).into_iter().enumerate() {
            let to: Vec<bool> = row.iter().map(Option::is_some).collect();
            let expected: Vec<bool> = (0..4).map(|peer| peer != shard).collect();
            assert_eq!(to, expected);
        }
    }
}
