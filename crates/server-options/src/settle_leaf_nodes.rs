//! Leaf nodes, once the configuration file and all flags have been seen.

use nats_auth::GLOBAL_ACCOUNT;
use nats_proto::{Compression, quote};

use crate::advertised::Advertised;
use crate::draft::{LeafDraft, RemoteDraft};
use crate::error::OptionsError;
use crate::leaf_nodes::{LEAF_PORT, LeafListener, LeafNodeOptions, LeafRemote};
use crate::options::{Options, Port};
use crate::peer_url::PeerUrl;
use crate::tls::AUTH_TIMEOUT_AFTER_TLS;

/// Leaf nodes that go together with all else; where they listen is looked at last.
pub(crate) struct Settled {
    port: i64,
    advertise: Option<String>,
    listener: LeafListener,
    options: LeafNodeOptions,
}

impl LeafDraft {
    /// What is asked for, once it goes together, in the order in which nats-server looks at it.
    pub(crate) fn settle(self, options: &Options) -> Result<Settled, OptionsError> {
        let authorization = &self.listener.authorization;
        let of_users = authorization.users.iter().map(|user| &user.account);
        for account in std::iter::once(&authorization.account).chain(of_users) {
            check_account(options, account.as_deref(), "authorization")?;
        }
        for RemoteDraft { remote, .. } in &self.remotes {
            check_account(options, remote.account.as_deref(), "remote")?;
        }
        let mut listener = self.listener;
        (listener.compression, listener.levels) = self
            .compression
            .settle(Compression::S2Auto, Compression::S2Auto)
            .map_err(OptionsError::LeafNodes)?;
        let mut leaf_nodes = self.options;
        leaf_nodes.remotes = self.remotes.into_iter().map(RemoteDraft::settle).collect::<Result<_, _>>()?;
        if !self.host.is_empty() {
            listener.host = self.host;
        }
        listener.auth_timeout = match (self.auth_timeout, &listener.tls) {
            (Some(time), _) => time,
            (None, Some(tls)) => tls.policy.timeout + AUTH_TIMEOUT_AFTER_TLS,
            (None, None) => listener.auth_timeout,
        };
        Ok(Settled { port: self.port, advertise: self.advertise, listener, options: leaf_nodes })
    }
}

impl RemoteDraft {
    fn settle(self) -> Result<LeafRemote, OptionsError> {
        let mut remote = self.remote;
        remote.urls = remote.urls.into_iter().map(|url| url.with_port(LEAF_PORT)).collect();
        let is_web = |url: &PeerUrl| matches!(url.scheme(), "ws" | "wss");
        let webs = remote.urls.iter().filter(|url| is_web(url)).count();
        if webs > 0 && webs < remote.urls.len() {
            let urls: Vec<String> = remote.urls.iter().map(|url| quote(url.to_string())).collect();
            let what = "remote leaf node configuration cannot have a mix of websocket and non-websocket urls";
            return refused(format!("{what}: [{}]", urls.join(" ")));
        }
        if remote.urls.iter().any(|url| url.scheme() == "tls") {
            return refused(
                "URLs of remotes with tls:// are not supported yet: leaf nodes do not speak TLS".to_owned(),
            );
        }
        if webs > 0 {
            return refused(
                "URLs of remotes with ws:// are not supported yet: no WebSocket is dialed".to_owned(),
            );
        }
        (remote.compression, remote.levels) = self
            .compression
            .settle(Compression::S2Auto, Compression::S2Auto)
            .map_err(OptionsError::LeafNodes)?;
        Ok(remote)
    }
}

impl Settled {
    /// The same with where it listens.
    pub(crate) fn listening(self) -> Result<LeafNodeOptions, OptionsError> {
        let (mut options, mut listener, number) = (self.options, self.listener, self.port);
        listener.port = match number {
            0 => return Ok(options),
            -1 => Port::Random,
            _ => Port::Fixed(u16::try_from(number).or_else(|_| {
                let reason = format!("listen tcp: address {number}: invalid port");
                refused(format!("Error listening on leafnode port: {number} - {reason}"))
            })?),
        };
        listener.advertise = self.advertise.map(advertised).transpose()?;
        options.listener = Some(listener);
        Ok(options)
    }
}

fn refused<T>(reason: String) -> Result<T, OptionsError> {
    Err(OptionsError::LeafNodes(reason))
}

fn advertised(value: String) -> Result<Advertised, OptionsError> {
    Advertised::read(&value).or_else(|reason| {
        refused(format!("Error setting leafnode INFO with LeafNode.Advertise value of {value}, err={reason}"))
    })
}

fn check_account(options: &Options, name: Option<&str>, place: &str) -> Result<(), OptionsError> {
    let is_there = |name: &str| {
        name == GLOBAL_ACCOUNT
            || options.auth.system() == Some(name)
            || options.auth.accounts.iter().any(|account| account.name == name)
    };
    match name.filter(|name| !is_there(name)) {
        None => Ok(()),
        Some(name) => {
            refused(format!("cannot find local account {} specified in leafnode {place}", quote(name)))
        }
    }
}
