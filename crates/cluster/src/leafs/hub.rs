//! Leaf nodes that dial.

use std::time::Duration;

use nats_proto::{Compression, LeafConnect, PeerInfo, encode};

use super::{Allowed, Bound, Known, Leaf, LeafAction, Leafs, Session, Stage};
use crate::leaf_config::PROTO;
use crate::leaf_refusal::{LeafEnding, LeafRefusal};
use crate::leaf_words;
use crate::passing::Side;

impl<C: Copy + Ord> Leafs<C> {
    /// A leaf node, or who pretends to be one, has dialed. The server knows the connection by that `number`, and who
    /// has an nkey signs the `nonce`.
    pub fn on_accepted(&mut self, now: Duration, connection: C, label: &str, number: u64, nonce: &str) {
        tracing::info!("{label} - {}", leaf_words::CREATED);
        let session =
            Session { label: label.into(), number, began: now, remote: None, stage: Stage::Connect };
        self.sessions.insert(connection, session);
        if self.is_crowded() || self.is_stopping {
            return self.close(connection, LeafEnding::Late);
        }
        let compression = Compression::Off.word().to_owned();
        let info = PeerInfo { nonce: nonce.into(), compression, ..self.info(number) };
        self.send(connection, |out| encode::peer_info(out, &info));
    }

    /// Leaf nodes may come in to other servers of the cluster there: those that are here are told if that is news.
    pub fn set_other_urls(&mut self, urls: Vec<String>) {
        if self.other_urls == urls {
            return;
        }
        self.other_urls = urls;
        let info = self.info(0);
        let is_leaf = |session: &Session| session.remote.is_none() && matches!(session.stage, Stage::Open(_));
        let leafs = self.sessions.iter().filter(|(_, session)| is_leaf(session)).map(|(leaf, _)| *leaf);
        for leaf in leafs.collect::<Vec<C>>() {
            self.send(leaf, |out| encode::peer_info(out, &info));
        }
    }

    /// What the server says of itself over the connection of that number.
    fn info(&self, number: u64) -> PeerInfo {
        let mut info = self.config.info(number);
        info.leafnode_urls.extend(self.other_urls.iter().cloned());
        info
    }

    /// Anything but CONNECT and INFO came. Returns whether it may be heeded: who dials says CONNECT first, and of its
    /// compression, if anything, before that.
    pub fn may_say(&mut self, connection: C) -> bool {
        match self.sessions.get(&connection).map(|session| &session.stage) {
            Some(Stage::Connect) => {
                self.refuse(connection, &LeafRefusal::Unauthorized);
                false
            }
            Some(Stage::Open(_)) => true,
            // A hub that is being dialed says that something is wrong, or asks for a sign of life.
            Some(Stage::FirstInfo | Stage::Introduced(_)) => true,
            Some(Stage::Judged(_) | Stage::Over) | None => false,
        }
    }

