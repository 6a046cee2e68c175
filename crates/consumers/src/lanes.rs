//! Lanes: a group's messages parted by key, and which of them may go out now.
//!
//! A message falls into a lane by its key, and each lane has one owner among the members. What is to stay in its order is a
//! chain: only the first of a chain may be with somebody. A lane that changes its owner drains: as long as the one before has
//! messages of it to acknowledge, nobody gets any.
//!
//! Always true: what is held here waits to be acknowledged, and its chain has it once; a message that is ready is the first
//! of its chain, and with nobody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use js_proto::{GroupConfig, GroupOrder};
use subject_trie::partition_hash;

use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::members::{MemberId, Members};
use crate::now::Now;

/// A lane.
#[derive(Debug, Clone, Default)]
struct Lane {
    owner: MemberId,
    /// Since when, on the clock that is shown.
    since: i64,
    /// Who has messages of it, and how many.
    with: MemberId,
    out: usize,
    ready: BTreeSet<u64>,
}

/// A message that waits to be acknowledged, or for its turn.
#[derive(Debug, Clone, Copy)]
struct Held {
    place: Place,
    /// Who has it.
    with: MemberId,
    /// It waits for its time, or dies: nobody is to have it now.
    is_late: bool,
}

/// Where a message belongs by its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    lane: u16,
    chain: u64,
}

/// A message that may go to somebody now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) seq: u64,
    pub(crate) member: MemberId,
    /// Of one that is not held yet.
    pub(crate) place: Option<Place>,
}

/// Why lanes move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Joined,
    Left,
    Silent,
    Relieved,
}

impl Move {
    fn word(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Silent => "timeout",
            Self::Relieved => "admin",
        }
    }
}

/// All lanes of a group.
#[derive(Debug)]
pub(crate) struct Lanes {
    rules: GroupConfig,
    lanes: Vec<Lane>,
    held: BTreeMap<u64, Held>,
    /// What is to stay in its order, first to last.
    chains: BTreeMap<u64, VecDeque<u64>>,
    pub(crate) members: Members,
    /// The lane that was served last.
    last: u16,
    /// What waits behind that sequence is not held here yet: it was stored.
    pub(crate) behind: Option<u64>,
    /// What is about to go.
    pub(crate) offer: Option<Offer>,
    /// Which member asks, while it does.
    pub(crate) asking: MemberId,
}

impl Lanes {
    pub(crate) fn new(rules: GroupConfig) -> Self {
        let lanes = vec![Lane::default(); usize::from(rules.lanes)];
        Self {
            rules,
            lanes,
            held: BTreeMap::new(),
            chains: BTreeMap::new(),
            members: Members::default(),
            last: 0,
            behind: Some(0),
            offer: None,
            asking: MemberId::NOBODY,
        }
    }

