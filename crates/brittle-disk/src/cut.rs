//! The power goes: what is there afterwards.

use std::collections::{BTreeMap, VecDeque};

use crate::change::{Change, What};
use crate::inode::Inode;
use crate::names::Names;
use crate::pages::Pages;
use crate::{Dice, Disk, Ino, Kind, ROOT, Rule};

/// What a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// How the disk had treated what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// None of it was written.
    Nothing,
    /// All of it was.
    Everything,
    /// It was written in its order, up to somewhere.
    Prefix,
    /// Of each file and of the names some beginning was written.
    PrefixOfEach,
    /// Of each change it was decided on its own, and within a write of each sector.
    Each,
}

const MOODS: [Mood; 5] = [Mood::Nothing, Mood::Everything, Mood::Prefix, Mood::PrefixOfEach, Mood::Each];

/// What a cut did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutReport {
    /// How it was decided.
    pub mood: Mood,
    /// Unsynced changes that are there.
    pub kept: u64,
    /// Those that are not.
    pub dropped: u64,
    /// Writes of which a part is there.
    pub torn: u64,
    /// Unsynced changes of names that are there.
    pub names_kept: u64,
    /// Those that are not.
    pub names_dropped: u64,
}

/// What becomes of one change.
enum Fate {
    Kept,
    Dropped,
    /// So much of it, from its front.
    Front(usize),
    /// Some of its sectors.
    Sectors,
}

struct Cut {
    rule: Rule,
    dice: Dice,
    /// Of `Mood::Prefix`: the first change that is not there.
    horizon: u64,
    report: CutReport,
}

impl Disk {
    /// Drops, keeps and tears what was not synced, as the seed decides, and goes on from there: with no
    /// descriptors, and files and folders that nothing names any more gone.
    pub fn cut(&mut self, seed: u64) -> CutReport {
        let mut dice = Dice::new(seed);
        let mood = dice.choose(&MOODS);
        self.cut_in(mood, &mut dice)
    }

    pub(crate) fn cut_in(&mut self, mood: Mood, dice: &mut Dice) -> CutReport {
        let first = self.inodes.values().filter_map(|inode| Some(inode.pending.front()?.order));
        let first = first.chain(self.pending.front().map(|change| change.order)).min();
        let first = first.unwrap_or(self.order);
        let horizon = first + dice.below(self.order - first + 1);
        let report = CutReport { mood, kept: 0, dropped: 0, torn: 0, names_kept: 0, names_dropped: 0 };
        let mut cut = Cut { rule: self.rule, dice: dice.clone(), horizon, report };
        for change in cut.names_there(std::mem::take(&mut self.pending)) {
            self.keep_names(&change);
        }
        for inode in self.inodes.values_mut() {
            cut.file(inode);
        }
        self.go_on();
        cut.report
    }

    /// What is durable is all there is.
    fn go_on(&mut self) {
        let mut links = BTreeMap::new();
        self.live = Names::default();
        reach(&self.kept, &mut self.live, &self.inodes, &mut links);
        self.kept = self.live.clone();
        self.inodes.retain(|ino, _| links.contains_key(ino));
        for (ino, inode) in &mut self.inodes {
            inode.live = inode.kept.clone();
            inode.pending.clear();
            inode.pending_bytes = 0;
            inode.opens = 0;
            inode.links = links[ino];
        }
        self.used = self.inodes.values().map(|inode| inode.live.count()).sum();
        self.unlinked = 0;
    }
}

/// Walks from the root. A folder that is found twice (of a rename across folders, half may be there) is where it
/// was found first.
fn reach(from: &Names, to: &mut Names, inodes: &BTreeMap<Ino, Inode>, links: &mut BTreeMap<Ino, u32>) {
    let mut folders = VecDeque::from([ROOT]);
    links.insert(ROOT, 1);
    while let Some(folder) = folders.pop_front() {
        for (name, ino) in from.in_folder(folder) {
            let Some(inode) = inodes.get(&ino) else { continue };
            let count = links.entry(ino).or_insert(0);
            if inode.kind == Kind::Folder {
                if *count > 0 {
                    continue;
                }
                folders.push_back(ino);
            }
            *count += 1;
            to.put(folder, name, ino);
        }
    }
}

