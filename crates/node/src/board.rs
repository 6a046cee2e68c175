//! What the server says of itself, over HTTP and in messages: what it was told, and who asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker::{Settings, ToldUrls};
use monitor::{
    ClusterFacts, ConfigFacts, Facts, JetStreamTotals, LeafFacts, MappedTo, Moment, ServerFacts, ShardTotals,
    ShownMappings, TimeFacts, Varz, WebSocketFacts,
};
use nats_auth::{Account, ConnectionType, Directory, MapsTo};
use nats_proto::{ServerInfo, ServerPermission};
use server_options::{Options, WebSocket};
use shard_runtime::wall_clock;
use tls_session::Acceptor;

use crate::hosts::joined;
use crate::jetstream::facts as streams_facts;
use crate::process::{Usage, resident_bytes};

/// nats-server's time for a TLS handshake, which it also shows without TLS.
const TLS_TIMEOUT: Duration = Duration::from_secs(2);

/// What there is to say that shards do not know.
#[derive(Debug)]
pub(crate) struct Board {
    facts: Mutex<Facts>,
    usage: Usage,
    /// Requests over HTTP, by endpoint.
    requests: Mutex<BTreeMap<&'static str, u64>>,
    /// Of the cluster, if the server is in one.
    meeting: Option<Meeting>,
}

/// Where servers of a cluster meet.
#[derive(Debug, Clone)]
pub(crate) struct Meeting {
    /// What clients are told, which changes with the servers that are there.
    pub(crate) told: Arc<ToldUrls>,
    /// What was told to the shards at the start.
    pub(crate) config: Arc<cluster::Config>,
}

impl Board {
    /// For a server that starts now, so many shards, and monitoring as it is in `place`. `secured` is what secures
    /// clients.
    pub(crate) fn new(
        place: ServerFacts,
        shards: usize,
        options: &Options,
        settings: &Settings,
        streams: Option<&jetstream::Config>,
        secured: &Secured<'_>,
        meeting: Option<Meeting>,
    ) -> Self {
        let start = wall_clock();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let times = TimeFacts { start, ..TimeFacts::default() };
        let place = Facts { server: place, times, cores, shards, ..Facts::default() };
        let facts = Mutex::new(facts(place, options, settings, streams, secured, start));
        Self { facts, usage: Usage::new(), requests: Mutex::default(), meeting }
    }

    /// The configuration was read again.
    pub(crate) fn reconfigure(
        &self,
        options: &Options,
        settings: &Settings,
        streams: Option<&jetstream::Config>,
        secured: &Secured<'_>,
    ) {
        let mut facts_now = self.facts.lock().expect(NO_PANIC);
        let place = std::mem::take(&mut *facts_now);
        *facts_now = facts(place, options, settings, streams, secured, wall_clock());
    }

    pub(crate) fn facts(&self) -> Facts {
        let mut facts = self.facts.lock().expect(NO_PANIC).clone();
        if let Some((meeting, cluster)) = self.meeting.as_ref().zip(facts.cluster.as_mut()) {
            let mut info = ServerInfo::default();
            meeting.told.tell(&mut info);
            (cluster.name, cluster.cluster_port) = (info.cluster, meeting.config.port);
            facts.server.connect_urls = info.connect_urls;
        }
        facts
    }

    /// What other servers are told of, and what they may want; `None` is everything.
    pub(crate) fn route_permissions(&self) -> (Option<ServerPermission>, Option<ServerPermission>) {
        let config = self.meeting.as_ref().map(|meeting| &meeting.config);
        let of = |which: fn(&cluster::Config) -> &Option<ServerPermission>| {
            config.and_then(|config| which(config).clone())
        };
        (of(|config| &config.import), of(|config| &config.export))
    }

    /// What the process has of the processors, in percent of one.
    pub(crate) fn cpu(&self) -> f64 {
        self.usage.percent()
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.requests.lock().expect(NO_PANIC)
    }

    /// Has `/varz` told in some way.
    pub(crate) fn varz<R>(
        &self,
        totals: ShardTotals,
        jetstream: Option<JetStreamTotals>,
        tell: impl FnOnce(&Varz<'_>) -> R,
    ) -> R {
        let (now, mem, cpu) = (wall_clock(), resident_bytes(), self.cpu());
        tell(&Varz {
            facts: &self.facts(),
            now,
            mem,
            cpu,
            totals,
            jetstream,
            http_req_stats: &self.requests(),
        })
    }
}

const NO_PANIC: &str = "nothing panics while it has this";

/// What secures connections, if anything does.
pub(crate) struct Secured<'a> {
    pub(crate) clients: Option<&'a Acceptor>,
    pub(crate) websockets: Option<&'a Acceptor>,
}

fn not_after(acceptor: Option<&Acceptor>) -> Option<Moment> {
    acceptor.and_then(Acceptor::not_after).map(Moment::of_seconds)
}

