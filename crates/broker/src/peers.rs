//! The other servers of the cluster, on the shard that speaks to them: what they want of this one, and what this one
//! wants of them. See docs/decisions/0017-routes.md.
//!
//! What a server wants is a subscription of this shard as a client's is, once for each member of a queue group, so that
//! all else finds it without knowing of clusters: dispatch, the other shards, the draw among members, offers. What its
//! subscriptions get is gathered and written once. What came from a server does not go to one ([`crate::party`]), and
//! other shards have none: so a message makes one hop.
//!
//! What this server wants is in a [`Ledger`] for each account. It is fed with each change of a subscription here and
//! with what other shards tell of theirs, and each change is told at once: before anything that is sent because of it.
//!
//! Leaf nodes and hubs are peers as well, each with one account ([`branches`]): what they want is a subscription of this
//! shard, and what they are told is in a ledger of their own. Where a message may go on to is a table,
//! [`cluster::passing`].
//!
//! Always true: a row is in use as long as its connection is, and until all of its subscriptions are gone.

mod advertised;
mod branches;
pub(crate) mod incoming;
mod interest;
mod leaf_incoming;
mod leaf_session;
pub(crate) mod outgoing;
mod routes;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::passing::{Passing, Side, passing};
use cluster::{Change, ClusterNumber, Control, Dial, Interest, LeafConfig, Ledger, Reading, Route, Teller};
use conns::ConnId;
use hashbrown::HashMap;
use nats_auth::Access;
use nats_proto::{InterestKey, Limits, PeerDecoder, PeerKind};
use smallvec::SmallVec;

use self::branches::{Branch, Branches};
use crate::party::{Origin, Party, PeerId, ServiceId};
use crate::subscription::SubKey;

/// Connections to other servers, and such as have yet to say who they are.
const PEERS_MAX: usize = 4096;

/// Members of one queue group at one server that are told apart: there is a subscription for each. More weigh no more.
pub(crate) const WEIGHT_MAX: u32 = 1024;

/// Bytes that wait for a server while it is told what was wanted before it came: more follows when they have left.
pub(crate) const TOLD_AHEAD_BYTES_MAX: usize = 1 << 20;

/// Rows of interest in accounts that this server does not have, for each server. Those beyond are forgotten: once the
/// account is there, they are missing until the server connects anew.
pub(crate) const UNKNOWN_MAX: usize = 64 << 10;

/// What another server may send at once: it took it in by a limit of its own.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// The names of queue groups in one message, with the blanks between them: with the rest of the line they are within
/// what servers read. Groups beyond that do not get it.
pub(crate) const GROUPS_BYTES_MAX: usize = 48 << 10;

/// What a connection may say before it is known who it is.
pub(crate) const STRANGER_LIMITS: Limits = Limits { control_line_bytes_max: 4096, payload_bytes_max: 0 };

/// Filters, each with the account that it is of.
pub type Advertised = Vec<(usize, Box<[u8]>)>;

/// The other servers.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) control: Control<ConnId>,
    /// Routes may come.
    has_routes: bool,
    /// Leaf nodes and hubs, if there may be any.
    pub(crate) branches: Option<Branches>,
    /// The cluster of leaf nodes that the message in hand comes from, where a route says so.
    pub(crate) comes_from: ClusterNumber,
    /// What others are told of and may want, if that is not everything.
    access: Option<Arc<Access>>,
    /// By the number of [`PeerId`].
    rows: Vec<Option<Peer>>,
    /// By account.
    accounts: Vec<Account>,
    /// Accounts of which something is to be told.
    changed: Vec<usize>,
    /// Accounts by name.
    by_name: HashMap<Box<[u8]>, usize>,
    /// What services want without a subscription.
    advertised: BTreeMap<ServiceId, Advertised>,
    /// Servers to be dialed.
    pub(crate) dials: Vec<Dial>,
    /// What clients are told has changed.
    pub(crate) has_told_clients: bool,
    /// What follows from the cluster's news is being done.
    pub(crate) is_acting: bool,
    /// A group may be handed on to another server.
    pub(crate) lets_bounce: bool,
    // Scratch, kept for its capacity.
    pub(crate) line: Vec<u8>,
    pub(crate) groups: Vec<u8>,
}

/// What this server wants of one account.
#[derive(Debug, Default)]
struct Account {
    name: Box<str>,
    ledger: Ledger,
    is_changed: bool,
}

/// What a server wants: by account and by what it is, its subscriptions.
pub(crate) type Wants = BTreeMap<(usize, Interest), SmallVec<[SubKey; 1]>>;

/// Interest in accounts that this server does not have: by the account's name and by what it is, its weight. A reload may
/// bring the account, and servers tell once.
pub(crate) type Unknown = BTreeMap<UnknownKey, u32>;

