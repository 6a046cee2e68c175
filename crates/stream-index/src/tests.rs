//! The index beside a plain map that is asked the same.

mod packed;

use std::collections::{BTreeMap, BTreeSet};

use log_format::{Columns, Stretch, Subjects};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{Count, Filter, Place, Row, RowFlags, SizeRule, State, Steps, StreamIndex, Tally, Walk};

#[derive(Debug, Clone)]
enum Op {
    /// So many messages of a subject each some sequences further.
    Push {
        subject: usize,
        many: usize,
        step: usize,
        gap: u64,
        pause: i64,
    },
    /// The same as a footer tells it, of which the first are left out.
    Append {
        subject: usize,
        many: usize,
        step: usize,
        gap: u64,
        pause: i64,
        from: usize,
    },
    Remove(Index),
    RemoveFirst(usize),
    RemoveLastOf(usize),
    /// All messages of some subjects.
    Purge(usize),
    Skip(u64, Option<i64>),
    Move(Index),
    Clear,
    KeepOnly(Index),
    ForgetDead,
}

const SUBJECTS: usize = 40;

/// Filters that match one, some, all and none of the subjects.
const FILTERS: &[&[&str]] = &[
    &[],
    &["a.7"],
    &["b.x.3"],
    &["a.*"],
    &["b.>"],
    &["a.3", "b.x.5"],
    &["b.*.4", "a.1"],
    &["*.*.*"],
    &["none"],
    &["none.>"],
];

fn subject(number: usize) -> String {
    if number.is_multiple_of(2) { format!("a.{number}") } else { format!("b.x.{number}") }
}

fn filter(number: usize) -> Filter {
    Filter::new(FILTERS[number].iter().map(|filter| filter.as_bytes()))
}

#[derive(Debug, Clone, PartialEq)]
struct Message {
    time: i64,
    size: u32,
    subject: String,
    place: Place,
    flags: RowFlags,
}

#[derive(Default)]
struct Model {
    messages: BTreeMap<u64, Message>,
    last_seq: u64,
    last_time: Option<i64>,
}

impl Model {
    fn meant<'a>(&'a self, filter: &'a Filter) -> impl DoubleEndedIterator<Item = u64> + 'a {
        let meant =
            |(seq, message): (&u64, &Message)| filter.matches(message.subject.as_bytes()).then_some(*seq);
        self.messages.iter().filter_map(meant)
    }

    fn subjects(&self, filter: &Filter) -> BTreeSet<&str> {
        self.meant(filter).map(|seq| self.messages[&seq].subject.as_str()).collect()
    }

    fn state(&self) -> State {
        let first = self.messages.first_key_value();
        let first_seq = first.map_or(self.last_seq + 1, |(seq, _)| *seq);
        let messages = self.messages.len() as u64;
        State {
            messages,
            bytes: self.messages.values().map(|message| u64::from(message.size)).sum(),
            first_seq,
            first_time: first.map(|(_, message)| message.time),
            last_seq: self.last_seq,
            last_time: self.last_time,
            subjects: self.subjects(&Filter::all()).len() as u64,
            deleted: (first_seq..=self.last_seq).filter(|seq| !self.messages.contains_key(seq)).count()
                as u64,
        }
    }
}

struct Pair {
    index: StreamIndex,
    model: Model,
}

impl Pair {
    fn new(first_seq: u64) -> Self {
        let model = Model { last_seq: first_seq.saturating_sub(1), ..Model::default() };
        Self { index: StreamIndex::new(first_seq), model }
    }

    fn push(&mut self, subject: &str, gap: u64, pause: i64) {
        let seq = self.model.last_seq + 1 + gap;
        let time = self.model.last_time.unwrap_or(0) + pause;
        let number = seq as u32;
        let place = Place { segment: number / 300, offset: number * 3 };
        let size = number % 1000;
        // Now and then some that are known for more.
        let kind = if number % 400 < 300 { 0 } else { number as usize % 3 };
        let flags = [RowFlags::NONE, RowFlags::HAS_TTL, RowFlags::NEVER_EXPIRES | RowFlags::MARKER][kind];
        self.index.push(seq, time, size, subject.as_bytes(), place, flags);
        self.model.messages.insert(seq, Message { time, size, subject: subject.into(), place, flags });
        self.model.last_seq = seq;
        self.model.last_time = Some(time);
    }