    /// Nothing is known of what waits, and who is there.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.rules.clone());
    }

    /// Nothing waits.
    pub(crate) fn forget_held(&mut self) {
        (self.held, self.chains, self.offer) = (BTreeMap::new(), BTreeMap::new(), None);
        self.members.have_nothing();
        for number in 0..self.lanes.len() {
            let lane = &mut self.lanes[number];
            (lane.with, lane.out, lane.ready) = (MemberId::NOBODY, 0, BTreeSet::new());
            self.refresh(number as u16);
        }
    }

    /// Where a message of that subject belongs.
    pub(crate) fn place(&self, seq: u64, subject: &[u8]) -> Place {
        let tokens = || {
            let numbered = subject.split(|byte| *byte == b'.').enumerate();
            let is_meant = |at: usize| self.rules.key.iter().any(|number| usize::from(*number) == at + 1);
            numbered.filter(move |(at, _)| is_meant(*at)).map(|(_, token)| token)
        };
        let hash = match self.rules.key.is_empty() {
            true => partition_hash(subject),
            false => partition_hash(tokens().flatten()),
        };
        let lane = (hash % u32::from(self.rules.lanes)) as u16;
        let chain = match self.rules.order {
            GroupOrder::None => seq,
            GroupOrder::Lane => lane.into(),
            GroupOrder::Key if self.rules.key.is_empty() => chain_of([subject].into_iter()),
            GroupOrder::Key => chain_of(tokens()),
        };
        Place { lane, chain }
    }

    /// A message waits from here on: it is with somebody, or for its turn.
    pub(crate) fn take_in(&mut self, seq: u64, place: Place, with: MemberId) {
        let held = Held { place, with: MemberId::NOBODY, is_late: false };
        if self.held.insert(seq, held).is_some() {
            return;
        }
        let chain = self.chains.entry(place.chain).or_default();
        let at = chain.partition_point(|other| *other < seq);
        chain.insert(at, seq);
        if with != MemberId::NOBODY {
            self.go_out(seq, with);
        }
        self.look_at(seq);
    }

    /// It goes to somebody.
    pub(crate) fn go_out(&mut self, seq: u64, member: MemberId) {
        let Some(held) = self.held.get_mut(&seq).filter(|held| held.with == MemberId::NOBODY) else { return };
        (held.with, held.is_late) = (member, false);
        let number = held.place.lane;
        let lane = &mut self.lanes[usize::from(number)];
        lane.ready.remove(&seq);
        lane.with = member;
        lane.out += 1;
        if let Some(member) = self.members.get_mut(member) {
            member.out += 1;
        }
        self.last = number;
        self.refresh(number);
    }

    /// Nobody has it any more. It may go out again now, or only later.
    pub(crate) fn come_back(&mut self, seq: u64, is_late: bool) {
        let Some(held) = self.held.get_mut(&seq) else { return };
        held.is_late = is_late;
        let (with, number) = (std::mem::take(&mut held.with), held.place.lane);
        self.note_back(with, number);
        self.look_at(seq);
        self.refresh(number);
    }

    /// It does not wait any more.
    pub(crate) fn remove(&mut self, seq: u64) {
        let Some(Held { place, with, .. }) = self.held.remove(&seq) else { return };
        self.note_back(with, place.lane);
        self.lanes[usize::from(place.lane)].ready.remove(&seq);
        let next = self.chains.get_mut(&place.chain).and_then(|chain| {
            chain.retain(|other| *other != seq);
            chain.front().copied()
        });
        match next {
            Some(next) => self.look_at(next),
            None => drop(self.chains.remove(&place.chain)),
        }
        self.refresh(place.lane);
    }

    fn note_back(&mut self, with: MemberId, number: u16) {
        if with == MemberId::NOBODY {
            return;
        }
        let lane = &mut self.lanes[usize::from(number)];
        lane.out -= 1;
        if lane.out == 0 {
            lane.with = MemberId::NOBODY;
        }
        if let Some(member) = self.members.get_mut(with) {
            member.out -= 1;
        }
    }

    /// Whether a message may go out may have changed.
    fn look_at(&mut self, seq: u64) {
        let Some(held) = self.held.get(&seq).copied() else { return };
        let is_first = self.chains.get(&held.place.chain).and_then(VecDeque::front) == Some(&seq);
        let lane = &mut self.lanes[usize::from(held.place.lane)];
        if is_first && held.with == MemberId::NOBODY && !held.is_late {
            lane.ready.insert(seq);
        } else {
            lane.ready.remove(&seq);
        }
        self.refresh(held.place.lane);
    }

    /// Whether the owner of a lane may have a message of it may have changed.
    fn refresh(&mut self, number: u16) {
        let lane = &self.lanes[usize::from(number)];
        let is_able = !lane.ready.is_empty() && lane.is_drained();
        if let Some(owner) = self.members.get_mut(lane.owner) {
            if is_able {
                owner.able.insert(number);
            } else {
                owner.able.remove(&number);
            }
        }
    }

    /// The next message that a member may have of those that wait: of its lanes in turn.
    pub(crate) fn next_for(&self, id: MemberId) -> Option<u64> {
        let able = &self.members.get(id)?.able;
        let number = able.range(self.last.saturating_add(1)..).next().or_else(|| able.first())?;
        self.lanes[usize::from(*number)].ready.first().copied()
    }

    /// Who may have a message that nobody was offered yet.
    pub(crate) fn taker_of(&self, place: Place) -> Option<MemberId> {
        let lane = &self.lanes[usize::from(place.lane)];
        let is_free = lane.is_drained() && !self.chains.contains_key(&place.chain);
        (is_free && lane.owner != MemberId::NOBODY).then_some(lane.owner)
    }

    /// Who has a message.
    pub(crate) fn holder(&self, seq: u64) -> Option<MemberId> {
        self.held.get(&seq).map(|held| held.with).filter(|with| *with != MemberId::NOBODY)
    }

    /// In which lane a message waits, whose it is, and whether another one of its key has to go first.
    pub(crate) fn told(&self, seq: u64) -> Option<(u16, Option<&str>, Option<u64>)> {
        let place = self.held.get(&seq)?.place;
        let owner = self.members.get(self.lanes[usize::from(place.lane)].owner);
        let first = self.chains.get(&place.chain).and_then(VecDeque::front).copied();
        Some((place.lane, owner.map(|owner| &*owner.name), first.filter(|first| *first != seq)))
    }

    /// Whether any message may go out, if its lane's owner asks for one.
    pub(crate) fn has_ready(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.ready.is_empty() && lane.is_drained())
    }

    /// Each lane that is somebody's: whose, and since when.
    pub(crate) fn owners(&self) -> impl Iterator<Item = (usize, &str, i64)> {
        let owner =
            |(number, lane): (usize, &Lane)| Some((number, &*self.members.get(lane.owner)?.name, lane.since));
        self.lanes.iter().enumerate().filter_map(owner)
    }

    /// Takes a member out. Its lanes are nobody's until they are [parted](Self::part) again.
    pub(crate) fn drop_member(&mut self, id: MemberId, why: Move, out: &mut Effects) {
        self.members.remove(id);
        for (number, lane) in self.lanes.iter_mut().enumerate().filter(|(_, lane)| lane.owner == id) {
            lane.owner = MemberId::NOBODY;
            let (group, reason) = (format!("lane-{number}"), why.word());
            out.push(Effect::Event(Event::Unpinned { group, reason }));
        }
    }

    /// Parts the lanes anew, with as few moves as make all even.
    pub(crate) fn part(&mut self, at: &Now, why: Move, out: &mut Effects) {
        let mut shares = self.members.by_lanes();
        let is_taking: BTreeSet<MemberId> = shares.iter().map(|(.., id)| *id).collect();
        for number in 0..self.lanes.len() as u16 {
            if !is_taking.contains(&self.lanes[usize::from(number)].owner)
                && let Some(first) = shares.pop_first()
            {
                shares.insert(self.give(at, number, first, why, out));
            }
        }
        let mut of_owner: BTreeMap<MemberId, Vec<u16>> = BTreeMap::new();
        for (number, lane) in self.lanes.iter().enumerate() {
            of_owner.entry(lane.owner).or_default().push(number as u16);
        }
        // Those that nobody has messages of move first, for they need not drain.
        let lanes = &self.lanes;
        of_owner
            .values_mut()
            .for_each(|numbers| numbers.sort_by_key(|number| lanes[usize::from(*number)].out == 0));
        while let (Some(fewest), Some(most)) = (shares.first().cloned(), shares.last().cloned())
            && most.0 > fewest.0 + 1
            && let Some(number) = of_owner.get_mut(&most.2).and_then(Vec::pop)
        {
            shares.remove(&fewest);
            shares.remove(&most);
            shares.insert((most.0 - 1, most.1, most.2));
            let fewest = self.give(at, number, fewest, why, out);
            shares.insert(fewest);
        }
    }

    /// Gives a lane to a member who has so many. Returns how it stands then.
    fn give(
        &mut self,
        at: &Now,
        number: u16,
        (count, name, id): (usize, std::sync::Arc<str>, MemberId),
        why: Move,
        out: &mut Effects,
    ) -> (usize, std::sync::Arc<str>, MemberId) {
        let lane = &mut self.lanes[usize::from(number)];
        let before = std::mem::replace(&mut lane.owner, id);
        lane.since = at.wall;
        let group = format!("lane-{number}");
        if let Some(before) = self.members.get_mut(before) {
            before.lanes -= 1;
            before.able.remove(&number);
            let reason = why.word();
            out.push(Effect::Event(Event::Unpinned { group: group.clone(), reason }));
        }
        out.push(Effect::Event(Event::Pinned { group, id: name.to_string() }));
        if let Some(member) = self.members.get_mut(id) {
            member.lanes += 1;
        }
        self.refresh(number);
        (count + 1, name, id)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.lanes.len() * size_of::<Lane>() + self.held.len() * 3 * size_of::<Held>()
    }
}

impl Lane {
    /// Whether its owner may have messages of it: nobody else has any.
    fn is_drained(&self) -> bool {
        self.out == 0 || self.with == self.owner
    }
}

/// FNV-1a of 64 bits, with a mark behind each token. Keys that it does not tell apart wait for each other, and nothing
/// worse.
fn chain_of<'t>(tokens: impl Iterator<Item = &'t [u8]>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    tokens.fold(0xcbf2_9ce4_8422_2325, |hash, token| step(token.iter().fold(hash, step), &b'.'))
}

/// Lanes of a consumer whose configuration says that it is a group.
pub(crate) fn lanes_of(config: &js_proto::ConsumerConfig) -> Option<Box<Lanes>> {
    config.group().filter(|_| config.is_group()).map(|rules| Box::new(Lanes::new(rules)))
}
