//! The monitoring endpoints: requests in, what the shards and the machine say out.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use monitor::{
    Answer, Facts, JetStreamMetrics, JszQuery, LeafzQuery, Metrics, Moment, Request, ServerFacts, Subs,
    gatewayz, ip_queuesz, jsz_disabled, jsz_not_leader, root,
};
use monitor_http::{Asked, Config, Listener, Reply, Running, Scheme, start};
use rustls::ServerConfig;
use server_options::Options;
use shard_runtime::wall_clock;

use crate::audience::Web;
use crate::error::NodeError;
use crate::files::Reached;
use crate::gather::Gatherer;
use crate::hosts::joined;
use crate::listen::listen_on;
use crate::process::process;
use crate::sampler::Sampler;
use crate::teller::Teller;
use crate::websocket;

/// The socket for monitoring, before there is anything to say.
pub(crate) struct Bound {
    config: Config,
    console: console::Config,
    /// Where the page may connect.
    one_port: Option<u16>,
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
        let (console, one_port) = (options.console.clone(), websocket::one_port(options));
        Ok(Some(Self { config: config.clone(), console, one_port, socket, address }))
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
        teller: Teller,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Monitoring, NodeError> {
        assert!(self.config.scheme == Scheme::Http || tls.is_some(), "https comes with certificates");
        let begin = || Sampler::start(teller.clone(), self.console.clone(), self.one_port);
        let sampler = self.console.enabled.then(begin).transpose();
        let sampler = sampler.map_err(NodeError::Sampler)?;
        let desk = Desk { teller, base_path: self.config.base_path, sampler };
        let listener = Listener { socket: self.socket, tls };
        let running = start(listener, move |asked| desk.reply(asked))?;
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
    teller: Teller,
    base_path: String,
    /// Of the page for people, if there is one.
    sampler: Option<Sampler>,
}

impl Desk {
    fn gatherer(&self) -> &Gatherer {
        &self.teller.gatherer
    }

    fn reply(&self, asked: &Asked) -> Reply {
        match (Request::read(&self.base_path, &asked.method, &asked.target), &self.sampler) {
            ((Request::Console(name), _), Some(sampler)) => console_reply(name.as_deref(), asked, sampler),
            ((request, counted_as), _) => self.answer(request, counted_as).into(),
        }
    }

    fn answer(&self, request: Request, counted_as: Option<&'static str>) -> Answer {
        if let Some(endpoint) = counted_as {
            *self.teller.board.requests().entry(endpoint).or_default() += 1;
        }
        // Without an answer the shards are stopping.
        self.gathered(request, &self.teller.board.facts()).unwrap_or_else(Answer::unavailable)
    }

    fn gathered(&self, request: Request, facts: &Facts) -> Option<Answer> {
        let (id, now) = (&*facts.server.server_id, wall_clock());
        Some(match request {
            Request::Answered(answer) => answer,
            Request::Console(_) => Answer::no_page(),
            Request::Root => root(&format!("BusterMQ, as nats-server {}", facts.server.version)),
            Request::Varz => {
                let (totals, jetstream) = (self.gatherer().sum()?, self.gatherer().jetstream_totals()?);
                self.teller.board.varz(totals, jetstream, |varz| varz.answer())
            }
            Request::Connz(query) => self.teller.connz(&query, Web)?,
            Request::Subsz(query) => self.teller.subsz(&query, Web)?,
            Request::Accountz(name) => self.teller.accountz(name.as_deref(), Web)?,
            Request::Accstatz(query) => self.teller.accstatz(&query, false, Web)?,
            Request::Routez(query) => self.teller.routez(&query, Web)?,
            Request::Leafz(query) => self.teller.leafz(&query, Web)?,
            Request::Gatewayz => Answer::json(&gatewayz(id, now)),
            Request::Jsz(query) => self.jsz(facts, now, &query)?,
            Request::IpQueuesz => Answer::json(&ip_queuesz()),
            Request::Healthz(query) => {
                let health =
                    query.answer(self.gatherer().takes_clients(), self.gatherer().health_of_streams(&query)?);
                health.warnings.iter().for_each(|line| tracing::warn!("{line}"));
                health.answer
            }
            Request::Metrics => {
                let shards = &self.gatherer().totals()?[..];
                let accounts = &self.gatherer().busy_accounts()?;
                let jetstream = &self.jetstream_metrics(facts)?;
                let (process, http_req_stats) = (process(), &*self.teller.board.requests());
                let (routes, jetstream) = (&*self.gatherer().routes(Subs::Count)?, jetstream.as_ref());
                let leafs = &*self.gatherer().leafs(&LeafzQuery::default())?;
                Metrics { facts, process, shards, accounts, routes, leafs, http_req_stats, jetstream }
                    .answer()
            }
        })
    }

    fn jsz(&self, facts: &Facts, now: Moment, query: &JszQuery) -> Option<Answer> {
        Some(match (self.gatherer().streams(), &facts.jetstream) {
            (Some(streams), Some(jetstream)) => streams.jsz(facts, jetstream, now, query)?.answer(),
            _ => jsz_disabled(&facts.server.server_id, now, query)
                .map_or_else(jsz_not_leader, |disabled| disabled.answer()),
        })
    }

    fn jetstream_metrics(&self, facts: &Facts) -> Option<Option<JetStreamMetrics>> {
        let told = self.gatherer().streams().zip(facts.jetstream.clone());
        told.map_or(Some(None), |(streams, facts)| Some(Some(streams.metrics(facts)?)))
    }
}

/// What those who have the page open are told is asked for by this name.
const EVENTS: &[u8] = b"events";

/// A file of the page, or what goes on. Nothing can be changed here.
fn console_reply(name: Option<&[u8]>, asked: &Asked, sampler: &Sampler) -> Reply {
    if !asked.only_reads() {
        return Answer::empty(405).into();
    }
    match name {
        // The links of the page are relative, so it has to be seen as a folder.
        None => Answer::redirect(&asked.method, b"ui/").into(),
        Some(EVENTS) if asked.method == "GET" => sampler.watch(),
        Some(name) => match console::find(name) {
            None => Answer::no_page(),
            Some(file) if asked.has(file.tag()) => file.unchanged(),
            Some(file) => file.answer(asked.takes_gzip),
        }
        .into(),
    }
}
