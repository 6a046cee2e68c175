//! Connections to leaf nodes and hubs: how they begin and end, who they are, and what is done about them.

use std::sync::Arc;

use cluster::{Allowed, Bound, Ear, Leaf, LeafAction, LeafEnding, LeafRemote, Reading, leaf_words};
use conns::{CloseReason, ConnId, Peer, Time};
use nats_auth::{
    Access, ConnectionType, Credentials, Identity, LeafKey, PasswordCheck, Permissions, Renewal,
    SubjectPermission, Verdict,
};
use nats_proto::{LeafConnect, PeerKind, ServerPermission, encode, show};

use super::branches::{Branch, Branches, own_streams};
use super::incoming::since_start;
use crate::broker::Broker;
use crate::chores::{Chore, Progress};
use crate::client::Hold;
use crate::guard::Guard;

const PEERS: &str = "leaf nodes are peers";

/// What it takes to find out what a leaf node may now.
const RENEWAL_STEPS: usize = 64;

/// What an account that has as many leaf nodes as it may tells one more.
const CROWDED: &str = "maximum account active connections exceeded";

impl Broker {
    /// A leaf node, or who says so, has dialed. Only the first shard speaks to leaf nodes.
    ///
    /// # Panics
    ///
    /// Nobody listens for any.
    pub fn on_leaf_accepted(&mut self, now: Time, peer: Peer) -> ConnId {
        let (id, label) = self.open_peer(now, peer, "lid");
        let (number, nonce) = (self.egress.clients.at(id).cid, self.nonces.next_nonce());
        self.egress.clients.at(id).nonce = Some(nonce.clone());
        self.branches().control.on_accepted(since_start(now), id, &label, number, &nonce);
        self.begin_peer(now, id, PeerKind::Leaf)
    }

