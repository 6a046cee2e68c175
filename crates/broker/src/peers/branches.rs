//! Leaf nodes and hubs, beside the routes: each is bound to one account, and told what others of it want.

use std::collections::BTreeMap;

use cluster::{
    ClusterNumber, Ear, Interest, Leaf, LeafChange, LeafConfig, LeafLedger, Leafs, Reading, Teller,
};
use conns::ConnId;
use nats_auth::Access;
use nats_proto::InterestKey;

use super::Advertised;
use crate::guard::Guard;

/// Clusters of leaf nodes that are told apart. Those beyond are as one: they do not hear of each other.
const CLUSTERS_MAX: usize = 64 << 10;

/// What a server asks a leaf node for to find out whether what it says comes back to it.
pub(crate) const LOOPS: &[u8] = b"$LDS.";

/// What never goes over a connection between a leaf node and its hub: each has streams of its own.
const OWN_STREAMS: [&str; 5] = ["$JS.API.>", "$KV.>", "$OBJ.>", "$JSC.>", "$NRG.>"];

/// Of these, what counts in the system account alone: there servers speak of streams among themselves.
const OF_SYSTEM: usize = 2;

/// The filters of what stays on either side of a connection in the system account, or in another.
pub(crate) fn own_streams(is_system: bool) -> impl Iterator<Item = String> {
    let count = OWN_STREAMS.len() - if is_system { 0 } else { OF_SYSTEM };
    OWN_STREAMS[..count].iter().map(|filter| (*filter).to_owned())
}

/// The leaf nodes and hubs of a server.
#[derive(Debug)]
pub(crate) struct Branches {
    pub(crate) control: Leafs<ConnId>,
    /// By account.
    accounts: BTreeMap<usize, Account>,
    /// Accounts of which something is to be told.
    changed: Vec<usize>,
    clusters: BTreeMap<Box<[u8]>, ClusterNumber>,
    /// What is wanted without a subscription, and other servers are not told of.
    advertised: Advertised,
}

/// What this server wants of one account, as leaf nodes are told.
#[derive(Debug, Default)]
struct Account {
    ledger: LeafLedger,
    is_changed: bool,
    /// What leaf nodes are asked for to find loops, once there was one.
    loops: Option<Box<[u8]>>,
}

/// A leaf node, or a hub, that is connected.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) leaf: Leaf,
    /// What is compressed, in the words of INFO: nothing, and whether the other side speaks of it.
    pub(crate) compression: &'static str,
    /// The account that it is bound to.
    pub(crate) account: usize,
    pub(crate) ear: Ear,
    /// How far it was told what there was.
    pub(crate) reading: Reading,
    /// What it may send, if that is not everything and it dialed.
    pub(crate) guard: Option<Box<Guard>>,
    /// What it may be sent, if that is not everything.
    pub(crate) access: Option<Access>,
    /// What may be asked of it, as what may be subscribed to, and taken from a hub, as what may be published.
    pub(crate) import: Option<Access>,
}

impl Branches {
    pub(crate) fn new(config: &LeafConfig, seed: u64) -> Self {
        Self {
            control: Leafs::new(config.clone(), seed),
            accounts: BTreeMap::new(),
            changed: Vec::new(),
            clusters: BTreeMap::new(),
            advertised: Advertised::new(),
        }
    }

    /// The number of a cluster.
    pub(crate) fn cluster(&mut self, name: &[u8]) -> ClusterNumber {
        if let Some(known) = self.clusters.get(name) {
            return *known;
        }
        let number = ClusterNumber(1 + self.clusters.len().min(CLUSTERS_MAX) as u32);
        if self.clusters.len() < CLUSTERS_MAX {
            self.clusters.insert(name.into(), number);
        }
        number
    }

    /// So many more, or less, want something of an account.
    pub(crate) fn change(
        &mut self,
        account: usize,
        key: &InterestKey<'_>,
        teller: Teller,
        more: u32,
        less: u32,
    ) {
        let interest = Interest::of(&InterestKey { origin: None, ..*key });
        let row = self.accounts.entry(account).or_default();
        row.ledger.add(&interest, teller, more);
        row.ledger.take(&interest, teller, less);
        self.note_changed(account);
    }

    /// Has leaf nodes and hubs told that these filters are wanted, in place of those of the last call.
    pub(crate) fn advertise(&mut self, filters: Advertised) {
        for (account, filter) in &filters {
            self.change(*account, &plain(filter), Teller::HERE, 1, 0);
        }
        for (account, filter) in std::mem::replace(&mut self.advertised, filters) {
            self.change(account, &plain(&filter), Teller::HERE, 0, 1);
        }
    }

    fn note_changed(&mut self, account: usize) {
        let row = self.accounts.entry(account).or_default();
        if !std::mem::replace(&mut row.is_changed, true) {
            self.changed.push(account);
        }
    }

    /// The account has leaf nodes from now on: they are asked for what shows a loop. `text` is drawn for it.
    pub(crate) fn watch_for_loops(&mut self, account: usize, text: impl FnOnce() -> String) {
        let row = self.accounts.entry(account).or_default();
        if row.loops.is_some() {
            return;
        }
        let subject: Box<[u8]> = [LOOPS, text().as_bytes()].concat().into();
        row.ledger.add(&Interest::of(&plain(&subject)), Teller::HERE, 1);
        row.loops = Some(subject);
        self.note_changed(account);
    }

    /// Whether the subject is the one that leaf nodes of an account were asked for to find loops.
    pub(crate) fn is_loop(&self, account: usize, subject: &[u8]) -> bool {
        let loops = self.accounts.get(&account).and_then(|row| row.loops.as_deref());
        loops == Some(subject)
    }

    /// Whether something is to be told.
    pub(crate) fn have_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The next change, and the account that it is of.
    pub(crate) fn next_change(&mut self) -> Option<(usize, LeafChange)> {
        loop {
            let account = *self.changed.last()?;
            let row = self.accounts.get_mut(&account).expect("what changed has a row");
            if let Some(change) = row.ledger.next_change() {
                return Some((account, change));
            }
            row.is_changed = false;
            self.changed.pop();
        }
    }

    pub(crate) fn ledger(&self, account: usize) -> Option<&LeafLedger> {
        Some(&self.accounts.get(&account)?.ledger)
    }
}

/// What somebody wants who is in no group.
pub(super) fn plain(filter: &[u8]) -> InterestKey<'_> {
    InterestKey { origin: None, account: None, subject: filter, queue: None }
}

impl Branch {
    /// Whether it is told that this is wanted. What finds loops always is.
    pub(crate) fn is_told(&self, interest: &Interest) -> bool {
        let Some(import) = &self.import else { return true };
        let key = interest.key(None);
        key.subject.starts_with(LOOPS) || import.may_subscribe_in_part(key.subject, key.queue)
    }

    /// Whether it may be sent a message on that subject.
    pub(crate) fn may_be_sent(&self, subject: &[u8]) -> bool {
        self.access.as_ref().is_none_or(|access| access.may_subscribe(subject, None))
    }
}
