//! Random calls on the disk and on a naive model of it, and what the model allows after a cut.
//!
//! The model keeps for each file every state its bytes had since its last sync, and for each name whether its
//! folder was synced since. It knows nothing of pages, orders or moods.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use brittle_disk::{Dice, Disk, Ino, Kind, ROOT, RenameMode, Rule};

const SEEDS: u64 = 120;
const CALLS: u64 = 60;
const BYTES_MAX: u64 = 6000;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const ROOM: u64 = 1 << 30;

/// A file as the model sees it.
#[derive(Clone, Default)]
struct File {
    /// Its bytes at its last sync and after each change since, oldest first.
    states: Vec<Vec<u8>>,
}

impl File {
    fn new() -> Self {
        Self { states: vec![Vec::new()] }
    }

    fn now(&self) -> &Vec<u8> {
        self.states.last().expect("there is always one")
    }

    /// Whether each byte is one that was there since the last sync, or a zero that a length came without.
    fn may_be(&self, bytes: &[u8]) -> bool {
        let durable = self.states[0].len();
        let longest = self.states.iter().map(Vec::len).max().unwrap_or(0);
        let shortest = self.states.iter().map(Vec::len).min().unwrap_or(0);
        let may_be = |(at, byte): (usize, &u8)| {
            self.states.iter().any(|state| state.get(at) == Some(byte))
                || *byte == 0 && (at >= durable || at >= shortest)
        };
        (shortest..=longest).contains(&bytes.len()) && bytes.iter().enumerate().all(may_be)
    }
}

/// Names of both folders, and the files behind them.
#[derive(Default)]
struct Model {
    files: BTreeMap<Ino, File>,
    live: BTreeMap<(Ino, OsString), Ino>,
    /// What each name was since the last sync of its folder; `None` for nothing.
    since: BTreeMap<(Ino, OsString), BTreeSet<Option<Ino>>>,
}

impl Model {
    fn set(&mut self, place: (Ino, OsString), ino: Option<Ino>) {
        let before = self.live.get(&place).copied();
        self.since.entry(place.clone()).or_insert_with(|| BTreeSet::from([before])).insert(ino);
        match ino {
            Some(ino) => self.live.insert(place, ino),
            None => self.live.remove(&place),
        };
    }

    fn sync_folder(&mut self, folder: Ino) {
        self.since.retain(|(of, _), _| *of != folder);
    }
}

struct Run {
    disk: Disk,
    model: Model,
    dice: Dice,
    folders: [Ino; 2],
}

impl Run {
    fn new(rule: Rule, seed: u64) -> Self {
        let mut disk = Disk::new(rule, ROOM);
        let sub = disk.create(ROOT, OsStr::new("sub"), Kind::Folder, 0o755, (0, 0)).expect("it is new");
        disk.sync(ROOT).expect("no fault was asked for");
        Self { disk, model: Model::default(), dice: Dice::new(seed), folders: [ROOT, sub] }
    }

    fn place(&mut self) -> (Ino, OsString) {
        (self.dice.choose(&self.folders), self.dice.choose(&NAMES).into())
    }

    fn call(&mut self) {
        let place = self.place();
        let (folder, name) = (place.0, place.1.as_os_str());
        let Some(&ino) = self.model.live.get(&place) else {
            assert!(self.disk.lookup(folder, name).is_err());
            let ino = self.disk.create(folder, name, Kind::File, 0o644, (0, 0)).expect("it is new");
            self.model.files.insert(ino, File::new());
            return self.model.set(place, Some(ino));
        };
        assert_eq!(self.disk.lookup(folder, name), Ok(ino));
        match self.dice.below(10) {
            0 => {
                self.disk.unlink(folder, name).expect("it is there");
                self.model.set(place, None);
            }
            1 => self.rename(&place, ino),
            2 => self.set_len(ino),
            3 | 4 => {
                self.disk.sync(ino).expect("no fault was asked for");
                let file = self.model.files.get_mut(&ino).expect("it was made");
                file.states = vec![file.now().clone()];
            }
            5 => {
                self.disk.sync(folder).expect("no fault was asked for");
                self.model.sync_folder(folder);
            }
            _ => self.write(ino),
        }
        if self.model.live.values().any(|live| *live == ino) {
            let bytes = self.disk.read(ino, 0, BYTES_MAX * 3).expect("it has a name");
            assert!(bytes == *self.model.files[&ino].now(), "file {ino} has {} other bytes", bytes.len());
        }
    }