    /// The hub of that number among [`Self::take_dials`] was reached.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn on_hub_dialed(&mut self, now: Time, number: u32, peer: Peer) -> ConnId {
        let (id, label) = self.open_peer(now, peer, "lid");
        self.branches().control.on_dialed(since_start(now), number, id, &label);
        self.begin_peer(now, id, PeerKind::Leaf)
    }

    /// Has these hubs dialed from now on and no others, each shown who this server is by the key beside it, on the shard
    /// that speaks to them. Of a server that began without leaf nodes and hubs nothing comes of it.
    pub fn dial_other_hubs(&mut self, now: Time, hubs: Vec<(LeafRemote, Option<LeafKey>)>) {
        let Some(branches) = self.egress.peers.as_mut().and_then(|peers| peers.branches.as_mut()) else {
            return;
        };
        let (remotes, shown): (Vec<LeafRemote>, Vec<Option<LeafKey>>) = hubs.into_iter().unzip();
        let mut keys: Vec<Option<LeafKey>> = Vec::new();
        for (number, key) in branches.control.set_remotes(remotes).into_iter().zip(shown) {
            keys.resize_with(keys.len().max(number + 1), || None);
            keys[number] = key;
        }
        self.config.leaf_keys = keys.into();
        branches.control.on_time(since_start(now));
        self.act_for_cluster(now);
        self.settle();
    }

    pub(super) fn branches(&mut self) -> &mut Branches {
        let peers = self.egress.peers.as_mut().expect(PEERS);
        peers.branches.as_mut().expect("nobody listens without them")
    }

    pub(super) fn act_for_leafs(&mut self, now: Time, action: LeafAction<ConnId>) {
        match action {
            LeafAction::Send(id, line) => self.egress.send(id, &line),
            LeafAction::Close(id, ending) => {
                self.egress.counters.now = now;
                self.close(id, reason(ending));
            }
            LeafAction::Identify(id, connect) => self.identify_leaf(id, &connect),
            LeafAction::Introduce(id, remote, connect, nonce) => {
                self.introduce_to_hub(id, remote, *connect, &nonce);
            }
            LeafAction::Dial(dial) => self.egress.peers.as_mut().expect(PEERS).dials.push(dial),
            LeafAction::Open(id, leaf) => self.open_leaf(id, leaf),
            LeafAction::Permit(id, allowed) => self.renew_allowed(id, &allowed),
        }
    }

    /// Finds out who a leaf node is from its CONNECT.
    fn identify_leaf(&mut self, id: ConnId, connect: &LeafConnect) {
        let Some(client) = self.egress.clients.open(id) else { return };
        let shown = Credentials {
            nkey: &connect.nkey,
            signature: &connect.sig,
            nonce: client.nonce.as_deref().unwrap_or_default(),
            token: &connect.auth_token,
            user: &connect.user,
            password: &connect.pass,
            connection_type: ConnectionType::Leafnode,
            peer: None,
        };
        match self.config.settings.directory.authenticate(&shown) {
            Verdict::Granted(identity) => self.admit_leaf(id, identity),
            Verdict::Refused(_) => self.branches().control.on_unidentified(id),
            Verdict::Check(check) => self.check_leaf(id, check),
        }
    }

    fn check_leaf(&mut self, id: ConnId, check: PasswordCheck) {
        self.egress.clients.at(id).hold = Some(Hold::Auth);
        self.password_checks.push((id, check));
    }

    /// The password of a leaf node was checked, or could not be.
    pub(crate) fn on_leaf_checked(&mut self, now: Time, id: ConnId, identity: Option<Arc<Identity>>) {
        match identity {
            Some(identity) => self.admit_leaf(id, identity),
            None => self.branches().control.on_unidentified(id),
        }
        self.act_for_cluster(now);
        self.resume(id, Hold::Auth);
        self.settle();
    }

    fn admit_leaf(&mut self, id: ConnId, identity: Arc<Identity>) {
        let directory = Arc::clone(&self.config.settings.directory);
        let index = identity.account();
        let account = directory.account(index);
        let is_crowded = account.limits().leafnodes.is_some_and(|max| self.leafs_of(index) >= max);
        if is_crowded || account.is_gone() {
            self.egress.send_err(id, CROWDED);
            return self.close(id, CloseReason::MaxAccountConnectionsExceeded);
        }
        let permissions = identity.access().map(Access::permissions).unwrap_or_default();
        let bound = Bound {
            account: account.name().to_string(),
            is_system: account.is_system(),
            import: shown(permissions.subscribe.as_ref()),
            export: shown(permissions.publish.as_ref()),
        };
        self.egress.clients.at(id).identity = identity;
        self.branches().control.on_identified(id, &bound);
    }

    fn introduce_to_hub(&mut self, id: ConnId, remote: usize, connect: LeafConnect, nonce: &str) {
        let mut connect = connect;
        if let Some(Some(key)) = self.config.leaf_keys.get(remote) {
            let shown = key.show(nonce);
            (connect.nkey, connect.jwt) = (shown.nkey.unwrap_or_default(), shown.jwt.unwrap_or_default());
            connect.sig = shown.signature;
        }
        let mut line = Vec::new();
        encode::leaf_connect(&mut line, &connect);
        self.egress.send(id, &line);
    }

    /// A hub says anew what it lets this server do. What it was told before stands, as with nats-server.
    fn renew_allowed(&mut self, id: ConnId, allowed: &Allowed) {
        let peers = self.egress.peers.as_mut().expect(PEERS);
        let branch = peers.of(id).and_then(|peer| peers.at(peer).branch.as_deref_mut());
        if let Some(branch) = branch {
            let is_system = self.config.settings.directory.account(branch.account).is_system();
            (branch.import, branch.access) = of_hub(allowed, is_system);
        }
    }

    /// There is another directory: leaf nodes are let in by that.
    pub(crate) fn renew_leafs(&mut self) {
        let Some(peers) = &self.egress.peers else { return };
        let leafs: Vec<ConnId> = peers.branches().map(|(id, _)| id).collect();
        if !leafs.is_empty() {
            self.chores.push(Chore::RenewingLeafs(leafs));
        }
    }

    /// Goes on with that as far as this turn goes.
    pub(crate) fn go_on_renewing_leafs(&mut self, leafs: &mut Vec<ConnId>) -> Progress {
        while self.chores.budget().lasts() {
            let Some(id) = leafs.pop() else { return Progress::Done };
            self.chores.budget().spend(RENEWAL_STEPS);
            self.renew_leaf(id);
        }
        Progress::More
    }

    /// Holds a leaf node that dialed against the directory in force. What it was told that it may stands, as with
    /// nats-server, and what it may from now on counts.
    fn renew_leaf(&mut self, id: ConnId) {
        let Some(peers) = &mut self.egress.peers else { return };
        let Some(peer) = peers.of(id) else { return };
        if peers.at(peer).branch.as_ref().is_none_or(|branch| branch.leaf.account.is_some()) {
            return;
        }
        let client = self.egress.clients.at(id);
        match self.config.settings.directory.renew_leaf_node(&client.identity) {
            Renewal::Granted(identity) => {
                client.identity = Arc::clone(&identity);
                let branch = peers.at(peer).branch.as_deref_mut().expect("it was just looked at");
                branch.guard = Guard::new(&identity).map(Box::new);
                let is_system = self.config.settings.directory.account(branch.account).is_system();
                (branch.import, branch.access) = of_leaf(&identity, &branch.leaf.deny, is_system);
            }
            Renewal::Refused | Renewal::Gone => self.branches().control.on_unidentified(id),
        }
        self.act_for_cluster(self.egress.counters.now);
    }

    fn leafs_of(&self, account: usize) -> usize {
        let peers = self.egress.peers.as_ref();
        peers.map_or(0, |peers| peers.branches().filter(|(_, branch)| branch.account == account).count())
    }

    /// The connection carries interest and messages of its account from here on.
    fn open_leaf(&mut self, id: ConnId, leaf: Leaf) {
        let Some(client) = self.egress.clients.open(id) else { return };
        let (identity, cid) = (Arc::clone(&client.identity), client.cid);
        let peers = self.egress.peers.as_ref().expect(PEERS);
        // Which accounts there are is looked at where the configuration is read.
        let account = match &leaf.account {
            Some(name) => peers.account_named(name.as_bytes()).unwrap_or_default(),
            None => identity.account(),
        };
        let is_system = self.config.settings.directory.account(account).is_system();
        let (import, access) = match &leaf.account {
            Some(_) => of_hub(&leaf.allowed, is_system),
            None => of_leaf(&identity, &leaf.deny, is_system),
        };
        self.space_of(account);
        let words = [(); 4].map(|()| self.random.next());
        let cluster = self.branches().cluster(leaf.cluster.as_bytes());
        self.branches().watch_for_loops(account, || loops_text(words, cid));
        let branch = Branch {
            compression: leaf.compression.word(),
            account,
            ear: Ear { side: leaf.side, cluster, is_isolated: leaf.is_isolated },
            reading: Reading::Begun,
            guard: Guard::new(&identity).map(Box::new),
            access,
            import,
            leaf,
        };
        let peers = self.egress.peers.as_mut().expect(PEERS);
        if let Some(peer) = peers.of(id) {
            peers.at(peer).open_branch(branch);
        }
        self.egress.counters.totals.leafs.routes_total += 1;
        self.tell_own_interest();
    }

    /// What a leaf node or a hub complains of. It closes the connection itself, if it does.
    pub(super) fn on_leaf_complaint(&mut self, id: ConnId, text: &[u8]) {
        let words = leaf_words::complaint(&format!("'{}'", show(text)));
        tracing::error!("{} - {words}", self.egress.clients.at(id).label);
        if self.branches().control.on_complaint(id, &String::from_utf8_lossy(text)) {
            self.close(id, CloseReason::ProtocolViolation);
        }
    }
}

