//! A server from start to end.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use broker::{ClosedConnections, Config, SeldomLines, Settings};
use fabric::ShardId;
use monitor::ServerFacts;
use nats_auth::{ConnectionType, Directory};
use nats_proto::GoDuration;
use server_log::Log;
use server_options::{CommandLine, Options};
use shard_runtime::{
    Control, Given, KernelTls, Listeners, PeerTls, Shards, available_cpus, dial_routes, wall_clock,
};
use system::{INQUIRIES_MAX, Sequence};
use tls_session::Acceptor;

use crate::backend::Plan;
use crate::board::{Board, Meeting, Secured};
use crate::error::NodeError;
use crate::files::{Ports, PortsPlace, Reached, write_pid_file};
use crate::gather::Gatherer;
use crate::gather_streams::StreamGatherer;
use crate::hosts::joined;
use crate::http_api;
use crate::identity::{COMPATIBLE_VERSION, OWN_VERSION, new_server_id, system_server};
use crate::inquiries::Informer;
use crate::jetstream;
use crate::leafs::LeafNodes;
use crate::listen::{listen, listen_for_websockets};
use crate::machine::{default_shards, memory_limit, raise_limits};
use crate::monitoring::{Bound, Monitoring};
use crate::notify;
use crate::reload::Reloader;
use crate::reload_request::ReloadByRequest;
use crate::routes::Routes;
use crate::settings::settings;
use crate::signals::{Duties, Signals};
use crate::teller::Teller;
use crate::tls_files;
use crate::websocket;

/// A larger `max_payload` is worth a warning, nats-server says.
const WISE_PAYLOAD_BYTES: usize = 8 << 20;

/// A running server. It runs on until it is stopped, even if this is dropped.
pub struct Server {
    address: Option<SocketAddr>,
    /// What INFO says of the port, unless it is told otherwise.
    pub(crate) port: u16,
    /// Where WebSockets come in.
    pub(crate) websocket_address: Option<SocketAddr>,
    shards: Shards,
    pub(crate) monitoring: Option<Arc<Monitoring>>,
    pub(crate) board: Arc<Board>,
    /// Those it started with.
    pub(crate) settings: Arc<Settings>,
    /// What streams are subject to, if there may be any.
    pub(crate) streams: Option<Arc<::jetstream::Config>>,
    pub(crate) gatherer: Gatherer,
    /// Of the system's answers.
    pub(crate) sequence: Sequence,
    /// Of the cluster, if it is in one.
    pub(crate) meeting: Option<Meeting>,
    /// Its file goes with the server.
    pub(crate) ports: Arc<PortsPlace>,
    reload: ReloadByRequest,
    /// It answers while this is here.
    _http_api: Option<http_gateway::Running>,
}