/// The name of such an account, and what is wanted of it.
pub(crate) type UnknownKey = (Box<[u8]>, Interest);

/// One connection to another server.
#[derive(Debug)]
pub(crate) struct Peer {
    /// `None` once it is closed.
    pub(crate) conn: Option<ConnId>,
    pub(crate) decoder: PeerDecoder,
    /// It came as a leaf node, or was dialed as a hub.
    pub(crate) is_leaf: bool,
    /// Who it is, once it said so, if it is of this cluster.
    pub(crate) route: Option<Route>,
    /// The same if it is not.
    pub(crate) branch: Option<Box<Branch>>,
    /// Who wants what it wants, and its cluster's name: they are there longer than its connection.
    teller: Teller,
    cluster: Arc<[u8]>,
    told: Told,
    pub(crate) wants: Wants,
    pub(crate) unknown: Unknown,
}

/// How far a server has been told what there was before it came: all of the accounts before this one, and so far of this.
#[derive(Debug)]
struct Told {
    account: usize,
    reading: Reading,
}

impl Told {
    const NOTHING: Self = Self { account: 0, reading: Reading::Begun };

    fn takes(&self, account: usize, change: &Change) -> bool {
        account < self.account || (account == self.account && self.reading.takes(change))
    }
}

impl Peer {
    /// The kind of its lines.
    pub(crate) fn kind(&self) -> PeerKind {
        self.route.as_ref().map_or(PeerKind::ROUTE, |route| route.kind)
    }

    /// Its connection, if it is known who it is.
    pub(crate) fn open_conn(&self) -> Option<ConnId> {
        self.conn.filter(|_| self.route.is_some() || self.branch.is_some())
    }

    /// The name of its server, and whether that tells of messages that are traced.
    pub(crate) fn name_and_traces(&self) -> Option<(&str, bool)> {
        let route = self.route.as_ref().map(|route| (&*route.server_name, route.traces));
        route.or_else(|| self.branch.as_ref().map(|branch| (&*branch.leaf.server_name, branch.leaf.traces)))
    }

    /// The account that it is bound to, if it is a leaf node or a hub.
    pub(crate) fn account(&self) -> Option<usize> {
        self.branch.as_ref().map(|branch| branch.account)
    }

    /// Whether it is told on behalf of which leaf cluster something is wanted, or sent. To servers before 2.2 it would
    /// mean nothing.
    fn takes_origin(&self) -> bool {
        self.route.as_ref().is_some_and(|route| route.takes_origin)
    }

    /// It is a leaf node or a hub from here on.
    fn open_branch(&mut self, branch: Branch) {
        self.teller = Teller { cluster: branch.ear.cluster, side: branch.ear.side };
        self.cluster = branch.leaf.cluster.as_bytes().into();
        self.branch = Some(Box::new(branch));
    }
}

