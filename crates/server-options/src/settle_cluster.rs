//! Routes, once the configuration file and all flags have been seen: what flags say of them, and what does not go
//! together.

use std::num::NonZeroU32;

use nats_auth::{GLOBAL_ACCOUNT, Secret};
use nats_proto::{Compression, quote};
use tls_session::HandshakeFirst;

use crate::advertised::Advertised;
use crate::cluster::ClusterOptions;
use crate::draft::ClusterDraft;
use crate::error::OptionsError;
use crate::go_url::{GoUrl, host_and_port};
use crate::options::{Options, Port};
use crate::peer_url::PeerUrl;
use crate::tls::AUTH_TIMEOUT_AFTER_TLS;

/// Routes that go together with all else; where they listen is looked at last.
pub(crate) struct Settled {
    port: i64,
    advertise: Option<String>,
    options: ClusterOptions,
}

impl ClusterDraft {
    /// Puts what flags say in the place of what the file says.
    pub(crate) fn take_flags(&mut self) -> Result<(), OptionsError> {
        let listen = self.listen_flag.take();
        if let Some(listen) = &listen {
            self.take_listen(listen).map_err(OptionsError::Cluster)?;
        }
        let Some(routes) = self.routes_flag.take() else { return Ok(()) };
        self.options.routes =
            if routes.is_empty() { Vec::new() } else { read_urls(&routes).map_err(OptionsError::Cluster)? };
        let listens = listen.is_some_and(|listen| !listen.is_empty());
        if !routes.is_empty() && !listens && self.host.is_empty() && self.port == 0 {
            return refused("solicited routes require cluster capabilities, e.g. --cluster");
        }
        Ok(())
    }

    /// Takes a URL apart. Without a user in it nobody has to name one.
    fn take_listen(&mut self, listen: &str) -> Result<(), String> {
        if listen.is_empty() {
            self.port = 0;
            return Ok(());
        }
        // Go's URLs have no such port.
        let (text, is_random) = match listen.strip_suffix(":-1") {
            Some(host) => (format!("{host}:0"), true),
            None => (listen.to_owned(), false),
        };
        let url = GoUrl::parse(&text)?;
        let (host, port) = host_and_port(&url.address)?;
        self.port = if is_random { -1 } else { scanned(port)? };
        host.clone_into(&mut self.host);
        (self.user, self.password) = match url.user {
            Some((_, None)) => return Err("expected cluster password to be set".to_owned()),
            Some((user, Some(password))) => (user, password),
            None => (String::new(), Secret::default()),
        };
        Ok(())
    }

    /// What is asked for; nothing without a port, but it has to go together all the same.
    pub(crate) fn settle(mut self, options: &Options) -> Result<Option<Settled>, OptionsError> {
        if options.cluster_name.as_ref().is_some_and(|name| name.contains(' ')) {
            return Err(OptionsError::ClusterNameHasSpaces);
        }
        let compression = self.compression.settle(Compression::S2Fast, Compression::Accept);
        (self.options.compression, self.options.levels) = compression.map_err(OptionsError::Cluster)?;
        self.settle_pool(options.auth.system()).map_err(OptionsError::Cluster)?;
        if self.port == 0 {
            return Ok(None);
        }
        check_jetstream(options)?;
        let mut settled = self.options;
        if !self.host.is_empty() {
            settled.host = self.host;
        }
        if let Some(tls) = &mut settled.tls {
            // As nats-server has it: who dials shows a certificate, and the handshake comes before all else.
            (tls.policy.verify, tls.policy.handshake_first) = (true, HandshakeFirst::Always);
        }
        settled.user = Some((self.user, self.password)).filter(|(user, _)| !user.is_empty());
        settled.auth_timeout = match (self.auth_timeout, &settled.tls) {
            (Some(time), _) => time,
            (None, Some(tls)) => tls.policy.timeout + AUTH_TIMEOUT_AFTER_TLS,
            (None, None) => settled.auth_timeout,
        };
        Ok(Some(Settled { port: self.port, advertise: self.advertise, options: settled }))
    }

    /// The system account always has a connection for itself, where there is a pool.
    fn settle_pool(&mut self, system: Option<&str>) -> Result<(), String> {
        let accounts = &mut self.options.accounts;
        if self.pool_size < 0 && !accounts.is_empty() {
            return Err("pool_size cannot be negative if pinned accounts are specified".to_owned());
        }
        let is_twice = |(at, name): &(usize, &String)| accounts[..*at].contains(*name);
        if let Some((_, name)) = accounts.iter().enumerate().find(is_twice) {
            let implied =
                system.filter(|system| self.port != 0 && !accounts.iter().any(|name| name == *system));
            let all: Vec<_> = accounts.iter().map(|name| &**name).chain(implied).map(quote).collect();
            return Err(format!(
                "found duplicate account name {} in pinned accounts list [{}]",
                quote(name),
                all.join(" ")
            ));
        }
        accounts.retain(|name| Some(&**name) != system);
        self.options.pool_size = match self.pool_size {
            ..=0 => None,
            size => u32::try_from(size).ok().and_then(NonZeroU32::new),
        };
        Ok(())
    }
}

impl Settled {
    /// The same with where it listens.
    pub(crate) fn listening(self) -> Result<ClusterOptions, OptionsError> {
        let mut options = self.options;
        let number = self.port;
        options.port = match number {
            -1 => Port::Random,
            _ => Port::Fixed(u16::try_from(number).or_else(|_| {
                let reason = format!("listen tcp: address {number}: invalid port");
                refused(format!("Error listening on router port: {number} - {reason}"))
            })?),
        };
        options.advertise = self.advertise.map(advertised).transpose()?;
        Ok(options)
    }
}

fn read_urls(routes: &str) -> Result<Vec<PeerUrl>, String> {
    routes.split(',').map(|url| PeerUrl::read("route", url)).collect()
}

fn refused<T>(reason: impl Into<String>) -> Result<T, OptionsError> {
    Err(OptionsError::Cluster(reason.into()))
}

fn advertised(value: String) -> Result<Advertised, OptionsError> {
    Advertised::read(&value).or_else(|reason| {
        refused(format!("Error setting route INFO with Cluster.Advertise value of {value}, err={reason}"))
    })
}

/// The accounts whose requests to JetStream go to other servers of the cluster: those that may have streams, where this
/// server has none. If nobody is told apart it is the one account there is.
pub(crate) fn jetstream_elsewhere(options: &Options) -> Vec<String> {
    if options.cluster.is_none() || options.jetstream.is_on {
        return Vec::new();
    }
    let system = options.auth.system();
    let mut accounts: Vec<String> = options.jetstream.accounts.keys().cloned().collect();
    let mut all = options.auth.accounts.iter().map(|account| account.name.as_str());
    if system.is_some() && all.all(|name| name == GLOBAL_ACCOUNT || Some(name) == system) {
        accounts.push(GLOBAL_ACCOUNT.to_owned());
    }
    accounts
}

/// Streams of a cluster belong to servers by their names.
fn check_jetstream(options: &Options) -> Result<(), OptionsError> {
    if !options.jetstream.is_on {
        Ok(())
    } else if options.server_name.is_none() {
        refused("jetstream cluster requires `server_name` to be set")
    } else if options.cluster_name.is_none() {
        refused("jetstream cluster requires `cluster.name` to be set")
    } else {
        Ok(())
    }
}

/// A port as Go's `Sscan` reads it.
fn scanned(port: &str) -> Result<i64, String> {
    match port.parse() {
        _ if port.is_empty() => Err("EOF".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("strconv.ParseInt: parsing {}: value out of range", quote(port))),
    }
}