    fn rename(&mut self, from: &(Ino, OsString), ino: Ino) {
        let to = self.place();
        self.disk.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace).expect("both are files");
        // Two names of one file, which half a rename may leave: by POSIX nothing happens.
        if self.model.live.get(&to) == Some(&ino) {
            return;
        }
        self.model.set(from.clone(), None);
        self.model.set(to, Some(ino));
    }

    fn set_len(&mut self, ino: Ino) {
        let len = self.dice.below(BYTES_MAX);
        self.disk.set_len(ino, len).expect("it is a file");
        self.changed(ino, |bytes| bytes.resize(len as usize, 0));
    }

    fn write(&mut self, ino: Ino) {
        let (offset, len) = (self.dice.below(BYTES_MAX), 1 + self.dice.below(BYTES_MAX));
        let written = vec![1 + self.dice.below(255) as u8; len as usize];
        assert_eq!(self.disk.write(ino, offset, &written), Ok(written.len()));
        self.changed(ino, |bytes| {
            let (from, to) = (offset as usize, (offset + len) as usize);
            bytes.resize(bytes.len().max(to), 0);
            bytes[from..to].copy_from_slice(&written);
        });
    }

    fn changed(&mut self, ino: Ino, change: impl Fn(&mut Vec<u8>)) {
        let file = self.model.files.get_mut(&ino).expect("it was made");
        let mut bytes = file.now().clone();
        change(&mut bytes);
        file.states.push(bytes);
    }

    /// Every name is one of what it was since its folder's sync, and every file one of what it was since its own.
    fn check_after_cut(&mut self) {
        let mut now = BTreeMap::new();
        for folder in self.folders {
            for (name, ino, kind) in self.disk.entries(folder).expect("both folders are synced") {
                if kind == Kind::File {
                    now.insert((folder, name), ino);
                }
            }
        }
        let places = self.folders.iter().flat_map(|folder| NAMES.map(|name| (*folder, OsString::from(name))));
        for place in places {
            let found = now.get(&place).copied();
            let live = self.model.live.get(&place).copied();
            let is_allowed = match self.model.since.get(&place) {
                Some(since) => since.contains(&found),
                None => found == live,
            };
            assert!(is_allowed, "{place:?} is {found:?}");
        }
        let files: BTreeSet<Ino> = now.values().copied().collect();
        for ino in &files {
            let bytes = self.disk.read(*ino, 0, BYTES_MAX * 3).expect("it has a name");
            assert!(self.model.files[ino].may_be(&bytes), "file {ino} has {} bytes", bytes.len());
        }
        let taken: u64 = files.iter().map(|ino| self.disk.attr(*ino).expect("it has a name").taken).sum();
        let (all, left) = self.disk.room();
        assert_eq!(all - left, taken);
    }

    /// The model goes on from what is there.
    fn go_on(&mut self) {
        self.model = Model::default();
        for folder in self.folders {
            for (name, ino, kind) in self.disk.entries(folder).expect("both folders are synced") {
                if kind == Kind::File {
                    let bytes = self.disk.read(ino, 0, BYTES_MAX * 3).expect("it has a name");
                    self.model.files.insert(ino, File { states: vec![bytes] });
                    self.model.live.insert((folder, name), ino);
                }
            }
        }
    }
}

fn cuts_leave_what_the_model_allows(rule: Rule) {
    let (mut changed, mut names_dropped, mut torn) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut run = Run::new(rule, seed);
        for _ in 0..3 {
            for _ in 0..CALLS {
                run.call();
            }
            let report = run.disk.cut(run.dice.roll());
            changed += u64::from(report.kept > 0 && report.dropped > 0);
            names_dropped += report.names_dropped;
            torn += report.torn;
            run.check_after_cut();
            run.go_on();
        }
    }
    // A disk that never drops anything proves nothing.
    assert!(changed > 50 && names_dropped > 100 && torn > 50, "{changed} {names_dropped} {torn}");
}

#[test]
fn by_the_strict_rule() {
    cuts_leave_what_the_model_allows(Rule::Posix);
}

#[test]
fn by_the_rule_of_a_journal() {
    cuts_leave_what_the_model_allows(Rule::Ext4);
}

#[test]
fn a_seed_cuts_alike() {
    let after = |cut| {
        let mut run = Run::new(Rule::Posix, 7);
        for _ in 0..CALLS {
            run.call();
        }
        let report = run.disk.cut(cut);
        run.go_on();
        let bytes: Vec<_> = run.model.files.values().map(|file| file.now().clone()).collect();
        (report, run.model.live, bytes)
    };
    assert_eq!(after(3), after(3));
    assert!((0..20).any(|seed| after(seed) != after(3)));
}
