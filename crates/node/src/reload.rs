//! Reading the configuration again while the server runs.
//!
//! First all that can fail: the file is read, flags are laid over it, what changed is held against what
//! may change, and users, certificates and the log are made ready. A mistake anywhere leaves everything
//! as it was. Only then the shards are told.

use std::sync::{Arc, Weak};

use broker::{Broker, Settings};
use cluster::LeafRemote;
use conns::CloseReason;
use fabric::ShardId;
use nats_auth::{Directory, LeafKey};
use rustls::ServerConfig;
use server_log::Log;
use server_options::{
    CommandLine, NotReloadable, Options, OptionsError, Port, jetstream_returns, reload_changes,
};
use shard_runtime::Control;
use system::{Sequence, SystemEvent};
use tls_session::Acceptor;

use crate::board::{Board, Meeting, Secured};
use crate::error::NodeError;
use crate::files::{PortsPlace, write_pid_file};
use crate::gather::Gatherer;
use crate::identity::system_server;
use crate::jetstream::config;
use crate::jetstream_limits::next_config;
use crate::leafs::hubs;
use crate::monitoring::Monitoring;
use crate::reload_request::NO_FILE;
use crate::routes::renewed;
use crate::server::Server;
use crate::settings::settings;
use crate::shed::{shed, sweep};
use crate::sources::load;
use crate::start_failure::{log_failure, start_failure};
use crate::tls_files;
use crate::users::next_directories;
use crate::websocket;

/// Why a reload was refused.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error("{}", NO_FILE)]
    NoFile,
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    NotReloadable(#[from] NotReloadable),
    /// What a start would fail on as well, in the same words.
    #[error("{0}")]
    NotReady(String),
}

/// What new options come to.
struct Prepared {
    directories: Vec<Arc<Directory>>,
    tls: Option<Arc<Acceptor>>,
    web_tls: Option<Arc<Acceptor>>,
    https: Option<Arc<ServerConfig>>,
    hubs: Vec<(LeafRemote, Option<LeafKey>)>,
}

/// What a reload needs, and what it changes.
pub(crate) struct Reloader {
    command_line: CommandLine,
    /// The options in force, with the port that was found.
    options: Options,
    /// What it was started with of streams.
    started: Options,
    /// The settings in force.
    settings: Arc<Settings>,
    /// What streams are subject to, if there may be any.
    streams: Option<Arc<jetstream::Config>>,
    gatherer: Gatherer,
    sequence: Sequence,
    meeting: Option<Meeting>,
    board: Arc<Board>,
    control: Control,
    log: Log,
    port: u16,
    // Both go with the server.
    ports: Weak<PortsPlace>,
    monitoring: Weak<Monitoring>,
}

impl Reloader {
    /// For a server that runs with these options, which came of this command line.
    pub(crate) fn new(command_line: &CommandLine, options: &Options, server: &Server, log: &Log) -> Self {
        Self {
            command_line: command_line.clone(),
            started: Options {
                jetstream: options.jetstream.clone(),
                store_dir: options.store_dir.clone(),
                ..Options::default()
            },
            options: websocket::with_port(
                &Options { port: Port::Fixed(server.port), ..options.clone() },
                server.websocket_address,
            ),
            settings: Arc::clone(&server.settings),
            streams: server.streams.clone(),
            gatherer: server.gatherer.clone(),
            sequence: server.sequence.clone(),
            meeting: server.meeting.clone(),
            board: Arc::clone(&server.board),
            control: server.control(),
            log: log.clone(),
            port: server.port,
            ports: Arc::downgrade(&server.ports),
            monitoring: server.monitoring.as_ref().map(Arc::downgrade).unwrap_or_default(),
        }
    }

    /// Reloads, and says in the log what came of it. The error says why nothing changed.
    pub(crate) fn reload(&mut self) -> Result<(), String> {
        self.try_reload().map_err(|error| {
            tracing::error!("Failed to reload server configuration: {error}");
            error.to_string()
        })
    }

