//! The monitoring endpoints: requests in, what the shards and the machine say out.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use monitor::{
    Accounts, Answer, Connz, Facts, JetStreamMetrics, JszQuery, Metrics, Moment, Request, ServerFacts, Subsz,
    accountz, accstatz, gatewayz, ip_queuesz, jsz_disabled, jsz_not_leader, leafz, no_such_account, root,
    routez,
};
use monitor_http::{Config, Listener, Running, Scheme, start};
use rustls::ServerConfig;
use server_options::Options;
use shard_runtime::wall_clock;

use crate::board::Board;
use crate::error::NodeError;
use crate::files::Reached;
use crate::gather::{Gatherer, lookups};
use crate::hosts::joined;
use crate::listen::listen_on;
use crate::process::process;

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

    /// What `/varz` says of it.
    pub(crate) fn facts(&self) -> ServerFacts {
        let port = self.address.port();
        let (http_port, https_port) = if self.config.scheme == Scheme::Http { (port, 0) } else { (0, port) };
        ServerFacts {
            http_host: self.config.host.clone(),
            http_port,
            http_base_path: self.config.base_path.clone(),
            https_port,
            ..ServerFacts::default()
        }
    }

    /// Answers from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(
        self,
        board: Arc<Board>,
        gatherer: Gatherer,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Monitoring, NodeError> {
        assert!(self.config.scheme == Scheme::Http || tls.is_some(), "https comes with certificates");
        let desk = Desk { gatherer, base_path: self.config.base_path, board };
        let listener = Listener { socket: self.socket, tls };
        let running = start(listener, move |method, target| desk.answer(method, target))?;
        Ok(Monitoring { running })
    }
}

/// Monitoring at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Monitoring {
    running: Running,
}

impl Monitoring {
    /// HTTPS has other certificates from now on.
    pub(crate) fn secure(&self, tls: Arc<ServerConfig>) {
        self.running.secure(tls);
    }
}

/// Who answers.
struct Desk {
    gatherer: Gatherer,
    base_path: String,
    board: Arc<Board>,
}

impl Desk {
    fn answer(&self, method: &str, target: &[u8]) -> Answer {
        let (request, counted_as) = Request::read(&self.base_path, method, target);
        if let Some(endpoint) = counted_as {
            *self.board.requests().entry(endpoint).or_default() += 1;
        }
        // Without an answer the shards are stopping.
        self.gathered(request, &self.board.facts()).unwrap_or_else(Answer::unavailable)
    }

    fn gathered(&self, request: Request, facts: &Facts) -> Option<Answer> {
        let (id, now) = (&*facts.server.server_id, wall_clock());
        Some(match request {
            Request::Answered(answer) => answer,
            Request::Root => root(&format!("BusterMQ, as nats-server {}", facts.server.version)),
            Request::Varz => {
                let (totals, jetstream) = (self.gatherer.sum()?, self.gatherer.jetstream_totals()?);
                self.board.varz(totals, jetstream, |varz| varz.answer())
            }
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
            Request::Routez => routez(id, &facts.server.server_name, now),
            Request::Leafz => leafz(id, now),
            Request::Gatewayz => gatewayz(id, now),
            Request::Jsz(query) => self.jsz(facts, now, &query)?,
            Request::IpQueuesz => ip_queuesz(),
            Request::Healthz(query) => {
                let health =
                    query.answer(self.gatherer.takes_clients(), self.gatherer.health_of_streams(&query)?);
                health.warnings.iter().for_each(|line| tracing::warn!("{line}"));
                health.answer
            }
            Request::Metrics => {
                let shards = &self.gatherer.totals()?[..];
                let jetstream = self.jetstream_metrics(facts)?;
                let (process, http_req_stats) = (process(), &*self.board.requests());
                Metrics { facts, process, shards, http_req_stats, jetstream: jetstream.as_ref() }.answer()
            }
        })
    }

    fn jsz(&self, facts: &Facts, now: Moment, query: &JszQuery) -> Option<Answer> {
        Some(match (self.gatherer.streams(), &facts.jetstream) {
            (Some(streams), Some(jetstream)) => streams.jsz(facts, jetstream, now, query)?.answer(),
            _ => jsz_disabled(&facts.server.server_id, now, query)
                .map_or_else(jsz_not_leader, |disabled| disabled.answer()),
        })
    }

    fn jetstream_metrics(&self, facts: &Facts) -> Option<Option<JetStreamMetrics>> {
        let told = self.gatherer.streams().zip(facts.jetstream.clone());
        told.map_or(Some(None), |(streams, facts)| Some(Some(streams.metrics(facts)?)))
    }

    /// All accounts, also before a shard knows of any.
    fn accounts(&self, facts: &Facts) -> Option<Accounts> {
        let mut accounts = self.gatherer.accounts()?;
        if !facts.config.system_account.is_empty() {
            accounts.know(&facts.config.system_account);
        }
        Some(accounts)
    }

    fn connz(&self, facts: &Facts, query: &monitor::ConnzQuery) -> Option<Answer> {
        let clock = self.gatherer.clock()?;
        let open = match &query.account {
            None => self.gatherer.sum()?.connections,
            Some(name) => {
                let accounts = self.accounts(facts)?;
                let Some(account) = accounts.find(name) else {
                    return Some(Connz::no_such_account(clock, query));
                };
                account.connections
            }
        };
        let found = self.gatherer.connections(query, clock, open as usize)?;
        let (server_id, total) = (&*facts.server.server_id, found.total);
        Some(
            Connz { server_id, clock, total, shown: found.shown, subscriptions: found.subscriptions }
                .answer(query),
        )
    }

    fn accountz(&self, facts: &Facts, name: Option<&str>, now: Moment) -> Option<Answer> {
        let accounts = self.accounts(facts)?;
        let (id, system) = (&*facts.server.server_id, &*facts.config.system_account);
        Some(match name {
            None => accountz(id, now, system, &accounts),
            Some(name) => match accounts.find(name) {
                Some(account) => {
                    let loaded = facts.config.config_load_time;
                    let has_jetstream = match self.gatherer.streams() {
                        Some(streams) => streams.has(name)?,
                        None => false,
                    };
                    account.accountz(id, now, system, loaded, has_jetstream, facts.mappings.get(name))
                }
                None => no_such_account(name),
            },
        })
    }
}