impl Server {
    /// Starts a server; when this returns it accepts clients, those in this process with [`Control::connect`]. `program` names the ports file.
    ///
    /// # Errors
    /// The machine lacks what shards need, the address is not to be had, or a file not writable.
    pub fn start(options: &Options, program: &str) -> Result<Self, NodeError> {
        let cpus = available_cpus();
        let count = options.shards.unwrap_or_else(|| default_shards(cpus.len()));
        let plan = Plan::make(options.runtime.io, count)?;
        let kernel_tls = options.runtime.ktls.then(KernelTls::probe).transpose()?;
        let tls = tls_files::acceptor(options)?;
        let web_tls = tls_files::for_websockets(options)?;
        let are_routes_secured = options.cluster.as_ref().is_some_and(|cluster| cluster.tls.is_some());
        let peer_tls = PeerTls { routes: tls_files::for_routes(options)? };
        let https = tls_files::for_monitoring(options)?;
        let directory = Directory::new(&options.auth)?;
        let server_id = new_server_id();
        // From here on in nats-server's order: each line of the log, and each thing that can fail.
        introduce(options, &server_id, count, &directory);
        if let Some(path) = &options.pid_file {
            write_pid_file(path)?;
        }
        let monitor = Bound::bind(options)?;
        let (websocket, websocket_address) = listen_for_websockets(options)?.unzip();
        let options = &websocket::with_port(options, websocket_address);
        websocket::announce(options);
        let mut http_api = http_api::Bound::bind(options)?;
        let (mut clients, address) = listen(options)?.unzip();
        share_clients(options, &mut clients, address, http_api.as_mut());
        let port = address.map_or(options.port.number(), |address| address.port());
        let settings = Arc::new(settings(options, &server_id, port, directory));
        // Nobody can ask for them without monitoring over HTTP and without a system account.
        let is_asked = monitor.is_some() || options.auth.system().is_some();
        let closed_max = if is_asked { options.broker.max_closed_clients } else { 0 };
        let closed = Arc::new(ClosedConnections::new(closed_max));
        let mut routes = Routes::bind(options, &settings.info, address)?;
        let cluster = routes.as_ref().map(|routes| &*routes.config.cluster);
        let leafs = LeafNodes::bind(options, &settings.info, cluster)?;
        if let Some((routes, leafs)) = routes.as_mut().zip(leafs.as_ref()) {
            routes.tell_of_leaf_nodes(leafs.url(options));
        }
        let leaf_address = leafs.as_ref().and_then(LeafNodes::address);
        let route_address = routes.as_ref().map(|routes| routes.address);
        let meeting = routes.as_ref().map(Routes::meeting);
        let told = meeting.as_ref().map(|meeting| Arc::clone(&meeting.told));
        let (dials, dialed) = mpsc::channel();
        let configs = || shard_configs(count, &settings, &closed, routes.as_ref(), leafs.as_ref());
        let sequence = Sequence::default();
        let began = Instant::now();
        let streams = jetstream::prepare(options, &settings.info, &settings.directory, count)?;
        let (inquiries, asked) = mpsc::sync_channel(count * INQUIRIES_MAX);
        let given = Given {
            config: options.runtime.clone(),
            tls: tls.clone(),
            peer_tls,
            web: websocket::policy(options, web_tls.clone()),
            kernel_tls,
            server: system_server(options, &settings.info, sequence.clone(), told),
            jetstream: streams.as_ref().map(|streams| Arc::clone(&streams.config)),
            store: streams.as_ref().map(|streams| Arc::clone(&streams.store)),
            dials: (routes.is_some() || leafs.is_some()).then_some(dials),
            inquiries,
        };
        let shards = plan.start(configs, &Listeners { clients, websocket }, &cpus, &given)?;
        if streams.is_some() {
            tracing::info!("Took {} to start JetStream", GoDuration::of(began.elapsed()));
        }
        if let Some(address) = address {
            announce(&options.host, address, tls.as_deref());
        }
        let control = shards.control();
        if let Some(routes) = routes {
            routes.begin(&control).inspect_err(|_| control.stop())?;
        }
        if given.dials.is_some() {
            dial_routes(dialed, &control).map_err(NodeError::RouteThreads).inspect_err(|_| control.stop())?;
        }
        if let Some(leafs) = leafs {
            leafs.begin(&control).inspect_err(|_| control.stop())?;
        }
        let unmonitored = || ServerFacts { http_host: options.host.clone(), ..ServerFacts::default() };
        let place = monitor.as_ref().map_or_else(unmonitored, Bound::facts);
        let board = Arc::new(Board::new(
            place,
            count,
            options,
            &settings,
            streams.as_ref().map(|streams| &*streams.config),
            &Secured { clients: tls.as_deref(), websockets: web_tls.as_deref() },
            meeting.clone(),
        ));
        let streamed =
            streams.as_ref().map(|streams| StreamGatherer::new(control.clone(), streams.store.meters()));
        let gatherer = Gatherer::new(control.clone(), Arc::clone(&closed), streamed, wall_clock());
        let teller = Teller { gatherer: gatherer.clone(), board: Arc::clone(&board) };
        let reload = ReloadByRequest::default();
        let informer = Informer::new(control.clone(), teller.clone(), reload.clone());
        informer.start(asked).inspect_err(|_| control.stop())?;
        let monitored = monitor.as_ref().map(Bound::reached);
        let begin = |monitor: Bound| monitor.start(teller, https).map(Arc::new);
        let monitoring = monitor.map(begin).transpose().inspect_err(|_| control.stop())?;
        let needs_credentials = settings.directory.announces_auth(ConnectionType::InProcess);
        let begin = |api: http_api::Bound| api.start(&control, needs_credentials);
        let http_api = http_api.map(begin).transpose().inspect_err(|_| control.stop())?;
        let reached = |address, tls| Reached { address, tls };
        let clients = address.map(|address| reached(address, tls.is_some()));
        let websocket = websocket_address.map(|address| reached(address, web_tls.is_some()));
        let cluster = route_address.map(|address| reached(address, are_routes_secured));
        let leafs = leaf_address.map(|address| reached(address, false));
        let ports = Ports::new(clients, monitored, cluster, websocket, leafs);
        let ports = Arc::new(PortsPlace::new(program, ports));
        ports.move_to(options.ports_file_dir.as_deref());
        tracing::info!("Server is ready");
        let streams = streams.map(|streams| streams.config);
        Ok(Self {
            address,
            port,
            websocket_address,
            shards,
            monitoring,
            board,
            settings,
            streams,
            gatherer,
            sequence,
            meeting,
            ports,
            reload,
            _http_api: http_api,
        })
    }

