//! Starting the shards, and waiting for their end.

use std::os::fd::OwnedFd;
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
use crate::listeners::Listeners;
use crate::load_board::LoadBoard;
use crate::mesh_port::MeshPort;
use crate::orders::Orders;
use crate::passwords::Passwords;
use crate::preflight::memlock_limit;
use crate::shard_thread::{Own, Ready, Seed, ShardThread};
use crate::shared::{Given, Shared};
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
/// duplicates of the `listeners` and places the connections.
///
/// # Errors
/// A shard could not get what its backend needs, its core or its thread; none runs then.
pub fn start(
    backend: Backend,
    configs: Vec<Config>,
    listeners: &Listeners,
    cpus: &[usize],
    given: &Given,
) -> Result<Shards, RuntimeError> {
    let shards = configs.len();
    let cpus: Vec<usize> = (0..shards).map(|shard| cpus[shard % cpus.len()]).collect();
    let control = Control::new(orders(shards).map_err(|error| not_started(0, &error))?);
    let mut listeners = Some(listeners.try_clone().map_err(|error| not_started(0, &error))?);
    let (ready, all_ready) = mpsc::channel();
    let mut handing_out = Vec::new();
    let mut threads = Vec::new();
    for (shard, (config, ports)) in configs.into_iter().zip(mesh(shards)).enumerate() {
        let (hand_out, shared) = mpsc::channel();
        handing_out.push(hand_out);
        let orders = Arc::clone(&control.shards[shard]);
        let own = Own { shard: ShardId(shard as u8), config, ports, listeners: listeners.take(), orders };
        let seed = Seed { backend, own, control: control.clone(), ready: ready.clone(), shared };
        match seed.spawn(cpus[shard]) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // Those that are there get nothing to share and end. Whoever tries again needs what they have.
                drop((ready, handing_out));
                let _ = Shards { threads, control }.wait();
                return Err(no_thread(shard, error));
            }
        }
    }
    drop(ready);
    introduce(Shards { threads, control }, given.clone(), cpus, &all_ready, handing_out)
}

/// Waits for the doors of all shards and hands out what they share: they begin.
fn introduce(
    shards: Shards,
    given: Given,
    cpus: Vec<usize>,
    all_ready: &mpsc::Receiver<Ready>,
    handing_out: Vec<mpsc::Sender<Arc<Shared>>>,
) -> Result<Shards, RuntimeError> {
    let Some(doors) = doors(shards.threads.len(), all_ready) else {
        drop(handing_out);
        return Err(shards.wait().err().unwrap_or_else(|| not_started(0, &"it ended at once")));
    };
    let shared = Arc::new(Shared {
        given,
        clock: Clock::new(),
        bells: bells(doors, &shards.control),
        board: LoadBoard::new(cpus.len()),
        cpus,
        passwords: Passwords::new(),
        handshakes: Workers::new(),
    });
    for hand_out in handing_out {
        // A shard that is gone already has stopped the others, and `wait` says why.
        let _ = hand_out.send(Arc::clone(&shared));
    }
    Ok(shards)
}

/// The doors of all shards, by shard, once each has one; `None` if one could not be made.
fn doors(shards: usize, all_ready: &mpsc::Receiver<Ready>) -> Option<Vec<Option<OwnedFd>>> {
    let mut ready: Vec<Ready> = all_ready.iter().collect();
    ready.sort_by_key(|(shard, _)| shard.0);
    (ready.len() == shards).then(|| ready.into_iter().map(|(_, door)| door).collect())
}

fn bells(doors: Vec<Option<OwnedFd>>, control: &Control) -> Box<[Bell]> {
    let counters = control.shards.iter().map(|orders| Arc::clone(orders.counter()));
    doors.into_iter().zip(counters).map(|(door, counter)| Bell::new(door, counter)).collect()
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
