//! What can keep a server from starting, or end it.

use nats_proto::error_words;
use std::io;
use std::path::PathBuf;

use nats_auth::ConfigError;
use shard_runtime::{RuntimeError, StoreError};

use crate::hosts::joined;
use crate::listen::ListenError;
use crate::tls_files::TlsError;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The listener could not be had.
    #[error("Error listening on port: {}, \"{source}\"", joined(host, *port))]
    Listen {
        /// The host asked for.
        host: String,
        /// The port asked for.
        port: u16,
        /// Why not.
        source: ListenError,
    },
    /// The listener for routes could not be had.
    #[error("Error listening on router port: {port} - {source}")]
    Routes {
        /// The port asked for.
        port: u16,
        /// Why not.
        source: ListenError,
    },
    /// What shows a hub who this server is cannot be read.
    #[error("Error reading LeafNode Remote Credentials file {}: {reason}", nats_proto::quote(path.display().to_string()))]
    LeafCredentials {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The listener for leaf nodes could not be had.
    #[error("Error listening on leafnode port: {port} - {source}")]
    LeafNodes {
        /// The port asked for.
        port: u16,
        /// Why not.
        source: ListenError,
    },
    /// Something is asked for of routes that there is not.
    #[error("{option} is not supported yet")]
    NoSuchRoutes {
        /// What.
        option: &'static str,
    },
    /// There is no thread that counts for those who watch.
    #[error("Could not start the thread for the console: {0}")]
    Sampler(#[source] io::Error),
    /// There is no thread for routes.
    #[error("Could not start the threads for routes: {0}")]
    RouteThreads(#[source] io::Error),
    /// The listener for WebSockets could not be had.
    #[error("Unable to listen for websocket connections: {0}")]
    WebSocket(#[source] ListenError),
    /// The listener of the HTTP API could not be had.
    #[error("Unable to listen for HTTP clients: {0}")]
    HttpApi(#[source] ListenError),
    /// The HTTP API could not begin.
    #[error("Could not start the HTTP API: {0}")]
    HttpThread(#[from] http_gateway::StartError),
    /// Users and accounts make no sense.
    #[error(transparent)]
    Users(#[from] ConfigError),
    /// The listener for monitoring could not be had.
    #[error("Can't start monitoring: can't listen to the monitor port: {0}")]
    Monitor(#[source] ListenError),
    /// Monitoring could not begin.
    #[error("Can't start monitoring: {0}")]
    Monitoring(#[from] monitor_http::StartError),
    /// The pid file could not be written.
    #[error("Could not write pidfile: open {}: {}", path.display(), error_words(source))]
    PidFile {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Signals could not be watched.
    #[error("Could not watch signals: {0}")]
    Signals(#[source] io::Error),
    /// There is no thread for the system's services.
    #[error("Could not start the system's thread: {0}")]
    System(#[source] io::Error),
    /// There is no place for streams.
    #[error("Can't start JetStream: {0}")]
    Store(#[from] StoreError),
    /// Accounts may have more than there is.
    #[error("Can't start JetStream: Error enabling jetstream on configured accounts: {0}")]
    Accounts(#[source] js_proto::ApiError),
    /// TLS is asked for and cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The shards cannot run, or one of them failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}
