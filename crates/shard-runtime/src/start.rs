//! Starting the shards, stopping them, and waiting for their end.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use broker::{Broker, Config};
use fabric::ShardId;
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::bell::{self, Bell};
use crate::clock::Clock;
use crate::driver::{Driver, Parts};
use crate::error::RuntimeError;
use crate::io::Io;
use crate::load_board::LoadBoard;
use crate::mesh_port::MeshPort;
use crate::preflight::memlock_limit;

/// glommio's own ring carries nothing of ours, so it is kept small.
const EXECUTOR_RING_DEPTH: usize = 8;

/// Memory that glommio registers with its ring, in bytes; unused, for the same reason.
const EXECUTOR_IO_BYTES: usize = 64 << 10;

/// The running shards.
pub struct Shards {
    handles: Vec<ExecutorJoinHandle<io::Result<()>>>,
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
        let shards = self.handles.len();
        let mut outcome = Ok(());
        for (shard, handle) in self.handles.into_iter().enumerate() {
            let error = match handle.join() {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(error) => error.into(),
            };
            outcome = outcome.and(Err(match Errno::from_io_error(&error) {
                Some(Errno::NOMEM) => RuntimeError::MemlockExhausted { shards, limit: memlock_limit() },
                _ => RuntimeError::Failed { shard, reason: error.to_string() },
            }));
        }
        outcome
    }
}

/// Starts a shard for each configuration, on the given cores in turn. The first shard accepts from
/// `listener` and places the connections.
///
/// # Errors
/// A shard could not get its ring, its core or its thread; none runs then.
pub fn start(configs: Vec<Config>, listener: TcpListener, cpus: &[usize]) -> Result<Shards, RuntimeError> {
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
    let mut listener = Some(listener);
    let mut ports = mesh(configs.len());
    let (ring_made, rings_made) = mpsc::channel();
    let mut bell_senders = Vec::new();
    let mut handles = Vec::new();

    for (shard, config) in configs.into_iter().enumerate() {
        let (bell_sender, bells) = mpsc::channel();
        bell_senders.push(bell_sender);
        let (ring_made, stopper) = (ring_made.clone(), stopper.clone());
        let board = Arc::clone(&board);
        let (ports, listener) = (std::mem::take(&mut ports[shard]), listener.take());
        let body = move || async move {
            let _stops_all = StopOnDrop(stopper.clone());
            let io = Io::new(Arc::clone(&stopper.controls[shard]))?;
            let announced = ring_made.send((shard, io.doorbell()?));
            drop(ring_made);
            // Either end of these channels is gone only when another shard failed to start.
            let (Ok(()), Ok(bells)) = (announced, bells.recv()) else { return Ok(()) };
            let mut driver = Driver::new(Parts {
                shard: ShardId(shard as u8),
                broker: Broker::new(config),
                io,
                bells,
                ports,
                listener,
                stop: Arc::clone(&stopper.stop),
                clock,
                board,
            })?;
            while !driver.turn()? {
                glommio::executor().yield_if_needed().await;
            }
            Ok(())
        };
        let spawned = LocalExecutorBuilder::new(Placement::Fixed(cpus[shard % cpus.len()]))
            .name("shard")
            .ring_depth(EXECUTOR_RING_DEPTH)
            .io_memory(EXECUTOR_IO_BYTES)
            .spawn(body);
        handles.push(spawned.map_err(|error| not_started(shard)(&error))?);
    }
    drop(ring_made);

    let shards = Shards { handles, stopper };
    let mut rings: Vec<_> = rings_made.iter().collect();
    if rings.len() < shards.handles.len() {
        drop(bell_senders);
        return Err(shards.wait().err().unwrap_or_else(|| not_started(0)(&"it ended at once")));
    }
    rings.sort_by_key(|(shard, _)| *shard);
    let controls = shards.stopper.controls.iter().cloned();
    let bells: Arc<[Bell]> =
        rings.into_iter().zip(controls).map(|((_, ring), control)| Bell::new(ring, control)).collect();
    for bell_sender in bell_senders {
        // A shard that is gone already has stopped the others, and `wait` says why.
        let _ = bell_sender.send(Arc::clone(&bells));
    }
    Ok(shards)
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