    /// Where clients connect, unless only those in this process can.
    pub fn address(&self) -> Option<SocketAddr> {
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

/// What goes with a server to try things with.
#[derive(Debug)]
pub struct Trial {
    /// Others in the same process. They end with it.
    pub others: Vec<Options>,
    /// What to try, a line each.
    pub hints: Vec<String>,
    /// What to open in a browser, which the log says at last.
    pub page: String,
}

/// Runs a server until a signal ends it. The options came of the command line, which is read again with the configuration
/// file when that changes.
///
/// # Errors
/// As [`Server::start`] and [`Server::wait`].
pub fn serve(
    command_line: &CommandLine,
    options: &Options,
    program: &str,
    log: &Log,
    trial: Option<&Trial>,
) -> Result<(), NodeError> {
    // Before anyone is told that the server is ready: they may stop it at once.
    let signals = Signals::watch()?;
    raise_limits();
    let server = Server::start(options, program)?;
    let _others = trial.map(|trial| begin(trial, program)).transpose()?;
    notify::ready();
    let reloader = Mutex::new(Reloader::new(command_line, options, &server, log));
    let reload = move || {
        notify::reloading();
        let reloaded = reloader.lock().expect("nothing panics while it has this").reload();
        notify::ready();
        reloaded
    };
    let reload: Arc<dyn Fn() -> Result<(), String> + Send + Sync> = Arc::new(reload);
    let by_request = Arc::clone(&reload);
    server.reload.set(Box::new(move || by_request()));
    // What came of it stands in the log.
    let reload = Box::new(move || drop(reload()));
    signals.answer(Duties::new(server.control(), options.lame_duck, log.clone(), reload))?;
    server.wait()?;
    tracing::info!("Server Exiting..");
    Ok(())
}

/// How long servers beside each other have to meet, so that what they log of it comes before what to try.
const MEETING_TIME: Duration = Duration::from_secs(1);

/// Starts the others, and says what to try.
fn begin(trial: &Trial, program: &str) -> Result<Vec<Beside>, NodeError> {
    let others: Result<Vec<_>, NodeError> =
        trial.others.iter().map(|options| Ok(Beside(Some(Server::start(options, program)?)))).collect();
    if !trial.others.is_empty() {
        thread::sleep(MEETING_TIME);
    }
    trial.hints.iter().for_each(|hint| tracing::info!("{hint}"));
    tracing::info!("Open {}", trial.page);
    others
}

/// A server beside another one. Dropping it stops it, and waits until it has ended.
struct Beside(Option<Server>);

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(server) = self.0.take() {
            server.control().stop();
            // What went wrong stands in the log.
            let _ = server.wait();
        }
    }
}

