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
//! Always true: a row is in use as long as its connection is, and until all of its subscriptions are gone.

mod advertised;
mod incoming;
mod interest;
mod outgoing;
mod routes;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{Change, Control, Dial, Interest, Ledger, Reading, Route};
use conns::ConnId;
use hashbrown::HashMap;
use nats_auth::Access;
use nats_proto::{InterestKey, Limits, PeerDecoder, PeerKind};
use smallvec::SmallVec;

use crate::party::{PeerId, ServiceId};
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
    /// Who it is, once it said so.
    pub(crate) route: Option<Route>,
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

    /// Its connection, if it is a route.
    pub(crate) fn open_conn(&self) -> Option<ConnId> {
        self.conn.filter(|_| self.route.is_some())
    }
}

impl Peers {
    pub(crate) fn new(config: &cluster::Config, access: Option<Arc<Access>>, seed: u64) -> Self {
        Self {
            control: Control::new(config.clone(), seed),
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
    pub(crate) fn insert(&mut self, conn: ConnId) -> Option<PeerId> {
        let free = self.rows.iter().position(Option::is_none).unwrap_or(self.rows.len());
        if free >= PEERS_MAX {
            return None;
        }
        if free == self.rows.len() {
            self.rows.push(None);
        }
        let decoder = PeerDecoder::new(PeerKind::ROUTE);
        let peer = Peer {
            conn: Some(conn),
            decoder,
            route: None,
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
        (peer.conn, peer.route) = (None, None);
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

    /// All routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Peer> {
        self.rows.iter().flatten().filter(|peer| peer.open_conn().is_some())
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

    /// So many more, or less, want something of an account here. Nobody is told of what may not come from others.
    pub(crate) fn change(&mut self, account: usize, key: &InterestKey<'_>, more: u32, less: u32) {
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
        !self.changed.is_empty()
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
            (peer.told.account < self.accounts.len()).then_some((PeerId(at as u16), conn))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_used_again_once_all_is_gone_and_accounts_follow_their_names() {
        let mut peers = Peers::new(&cluster::Config::default(), None, 1);
        let (a, b) = (ConnId::from_bits(1), ConnId::from_bits(2));
        let (first, second) = (peers.insert(a).unwrap(), peers.insert(b).unwrap());
        assert_eq!((peers.of(a), peers.of(b)), (Some(first), Some(second)));
        peers.close(first);
        assert_eq!((peers.of(a), peers.insert(a)), (None, Some(PeerId(2))));
        peers.free(first);
        assert_eq!(peers.insert(ConnId::from_bits(3)), Some(first));
        peers.name_account(1, "A");
        peers.name_account(1, "B");
        assert_eq!((peers.account_named(b"A"), peers.account_named(b"B")), (None, Some(1)));
    }
}
