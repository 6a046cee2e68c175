//! What counts, and in which order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use log_format::{FooterDirectory, Found, Item, Kind, Lsn, Place, Record, Salt, Scan, Section};

use crate::batch::OWN_GROUP;
use crate::segment::{FIRST_BATCH, Segment, Stage};

use super::survey::{Copies, SectionAt, Seen, Step};
use super::{LOST_MAX, Lost, Report};

/// What is made of the survey.
#[derive(Debug)]
pub(super) struct Replay {
    segments: BTreeMap<u32, Segment>,
    /// Segments that were retired and have files, and where it says so.
    retired: BTreeMap<u32, Place>,
    /// The highest number of a segment that was retired.
    retired_max: u32,
    /// Batches of copies that count, in the order in which their records were written first. Where somebody said of two
    /// copies that both are needed, there are two of a place: better twice than not at all.
    copies: BTreeMap<u32, BTreeMap<u32, Vec<Copies>>>,
}

impl Replay {
    pub(super) fn plan(seen: &BTreeMap<u32, Seen>, report: &mut Report) -> Self {
        let ends = ends(seen, report);
        let mut retired = BTreeMap::new();
        for (number, seen) in seen {
            let counts = seen.retired.iter().filter(|(_, at)| *at < ends[number]);
            retired.extend(counts.map(|(gone, at)| (*gone, Place { segment: *number, offset: *at })));
        }
        let stays: BTreeSet<u32> =
            seen.keys().copied().filter(|number| !retired.contains_key(number)).collect();
        let segment = |number: &u32| {
            let seen = &seen[number];
            let cut = seen.cut.unwrap_or(seen.first);
            let mut segment = Segment::new(seen.first, cut, seen.before, seen.key, seen.capacity);
            segment.end = ends[number];
            segment.needs_page = !seen.has_page;
            segment.stage = if seen.has_footer && seen.has_page { Stage::Sealed } else { Stage::Closed };
            (*number, segment)
        };
        let mut segments: BTreeMap<u32, Segment> = stays.iter().map(segment).collect();
        let mut copies: BTreeMap<u32, BTreeMap<u32, Vec<Copies>>> = BTreeMap::new();
        for number in &stays {
            let mut sections = seen[number].sections(*number).peekable();
            for batch in seen[number].copies.iter().filter(|batch| batch.at < ends[number]) {
                // Both are in the order in which they lie.
                while sections.next_if(|(of, _)| of.is_none_or(|of| of.at < batch.at)).is_some() {}
                let section = sections.next_if(|(of, _)| of.is_some_and(|of| of.at == batch.at));
                let section = section.map(|(_, section)| section);
                let (copied, found) =
                    (batch.copied, Copies { segment: *number, at: batch.at, len: batch.len, section });
                match segments.get_mut(&copied.from) {
                    Some(source) => _ = source.held_by.insert(*number),
                    None => {
                        let of_origin = copies.entry(copied.origin).or_default();
                        of_origin.entry(copied.offset).or_default().push(found);
                    }
                }
            }
        }
        let retired_max = retired.keys().max().copied().unwrap_or(0);
        retired.retain(|number, _| seen.contains_key(number));
        Self { segments, retired, retired_max, copies }
    }

    /// What is to be read, segment by segment, copies in the place of their origin.
    pub(super) fn steps(&self, seen: &BTreeMap<u32, Seen>) -> VecDeque<Step> {
        let origins: BTreeSet<u32> = self.segments.keys().chain(self.copies.keys()).copied().collect();
        let mut steps = VecDeque::new();
        for origin in origins {
            if let Some(segment) = self.segments.get(&origin) {
                let first = seen[&origin].sections(origin).find(|(copied, _)| copied.is_none());
                let by_batches = Step::Replay(origin, segment.end);
                steps.push_back(first.map_or(by_batches, |(_, section)| Step::Section(section)));
            }
            let copies = self.copies.get(&origin).into_iter().flat_map(BTreeMap::values).flatten();
            let step = |copies: &Copies| copies.section.map_or(Step::Copies(*copies), Step::Section);
            steps.extend(copies.map(step));
        }
        steps
    }

