//! Hubs that were reached: this server says who it is, and is their leaf node.

use std::time::Duration;

use nats_proto::{Compression, LeafConnect, PeerInfo, ServerPermission};

use super::dials::{LEAF_DIALS, Remote};
use super::{Allowed, Known, Leaf, LeafAction, Leafs, Session, Stage};
use crate::config::Credentials;
use crate::leaf_config::{LeafRemote, PROTO};
use crate::leaf_refusal::{LeafEnding, LeafRefusal};
use crate::leaf_words;
use crate::passing::Side;

impl<C: Copy + Ord> Leafs<C> {
    /// The attempt of that number made a connection.
    pub fn on_dialed(&mut self, now: Duration, number: u32, connection: C, label: &str) {
        let at = number.wrapping_sub(LEAF_DIALS) as usize;
        let remote = self.config.remotes.get(at);
        let account = remote.map_or("", |remote| &remote.account);
        tracing::info!("{label} - {}", leaf_words::dialed(account));
        let (remote, stage) = (remote.is_some().then_some(at), Stage::FirstInfo);
        self.sessions
            .insert(connection, Session { label: label.into(), number: 0, began: now, remote, stage });
        let is_removed = self.remotes.get(at).is_none_or(Remote::is_removed);
        if is_removed || self.is_stopping {
            self.close(connection, LeafEnding::Removed);
        }
    }

    /// An INFO. Of who dials it speaks of compression, which there is none of here.
    pub fn on_info(&mut self, now: Duration, connection: C, json: &[u8]) {
        let Some(session) = self.sessions.get(&connection) else { return };
        let Some(remote) = session.remote else { return };
        let Ok(info) = PeerInfo::parse(json) else {
            return self.close(connection, LeafEnding::Violation);
        };
        let stage = session.stage.clone();
        if stage == Stage::FirstInfo && (info.client_id == 0 || info.leafnode_urls.is_empty()) {
            tracing::error!("{} - {}", session.label, leaf_words::WRONG_PORT);
            return self.close(connection, LeafEnding::WrongPort);
        }
        let configured = &self.config.remotes[remote];
        if !configured.ignores_discovered && !info.leafnode_urls.is_empty() {
            self.remotes[remote].discover(configured, &info.leafnode_urls);
        }
        match stage {
            Stage::FirstInfo => self.introduce(now, connection, remote, info),
            Stage::Introduced(first) if info.connect_info => self.join(connection, remote, &first, &info),
            Stage::Open(_) if info.import.is_some() || info.export.is_some() => {
                let allowed = allowed(configured, &info);
                self.actions.push_back(LeafAction::Permit(connection, allowed));
            }
            _ => {}
        }
    }

    /// Says who this server is.
    fn introduce(&mut self, now: Duration, connection: C, remote: usize, info: PeerInfo) {
        if info.cluster.contains(' ') {
            return self.refuse(connection, &LeafRefusal::ClusterNameHasSpaces);
        }
        if info.tls_required {
            tracing::error!("{} - {}", self.sessions[&connection].label, leaf_words::NO_TLS);
            return self.close(connection, LeafEnding::WantsTls);
        }
        let connect = self.connect(remote, &info);
        let (nonce, answers) = (info.nonce.clone(), info.info_on_connect);
        let session = self.sessions.get_mut(&connection).expect("it was just looked at");
        (session.began, session.stage) = (now, Stage::Introduced(Box::new(info.clone())));
        tracing::debug!("{} - {}", session.label, leaf_words::INTRODUCED);
        self.actions.push_back(LeafAction::Introduce(connection, remote, Box::new(connect), nonce));
        if !answers {
            self.join(connection, remote, &info, &info);
        }
    }

    fn connect(&self, remote: usize, info: &PeerInfo) -> LeafConnect {
        let configured = &self.config.remotes[remote];
        let place = self.remotes[remote].place();
        let shown = place.and_then(|place| place.credentials.clone()).unwrap_or_default();
        let Credentials { user, password: pass } = shown;
        LeafConnect {
            version: self.config.version.clone(),
            // As nats-server has it, for hubs that know only a token.
            auth_token: if pass.is_empty() { user.clone() } else { String::new() },
            user,
            pass,
            server_id: self.config.server_id.clone(),
            domain: self.config.domain.clone(),
            name: self.config.server_name.clone(),
            is_hub: configured.is_hub,
            cluster: self.config.origin().into(),
            headers: info.headers,
            jetstream: self.config.jetstream,
            deny_pub: configured.deny_imports.clone(),
            isolate: configured.asks_isolation,
            compress_mode: compression(info).word().into(),
            remote_account: configured.account.clone(),
            protocol: PROTO,
            ..LeafConnect::default()
        }
    }

    /// The hub let this server in.
    fn join(&mut self, connection: C, remote: usize, first: &PeerInfo, info: &PeerInfo) {
        let configured = &self.config.remotes[remote];
        if self.has_leaf_cluster(&configured.account, &first.cluster) {
            let account = configured.account.clone();
            return self.refuse(connection, &LeafRefusal::Loop(&account));
        }
        let (name, cluster) = (first.server_name.clone(), first.cluster.clone());
        let leaf = Leaf {
            server_id: first.server_id.clone(),
            cluster: if cluster.is_empty() { name.clone() } else { cluster.clone() },
            server_name: name.clone(),
            remote_account: info.remote_account.clone(),
            side: if configured.is_hub { Side::Leaf } else { Side::Hub },
            is_dialed: true,
            is_isolated: configured.isolates,
            headers: first.headers,
            traces: first.proto >= PROTO,
            compression: compression(first),
            deny: Vec::new(),
            account: Some(configured.account.clone()),
            allowed: allowed(configured, info),
        };
        let account = configured.account.clone();
        let known =
            Known { server_name: name, cluster, account, remote_account: info.remote_account.clone() };
        self.remotes[remote].on_up();
        let session = self.sessions.get_mut(&connection).expect("it was just looked at");
        session.stage = Stage::Open(known);
        tracing::info!("{} - {}", session.label, leaf_words::domains(&self.config.domain, &first.domain));
        self.actions.push_back(LeafAction::Open(connection, leaf));
    }
}

/// What comes of what the hub thinks of compression: nothing, but whether it speaks of it.
fn compression(info: &PeerInfo) -> Compression {
    if info.compression.is_empty() { Compression::NotSupported } else { Compression::Off }
}

/// What a hub allows, without what is denied here.
fn allowed(configured: &LeafRemote, info: &PeerInfo) -> Allowed {
    let with = |allowed: Option<&ServerPermission>, denied: &[String]| {
        let mut allowed = allowed.cloned().unwrap_or_default();
        allowed.deny.extend(denied.iter().cloned());
        allowed
    };
    Allowed {
        import: with(info.import.as_ref(), &configured.deny_imports),
        export: with(info.export.as_ref(), &configured.deny_exports),
    }
}