    fn try_reload(&mut self) -> Result<(), ReloadError> {
        if self.command_line.config().is_none() {
            return Err(ReloadError::NoFile);
        }
        let mut options = load(&self.command_line)?.options;
        if options.port == Port::Random {
            options.port = self.options.port;
        }
        if let (Some(new), Some(old)) = (&mut options.websocket, &self.options.websocket)
            && new.port == Port::Random
        {
            new.port = old.port;
        }
        if options.jetstream.is_on && !self.options.jetstream.is_on {
            jetstream_returns(&self.started, &options)?;
        }
        let lines = reload_changes(&self.options, &options)?;
        let Prepared { directories, tls, web_tls, https, hubs } =
            self.prepare(&options).map_err(|error| ReloadError::NotReady(start_failure(&error, &options)))?;
        // The last that can fail, since it takes effect at once.
        if options.log != self.options.log {
            let reloaded = self.log.reload(&options.log);
            reloaded.map_err(|error| ReloadError::NotReady(log_failure(&error, &options)))?;
        }
        // What comes of it on the shards is said behind it.
        lines.iter().for_each(|line| tracing::info!("{line}"));
        // Shards carry out what they are told in order, and the next waits for them.
        self.control.secure(tls.clone());
        self.control.open_web(&websocket::policy(&options, web_tls.clone()));
        self.tell_shards(&options, directories);
        self.tell_system(&options);
        self.tell_cluster(&options);
        self.tell_hubs(&options, hubs);
        self.tell_streams(&options);
        self.rewrite_files(&options);
        let secured = Secured { clients: tls.as_deref(), websockets: web_tls.as_deref() };
        let streams = self.streams.as_deref().filter(|_| options.jetstream.is_on);
        self.board.reconfigure(&options, &self.settings, streams, &secured);
        if let (Some(monitoring), Some(https)) = (self.monitoring.upgrade(), https) {
            monitoring.secure(https);
        }
        self.options = options;
        let digest = self.options.config.as_ref().map_or("", |config| &config.digest);
        tracing::info!("Reloaded server configuration ({digest})");
        Ok(())
    }

    /// Makes ready what can fail. Files may be others under the same names.
    fn prepare(&self, options: &Options) -> Result<Prepared, NodeError> {
        Ok(Prepared {
            directories: next_directories(&self.settings.directory, &self.options.auth, &options.auth)?,
            tls: tls_files::acceptor(options)?,
            web_tls: tls_files::for_websockets(options)?,
            https: tls_files::for_monitoring(options)?,
            hubs: hubs(options)?,
        })
    }

    /// Puts new options in force on the shards, with the last of these directories.
    fn tell_shards(&mut self, options: &Options, mut directories: Vec<Arc<Directory>>) {
        let users_changed = !directories.is_empty();
        let last = directories.pop().unwrap_or_else(|| Arc::clone(&self.settings.directory));
        for directory in directories {
            self.reconfigure(Settings { directory, ..Settings::clone(&self.settings) });
        }
        self.reconfigure(settings(options, &self.settings.info.server_id, self.port, last));
        if users_changed {
            self.close_crowds();
        }
        let max = options.broker.connections_max();
        if max < self.options.broker.connections_max() {
            self.close_surplus(max);
        }
    }

    /// Has the system's services know the users and the server as they are now.
    fn tell_system(&self, options: &Options) {
        let told = self.meeting.as_ref().map(|meeting| Arc::clone(&meeting.told));
        let server = system_server(options, &self.settings.info, self.sequence.clone(), told);
        for shard in self.control.shards() {
            self.control.tell_system(shard, SystemEvent::Reconfigured(Arc::clone(&server)));
        }
    }

    /// Has the shard that speaks to other servers follow what is said of them.
    fn tell_cluster(&self, options: &Options) {
        let Some(meeting) = &self.meeting else { return };
        let cluster = Arc::new(renewed(&meeting.config, options));
        let told = self.control.ask(ShardId(0), |broker, now| broker.reconfigure_cluster(now, cluster));
        let _ = told.recv();
    }