    /// Adds what a footer tells, but for the first rows.
    fn append(&mut self, subjects: &[usize], gap: u64, pause: i64, from: usize) {
        let mut names: Vec<usize> = Vec::new();
        let mut rows = Vec::new();
        let (mut seq, mut time) = (self.model.last_seq, self.model.last_time.unwrap_or(0));
        for (at, name) in subjects.iter().enumerate() {
            (seq, time) = (seq + 1 + gap, time + pause);
            let number = names.iter().position(|other| other == name).unwrap_or_else(|| {
                names.push(*name);
                names.len() - 1
            });
            let (offset, len, has_header) = (100 * at as u32, 50 + at as u32 % 3, at % 5 == 0);
            let row = log_format::Row { seq, time, offset, len, has_header, subject: number as u32 };
            rows.push(row);
            if at >= from {
                let size = if has_header { len - 4 } else { len - 8 };
                let (place, flags) = (Place { segment: 9, offset }, RowFlags::NONE);
                let message = Message { time, size, subject: subject(*name), place, flags };
                self.model.messages.insert(seq, message);
            }
        }
        let texts: Vec<String> = names.iter().map(|name| subject(*name)).collect();
        let subjects: Subjects = texts.iter().map(String::as_bytes).collect();
        let columns = Columns::of(&rows).expect("there are not too many");
        let stretch = Stretch::new(1, 9, columns, from..rows.len(), subjects.into());
        let size = SizeRule { without_header: -8, with_header: -4 };
        assert!(self.index.append(&stretch, size), "it is behind all others");
        assert!(!self.index.append(&stretch, size), "it is there by now");
        (self.model.last_seq, self.model.last_time) = (seq, Some(time));
    }

    fn remove(&mut self, seq: u64) {
        let expected = self.model.messages.remove(&seq);
        let removed = self.remove_by_steps(seq);
        assert_eq!(removed.map(|row| self.told(&row)), expected);
    }

    /// A few steps at a time, as whoever may not take long does it.
    fn remove_by_steps(&mut self, seq: u64) -> Option<Row> {
        let mut from = None;
        for _ in 0..1 << 20 {
            let before = self.index.state();
            match self.index.try_remove(seq, from, &mut Steps::new(1 + seq as u32 % 3)) {
                Walk::Found(row) => return Some(row),
                Walk::End => return None,
                Walk::More(on) => from = Some(on),
            }
            assert_eq!(self.index.state(), before, "nothing has changed before all is known");
        }
        panic!("{seq} is never gone");
    }

    /// What the index says of a row, its subject as text.
    fn told(&self, row: &Row) -> Message {
        let subject = String::from_utf8(self.index.subject(row.subject).to_vec()).unwrap();
        Message { time: row.time, size: row.size, subject, place: row.place, flags: row.flags }
    }

    fn remove_all(&mut self, sequences: impl IntoIterator<Item = u64>) {
        for seq in sequences {
            self.remove(seq);
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Push { subject: first, many, step, gap, pause } => {
                for number in 0..*many {
                    self.push(&subject((first + number * step) % SUBJECTS), *gap, *pause);
                }
            }
            Op::Append { subject, many, step, gap, pause, from } => {
                let subjects: Vec<usize> =
                    (0..*many).map(|number| (subject + number * step) % SUBJECTS).collect();
                self.append(&subjects, *gap, *pause, *from % many);
            }
            Op::Remove(which) => {
                let span = self.model.last_seq.saturating_sub(self.model.state().first_seq) as usize + 2;
                self.remove(self.model.state().first_seq + which.index(span) as u64);
            }
            Op::RemoveFirst(many) => {
                let first: Vec<u64> = self.model.messages.keys().copied().take(*many).collect();
                self.remove_all(first);
            }
            Op::RemoveLastOf(number) => {
                let only = Filter::new([subject(*number).as_bytes()]);
                let last = self.model.meant(&only).next_back();
                self.remove_all(last);
            }
            Op::Purge(number) => {
                let meant: Vec<u64> = self.model.meant(&filter(*number)).collect();
                self.remove_all(meant);
            }
            Op::Skip(many, pause) => {
                let seq = self.model.last_seq + many;
                let time = pause.map(|pause| self.model.last_time.unwrap_or(0) + pause);
                self.index.skip_to(seq, time);
                self.model.last_seq = seq;
                self.model.last_time = time.or(self.model.last_time);
            }
            Op::Move(which) => {
                let Some(seq) = self.some_seq(which) else { return };
                let place = Place { segment: 1 << 30, offset: seq as u32 };
                self.index.move_to(seq, place);
                self.model.messages.get_mut(&seq).unwrap().place = place;
            }
            Op::Clear => {
                self.index.clear();
                self.model.messages.clear();
            }
            Op::KeepOnly(which) => {
                let Some(seq) = self.some_seq(which) else { return };
                self.index.keep_only(seq);
                self.model.messages.retain(|other, _| *other == seq);
            }
            Op::ForgetDead => self.index.forget_dead(),
        }
    }

