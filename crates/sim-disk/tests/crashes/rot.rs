//! Bytes that rot behind a log's back.

use std::collections::BTreeSet;

use log_format::{
    BATCH_HEAD_BYTES, BatchHead, Found, SEGMENT_HEAD_BYTES, Salt, Scan, TRAILER_BYTES, Trailer,
};
use sim_disk::Faults;
use stream_log::{Span, SyncWhen};

use crate::model::{Key, check_order};
use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) lost_records: u64,
    pub(crate) nothing_lost: u64,
    pub(crate) bad_footers: u64,
    pub(crate) bad_pages: u64,
    /// What rotted and was found by who looked for that.
    pub(crate) scrubbed: u64,
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.lost_records += other.lost_records;
        self.nothing_lost += other.nothing_lost;
        self.bad_footers += other.bad_footers;
        self.bad_pages += other.bad_pages;
        self.scrubbed += other.scrubbed;
    }
}

/// A log comes to rest, one bit flips, and it is opened again.
pub(crate) fn run(seed: u64) -> Stats {
    let mut world = World::new(seed);
    world.disk.faults = Faults::default();
    world.config.sync = SyncWhen::Always;
    world.log = stream_log::Log::new(world.config.clone());
    for _ in 0..world.random.below(400) {
        world.step();
    }
    world.settle();
    if world.random.below(2) == 0 {
        world.log.stop();
    } else {
        world.log.mark();
    }
    world.settle();
    assert!(world.log.is_idle(), "{:?}", world.log);
    let mut stats = Stats::default();
    let Some(flip) = flip(&mut world) else { return stats };
    let allowed = flip.allowed;

    let before: BTreeSet<Key> = world.model.messages.keys().copied().collect();
    let (report, found) = world.recover();
    check_order(&found);
    let after: BTreeSet<Key> = found.iter().map(|one| one.key).collect();
    let lost = before.iter().filter(|key| !after.contains(key)).count();
    assert!(lost <= allowed, "{lost} are lost, {allowed} may be: {report:?}");
    assert!(lost == 0 || report.lost_count > 0, "{lost} are lost and nothing is told: {report:?}");
    assert_eq!(report.torn, None, "all of it was safe");
    for one in found.iter().filter(|one| before.contains(&one.key) && one.kind == log_format::Kind::MESSAGE) {
        assert_eq!(one.payload, world.model.messages[&one.key].payload);
    }
    stats.lost_records += lost as u64;
    stats.nothing_lost += u64::from(lost == 0);
    stats.bad_footers += report.bad_footers.len() as u64;
    stats.bad_pages += report.bad_pages.len() as u64;
    world.go_on_with(found);
    stats.scrubbed += u64::from(scrub(&mut world, &flip));
    stats
}

/// Looks at all segments. Returns whether the place was found where a bit flipped.
fn scrub(world: &mut World, flip: &Flip) -> bool {
    world.settle();
    for _ in 0..10_000 {
        if world.log.bytes_to_scrub() == 0 || world.log.scrubbed().rounds > 0 {
            break;
        }
        world.log.scrub();
        world.settle();
    }
    let covers = |rotten: &stream_log::Rotten| {
        let (from, to) = (rotten.rot.at as usize, (rotten.rot.at + rotten.rot.len) as usize);
        rotten.segment == flip.segment && (from..to).contains(&flip.at)
    };
    let is_found = world.rotten.iter().any(covers);
    assert!(world.rotten.iter().all(covers), "{flip:?}: {:?}", world.rotten);
    // What was cleaned meanwhile is gone, with whatever rotted there. A last batch without records was given up.
    let end = world.log.ends().get(&flip.segment).copied().unwrap_or(0);
    if flip.at < end as usize {
        assert_eq!(is_found, flip.is_content, "{flip:?}: {:?} of {:?}", world.rotten, world.log);
        assert_eq!(world.log.scrubbed().rotten, u64::from(is_found));
    }
    is_found
}

/// A bit that flipped.
#[derive(Debug)]
struct Flip {
    segment: u32,
    at: usize,
    /// Records that it may cost.
    allowed: usize,
    /// It is one of a record, or of a batch's head.
    is_content: bool,
}

/// Flips a bit of what was written.
fn flip(world: &mut World) -> Option<Flip> {
    let files = world.disk.files();
    let index = world.random.below(files.len().max(1) as u64) as usize;
    let (number, len) = *files.get(index)?;
    let bytes = world.disk.read(Span { segment: number, offset: 0, len: len as u32 });
    let salt = Salt::of_segment(&world.config.store, u64::from(number));
    let trailer = Trailer::read(&bytes[bytes.len().saturating_sub(TRAILER_BYTES)..], salt);
    let end = trailer.map_or(bytes.len(), |trailer| trailer.end as usize);
    let batches: Vec<(usize, BatchHead)> = Scan::new(&bytes[SEGMENT_HEAD_BYTES.min(end)..end], salt)
        .filter_map(|found| match found {
            Found::Batch { at, head } => Some((at + SEGMENT_HEAD_BYTES, head)),
            _ => None,
        })
        .collect();
    let written = batches.last().map_or(SEGMENT_HEAD_BYTES, |(at, head)| at + head.padded_len());
    // Of batches, mostly; also of the page and of the footer.
    let at = match world.random.below(8) {
        0 => world.random.below(SEGMENT_HEAD_BYTES as u64) as usize,
        1 => end + world.random.below((bytes.len() - end + 1) as u64) as usize,
        2 if !batches.is_empty() => {
            let index = world.random.below(batches.len() as u64) as usize;
            batches[index].0 + world.random.below(BATCH_HEAD_BYTES as u64) as usize
        }
        _ => world.random.below(written as u64) as usize,
    };
    let is_hit = |(start, _): &&(usize, BatchHead)| (*start..start + BATCH_HEAD_BYTES).contains(&at);
    let allowed = batches.iter().find(is_hit).map_or(1, |(_, head)| (head.records as usize).max(1));
    let bit = world.random.below(8);
    world.disk.rot(number, at, |bytes| bytes[0] ^= 1 << bit);
    let is_in = |(start, head): &(usize, BatchHead)| (*start..*start + head.len as usize).contains(&at);
    Some(Flip { segment: number, at, allowed, is_content: batches.iter().any(is_in) })
}
