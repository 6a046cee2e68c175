//! What two servers say until each knows the other.

use std::time::Duration;

use nats_proto::{PeerInfo, PeerKind, RouteConnect};

use super::{Control, Server};
use crate::action::{Action, Ending, Route};
use crate::config::{NO_GO, PROTO};
use crate::gossip::{Joined, Mode, Origin};
use crate::log_words;
use crate::places::{Place, Places, Registered};
use crate::refusal::Refusal;
use crate::session::Stage;
use crate::slots::Pool;

impl<C: Copy + Ord> Control<C> {
    /// Anything but CONNECT came. Returns whether it may be heeded: who dials says CONNECT first, whether or not there
    /// is anything to show.
    pub fn may_say(&mut self, connection: C) -> bool {
        match self.sessions.get(&connection).map(|session| &session.stage) {
            Some(Stage::Connect) => {
                self.refuse(connection, &Refusal::Unauthorized(String::new()));
                false
            }
            Some(Stage::Info { .. } | Stage::Route(_)) => true,
            Some(Stage::Over) | None => false,
        }
    }

    /// A CONNECT. One more than there should be does no harm, as in nats-server.
    pub fn on_connect(&mut self, connection: C, json: &[u8]) {
        if self.sessions.get(&connection).is_none_or(|session| session.stage != Stage::Connect) {
            return;
        }
        let Ok(connect) = RouteConnect::parse(json) else {
            return self.close(connection, Ending::Violation);
        };
        if let Some(wanted) = &self.config.credentials
            && !(is_same(&connect.user, &wanted.user) & is_same(&connect.pass, &wanted.password))
        {
            return self.refuse(connection, &Refusal::Unauthorized(connect.user));
        }
        if !connect.lang.is_empty() {
            return self.refuse(connection, &Refusal::ClientPort);
        }
        if !connect.gateway.is_empty() {
            return self.refuse(connection, &Refusal::Gateway(connect.gateway));
        }
        if !self.agrees_on_name(&connect.name, &connect.cluster, connect.cluster_dynamic) {
            let refusal = self.other_cluster(connect.cluster);
            return self.refuse(connection, &refusal);
        }
        let session = self.sessions.get_mut(&connection).expect("it was just looked at");
        session.stage = Stage::Info { headers: connect.headers };
    }

    /// An INFO: of who is at the other end, or over a route of somebody else.
    pub fn on_info(&mut self, now: Duration, connection: C, json: &[u8]) {
        let Ok(info) = PeerInfo::parse(json) else {
            return self.close(connection, Ending::Violation);
        };
        match self.sessions.get(&connection).map(|session| session.stage.clone()) {
            Some(Stage::Info { headers }) => self.register(now, connection, info, headers),
            Some(Stage::Route(id)) if id == info.server_id => self.on_news_of_itself(info),
            // Without an id it speaks of connections for single accounts, of which there are none.
            Some(Stage::Route(_)) if !info.server_id.is_empty() => self.on_gossip(now, connection, &info),
            _ => {}
        }
    }

    /// The other end says who it is.
    fn register(&mut self, now: Duration, connection: C, info: PeerInfo, headers: bool) {
        if info.server_id == self.config.server_id {
            self.forget_target(connection);
            return self.refuse(connection, &Refusal::Duplicate(info.server_id));
        }
        if !self.agrees_on_name(&info.server_id, &info.cluster, info.cluster_dynamic) {
            let refusal = self.other_cluster(info.cluster);
            return self.leave(connection, &refusal);
        }
        if info.server_name == self.config.server_name {
            return self.refuse(connection, &Refusal::DuplicateName(info.server_name));
        }
        let is_dialed = self.sessions.get(&connection).is_some_and(|session| session.target.is_some());
        if is_dialed && info.route_pool_idx > 0 {
            return self.refuse(connection, &Refusal::SlotOfAcceptor(info.route_pool_idx));
        }
        if let Some(first) = self.other_jetstream(&info) {
            let name = info.server_name;
            return self.refuse(connection, &Refusal::SecondJetStream { name, first });
        }
        // Between servers without pools there is one place.
        let place = match &*info.route_account {
            "" => Place::Slot(info.route_pool_idx as u32),
            account => Place::Account(account.into()),
        };
        let mut places = Places::new(Pool::between(0, info.route_pool_size.max(0) as u32));
        if let Some(server) = self.servers.get(&info.server_id) {
            let _ = places.register(Place::Slot(0), server.connection);
        }
        match places.register(place, connection) {
            Err(no_place) => self.refuse(connection, &Refusal::NoPlace(no_place)),
            Ok(Registered::Duplicate(_)) => {
                self.note_target(now, connection, &info.server_id);
                self.refuse(connection, &Refusal::Duplicate(info.server_id));
            }
            Ok(Registered::New { .. }) => self.welcome(now, connection, info, headers),
        }
    }