    /// A CONNECT. Only the first counts.
    pub fn on_connect(&mut self, connection: C, json: &[u8]) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        if session.stage != Stage::Connect {
            return;
        }
        let Ok(connect) = LeafConnect::parse(json) else {
            return self.close(connection, LeafEnding::Violation);
        };
        session.stage = Stage::Judged(Box::new(connect.clone()));
        self.actions.push_back(LeafAction::Identify(connection, Box::new(connect)));
    }

    /// Nobody is who it says it is.
    pub fn on_unidentified(&mut self, connection: C) {
        self.refuse(connection, &LeafRefusal::Unauthorized);
    }

    /// It was found out who it is.
    pub fn on_identified(&mut self, connection: C, bound: &Bound) {
        let Some(session) = self.sessions.get(&connection) else { return };
        let (Stage::Judged(connect), number) = (&session.stage, session.number) else { return };
        let connect = connect.clone();
        if let Some(refusal) = self.objection(&connect) {
            return self.refuse(connection, &refusal);
        }
        if let Some(least) = self.config.is_too_old(&connect.version) {
            self.send_bound(connection, number, bound);
            return self.refuse(connection, &LeafRefusal::TooOld(&least));
        }
        self.welcome(connection, *connect, bound);
    }

    /// What there is against whoever says this, whoever it is.
    fn objection<'c>(&self, connect: &'c LeafConnect) -> Option<LeafRefusal<'c>> {
        let cluster = &*connect.cluster;
        if !connect.lang.is_empty() {
            Some(LeafRefusal::ClientPort)
        } else if cluster.contains(' ') {
            Some(LeafRefusal::ClusterNameHasSpaces)
        } else if !cluster.is_empty() && cluster == self.config.cluster {
            Some(LeafRefusal::SameCluster)
        } else if !connect.gateway.is_empty() {
            Some(LeafRefusal::Gateway(&connect.gateway))
        } else {
            None
        }
    }

    fn welcome(&mut self, connection: C, connect: LeafConnect, bound: &Bound) {
        let known = Known {
            server_name: connect.name.clone(),
            cluster: connect.cluster.clone(),
            account: bound.account.clone(),
            remote_account: connect.remote_account.clone(),
        };
        self.replace(connection, &known);
        let session = self.sessions.get_mut(&connection).expect("it was just looked at");
        session.stage = Stage::Open(known);
        let (number, label) = (session.number, &session.label);
        if bound.is_system {
            let cluster = &connect.cluster;
            tracing::info!("{label} - {}", leaf_words::system_account(&connect.name, cluster));
        } else {
            tracing::info!("{label} - {}", leaf_words::domains(&self.config.domain, &connect.domain));
        }
        self.send_bound(connection, number, bound);
        let isolates = self.config.listener.as_ref().is_some_and(|listener| listener.isolates);
        let cluster = if connect.cluster.is_empty() { connect.name.clone() } else { connect.cluster };
        let leaf = Leaf {
            server_id: connect.server_id,
            server_name: connect.name,
            cluster,
            remote_account: connect.remote_account,
            side: if connect.is_hub { Side::Hub } else { Side::Leaf },
            is_dialed: false,
            is_isolated: isolates || connect.isolate,
            headers: connect.headers,
            traces: connect.protocol >= PROTO,
            // Whatever it would like: it was told that there is none.
            compression: match Compression::of_peer(&connect.compress_mode) {
                Ok(Compression::NotSupported) | Err(_) => Compression::NotSupported,
                Ok(_) => Compression::Off,
            },
            deny: connect.deny_pub,
            account: None,
            allowed: Allowed::default(),
        };
        self.actions.push_back(LeafAction::Open(connection, leaf));
    }

    /// The same server is there again: most often its connection was cut, and only this one is known to work.
    fn replace(&mut self, connection: C, known: &Known) {
        if known.server_name.is_empty() || known.remote_account.is_empty() {
            return;
        }
        // One that this server dialed stands for another thing: who dials each other goes in a circle.
        let is_it = |session: &Session| {
            session.remote.is_none() && matches!(&session.stage, Stage::Open(other) if other == known)
        };
        let older = self.sessions.iter().find(|(_, session)| is_it(session)).map(|(older, _)| *older);
        if let Some(older) = older {
            self.refuse(older, &LeafRefusal::Replaced);
            tracing::warn!("{} - {}", self.sessions[&connection].label, leaf_words::REPLACING);
        }
    }

    /// Tells a leaf node which account it is bound to, and what it may do.
    fn send_bound(&mut self, connection: C, number: u64, bound: &Bound) {
        let info = PeerInfo {
            connect_info: true,
            remote_account: bound.account.clone(),
            acc_is_sys: bound.is_system,
            import: bound.import.clone(),
            export: bound.export.clone(),
            ..self.info(number)
        };
        self.send(connection, |out| encode::peer_info(out, &info));
    }
}