/// What `/varz` says of the listener for WebSockets.
fn websocket_facts(websocket: &WebSocket, options: &Options, secured: &Secured<'_>) -> WebSocketFacts {
    let auth = options.auth.websocket.clone().unwrap_or_default();
    let advertise = websocket.advertise.as_ref().map(|address| match address.port {
        Some(port) => joined(&address.host, port),
        None => address.host.clone(),
    });
    let policy = websocket.tls.as_ref().map(|tls| &tls.policy);
    WebSocketFacts {
        host: websocket.host.clone(),
        port: websocket.port.number(),
        advertise: advertise.unwrap_or_default(),
        no_auth_user: auth.no_auth_user.unwrap_or_default(),
        handshake_timeout: websocket.handshake_timeout.unwrap_or_default(),
        auth_timeout: auth.timeout.unwrap_or_default(),
        no_tls: websocket.no_tls,
        tls_map: auth.verify_and_map,
        tls_pinned_certs: policy
            .map(|policy| policy.pinned_certs.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        same_origin: websocket.same_origin,
        allowed_origins: websocket.origins.clone(),
        compression: websocket.compression,
        tls_cert_not_after: not_after(secured.websockets),
    }
}

/// What `/varz` says of the cluster; nothing of a server that is in none.
fn cluster_facts(options: &Options) -> Option<ClusterFacts> {
    let name = options.cluster_name.clone();
    let Some(cluster) = &options.cluster else {
        return name.map(|name| ClusterFacts { name, ..ClusterFacts::default() });
    };
    let tls_timeout = cluster.tls.as_ref().map_or(TLS_TIMEOUT, |tls| tls.policy.timeout);
    Some(ClusterFacts {
        name: name.unwrap_or_default(),
        addr: cluster.host.clone(),
        cluster_port: cluster.port.number(),
        auth_timeout: cluster.auth_timeout,
        urls: cluster.routes.iter().map(|route| route.address().to_owned()).collect(),
        tls_timeout,
        tls_required: cluster.tls.is_some(),
        tls_verify: cluster.tls.is_some(),
        // There is one connection between two servers, whatever is asked for.
        pool_size: -1,
        write_deadline: cluster.write_deadline.unwrap_or_default(),
        write_timeout: cluster.write_timeout.as_str(),
        tls_cert_not_after: None,
    })
}

/// What `/varz` says of leaf nodes, whose settings no reload changes; the port is the one that was bound.
fn leaf_facts(options: &Options) -> Option<LeafFacts> {
    let listener = options.leaf_nodes.listener.as_ref()?;
    Some(LeafFacts {
        host: listener.host.clone(),
        port: listener.port.number(),
        auth_timeout: listener.auth_timeout,
        tls_timeout: TLS_TIMEOUT,
    })
}

/// What `/varz` says of the configuration, and of what secures clients; the rest stays as it is in `place`.
fn facts(
    place: Facts,
    options: &Options,
    settings: &Settings,
    streams: Option<&jetstream::Config>,
    secured: &Secured<'_>,
    loaded: Moment,
) -> Facts {
    let info = &settings.info;
    let server = ServerFacts {
        server_id: info.server_id.clone(),
        server_name: info.server_name.clone(),
        version: info.version.clone(),
        go: info.go.clone(),
        host: info.host.clone(),
        port: info.port,
        auth_required: settings.directory.auth_required(ConnectionType::Standard),
        tls_required: info.tls_required,
        tls_verify: info.tls_verify,
        connect_urls: info.connect_urls.clone(),
        max_connections: settings.options.max_connections,
        max_subscriptions: settings.options.max_subscriptions,
        ping_interval: settings.options.ping_interval,
        ping_max: settings.options.ping_max,
        auth_timeout: settings.directory.timeout(ConnectionType::Standard),
        max_control_line: settings.options.limits.control_line_bytes_max,
        max_payload: info.max_payload,
        max_pending: settings.options.max_pending,
        ..place.server
    };
    let times = TimeFacts {
        tls_timeout: options.tls.as_ref().map_or(TLS_TIMEOUT, |tls| tls.policy.timeout),
        write_deadline: settings.options.write_deadline,
        write_timeout: settings.options.write_timeout.as_str(),
        ..place.times
    };
    let config = ConfigFacts {
        config_load_time: loaded,
        config_digest: options.config.as_ref().map_or_else(String::new, |config| config.digest.clone()),
        tags: options.server_tags.clone(),
        metadata: options.server_metadata.clone(),
        system_account: options.auth.system().unwrap_or_default().to_owned(),
    };
    let mappings = Arc::new(mappings(&settings.directory));
    let tls_cert_not_after = not_after(secured.clients);
    let websocket = options.websocket.as_ref().map(|websocket| websocket_facts(websocket, options, secured));
    let jetstream = streams.map(|config| streams_facts(options, config));
    let cluster = cluster_facts(options);
    let leaf = place.leaf.clone().or_else(|| leaf_facts(options));
    Facts {
        server,
        times,
        config,
        mappings,
        tls_cert_not_after,
        cluster,
        leaf,
        websocket,
        jetstream,
        ..place
    }
}

/// The subject mappings of all accounts that have any.
fn mappings(directory: &Directory) -> BTreeMap<String, ShownMappings> {
    let to = |to: &MapsTo| MappedTo { subject: to.subject.to_string(), weight: to.up_to };
    let of = |account: &Account| -> ShownMappings {
        let row = |(source, all): (&[u8], &[MapsTo])| {
            (String::from_utf8_lossy(source).into_owned(), all.iter().map(to).collect())
        };
        account.mappings().iter().map(row).collect()
    };
    let accounts = directory.accounts().iter().filter(|account| !account.mappings().is_empty());
    accounts.map(|account| (account.name().to_string(), of(account))).collect()
}