    /// Who has streams beside this server, by name, so that it may not: streams of BusterMQ are on one server of a
    /// cluster. Servers of nats-server's share theirs with each other, as long as none of these is there.
    fn other_jetstream(&self, info: &PeerInfo) -> Option<String> {
        if !info.jetstream {
            return None;
        }
        if self.config.jetstream {
            return Some(self.config.server_name.clone());
        }
        let others = self.servers.values().map(|server| &server.info);
        let mut others = others.filter(|other| other.jetstream && other.server_id != info.server_id);
        let other = others.find(|other| is_alone(other) || is_alone(info));
        other.map(|other| other.server_name.clone())
    }

    fn welcome(&mut self, now: Duration, connection: C, info: PeerInfo, headers: bool) {
        let id = info.server_id.clone();
        tracing::debug!("{} - {}", self.sessions[&connection].label, log_words::registered(&id));
        self.note_target(now, connection, &id);
        let session = self.sessions.get_mut(&connection).expect("it just said who it is");
        session.stage = Stage::Route(id.clone());
        let target = session.target.and_then(|number| self.targets.get(&number));
        let is_configured = target.is_some_and(|target| target.is_configured);
        let origin = match target {
            None => Origin::Accepted,
            Some(_) if is_configured => Origin::Configured,
            Some(_) => Origin::Heard,
        };
        let told = target.map_or(Mode::Plain, |target| target.mode);
        let joined = Joined { origin, told, says: Mode::of_info(info.gossip_mode) };
        let route = Route {
            server_id: id.clone(),
            server_name: info.server_name.clone(),
            is_dialed: session.target.is_some(),
            is_configured,
            headers: headers && info.headers,
            takes_origin: info.lnoc,
            traces: info.proto >= PROTO,
            kind: PeerKind::Route { pinned: false, names_origin: info.lnocu },
            import: info.import.clone(),
            export: info.export.clone(),
        };
        self.actions.push_back(Action::Open(connection, route));
        self.tell_others(connection, &info, joined);
        self.servers.insert(id, Server { connection, info });
        self.tell_clients();
    }

    /// All targets that lead to a server wait while it is there.
    fn note_target(&mut self, now: Duration, connection: C, id: &str) {
        let own = self.sessions.get(&connection).and_then(|session| session.target);
        for (number, target) in &mut self.targets {
            if Some(*number) == own {
                target.server_id = Some(id.into());
            }
            if target.server_id.as_deref() == Some(id) {
                target.on_up(now);
            }
        }
    }

    /// What was dialed is this server itself.
    fn forget_target(&mut self, connection: C) {
        if let Some(number) = self.sessions.get(&connection).and_then(|session| session.target) {
            self.targets.remove(&number);
        }
    }

    /// Whether the other server is of this cluster. A name that was made up gives way to one that was not, and of two
    /// such the larger one stays; whoever does not follow is left.
    fn agrees_on_name(&mut self, id: &str, cluster: &str, is_dynamic: bool) -> bool {
        if cluster == self.config.cluster {
            return true;
        }
        let gives_way = self.config.is_name_dynamic && (!is_dynamic || *self.config.cluster < *cluster);
        if gives_way && !cluster.is_empty() {
            self.take_name(id, cluster, is_dynamic);
            return true;
        }
        false
    }

    fn take_name(&mut self, id: &str, cluster: &str, is_dynamic: bool) {
        tracing::info!("{}", log_words::new_cluster_name(cluster));
        self.config.cluster = cluster.into();
        self.config.is_name_dynamic = is_dynamic;
        let others = self.servers.iter().filter(|(other, _)| *other != id);
        let others: Vec<C> = others.map(|(_, server)| server.connection).collect();
        for connection in others {
            self.close(connection, Ending::OtherCluster);
        }
        self.tell_clients();
    }

    fn other_cluster(&self, theirs: String) -> Refusal {
        Refusal::OtherCluster { theirs, own: self.config.cluster.clone() }
    }
}

/// Whether a server with streams does without others: it is one of these, which have no Go.
fn is_alone(info: &PeerInfo) -> bool {
    info.go == NO_GO
}

/// Without telling by the time it takes how much of it is.
fn is_same(shown: &str, wanted: &str) -> bool {
    let differs = shown.bytes().zip(wanted.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    differs == 0 && shown.len() == wanted.len()
}
