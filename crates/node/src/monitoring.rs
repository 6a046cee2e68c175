//! The monitoring endpoints: requests in, what the shards and the machine say out.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker::Settings;
use monitor::{
    Accounts, Answer, Connz, Facts, MappedTo, Mappings, Metrics, Moment, Request, ShardTotals, Subsz, Varz,
    accountz, accstatz, gatewayz, ip_queuesz, jsz, leafz, no_such_account, root, routez,
};
use monitor_http::{Config, Listener, Running, Scheme, start};
use nats_auth::{Account, Directory, MapsTo};
use rustls::ServerConfig;
use server_options::Options;
use shard_runtime::wall_clock;
use tls_session::Acceptor;

use crate::error::NodeError;
use crate::files::Reached;
use crate::gather::{Gatherer, lookups};
use crate::hosts::joined;
use crate::listen::listen_on;
use crate::process::{Usage, process, resident_bytes};

/// nats-server's time for a TLS handshake, which it also shows without TLS.
const TLS_TIMEOUT: Duration = Duration::from_secs(2);

/// The socket for monitoring, before there is anything to say.
pub(crate) struct Bound {
    config: Config,
    socket: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds the socket that the options ask for, if any.
    ///
    /// # Errors
    /// It is not to be had.
    pub(crate) fn bind(options: &Options) -> Result<Option<Self>, NodeError> {
        let Some(config) = &options.monitor else { return Ok(None) };
        let (socket, address) = listen_on(&config.host, config.port).map_err(NodeError::Monitor)?;
        let scheme = if config.scheme == Scheme::Https { "https" } else { "http" };
        tracing::info!("Starting {scheme} monitor on {}", joined(&config.host, address.port()));
        Ok(Some(Self { config: config.clone(), socket, address }))
    }

    /// Where it is reached.
    pub(crate) fn reached(&self) -> Reached {
        Reached { address: self.address, tls: self.config.scheme == Scheme::Https }
    }

    /// Answers from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(
        self,
        options: &Options,
        settings: &Settings,
        gatherer: Gatherer,
        start_moment: Moment,
        tls: Option<Arc<ServerConfig>>,
        clients: Option<&Acceptor>,
    ) -> Result<Monitoring, NodeError> {
        assert!(self.config.scheme == Scheme::Http || tls.is_some(), "https comes with certificates");
        let port = self.address.port();
        let (http_port, https_port) = if self.config.scheme == Scheme::Http { (port, 0) } else { (0, port) };
        let place = Facts {
            http_host: self.config.host.clone(),
            http_port,
            http_base_path: self.config.base_path.clone(),
            https_port,
            start: start_moment,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            shards: gatherer.shards(),
            ..Facts::default()
        };
        let board = Arc::new(Mutex::new(facts(place, options, settings, clients, start_moment)));
        let desk = Desk {
            gatherer,
            base_path: self.config.base_path,
            facts: Arc::clone(&board),
            usage: Usage::new(),
            requests: Mutex::default(),
        };
        let listener = Listener { socket: self.socket, tls };
        let running = start(listener, move |method, target| desk.answer(method, target))?;
        Ok(Monitoring { running, facts: board })
    }
}

/// Monitoring at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Monitoring {
    running: Running,
    facts: Arc<Mutex<Facts>>,
}

impl Monitoring {
    /// The configuration was read again. `tls` is for HTTPS, `clients` for clients.
    pub(crate) fn reconfigure(
        &self,
        options: &Options,
        settings: &Settings,
        tls: Option<Arc<ServerConfig>>,
        clients: Option<&Acceptor>,
    ) {
        if let Some(tls) = tls {
            self.running.secure(tls);
        }
        let mut facts_now = self.facts.lock().expect("nothing panics while it has this");
        *facts_now = facts(std::mem::take(&mut *facts_now), options, settings, clients, wall_clock());
    }
}

/// What `/varz` says of the configuration, and of what secures clients; the rest stays as it is in `place`.
fn facts(
    place: Facts,
    options: &Options,
    settings: &Settings,
    clients: Option<&Acceptor>,
    loaded: Moment,
) -> Facts {
    let info = &settings.info;
    Facts {
        server_id: info.server_id.clone(),
        server_name: info.server_name.clone(),
        version: info.version.clone(),
        go: info.go.clone(),
        host: info.host.clone(),
        port: info.port,
        auth_required: settings.directory.auth_required(),
        tls_required: info.tls_required,
        tls_verify: info.tls_verify,
        connect_urls: info.connect_urls.clone(),
        max_connections: options.limits.max_connections,
        max_subscriptions: options.limits.max_subscriptions,
        ping_interval: settings.ping_interval,
        ping_max: settings.ping_max,
        auth_timeout: settings.directory.timeout(),
        max_control_line: settings.limits.control_line_bytes_max,
        max_payload: info.max_payload,
        max_pending: settings.max_pending,
        tls_timeout: options.tls.as_ref().map_or(TLS_TIMEOUT, |tls| tls.policy.timeout),
        write_deadline: settings.write_deadline,
        write_timeout: options.timers.write_timeout.as_str(),
        config_load_time: loaded,
        config_digest: options.config.as_ref().map_or_else(String::new, |config| config.digest.clone()),
        tags: options.server_tags.clone(),
        metadata: options.server_metadata.clone(),
        system_account: options.auth.system().unwrap_or_default().to_owned(),
        mappings: Arc::new(mappings(&settings.directory)),
        tls_cert_not_after: clients.and_then(Acceptor::not_after).map(Moment::of_seconds),
        ..place
    }
}