    /// What is to be read of a segment whose footer is damaged where it tells of some records: they themselves. The footer
    /// is made anew.
    pub(super) fn instead_of(&mut self, section: SectionAt, directory: &FooterDirectory) -> Step {
        let SectionAt { segment: number, part, .. } = section;
        let segment = self.segments.get_mut(&number).expect("only of those sections are read");
        segment.stage = Stage::Closed;
        match directory.parts()[part].copied {
            Some(batch) => {
                Step::Copies(Copies { segment: number, at: batch.at, len: batch.len, section: None })
            }
            None => Step::Replay(number, segment.end),
        }
    }

    /// Hands out what a footer tells of.
    pub(super) fn section(
        &mut self,
        number: u32,
        directory: &FooterDirectory,
        part: usize,
        section: &Section<'_>,
        sink: &mut dyn FnMut(Item<'_>),
        report: &mut Report,
    ) {
        let ledger = &mut self.segments.get_mut(&number).expect("it is one of them").ledger;
        if directory.parts()[part].copied.is_some() {
            section.messages().for_each(|(group, count, _)| ledger.revive_some(group, u64::from(count)));
            section.others().for_each(|(_, record)| ledger.revive(record.group));
        } else {
            // Copies are dead until it turns out that they count.
            for copies in directory.parts().iter().filter(|part| part.copied.is_some()) {
                ledger.add_dead_ones(u64::from(copies.records), u64::from(copies.record_bytes));
            }
            for (group, count, bytes) in section.messages() {
                ledger.add_dead_ones(u64::from(count), bytes);
                ledger.revive_some(group, u64::from(count));
            }
            for (offset, record) in section.others() {
                ledger.add_dead(record.written_len());
                if is_needed(record, Place { segment: number, offset }, &self.retired) {
                    ledger.revive(record.group);
                }
            }
        }
        section.tell(number, &mut |item| hand_out(item, sink, report));
    }

    /// Hands out what was written to a segment at first. `bytes` is the file up to where its batches end.
    pub(super) fn segment(
        &mut self,
        number: u32,
        end: u32,
        bytes: &[u8],
        salt: Salt,
        sink: &mut dyn FnMut(Item<'_>),
        report: &mut Report,
    ) {
        let batches = bytes.get(FIRST_BATCH as usize..).unwrap_or_default();
        let ledger = &mut self.segments.get_mut(&number).expect("it is one of them").ledger;
        let place = |at: usize| Place { segment: number, offset: at as u32 + FIRST_BATCH };
        // Copies are dead until it turns out that they count: then they are counted there.
        let (mut is_copies, mut last) = (false, 0);
        for found in Scan::new(batches, salt) {
            match found {
                Found::Batch { at, head } => {
                    is_copies = head.copied.is_some();
                    last = at + head.padded_len();
                }
                Found::Record { record, .. } if is_copies => ledger.add_dead(record.written_len()),
                Found::Record { at, record } => {
                    if is_needed(&record, place(at), &self.retired) {
                        ledger.add(record.group, record.written_len());
                    } else {
                        ledger.add_dead(record.written_len());
                    }
                    hand_out(whole(place(at), &record), sink, report);
                }
                // Of what is in copies it is told where those are read.
                Found::Damaged { at, .. } if is_copies && at < last => {}
                Found::Damaged { at, len, head } => {
                    report.lose(Lost { place: place(at), len: len as u32, head });
                    last = last.max(at + len);
                }
            }
        }
        let last = last as u32 + FIRST_BATCH;
        if last < end {
            let place = Place { segment: number, offset: last };
            report.lose(Lost { place, len: end - last, head: None });
        }
    }

    /// Hands out a batch of copies.
    pub(super) fn copies(
        &mut self,
        number: u32,
        start: u32,
        bytes: &[u8],
        salt: Salt,
        sink: &mut dyn FnMut(Item<'_>),
        report: &mut Report,
    ) {
        let ledger = &mut self.segments.get_mut(&number).expect("only in those are copies").ledger;
        let place = |at: usize| Place { segment: number, offset: at as u32 + start };
        for found in Scan::new(bytes, salt) {
            match found {
                Found::Batch { .. } => {}
                Found::Record { at, record } => {
                    ledger.revive(record.group);
                    hand_out(whole(place(at), &record), sink, report);
                }
                Found::Damaged { at, len, head } => {
                    report.lose(Lost { place: place(at), len: len as u32, head });
                }
            }
        }
    }

    /// Where the next segment begins: no position is used twice, not even one that never counted.
    pub(super) fn start(&self, lens: &BTreeMap<u32, u32>) -> Lsn {
        let behind = |(number, segment): (&u32, &Segment)| {
            let len = lens[number].max(segment.capacity).max(segment.end);
            segment.lsn(len.next_multiple_of(512).max(FIRST_BATCH))
        };
        self.segments.iter().map(behind).max().unwrap_or(Lsn(0))
    }

    pub(super) fn retired_max(&self) -> u32 {
        self.retired_max
    }

    /// The segments that count, and those that were retired and have files.
    pub(super) fn into_parts(self) -> (BTreeMap<u32, Segment>, BTreeMap<u32, Place>) {
        (self.segments, self.retired)
    }
}

/// What says that a segment is retired is needed as long as that one's file is there.
fn is_needed(record: &Record<'_>, place: Place, retired: &BTreeMap<u32, Place>) -> bool {
    match record.kind {
        Kind::UNIT => false,
        Kind::RETIRE if record.group == OWN_GROUP => {
            u32::try_from(record.seq).is_ok_and(|number| retired.get(&number) == Some(&place))
        }
        _ => true,
    }
}

fn whole<'a>(place: Place, record: &'a Record<'a>) -> Item<'a> {
    Item::Record { place, record, len: record.written_len() }
}

/// What is the log's own is nobody else's affair.
fn hand_out(item: Item<'_>, sink: &mut dyn FnMut(Item<'_>), report: &mut Report) {
    report.records += match &item {
        Item::Record { record, .. } if record.group == OWN_GROUP || record.kind == Kind::UNIT => return,
        Item::Record { .. } => 1,
        Item::Messages(messages) => messages.rows().len() as u64,
    };
    sink(item);
}

impl Report {
    pub(super) fn note_bad_footer(&mut self, number: u32) {
        if !self.bad_footers.contains(&number) {
            self.bad_footers.push(number);
        }
    }

    fn lose(&mut self, lost: Lost) {
        self.lost_count += 1;
        if self.lost.len() < LOST_MAX {
            self.lost.push(lost);
        }
    }
}

/// Where the batches of each segment end that count.
fn ends(seen: &BTreeMap<u32, Seen>, report: &mut Report) -> BTreeMap<u32, u32> {
    let safe = seen.values().map(|seen| seen.synced.max(seen.cut.unwrap_or(Lsn(0)))).max().unwrap_or(Lsn(0));
    // One whose first write was under way may never have had a page.
    let rotted = seen.iter().filter(|(_, seen)| !seen.has_page && seen.first < safe);
    report.bad_pages = rotted.map(|(number, _)| *number).collect();
    let mut ends = BTreeMap::new();
    // Behind the first damage that is not safe nothing counts.
    let mut is_over = false;
    for (number, segment) in seen {
        let cut = seen.range(number + 1..).filter_map(|(_, later)| later.cut).min();
        let mut end = FIRST_BATCH;
        if !is_over {
            end = end_of(*number, segment, cut, safe, &mut is_over, report);
            end = end.max(end_by_next(*number, seen));
        }
        ends.insert(*number, end);
    }
    ends
}

fn end_of(
    number: u32,
    seen: &Seen,
    cut: Option<Lsn>,
    safe: Lsn,
    is_over: &mut bool,
    report: &mut Report,
) -> u32 {
    if let Some(end) = seen.sealed {
        return end;
    }
    let mut end = FIRST_BATCH;
    for batch in &seen.batches {
        if cut.is_some_and(|cut| seen.lsn(batch.at) >= cut) {
            break;
        }
        if !batch.is_whole && seen.lsn(batch.at) >= safe {
            *is_over = true;
            report.torn = Some(Place { segment: number, offset: batch.at });
            break;
        }
        end = batch.end;
    }
    end
}

/// Where the segment behind it says that a segment ends.
fn end_by_next(number: u32, seen: &BTreeMap<u32, Seen>) -> u32 {
    let next = seen.range(number + 1..).map(|(_, later)| later).find(|later| later.before == number);
    let len = next.and_then(|next| next.cut?.0.checked_sub(seen[&number].first.0));
    len.and_then(|len| u32::try_from(len).ok()?.checked_add(FIRST_BATCH)).unwrap_or(FIRST_BATCH)
}