impl Peers {
    pub(crate) fn new(
        config: Option<&cluster::Config>,
        leafs: Option<&LeafConfig>,
        access: Option<Arc<Access>>,
        seed: u64,
    ) -> Self {
        Self {
            // Of a server that is in no cluster it knows nobody, for good.
            control: Control::new(config.cloned().unwrap_or_default(), seed),
            has_routes: config.is_some(),
            branches: leafs.map(|leafs| Branches::new(leafs, seed)),
            comes_from: ClusterNumber::NONE,
            access,
            rows: Vec::new(),
            accounts: Vec::new(),
            changed: Vec::new(),
            by_name: HashMap::new(),
            advertised: BTreeMap::new(),
            dials: Vec::new(),
            has_told_clients: true,
            is_acting: false,
            lets_bounce: false,
            line: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Gives a connection a row, if there is one left.
    pub(crate) fn insert(&mut self, conn: ConnId, kind: PeerKind) -> Option<PeerId> {
        let free = self.rows.iter().position(Option::is_none).unwrap_or(self.rows.len());
        if free >= PEERS_MAX {
            return None;
        }
        if free == self.rows.len() {
            self.rows.push(None);
        }
        let peer = Peer {
            conn: Some(conn),
            decoder: PeerDecoder::new(kind),
            is_leaf: kind == PeerKind::Leaf,
            route: None,
            branch: None,
            teller: Teller { cluster: ClusterNumber::NONE, side: Side::Route },
            cluster: Arc::default(),
            told: Told::NOTHING,
            wants: Wants::new(),
            unknown: Unknown::new(),
        };
        self.rows[free] = Some(peer);
        Some(PeerId(free as u16))
    }

    /// The connection is closed. Returns what its server wanted: once that is gone, [`Self::free`] follows.
    pub(crate) fn close(&mut self, id: PeerId) -> Wants {
        let peer = self.at(id);
        (peer.conn, peer.route, peer.branch) = (None, None, None);
        peer.unknown.clear();
        std::mem::take(&mut peer.wants)
    }

    pub(crate) fn free(&mut self, id: PeerId) {
        self.rows[usize::from(id.0)] = None;
    }

    /// The row of a connection.
    pub(crate) fn of(&self, conn: ConnId) -> Option<PeerId> {
        let is_its = |row: &Option<Peer>| row.as_ref().is_some_and(|peer| peer.conn == Some(conn));
        self.rows.iter().position(is_its).map(|at| PeerId(at as u16))
    }

    /// # Panics
    ///
    /// The row is not in use.
    pub(crate) fn at(&mut self, id: PeerId) -> &mut Peer {
        self.rows[usize::from(id.0)].as_mut().expect("a row is in use while somebody knows its number")
    }

    pub(crate) fn peek(&self, id: PeerId) -> Option<&Peer> {
        self.rows.get(usize::from(id.0))?.as_ref()
    }

    /// Whether this server dialed.
    pub(crate) fn is_dialed(&self, conn: ConnId) -> bool {
        let of_leafs = self.branches.as_ref().is_some_and(|branches| branches.control.is_dialed(conn));
        of_leafs || self.control.is_dialed(conn)
    }

    /// All routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Peer> {
        self.rows.iter().flatten().filter(|peer| peer.conn.is_some() && peer.route.is_some())
    }

    /// All leaf nodes and hubs, with their connections.
    pub(crate) fn branches(&self) -> impl Iterator<Item = (ConnId, &Branch)> {
        let rows = self.rows.iter().flatten();
        rows.filter_map(|peer| Some((peer.conn?, &**peer.branch.as_ref()?)))
    }

    /// Whether a message of somebody may go to a server, as far as that follows from who they are.
    pub(crate) fn may_pass(&self, origin: Origin, to: PeerId) -> bool {
        let Some(target) = self.peek(to) else { return false };
        let (from, cluster) = match origin.party() {
            Party::Peer(from) => match self.peek(from) {
                Some(peer) => (peer.teller.side, peer.teller.cluster),
                None => (Side::Route, ClusterNumber::NONE),
            },
            _ => (Side::Client, ClusterNumber::NONE),
        };
        let is_other = |cluster| cluster == ClusterNumber::NONE || cluster != target.teller.cluster;
        match passing(from, target.teller.side) {
            Passing::Yes => true,
            Passing::No | Passing::Answers => false,
            Passing::Bounce => self.lets_bounce,
            Passing::OtherOrigin => is_other(self.comes_from),
            Passing::Others => is_other(cluster),
        }
    }

    /// The cluster of the leaf node that sent a message, if one did.
    fn leaf_cluster(&self, origin: Origin) -> Option<Box<[u8]>> {
        let Party::Peer(from) = origin.party() else { return None };
        let branch = self.peek(from)?.branch.as_ref().filter(|branch| branch.ear.side == Side::Leaf)?;
        Some(branch.leaf.cluster.as_bytes().into())
    }

    /// A message is in hand that a server sent, on behalf of this leaf cluster.
    pub(crate) fn note_where_it_comes_from(&mut self, origin: Option<&[u8]>) {
        let branches = self.branches.as_mut().zip(origin.filter(|origin| !origin.is_empty()));
        self.comes_from = branches.map_or(ClusterNumber::NONE, |(branches, origin)| branches.cluster(origin));
    }

    /// The account that a line of a server is about; the error is its name, if there is none of that name.
    fn account_of<'n>(&self, peer: PeerId, named: Option<&'n [u8]>) -> Result<usize, &'n [u8]> {
        if let Some(branch) = self.peek(peer).and_then(|peer| peer.branch.as_ref()) {
            return Ok(branch.account);
        }
        let name = named.unwrap_or_default();
        self.account_named(name).ok_or(name)
    }

    /// So many more, or less, of what a server wants, or wants on behalf of a leaf cluster.
    pub(crate) fn change_of_peer(
        &mut self,
        account: usize,
        key: &InterestKey<'_>,
        (peer, origin): (PeerId, &[u8]),
        more: u32,
        less: u32,
    ) {
        let teller = self.teller(peer, origin);
        let cluster = self.at(peer).cluster.clone();
        let key = InterestKey { origin: (teller.side == Side::Leaf).then_some(&*cluster), ..*key };
        self.change_of(account, &key, teller, more, less);
    }

    /// Who wants something on behalf of this leaf cluster, or of none, according to a server.
    fn teller(&mut self, peer: PeerId, origin: &[u8]) -> Teller {
        let teller = self.at(peer).teller;
        match &mut self.branches {
            Some(branches) if !origin.is_empty() => Teller { cluster: branches.cluster(origin), ..teller },
            _ => teller,
        }
    }

    /// Those that want something of accounts that are not there, with their connections.
    pub(crate) fn missing_accounts(&self) -> Vec<(PeerId, ConnId)> {
        let rows = self.rows.iter().enumerate();
        let missing = rows.filter_map(|(at, peer)| {
            let peer = peer.as_ref().filter(|peer| !peer.unknown.is_empty())?;
            Some((PeerId(at as u16), peer.conn?))
        });
        missing.collect()
    }

    // Accounts.

    /// The account of that index has this name.
    pub(crate) fn name_account(&mut self, account: usize, name: &str) {
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, Account::default);
        }
        let known = &mut self.accounts[account].name;
        if **known != *name {
            self.by_name.remove(known.as_bytes());
            *known = name.into();
            self.by_name.insert(name.as_bytes().into(), account);
        }
    }

    pub(crate) fn account_named(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether others may want what is so called.
    pub(crate) fn may_want(&self, filter: &[u8]) -> bool {
        self.access.as_ref().is_none_or(|access| access.may_subscribe(filter, None))
    }

    /// So many more, or less, want something of an account here.
    pub(crate) fn change(&mut self, account: usize, key: &InterestKey<'_>, more: u32, less: u32) {
        self.change_of(account, key, Teller::HERE, more, less);
    }

    /// The same of somebody else. What is wanted on behalf of a leaf cluster has that in its key.
    pub(crate) fn change_of(
        &mut self,
        account: usize,
        key: &InterestKey<'_>,
        teller: Teller,
        more: u32,
        less: u32,
    ) {
        if let Some(branches) = &mut self.branches {
            branches.change(account, key, teller, more, less);
        }
        if self.has_routes && cluster::passing::is_told(teller.side, Side::Route) {
            self.change_for_routes(account, key, more, less);
        }
    }

    /// Nobody is told of what may not come from others.
    fn change_for_routes(&mut self, account: usize, key: &InterestKey<'_>, more: u32, less: u32) {
        if self.access.as_ref().is_some_and(|access| !access.may_publish(key.subject)) {
            return;
        }
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, Account::default);
        }
        let row = &mut self.accounts[account];
        let interest = Interest::of(key);
        row.ledger.add(&interest, more);
        row.ledger.take(&interest, less);
        if !std::mem::replace(&mut row.is_changed, true) {
            self.changed.push(account);
        }
    }

    /// Whether something is to be told.
    pub(crate) fn have_changes(&self) -> bool {
        !self.changed.is_empty() || self.branches.as_ref().is_some_and(Branches::have_changes)
    }

    /// The next change, and the name of the account that it is of. Every route that [takes](Self::takers) it is to be
    /// told.
    fn next_change(&mut self) -> Option<(usize, Change)> {
        loop {
            let account = *self.changed.last()?;
            let row = &mut self.accounts[account];
            if let Some(change) = row.ledger.next_change() {
                return Some((account, change));
            }
            row.is_changed = false;
            self.changed.pop();
        }
    }

    /// The next that a server that came is to be told; `None` once that was all.
    fn next_told(&mut self, id: PeerId) -> Option<(usize, Interest, u32)> {
        let told = &mut self.rows[usize::from(id.0)].as_mut()?.told;
        while let Some(account) = self.accounts.get(told.account) {
            if let Some((interest, weight)) = account.ledger.read(&mut told.reading) {
                return Some((told.account, interest.clone(), weight));
            }
            *told = Told { account: told.account + 1, reading: Reading::Begun };
        }
        None
    }

    /// Those that are to be told more, with their connections.
    fn untold(&self) -> impl Iterator<Item = (PeerId, ConnId)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, peer)| {
            let peer = peer.as_ref()?;
            let conn = peer.open_conn()?;
            let is_untold = match &peer.branch {
                Some(branch) => branch.reading != Reading::Ended,
                None => peer.told.account < self.accounts.len(),
            };
            is_untold.then_some((PeerId(at as u16), conn))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_used_again_once_all_is_gone_and_accounts_follow_their_names() {
        let mut peers = Peers::new(Some(&cluster::Config::default()), None, None, 1);
        let (a, b) = (ConnId::from_bits(1), ConnId::from_bits(2));
        let insert = |peers: &mut Peers, conn| peers.insert(conn, PeerKind::ROUTE);
        let (first, second) = (insert(&mut peers, a).unwrap(), insert(&mut peers, b).unwrap());
        assert_eq!((peers.of(a), peers.of(b)), (Some(first), Some(second)));
        peers.close(first);
        assert_eq!((peers.of(a), insert(&mut peers, a)), (None, Some(PeerId(2))));
        peers.free(first);
        assert_eq!(insert(&mut peers, ConnId::from_bits(3)), Some(first));
        peers.name_account(1, "A");
        peers.name_account(1, "B");
        assert_eq!((peers.account_named(b"A"), peers.account_named(b"B")), (None, Some(1)));
    }
}