/// The subject mappings of all accounts that have any.
fn mappings(directory: &Directory) -> BTreeMap<String, Mappings> {
    let to = |to: &MapsTo| MappedTo { subject: to.subject.to_string(), weight: to.up_to };
    let of = |account: &Account| -> Mappings {
        let row = |(source, all): (&[u8], &[MapsTo])| {
            (String::from_utf8_lossy(source).into_owned(), all.iter().map(to).collect())
        };
        account.mappings().iter().map(row).collect()
    };
    let accounts = directory.accounts().iter().filter(|account| !account.mappings().is_empty());
    accounts.map(|account| (account.name().to_string(), of(account))).collect()
}

/// Who answers.
struct Desk {
    gatherer: Gatherer,
    base_path: String,
    facts: Arc<Mutex<Facts>>,
    usage: Usage,
    /// By endpoint.
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl Desk {
    fn answer(&self, method: &str, target: &[u8]) -> Answer {
        let (request, counted_as) = Request::read(&self.base_path, method, target);
        if let Some(endpoint) = counted_as {
            *self.requests().entry(endpoint).or_default() += 1;
        }
        let facts = self.facts.lock().expect("nothing panics while it has this").clone();
        // Without an answer the shards are stopping.
        self.gathered(request, &facts).unwrap_or_else(Answer::unavailable)
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.requests.lock().expect("nothing panics while it has this")
    }

    fn gathered(&self, request: Request, facts: &Facts) -> Option<Answer> {
        let (id, now) = (&*facts.server_id, wall_clock());
        Some(match request {
            Request::Answered(answer) => answer,
            Request::Root => root(&format!("BusterMQ, as nats-server {}", facts.version)),
            Request::Varz => self.varz(facts, now)?,
            Request::Connz(query) => self.connz(facts, &query)?,
            Request::Subsz(query) => {
                let (subscriptions, lookups) = lookups(&self.gatherer.accounts()?, query.account.as_deref());
                let (total, shown) =
                    if query.subs { self.gatherer.subscription_list(&query)? } else { (0, Vec::new()) };
                Subsz { server_id: id, clock: self.gatherer.clock()?, subscriptions, lookups, total, shown }
                    .answer(&query)
            }
            Request::Accountz(name) => self.accountz(facts, name.as_deref(), now)?,
            Request::Accstatz { unused } => {
                let accounts = self.accounts(facts)?;
                accstatz(id, now, &accounts, unused)
            }
            Request::Routez => routez(id, &facts.server_name, now),
            Request::Leafz => leafz(id, now),
            Request::Gatewayz => gatewayz(id, now),
            Request::Jsz => jsz(id, now),
            Request::IpQueuesz => ip_queuesz(),
            Request::Healthz(query) => {
                let health = query.answer(self.gatherer.takes_clients());
                health.warnings.iter().for_each(|line| tracing::warn!("{line}"));
                health.answer
            }
            Request::Metrics => {
                let (shards, http_req_stats) = (&self.gatherer.totals()?[..], &*self.requests());
                Metrics { facts, process: process(), shards, http_req_stats }.answer()
            }
        })
    }

    /// All accounts, also before a shard knows of any.
    fn accounts(&self, facts: &Facts) -> Option<Accounts> {
        let mut accounts = self.gatherer.accounts()?;
        if !facts.system_account.is_empty() {
            accounts.know(&facts.system_account);
        }
        Some(accounts)
    }

    fn varz(&self, facts: &Facts, now: Moment) -> Option<Answer> {
        let mut totals = ShardTotals::default();
        self.gatherer.totals()?.iter().for_each(|shard| totals.add(shard));
        let (mem, cpu) = (resident_bytes(), self.usage.percent());
        Some(Varz { facts, now, mem, cpu, totals, http_req_stats: &self.requests() }.answer())
    }

    fn connz(&self, facts: &Facts, query: &monitor::ConnzQuery) -> Option<Answer> {
        let clock = self.gatherer.clock()?;
        let open = match &query.account {
            None => self.gatherer.totals()?.iter().map(|shard| shard.connections).sum::<u64>(),
            Some(name) => {
                let accounts = self.accounts(facts)?;
                let Some(account) = accounts.find(name) else {
                    return Some(Connz::no_such_account(clock, query));
                };
                account.connections
            }
        };
        let found = self.gatherer.connections(query, clock, open as usize)?;
        let (server_id, total) = (&*facts.server_id, found.total);
        Some(
            Connz { server_id, clock, total, shown: found.shown, subscriptions: found.subscriptions }
                .answer(query),
        )
    }

    fn accountz(&self, facts: &Facts, name: Option<&str>, now: Moment) -> Option<Answer> {
        let accounts = self.accounts(facts)?;
        let (id, system) = (&*facts.server_id, &*facts.system_account);
        Some(match name {
            None => accountz(id, now, system, &accounts),
            Some(name) => match accounts.find(name) {
                Some(account) => {
                    account.accountz(id, now, system, facts.config_load_time, facts.mappings.get(name))
                }
                None => no_such_account(name),
            },
        })
    }
}
