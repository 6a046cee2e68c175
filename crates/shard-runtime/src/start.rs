//! Starting the shards, stopping them, and waiting for their end.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use broker::{Broker, Config};
use fabric::ShardId;
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::bell::{self, Bell};
use crate::clock::Clock;
use crate::driver::{Driver, Parts};
use crate::error::RuntimeError;
use crate::io::{Backend, Io};
use crate::load_board::LoadBoard;
use crate::mesh_port::MeshPort;
use crate::preflight::memlock_limit;

/// What the system calls the threads of the shards.
const THREAD_NAME: &str = "shard";

/// glommio's own ring carries nothing of ours, so it is kept small.
const EXECUTOR_RING_DEPTH: usize = 8;

/// Memory that glommio registers with its ring, in bytes; unused, for the same reason.
const EXECUTOR_IO_BYTES: usize = 64 << 10;

/// The running shards.
pub struct Shards {
    threads: Vec<ShardThread>,
    stopper: Stopper,
}

/// Asks the shards to stop. Can be handed to any thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    controls: Arc<[Arc<OwnedFd>]>,
}

impl Stopper {
    /// Asks all shards to finish: they stop reading, deliver what they took in, and end. Asking
    /// again changes nothing.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        for control in &*self.controls {
            bell::ring(control);
        }
    }
}

/// Stops all shards when one ends, however it ends.
struct StopOnDrop(Stopper);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Shards {
    /// What stops them.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
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
/// a duplicate of `listener` and places the connections. A shard without work looks for some for as
/// long as `busy_poll` before it sleeps.
///
/// # Errors
/// A shard could not get what its backend needs, its core or its thread; none runs then.
pub fn start(
    backend: Backend,
    configs: Vec<Config>,
    listener: &TcpListener,
    cpus: &[usize],
    busy_poll: Duration,
) -> Result<Shards, RuntimeError> {
    let not_started = |shard: usize| {
        move |reason: &dyn std::fmt::Display| RuntimeError::NotStarted { shard, reason: reason.to_string() }
    };
    let clock = Clock::new();
    let board = Arc::new(LoadBoard::new(configs.len()));
    let controls = (0..configs.len())
        .map(|shard| {
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .map(Arc::new)
                .map_err(|error| not_started(shard)(&error))
        })
        .collect::<Result<Arc<[_]>, _>>()?;
    let stopper = Stopper { stop: Arc::new(AtomicBool::new(false)), controls };
    let mut listener = Some(listener.try_clone().map_err(|error| not_started(0)(&error))?);
    let (ready, all_ready) = mpsc::channel();
    let mut bell_senders = Vec::new();
    let mut threads = Vec::new();

    for (shard, (config, ports)) in configs.into_iter().zip(mesh(stopper.controls.len())).enumerate() {
        let (bell_sender, bells) = mpsc::channel();
        bell_senders.push(bell_sender);
        let seed = Seed {
            backend,
            shard: ShardId(shard as u8),
            config,
            ports,
            listener: listener.take(),
            stopper: stopper.clone(),
            clock,
            busy_poll,
            board: Arc::clone(&board),
            ready: ready.clone(),
            bells,
        };
        threads.push(seed.spawn(cpus[shard % cpus.len()]).map_err(|error| not_started(shard)(&error))?);
    }
    drop(ready);

    let shards = Shards { threads, stopper };
    let mut doors: Vec<_> = all_ready.iter().collect();
    if doors.len() < shards.threads.len() {
        drop(bell_senders);
        return Err(shards.wait().err().unwrap_or_else(|| not_started(0)(&"it ended at once")));
    }
    doors.sort_by_key(|(shard, _)| shard.0);
    let controls = shards.stopper.controls.iter().cloned();
    let bells: Arc<[Bell]> =
        doors.into_iter().zip(controls).map(|((_, door), control)| Bell::new(door, control)).collect();
    for bell_sender in bell_senders {
        // A shard that is gone already has stopped the others, and `wait` says why.
        let _ = bell_sender.send(Arc::clone(&bells));
    }
    Ok(shards)
}

/// What a thread needs to become a shard.
struct Seed {
    backend: Backend,
    shard: ShardId,
    config: Config,
    ports: Vec<Option<MeshPort>>,
    listener: Option<TcpListener>,
    stopper: Stopper,
    clock: Clock,
    busy_poll: Duration,
    board: Arc<LoadBoard>,
    /// Where a shard that could be made announces itself, with its door.
    ready: mpsc::Sender<(ShardId, Option<OwnedFd>)>,
    /// Where it gets the bells of all once all are ready.
    bells: mpsc::Receiver<Arc<[Bell]>>,
}

impl Seed {
    /// Starts the thread. glommio's executors stand on io_uring, so without it a shard is a plain
    /// thread that runs the same turns.
    fn spawn(self, cpu: usize) -> io::Result<ShardThread> {
        let stops_all = StopOnDrop(self.stopper.clone());
        match self.backend {
            Backend::Uring => LocalExecutorBuilder::new(Placement::Fixed(cpu))
                .name(THREAD_NAME)
                .ring_depth(EXECUTOR_RING_DEPTH)
                .io_memory(EXECUTOR_IO_BYTES)
                .spawn(move || async move {
                    let _stops_all = stops_all;
                    let Some(mut driver) = self.grow()? else { return Ok(()) };
                    while !driver.turn()? {
                        glommio::executor().yield_if_needed().await;
                    }
                    Ok(())
                })
                .map(ShardThread::Executor)
                .map_err(Into::into),
            Backend::Epoll => thread::Builder::new()
                .name(THREAD_NAME.to_owned())
                .spawn(move || {
                    let _stops_all = stops_all;
                    pin(cpu)?;
                    let Some(mut driver) = self.grow()? else { return Ok(()) };
                    while !driver.turn()? {}
                    Ok(())
                })
                .map(ShardThread::Plain),
        }
    }

    /// Makes the shard's driver on its own thread; `None` if another shard could not be made.
    fn grow(self) -> io::Result<Option<Driver>> {
        let io = Io::new(self.backend, Arc::clone(&self.stopper.controls[self.shard.index()]))?;
        let announced = self.ready.send((self.shard, io.door()?));
        drop(self.ready);
        // Either end of these channels is gone only when another shard failed to start.
        let (Ok(()), Ok(bells)) = (announced, self.bells.recv()) else { return Ok(None) };
        let parts = Parts {
            shard: self.shard,
            broker: Broker::new(self.config),
            io,
            bells,
            ports: self.ports,
            listener: self.listener,
            stop: self.stopper.stop,
            clock: self.clock,
            busy_poll: self.busy_poll,
            board: self.board,
        };
        Driver::new(parts).map(Some)
    }
}

/// The thread of a shard.
enum ShardThread {
    Executor(ExecutorJoinHandle<io::Result<()>>),
    Plain(thread::JoinHandle<io::Result<()>>),
}

impl ShardThread {
    fn join(self) -> io::Result<()> {
        match self {
            Self::Executor(executor) => executor.join().unwrap_or_else(|error| Err(error.into())),
            Self::Plain(thread) => thread.join().unwrap_or_else(|_| Err(io::Error::other("it panicked"))),
        }
    }
}

fn pin(cpu: usize) -> io::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    Ok(sched_setaffinity(None, &cpus)?)
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