    fn some_seq(&self, which: &Index) -> Option<u64> {
        let sequences: Vec<u64> = self.model.messages.keys().copied().collect();
        (!sequences.is_empty()).then(|| sequences[which.index(sequences.len())])
    }

    fn check(&self, steps: u32) {
        assert_eq!(self.index.state(), self.model.state());
        for (seq, message) in &self.model.messages {
            let row = self.index.get(*seq).expect("it is there");
            assert_eq!(self.told(&row), *message);
        }
        let state = self.model.state();
        let near = [
            0,
            1,
            state.first_seq,
            state.first_seq + 1,
            state.last_seq / 2,
            state.last_seq,
            state.last_seq + 9,
        ];
        for number in 0..FILTERS.len() {
            let filter = filter(number);
            for seq in near {
                self.check_walks(&filter, seq, steps);
            }
            self.check_subjects(&filter, steps);
        }
        self.check_times();
        self.check_deleted(&near);
    }

    fn check_walks(&self, filter: &Filter, seq: u64, steps: u32) {
        let seqs: Vec<u64> = self.model.meant(filter).collect();
        let next = walk(seq, |from| self.index.next(filter, from, &mut Steps::new(steps)));
        assert_eq!(next, seqs.iter().copied().find(|other| *other >= seq), "next from {seq}");
        let last = walk(seq, |up_to| self.index.last(filter, up_to, &mut Steps::new(steps)));
        assert_eq!(last, seqs.iter().copied().rfind(|other| *other <= seq), "last up to {seq}");
        let mut counted = 0;
        let mut from = Some(seq);
        while let Some(start) = from {
            let Count { messages, more } = self.index.count(filter, start, &mut Steps::new(steps));
            counted += messages;
            from = more;
        }
        assert_eq!(counted, seqs.iter().filter(|other| **other >= seq).count() as u64, "count from {seq}");
    }

    fn check_subjects(&self, filter: &Filter, steps: u32) {
        let mut told = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let text = |id| String::from_utf8(self.index.subject(id).to_vec()).unwrap();
            let on = self
                .index
                .subjects(filter, after.as_deref(), &mut Steps::new(steps), |id| told.push(text(id)));
            let Some(on) = on else { break };
            after = Some(on.to_vec());
        }
        assert_eq!(told, self.model.subjects(filter).into_iter().collect::<Vec<_>>());
        let seqs: Vec<u64> = self.model.meant(filter).collect();
        assert_eq!(self.index.total(filter).count, seqs.len() as u64);
        for subject in told {
            let id = self.index.find(subject.as_bytes()).expect("it has messages");
            let only = Filter::new([subject.as_bytes()]);
            let seqs: Vec<u64> = self.model.meant(&only).collect();
            let tally = Tally { count: seqs.len() as u64, first: seqs[0], last: seqs[seqs.len() - 1] };
            assert_eq!(self.index.tally(id), tally, "{subject}");
        }
    }

    fn check_times(&self) {
        for time in
            [-1, 0, 5, self.model.last_time.unwrap_or(0) / 2, self.model.last_time.unwrap_or(0), i64::MAX]
        {
            let mut later = self.model.messages.iter().filter(|(_, message)| message.time >= time);
            let expected = later.next().map_or(self.model.last_seq + 1, |(seq, _)| *seq);
            assert_eq!(self.index.seq_at(time), expected);
        }
    }

    fn check_deleted(&self, near: &[u64]) {
        let first = self.model.state().first_seq;
        for from in near {
            let told: Vec<u64> = self.index.deleted(*from).flatten().collect();
            let all = first.max(*from)..=self.model.last_seq;
            let expected: Vec<u64> = all.filter(|seq| !self.model.messages.contains_key(seq)).collect();
            assert_eq!(told, expected, "from {from}");
            assert_eq!(self.deleted_by_steps(*from), expected, "from {from}");
        }
    }
}

