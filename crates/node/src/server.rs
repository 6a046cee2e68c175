//! A server from start to end.

use std::net::SocketAddr;
use std::sync::Arc;

use broker::Config;
use fabric::ShardId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server_options::{Options, SHARDS_MAX};
use shard_runtime::{Control, Shards, available_cpus};

use crate::backend::Plan;
use crate::error::NodeError;
use crate::files::{PortsFile, write_pid_file};
use crate::identity::{COMPATIBLE_VERSION, OWN_VERSION, new_server_id};
use crate::listen::listen;
use crate::settings::settings;
use crate::signals::StopSignals;

/// A running server. It runs on until it is stopped, even if this is dropped.
pub struct Server {
    address: SocketAddr,
    shards: Shards,
    _ports_file: Option<PortsFile>,
}

impl Server {
    /// Starts a server; when this returns it accepts clients. `program` names the ports file.
    ///
    /// # Errors
    /// The machine lacks what shards need, the address is not to be had, or a file not writable.
    pub fn start(options: &Options, program: &str) -> Result<Self, NodeError> {
        raise_limit(Resource::Nofile);
        raise_limit(Resource::Memlock);
        let cpus = available_cpus();
        let shards = options.shards.unwrap_or(cpus.len().min(SHARDS_MAX));
        let plan = Plan::make(options.io, shards)?;
        let (listener, address) = listen(options)?;
        let settings = Arc::new(settings(options, &new_server_id(), address));
        let info = &settings.info;
        tracing::info!("Starting nats-server");
        tracing::info!("  Version:  {COMPATIBLE_VERSION} (buster-server {OWN_VERSION})");
        tracing::info!("  Name:     {}", info.server_name);
        tracing::info!("  ID:       {}", info.server_id);
        tracing::info!("  Shards:   {shards}");
        if let Some(config) = &options.config {
            tracing::info!("Using configuration file: {} ({})", config.path.display(), config.digest);
        }

        let configs = || {
            let config = |shard| Config {
                seed: random_seed(),
                placement: options.placement,
                route: options.route,
                ..Config::new(shard, shards, Arc::clone(&settings))
            };
            ShardId::all(shards).map(config).collect()
        };
        let shards = plan.start(configs, &listener, &cpus, options.busy_poll)?;
        let shown = SocketAddr::new(address.ip().to_canonical(), address.port());
        let host = if address.ip().is_unspecified() { options.host.clone() } else { shown.ip().to_string() };
        tracing::info!("Listening for client connections on {}", host_port(&host, address.port()));
        let control = shards.control();
        let files = || {
            options.pid_file.as_deref().map(write_pid_file).transpose()?;
            let directory = options.ports_file_dir.as_deref();
            directory.map(|directory| PortsFile::write(directory, program, address)).transpose()
        };
        let ports_file = files().inspect_err(|_| control.stop())?;
        tracing::info!("Server is ready");
        Ok(Self { address, shards, _ports_file: ports_file })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops the server, and asks its shards things.
    pub fn control(&self) -> Control {
        self.shards.control()
    }

    /// Waits until the server was stopped.
    ///
    /// # Errors
    /// A shard failed.
    pub fn wait(self) -> Result<(), NodeError> {
        Ok(self.shards.wait()?)
    }
}

/// Runs a server until SIGINT or SIGTERM.
///
/// # Errors
/// As [`Server::start`] and [`Server::wait`].
pub fn serve(options: &Options, program: &str) -> Result<(), NodeError> {
    // Before anyone is told that the server is ready: they may stop it at once.
    let signals = StopSignals::watch()?;
    let server = Server::start(options, program)?;
    signals.stop(server.control())?;
    server.wait()?;
    tracing::info!("Server Exiting..");
    Ok(())
}

/// Takes as much of a resource as the system grants without asking anyone: each client needs a
/// descriptor, each shard locked memory.
fn raise_limit(resource: Resource) {
    let limit = getrlimit(resource);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(resource, raised)
    {
        tracing::warn!("Could not raise the limit {resource:?} above {:?}: {error}", limit.current);
    }
}

/// A number nobody can foresee, where the kernel has one already.
fn random_seed() -> u64 {
    let mut seed = [0; 8];
    let filled = rustix::rand::getrandom(&mut seed[..], rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(seed.len()), "the kernel gives this little randomness in one piece");
    u64::from_ne_bytes(seed)
}

fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
