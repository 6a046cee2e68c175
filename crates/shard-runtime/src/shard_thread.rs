//! The thread of one shard: an executor on io_uring, a plain thread on epoll.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};
use std::thread;

use broker::Config;
use fabric::ShardId;
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement, PoolPlacement};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::control::Control;
use crate::driver::Driver;
use crate::io::{Backend, Io};
use crate::listeners::Listeners;
use crate::mesh_port::MeshPort;
use crate::orders::Orders;
use crate::shared::Shared;

/// What the system calls the threads of the shards.
const THREAD_NAME: &str = "shard";

/// glommio's own ring carries nothing of ours, so it is kept small.
const EXECUTOR_RING_DEPTH: usize = 8;

/// Memory that glommio registers with its ring, in bytes; unused, for the same reason.
const EXECUTOR_IO_BYTES: usize = 64 << 10;

/// glommio's threads for what blocks: we have nothing of the kind, and a shard would pay for them with a stack.
const NO_THREADS: PoolPlacement = PoolPlacement::Custom(Vec::new());

/// A shard that could be made, and what wakes it beside its event counter.
pub(crate) type Ready = (ShardId, Option<OwnedFd>);

/// What one shard has of its own from the start.
pub(crate) struct Own {
    pub(crate) shard: ShardId,
    /// What its broker is made of.
    pub(crate) config: Config,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    /// Of the shard that accepts.
    pub(crate) listeners: Option<Listeners>,
    pub(crate) orders: Arc<Orders>,
}

/// What a thread needs to become a shard.
pub(crate) struct Seed {
    pub(crate) backend: Backend,
    pub(crate) own: Own,
    pub(crate) control: Control,
    /// Where a shard that could be made announces itself, with its door.
    pub(crate) ready: mpsc::Sender<Ready>,
    /// Where it gets what all share once all are ready.
    pub(crate) shared: mpsc::Receiver<Arc<Shared>>,
}

impl Seed {
    /// Starts the thread. glommio's executors stand on io_uring, so without it a shard is a plain
    /// thread that runs the same turns.
    pub(crate) fn spawn(self, cpu: usize) -> io::Result<ShardThread> {
        let stops_all = StopOnDrop { shard: self.own.shard, control: self.control.clone() };
        match self.backend {
            // glommio would look its place up in /sys, which is not there on every root file system.
            Backend::Uring => LocalExecutorBuilder::new(Placement::Unbound)
                .name(THREAD_NAME)
                .ring_depth(EXECUTOR_RING_DEPTH)
                .io_memory(EXECUTOR_IO_BYTES)
                .blocking_thread_pool_placement(NO_THREADS)
                .spawn(move || async move {
                    let _stops_all = stops_all;
                    pin(cpu)?;
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
        let io = Io::new(self.backend, Arc::clone(self.own.orders.counter()))?;
        let announced = self.ready.send((self.own.shard, io.door()?));
        drop(self.ready);
        // Either end of these channels is gone only when another shard failed to start.
        let (Ok(()), Ok(shared)) = (announced, self.shared.recv()) else { return Ok(None) };
        Driver::new(self.own, io, shared).map(Some)
    }
}

/// The thread of a shard.
pub(crate) enum ShardThread {
    Executor(ExecutorJoinHandle<io::Result<()>>),
    Plain(thread::JoinHandle<io::Result<()>>),
}

impl ShardThread {
    pub(crate) fn join(self) -> io::Result<()> {
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

/// Stops all shards when one ends, however it ends, and lets nobody wait for that one.
struct StopOnDrop {
    shard: ShardId,
    control: Control,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.control.shards[self.shard.index()].end();
        self.control.stop();
    }
}
