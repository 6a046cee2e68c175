//! The subjects of a stream, and what each has.
//!
//! Found by a hash table, told in order by [`Ordered`], texts in an [`Arena`]. A subject whose last message went is
//! *dead*: it counts no more and is not found, but its id still tells its text, until the dead are forgotten. So who
//! hears of a removal can ask what it was about.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Weak};

use hashbrown::DefaultHashBuilder;
use log_format::{Stretch, Subjects as Names};
use subject_trie::steady::{Entry, SteadyRows, SteadyTable};

use crate::arena::{Arena, Text};
use crate::links::LINK_MIN;
use crate::ordered::{Entry as Ordering, Ordered};
use crate::packed::Of;
use crate::{SubjectId, Tally};

/// Rows that are dropped in one step, some of ten microseconds.
const DROPPED_AT_ONCE: usize = 4_096;

/// The same, of pages of texts.
const PAGES_DROPPED_AT_ONCE: usize = 4;

/// The same, of blocks of the order.
const BLOCKS_DROPPED_AT_ONCE: usize = 32;

/// What is said of an id that is in use.
const KNOWN: &str = "an id that is asked for is in use";

#[derive(Debug, Default)]
pub(crate) struct Subjects {
    /// Seeded at random, so that nobody can choose subjects that collide. No order ever comes of it.
    hasher: DefaultHashBuilder,
    table: SteadyTable<Spot>,
    rows: SteadyRows<Subject>,
    texts: Arena,
    ordered: Ordered,
    /// Those that died and were not forgotten; perhaps they live again.
    dead: Vec<SubjectId>,
    alive: u64,
    /// Once it is given up: ids from that number on are dropped.
    kept: Option<usize>,
    /// What the numbers of a footer's subjects are here, of the last one that was asked about.
    named: Named,
}

/// Ids by the numbers that they have elsewhere.
#[derive(Debug, Default)]
struct Named {
    of: Weak<Names>,
    /// Those that are known.
    ids: Vec<Option<SubjectId>>,
}

/// Where a subject is, beside its hash: so no text is read to move it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    hash: u32,
    id: u32,
}

#[derive(Debug)]
struct Subject {
    text: Text,
    hash: u32,
    is_listed_dead: bool,
    tally: Tally,
}

impl Spot {
    /// The table picks by bits at both ends, and in between.
    fn table_hash(&self) -> u64 {
        spread(self.hash)
    }
}

fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Subjects {
    /// How many have messages.
    pub(crate) fn alive(&self) -> u64 {
        self.alive
    }

    /// A subject that has messages.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<SubjectId> {
        let hash = self.hash(bytes);
        let is_it = |spot: &Spot| spot.hash == hash && self.text(SubjectId(spot.id)) == bytes;
        let id = SubjectId(self.table.find(spread(hash), is_it)?.id);
        (self.tally(id).count > 0).then_some(id)
    }

    /// The text of an id. Empty if the id is of a subject that was forgotten.
    pub(crate) fn text(&self, id: SubjectId) -> &[u8] {
        text_of(&self.rows, &self.texts, id)
    }

    pub(crate) fn tally(&self, id: SubjectId) -> Tally {
        self.rows.get(id.0 as usize).map_or(Tally::default(), |subject| subject.tally)
    }

    pub(crate) fn tally_mut(&mut self, id: SubjectId) -> &mut Tally {
        &mut self.rows.get_mut(id.0 as usize).expect(KNOWN).tally
    }

    /// One more message, the last one of its subject by now. Returns which one was that before.
    pub(crate) fn push(&mut self, bytes: &[u8], seq: u64) -> (SubjectId, Option<u64>) {
        let id = self.intern(bytes);
        (id, self.push_some(id, seq, seq, 1))
    }

    /// The subjects of messages behind all others. Adds which ones follow messages of their subjects that are far away.
    pub(crate) fn append(&mut self, messages: &Stretch, links: &mut Vec<(u64, u64)>) -> Of {
        let names = messages.subjects();
        if !std::ptr::eq(self.named.of.as_ptr(), Arc::as_ptr(names)) {
            self.named = Named { of: Arc::downgrade(names), ids: vec![None; names.len()] };
        }
        let (rows, columns) = (messages.rows(), messages.columns());
        if let Some(number) = columns.only_subject() {
            let id = self.named(names, number);
            let before = self.push_some(id, messages.first_seq(), messages.last_seq(), rows.len() as u64);
            links.extend(far_away(before, messages.first_seq()));
            return Of::One(id.0);
        }
        let each = rows.map(|at| {
            let (id, seq) = (self.named(names, columns.subject(at)), columns.seq(at));
            links.extend(far_away(self.push_some(id, seq, seq, 1), seq));
            id.0
        });
        Of::Each(each.collect())
    }

    /// The id of a subject that has that number elsewhere.
    fn named(&mut self, names: &Names, number: u32) -> SubjectId {
        let known = self.named.ids.get(number as usize).copied().flatten();
        known.unwrap_or_else(|| {
            let id = self.intern(names.get(number));
            if let Some(known) = self.named.ids.get_mut(number as usize) {
                *known = Some(id);
            }
            id
        })
    }

    /// So many messages more, from one sequence to another, the last ones of their subject by now. Returns which one was
    /// that before.
    fn push_some(&mut self, id: SubjectId, first: u64, last: u64, count: u64) -> Option<u64> {
        let tally = self.tally_mut(id);
        let before = (tally.count > 0).then_some(tally.last);
        if before.is_none() {
            tally.first = first;
        }
        tally.count += count;
        tally.last = last;
        self.alive += u64::from(before.is_none());
        before
    }

    /// One message less. Says whether that was the last one.
    pub(crate) fn pop(&mut self, id: SubjectId) -> bool {
        let subject = self.rows.get_mut(id.0 as usize).expect(KNOWN);
        subject.tally.count -= 1;
        let is_dead = subject.tally.count == 0;
        if is_dead {
            self.alive -= 1;
            if !subject.is_listed_dead {
                subject.is_listed_dead = true;
                self.dead.push(id);
            }
        }
        is_dead
    }

    /// Makes room: ids of the dead may be given out again.
    pub(crate) fn forget_dead(&mut self) {
        if self.dead.is_empty() {
            return;
        }
        self.named = Named::default();
        for id in std::mem::take(&mut self.dead) {
            let subject = self.rows.get_mut(id.0 as usize).expect(KNOWN);
            subject.is_listed_dead = false;
            if subject.tally.count == 0 {
                self.forget(id);
            }
        }
    }

    /// In order of their bytes, behind that one, or from those bytes on.
    pub(crate) fn in_order<'s>(
        &'s self,
        after: Option<&'s [u8]>,
        from: &'s [u8],
    ) -> impl Iterator<Item = SubjectId> + 's {
        let is_before = move |text: &[u8]| text < from || after.is_some_and(|after| text <= after);
        self.ordered.from(&self.texts, is_before)
    }

    /// How many there are, dead ones as well.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Gives some memory back, of subjects that nobody asks for any more. Says whether there is more.
    pub(crate) fn drop_some(&mut self) -> bool {
        let end = self.kept.unwrap_or(self.rows.bound());
        let start = end.saturating_sub(DROPPED_AT_ONCE);
        for number in start..end {
            self.rows.discard(number);
        }
        self.kept = Some(start);
        let has_rows = !self.rows.is_empty();
        let has_table = self.table.take_some().count() > 0;
        let has_texts = self.texts.drop_some(PAGES_DROPPED_AT_ONCE);
        let has_order = self.ordered.drop_some(BLOCKS_DROPPED_AT_ONCE);
        has_rows || has_table || has_texts || has_order
    }

    fn intern(&mut self, bytes: &[u8]) -> SubjectId {
        let hash = self.hash(bytes);
        let Self { table, rows, texts, ordered, .. } = self;
        let is_it = |spot: &Spot| spot.hash == hash && text_of(rows, texts, SubjectId(spot.id)) == bytes;
        let vacant = match table.entry(spread(hash), is_it, Spot::table_hash) {
            Entry::Occupied(spot) => return SubjectId(spot.id),
            Entry::Vacant(vacant) => vacant,
        };
        let text = texts.insert(bytes);
        let number = rows.insert(Subject { text, hash, is_listed_dead: false, tally: Tally::default() });
        let id = SubjectId(u32::try_from(number).expect("memory ends long before ids do"));
        vacant.insert(Spot { hash, id: id.0 });
        ordered.insert(Ordering { text, id }, texts);
        id
    }

    fn forget(&mut self, id: SubjectId) {
        let Self { table, rows, texts, ordered, .. } = self;
        let subject = rows.remove(id.0 as usize).expect(KNOWN);
        ordered.remove(subject.text, texts);
        texts.remove(subject.text);
        table.remove(spread(subject.hash), |spot| spot.id == id.0, Spot::table_hash);
    }

    fn hash(&self, bytes: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        (hasher.finish() >> 32) as u32
    }
}

/// The message before, if that is where no look around finds the next one.
fn far_away(before: Option<u64>, seq: u64) -> Option<(u64, u64)> {
    before.filter(|before| seq - before >= LINK_MIN).map(|before| (before, seq))
}

fn text_of<'a>(rows: &SteadyRows<Subject>, texts: &'a Arena, id: SubjectId) -> &'a [u8] {
    rows.get(id.0 as usize).map_or(&[], |subject| texts.get(subject.text))
}