/// What may be asked of a leaf node that is this user, and what it may be sent if it does not want some: what there is of
/// streams stays here, too. Who may answer may be asked for anything, as it is not known where the answer is to go.
fn of_leaf(identity: &Identity, deny: &[String], is_system: bool) -> (Option<Access>, Option<Access>) {
    let Permissions { publish, subscribe, responses } =
        identity.access().map(Access::permissions).unwrap_or_default();
    let asked = Permissions { subscribe: publish.filter(|_| responses.is_none()), ..Permissions::default() };
    let mut sent = subscribe.unwrap_or_default();
    sent.deny.extend(deny.iter().cloned());
    sent.deny.extend(own_streams(is_system));
    (Access::new(&asked), Access::new(&Permissions { subscribe: Some(sent), ..Permissions::default() }))
}

/// What may be taken from a hub and asked of it, and what it may be sent.
fn of_hub(allowed: &Allowed, is_system: bool) -> (Option<Access>, Option<Access>) {
    let with = |allowed: &ServerPermission| {
        let ServerPermission { allow, deny } = allowed.clone();
        SubjectPermission { allow, deny: deny.into_iter().chain(own_streams(is_system)).collect() }
    };
    let import = Some(with(&allowed.import));
    let import = Permissions { publish: import.clone(), subscribe: import, responses: None };
    let export = Permissions { subscribe: Some(with(&allowed.export)), ..Permissions::default() };
    (Access::new(&import), Access::new(&export))
}

/// As it stands in INFO.
fn shown(permission: Option<&SubjectPermission>) -> Option<ServerPermission> {
    let SubjectPermission { allow, deny } = permission?;
    let is_all = allow.is_empty() && deny.is_empty();
    (!is_all).then(|| ServerPermission { allow: allow.clone(), deny: deny.clone() })
}

/// As long as a NUID, which nats-server has here.
const LOOPS_LETTERS: usize = 22;

fn loops_text(words: [u64; 4], number: u64) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes = words.into_iter().chain([number]).flat_map(u64::to_le_bytes);
    bytes.take(LOOPS_LETTERS).map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

fn reason(ending: LeafEnding) -> CloseReason {
    match ending {
        LeafEnding::Unauthorized => CloseReason::AuthenticationFailure,
        LeafEnding::Late => CloseReason::AuthenticationTimeout,
        LeafEnding::WrongPort => CloseReason::WrongPort,
        LeafEnding::WrongGateway => CloseReason::WrongGateway,
        LeafEnding::SameCluster => CloseReason::ClusterNamesIdentical,
        LeafEnding::Violation => CloseReason::ProtocolViolation,
        LeafEnding::TooOld => CloseReason::MinimumVersionRequired,
        LeafEnding::Replaced => CloseReason::DuplicateRemoteLeafNode,
        LeafEnding::Stale => CloseReason::StaleConnection,
        LeafEnding::Silent => CloseReason::ReadError,
        LeafEnding::WantsTls => CloseReason::TlsHandshakeFailure,
        LeafEnding::Removed => CloseReason::ClientClosed,
    }
}