impl Cut {
    /// The unsynced changes of names that are there.
    fn names_there(
        &mut self,
        pending: VecDeque<crate::change::NameChange>,
    ) -> Vec<crate::change::NameChange> {
        let count = pending.len() as u64;
        let prefix = self.prefix(count);
        let mut there = Vec::new();
        for (index, change) in pending.into_iter().enumerate() {
            let in_prefix = (index as u64) < prefix;
            let is_there = match self.report.mood {
                Mood::Nothing => false,
                Mood::Everything => true,
                Mood::Prefix => change.order < self.horizon,
                Mood::PrefixOfEach => in_prefix,
                Mood::Each if self.rule == Rule::Ext4 => in_prefix,
                Mood::Each => self.dice.one_in(2),
            };
            if is_there {
                there.push(change);
            }
        }
        self.report.names_kept = there.len() as u64;
        self.report.names_dropped = count - there.len() as u64;
        there
    }

    fn prefix(&mut self, count: u64) -> u64 {
        self.dice.below(count + 1)
    }

    fn file(&mut self, inode: &mut Inode) {
        let prefix = self.prefix(inode.pending.len() as u64);
        let mut kept = std::mem::take(&mut inode.kept);
        // Once appended bytes are missing a journal has none behind them.
        let mut is_short = false;
        for (index, change) in inode.pending.iter().enumerate() {
            let appends = self.rule == Rule::Ext4 && appends(change, &kept);
            let mut fate = self.fate(change, index as u64, prefix);
            if appends && is_short {
                fate = Fate::Dropped;
            }
            if appends && matches!(fate, Fate::Sectors) {
                fate = self.torn(change);
            }
            is_short |= appends && !matches!(fate, Fate::Kept);
            self.apply(change, &fate, &mut kept);
        }
        inode.kept = kept;
    }

    fn fate(&mut self, change: &Change, index: u64, prefix: u64) -> Fate {
        let at_edge = |at: u64, edge: u64| match at.cmp(&edge) {
            std::cmp::Ordering::Less => Some(Fate::Kept),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Fate::Dropped),
        };
        match self.report.mood {
            Mood::Nothing => Fate::Dropped,
            Mood::Everything => Fate::Kept,
            Mood::Prefix => at_edge(change.order, self.horizon).unwrap_or_else(|| self.torn(change)),
            Mood::PrefixOfEach => at_edge(index, prefix).unwrap_or_else(|| self.torn(change)),
            Mood::Each => match self.dice.below(4) {
                0 => Fate::Kept,
                1 => Fate::Dropped,
                2 => self.torn(change),
                _ => Fate::Sectors,
            },
        }
    }

    /// Of the write at the edge some bytes are there.
    fn torn(&mut self, change: &Change) -> Fate {
        match &change.what {
            What::Write { bytes, .. } => Fate::Front(self.dice.below(bytes.len() as u64) as usize),
            _ => Fate::Dropped,
        }
    }

    fn apply(&mut self, change: &Change, fate: &Fate, kept: &mut Pages) {
        match (fate, &change.what) {
            (Fate::Kept, _) => {
                change.apply(kept);
                self.report.kept += 1;
            }
            (Fate::Front(len), What::Write { offset, bytes }) if *len > 0 => {
                kept.write(*offset, &bytes[..*len]);
                self.report.torn += 1;
            }
            (Fate::Sectors, What::Write { offset, bytes }) => self.some_sectors(*offset, bytes, kept),
            (_, What::Write { offset, bytes }) => {
                self.may_grow(*offset + bytes.len() as u64, kept);
                self.report.dropped += 1;
            }
            _ => self.report.dropped += 1,
        }
    }

    fn some_sectors(&mut self, offset: u64, bytes: &[u8], kept: &mut Pages) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let sector = SECTOR_BYTES - at as usize % SECTOR_BYTES;
            let (now, later) = rest.split_at(sector.min(rest.len()));
            if self.dice.one_in(2) {
                kept.write(at, now);
            }
            at += now.len() as u64;
            rest = later;
        }
        self.may_grow(at, kept);
        self.report.torn += 1;
    }

    /// The length may be there without the bytes, which are zeros then. A journal that orders data has them first.
    fn may_grow(&mut self, end: u64, kept: &mut Pages) {
        let may = self.rule == Rule::Posix && self.report.mood == Mood::Each;
        if may && end > kept.len() && self.dice.one_in(2) {
            kept.set_len(end);
        }
    }
}

fn appends(change: &Change, kept: &Pages) -> bool {
    match &change.what {
        What::Write { offset, bytes } => offset + bytes.len() as u64 > kept.len(),
        What::Len(len) => *len > kept.len(),
        _ => false,
    }
}