    /// Has that shard dial other hubs, if there are others. Which accounts there are it knows.
    fn tell_hubs(&self, options: &Options, hubs: Vec<(LeafRemote, Option<LeafKey>)>) {
        if options.leaf_nodes.remotes == self.options.leaf_nodes.remotes {
            return;
        }
        let told = self.control.ask(ShardId(0), |broker, now| broker.dial_other_hubs(now, hubs));
        let _ = told.recv();
    }

    /// Has streams know what they are subject to from now on. The shards have the accounts that go with it.
    fn tell_streams(&mut self, options: &Options) {
        let Some(in_force) = &self.streams else { return };
        let Some(totals) = self.gatherer.jetstream_totals().flatten() else { return };
        match (self.options.jetstream.is_on, options.jetstream.is_on) {
            (true, false) => tracing::info!("Initiating JetStream Shutdown..."),
            (false, true) => tracing::info!("Restarting JetStream"),
            _ => {}
        }
        let mut wanted = config(options, &self.settings.info, &self.settings.directory);
        // What was left to the server stays as it was found at the start.
        if options.jetstream.max_memory.is_none() {
            wanted.max_memory = in_force.max_memory;
        }
        if options.jetstream.max_storage.is_none() {
            wanted.max_storage = in_force.max_storage;
        }
        let (next, refused) = next_config(in_force, wanted, &totals);
        refused.iter().for_each(|line| tracing::error!("{line}"));
        let next = Arc::new(next);
        for shard in self.control.shards() {
            let next = Arc::clone(&next);
            let told = self.control.ask_streams(shard, move |jetstream, broker, _, _| {
                jetstream.reconfigure(broker, next);
            });
            let _ = told.recv();
        }
        self.streams = Some(next);
        if self.options.jetstream.is_on && !options.jetstream.is_on {
            tracing::info!("JetStream Shutdown");
        }
    }

    /// Puts settings in force on all shards, and waits until they are.
    fn reconfigure(&mut self, settings: Settings) {
        let settings = Arc::new(settings);
        // Those before last until no shard has them: who drops them last takes very many users apart.
        let _before = std::mem::replace(&mut self.settings, Arc::clone(&settings));
        self.on_all_shards(move |broker| broker.reconfigure(settings));
        for shard in self.control.shards() {
            for part in [Broker::follow_settings, Broker::recheck_subscriptions, Broker::end_rechecks] {
                sweep(&self.control, shard, part);
            }
        }
    }

    /// Closes connections of accounts until no account has more than it may have.
    fn close_crowds(&self) {
        for shard in self.control.shards() {
            sweep(&self.control, shard, Broker::shed_crowds);
        }
    }

    /// Closes connections of whatever shard until there are no more than `max`.
    fn close_surplus(&self, max: usize) {
        let open = self.on_all_shards(|broker| broker.connections());
        let surplus = open.iter().sum::<usize>().saturating_sub(max);
        let mut left = surplus;
        for shard in self.control.shards() {
            let reason = CloseReason::MaxConnectionsExceeded;
            left -= shed(&self.control, shard, left, reason);
        }
        if surplus > left {
            tracing::info!("Closed {} connections to fall within max_connections", surplus - left);
        }
    }

    /// Asks all shards at once, and waits for their answers. A shard that ends has none.
    fn on_all_shards<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Broker) -> R + Clone + Send + 'static,
    ) -> Vec<R> {
        let asked = self.control.shards().map(|shard| {
            let question = question.clone();
            self.control.ask(shard, move |broker, _| question(broker))
        });
        let asked: Vec<_> = asked.collect();
        asked.iter().filter_map(|answer| answer.recv().ok()).collect()
    }

    /// Writes the pid file and the ports file where they are to be now. The server goes on without them.
    fn rewrite_files(&self, options: &Options) {
        if let Some(path) = options.pid_file.as_deref().filter(|_| options.pid_file != self.options.pid_file)
            && let Err(error) = write_pid_file(path)
        {
            tracing::error!("{error}");
        }
        if options.ports_file_dir != self.options.ports_file_dir
            && let Some(ports) = self.ports.upgrade()
        {
            ports.move_to(options.ports_file_dir.as_deref());
        }
    }
}