impl Pair {
    /// The same, a step at a time.
    fn deleted_by_steps(&self, mut from: u64) -> Vec<u64> {
        let mut told = Vec::new();
        loop {
            match self.index.next_deleted(from, &mut Steps::new(1)) {
                Walk::Found(range) => {
                    from = range.end() + 1;
                    told.extend(range);
                }
                Walk::More(on) => {
                    assert!(on > from || from < self.model.state().first_seq, "it gets on");
                    from = on;
                }
                Walk::End => return told,
            }
        }
    }
}

/// Walks on until the end, however few steps at a time.
fn walk(from: u64, mut look: impl FnMut(u64) -> Walk<Row>) -> Option<u64> {
    let mut from = from;
    loop {
        match look(from) {
            Walk::Found(row) => return Some(row.seq),
            Walk::End => return None,
            Walk::More(on) => {
                assert_ne!(on, u64::MAX);
                from = on;
            }
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let gap = prop_oneof![6 => Just(0), 1 => 1..4_u64];
    prop_oneof![
        8 => (0..SUBJECTS, 1..120_usize, prop_oneof![Just(0), Just(1), Just(7)], gap.clone(), 0..3_i64)
            .prop_map(|(subject, many, step, gap, pause)| Op::Push { subject, many, step, gap, pause }),
        8 => (0..SUBJECTS, 1..200_usize, prop_oneof![Just(0), Just(1), Just(7)], gap.clone(), 0..3_i64, 0..9_usize)
            .prop_map(|(subject, many, step, gap, pause, from)| {
                Op::Append { subject, many, step, gap, pause, from }
            }),
        4 => any::<Index>().prop_map(Op::Remove),
        3 => (1..60_usize).prop_map(Op::RemoveFirst),
        3 => (0..SUBJECTS).prop_map(Op::RemoveLastOf),
        2 => (1..FILTERS.len()).prop_map(Op::Purge),
        1 => (0..5_u64, proptest::option::of(0..9_i64)).prop_map(|(many, pause)| Op::Skip(many, pause)),
        1 => any::<Index>().prop_map(Op::Move),
        1 => Just(Op::Clear),
        1 => any::<Index>().prop_map(Op::KeepOnly),
        2 => Just(Op::ForgetDead),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_says_what_a_plain_map_says(
        first_seq in 0..5_u64,
        ops in proptest::collection::vec(op(), 1..40),
        steps in prop_oneof![Just(1_u32), 2..90_u32, Just(1_000_000)],
    ) {
        let mut pair = Pair::new(first_seq);
        for op in &ops {
            pair.run(op);
            pair.check(steps);
        }
    }
}

#[test]
fn sequences_may_be_billions_apart() {
    let mut pair = Pair::new(1);
    for round in 0..10 {
        pair.push(&subject(round % 3), 1 << 33, 1);
        pair.push(&subject(1), 0, 1);
    }
    for seq in pair.model.messages.keys().copied().collect::<Vec<_>>() {
        let row = pair.index.get(seq).expect("it is there");
        assert_eq!(pair.told(&row), pair.model.messages[&seq]);
        pair.remove(seq);
    }
    assert_eq!(pair.index.deleted(0).count(), 0);
    assert_eq!(pair.index.state().first_seq, pair.model.last_seq + 1);
}

#[test]
fn ids_tell_their_subject_until_the_dead_are_forgotten() {
    let mut pair = Pair::new(1);
    pair.push("a", 0, 1);
    pair.push("b", 0, 1);
    let a = pair.index.find(b"a").unwrap();
    pair.remove(1);
    assert_eq!((pair.index.find(b"a"), pair.index.subject(a)), (None, &b"a"[..]));
    pair.push("a", 0, 1);
    assert_eq!(pair.index.find(b"a"), Some(a));
    pair.remove(3);
    pair.index.forget_dead();
    pair.push("c", 0, 1);
    assert_eq!(pair.index.subject(a), b"c");
}

#[test]
fn much_memory_is_given_back_step_by_step() {
    let mut pair = Pair::new(1);
    for number in 0..5_000 {
        pair.push(&format!("s.{number}"), 0, 1);
    }
    pair.index.keep_only(17);
    pair.model.messages.retain(|seq, _| *seq == 17);
    pair.push("again", 0, 1);
    let mut steps = 1;
    while pair.index.discard_some() {
        steps += 1;
        pair.check(u32::MAX);
    }
    assert!((2..5_000).contains(&steps), "{steps}");
    assert!(!pair.index.discard_some());
    pair.index.clear();
    assert!(!pair.index.discard_some(), "what is little is given back at once");
}