/// Where the port of clients takes all who come, the shards do not accept there.
fn share_clients(
    options: &Options,
    clients: &mut Option<TcpListener>,
    address: Option<SocketAddr>,
    http_api: Option<&mut http_api::Bound>,
) {
    let Some(one_port) = options.one_port.as_ref().filter(|one_port| one_port.place.is_none()) else {
        return;
    };
    if let (Some(api), Some(address), Some(socket)) = (http_api, address, clients.take()) {
        let place = http_api::Place { host: options.host.clone(), socket, address };
        api.share(place, one_port.wait);
    }
}

/// The first lines of the log: which server this is, and what is unwise about its configuration.
fn introduce(options: &Options, server_id: &str, shards: usize, directory: &Directory) {
    tracing::info!("Starting nats-server");
    tracing::info!("  Version:  {COMPATIBLE_VERSION} (buster-server {OWN_VERSION})");
    tracing::info!("  Name:     {}", options.server_name.as_deref().unwrap_or(server_id));
    tracing::info!("  ID:       {server_id}");
    tracing::info!("  Shards:   {shards}");
    if let Some(limit) = memory_limit() {
        tracing::info!("  Memory:   {} MiB at most, by the control group", limit >> 20);
    }
    if !options.feature_flags.is_empty() {
        let said =
            |(flag, on): (&String, &bool)| format!("{flag} ({})", if *on { "opt-in" } else { "disabled" });
        let flags: Vec<String> = options.feature_flags.iter().map(said).collect();
        tracing::info!("  Feature flags:");
        tracing::info!("    Configured:    {}", flags.join(", "));
    }
    if directory.has_plain_passwords() || options.idle_password {
        tracing::warn!("Plaintext passwords detected, use nkeys or bcrypt");
    }
    if let Some(config) = &options.config {
        tracing::info!("Using configuration file: {} ({})", config.path.display(), config.digest);
    }
    if options.broker.payload_max().is_some_and(|bytes| bytes > WISE_PAYLOAD_BYTES) {
        tracing::warn!(
            "Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance"
        );
    }
}

fn shard_configs(
    shards: usize,
    settings: &Arc<Settings>,
    closed: &Arc<ClosedConnections>,
    routes: Option<&Routes>,
    leafs: Option<&LeafNodes>,
) -> Vec<Config> {
    let seldom = Arc::<SeldomLines>::default();
    let config = |shard| Config {
        // Only the first one speaks to other servers.
        cluster: routes.filter(|_| shard == ShardId(0)).map(|routes| Arc::clone(&routes.config)),
        leafs: leafs.filter(|_| shard == ShardId(0)).map(|leafs| Arc::clone(&leafs.config)),
        leaf_keys: leafs.map(|leafs| Arc::clone(&leafs.keys)).unwrap_or_else(|| Arc::new([])),
        route_access: routes.and_then(|routes| routes.access.clone()),
        told: routes.map(|routes| Arc::clone(&routes.told)),
        seed: u64::from_ne_bytes(random()),
        nonce_key: random(),
        closed: Arc::clone(closed),
        seldom: Arc::clone(&seldom),
        ..Config::new(shard, shards, Arc::clone(settings))
    };
    ShardId::all(shards).map(config).collect()
}

/// Says in the log that clients may come, and how.
fn announce(host: &str, address: SocketAddr, tls: Option<&Acceptor>) {
    tracing::info!("Listening for client connections on {}", joined(host, address.port()));
    if let Some(acceptor) = tls {
        tls_files::announce(acceptor);
    }
}

/// Bytes nobody can foresee, where the kernel has some already.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(N), "the kernel gives this little randomness in one piece");
    bytes
}
