//! Making a log of what a stop or a crash has left.
//!
//! [`Recovery::want`] says which bytes are to be read, [`Recovery::on_bytes`] takes them. First all segments are surveyed:
//! by their footers, or batch by batch where there is none. Then it is known up to where the log was safe, where it
//! ends, and which segments and copies count; and every record that counts is handed out, in the order in which it was
//! first appended. Of what a footer tells of nothing else is read: messages come without what they say, and what is no
//! message comes before later messages of other groups, perhaps. What rotted there is found when it is read, or by
//! [`Recovery::reading_all`].
//!
//! Always true: damage below what some batch says was synced is rot, costs its record, and is told. Damage above it was
//! never acknowledged: the log ends before it. No file leads to a deletion but one of a segment that was retired, and
//! one that never became a segment.

mod replay;
mod survey;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use log_format::{Head, Item, Lsn, NoSegment, Place, Salt};
use thiserror::Error;

use crate::config::Config;
use crate::log::Log;
use crate::request::{DiskError, Request, Span};
use crate::segment::{FIRST_BATCH, Segment, Stage};

use self::replay::Replay;
use self::survey::{Copies, SectionAt, Seen, Step};

/// Damaged places that are listed; of more there is a count.
pub const LOST_MAX: usize = 1_000;

/// What was found, beside the records.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Records that were handed out.
    pub records: u64,
    /// Places that rotted: the first [`LOST_MAX`].
    pub lost: Vec<Lost>,
    /// How many there are.
    pub lost_count: u64,
    /// Where the log ends because what is behind was never written as a whole.
    pub torn: Option<Place>,
    /// Segments whose footer was damaged, or not written as a whole, and is made anew. They were read instead.
    pub bad_footers: Vec<u32>,
    /// The same of those whose footer an earlier version wrote, which told less.
    pub old_footers: Vec<u32>,
    /// Segments whose first page was damaged, and is written anew.
    pub bad_pages: Vec<u32>,
    /// The segments that count, in their order.
    pub segments: Vec<SegmentFound>,
    /// Files that nobody needs: segments that were retired, and what never became one. They are taken away.
    pub needless: Vec<u32>,
    /// What was there at a clean stop and is not any more.
    pub missing: Vec<Missing>,
}

/// A segment that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFound {
    /// Its number, which names its file.
    pub number: u32,
    /// Bytes of the file.
    pub len: u64,
    /// Where its batches end, in bytes from the start of the file.
    pub end: u32,
    /// It has a footer, and a page: it was sealed, and nothing was lost of either.
    pub is_sealed: bool,
}

/// Bytes that were on the disk once, and are not what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Where they begin.
    pub place: Place,
    /// How many.
    pub len: u32,
    /// Which record it was, if that can be told.
    pub head: Option<Head>,
}

/// A segment that is gone, or not as long as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Its number.
    pub segment: u32,
    /// Where its batches end now, in bytes from the start of the file; 0 if there are none.
    pub found: u32,
    /// Where they ended.
    pub end: u32,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { segment, found: 0, .. } => write!(f, "nothing is left of segment {segment}"),
            Self { segment, found, end } => {
                write!(f, "segment {segment} ends at {found}, and ended at {end} when the log was stopped")
            }
        }
    }
}

/// There are files that no log can be made of. None was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoLog {
    /// A file is not one that this server wrote, or is one of a newer server.
    #[error("segment {number}: {why}")]
    Segment {
        /// Its number.
        number: u32,
        /// What is wrong with it.
        why: NoSegment,
    },
    /// A file belongs to another store, or to another log of this one.
    #[error("segment {0} belongs to another store")]
    Foreign(u32),
    /// A file could not be read.
    #[error("segment {number}: {error}")]
    Disk {
        /// Its number.
        number: u32,
        /// Why.
        error: DiskError,
    },
}

/// A log that is being found again.
#[derive(Debug)]
pub struct Recovery {
    config: Config,
    /// What is to be read, the next one first.
    steps: VecDeque<Step>,
    seen: BTreeMap<u32, Seen>,
    /// Files that never became segments.
    spares: BTreeSet<u32>,
    /// How long the files are.
    lens: BTreeMap<u32, u32>,
    replay: Option<Replay>,
    /// Whatever footers tell, records are read.
    reads_all: bool,
    /// Where the batches of segments ended at a clean stop.
    expected: BTreeMap<u32, u32>,
    /// The file that was read last because there is no footer, which is the newest one mostly: it is gone through twice.
    kept: Option<(u32, Vec<u8>)>,
    report: Report,
}

impl Recovery {
    /// `files` are the numbers of all files of the log, and how many bytes each has.
    pub fn new(config: Config, files: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self::of(config, files, false)
    }

    /// The same for whoever wants to know of each record whether it is whole: all bytes are read.
    pub fn reading_all(config: Config, files: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self::of(config, files, true)
    }

    fn of(config: Config, files: impl IntoIterator<Item = (u32, u64)>, reads_all: bool) -> Self {
        let clipped = |len: u64| u32::try_from(len).unwrap_or(u32::MAX);
        let lens: BTreeMap<u32, u32> =
            files.into_iter().map(|(number, len)| (number, clipped(len))).collect();
        Self {
            config,
            steps: lens.keys().copied().map(Step::Page).collect(),
            seen: BTreeMap::new(),
            spares: BTreeSet::new(),
            lens,
            replay: None,
            reads_all,
            expected: BTreeMap::new(),
            kept: None,
            report: Report::default(),
        }
    }

    /// The same, if it is known which segments there were at a clean stop, and where they ended: what of that is missing is
    /// told.
    #[must_use]
    pub fn expecting(self, ends: &BTreeMap<u32, u32>) -> Self {
        Self { expected: ends.clone(), ..self }
    }

    /// What is to be read next. `None`: all is known, and [`Recovery::finish`] makes the log.
    pub fn want(&mut self) -> Option<Span> {
        if self.steps.is_empty() && self.replay.is_none() {
            let replay = Replay::plan(&self.seen, &mut self.report);
            self.steps = replay.steps(&self.seen);
            self.replay = Some(replay);
        }
        self.steps.front().map(|step| self.span(*step))
    }

    fn span(&self, step: Step) -> Span {
        let segment = step.segment();
        let len = self.lens[&segment];
        let from = |offset: u32| Span { segment, offset, len: len.saturating_sub(offset) };
        match step {
            Step::Page(_) => Span { segment, offset: 0, len: len.min(FIRST_BATCH) },
            Step::Trailer(_) => from(len.saturating_sub(log_format::TRAILER_BYTES as u32)),
            Step::Footer(_, at) => from(at),
            Step::Section(SectionAt { at, bytes, .. }) => Span { segment, offset: at, len: bytes },
            Step::Batches(_) => from(0),
            Step::Replay(number, _) if self.keeps(number) => Span { segment, offset: 0, len: 0 },
            Step::Replay(_, end) => Span { segment, offset: 0, len: end.min(len) },
            Step::Copies(Copies { at, len, .. }) => Span { segment, offset: at, len },
        }
    }

    /// The bytes that were wanted; fewer if the file is shorter. `sink` takes the records that count, those of a group in
    /// the order in which they were appended first. Each of them lives in the log until it is buried.
    ///
    /// # Errors
    /// No log can be made of the files.
    pub fn on_bytes(
        &mut self,
        bytes: Result<Vec<u8>, DiskError>,
        sink: &mut dyn FnMut(Item<'_>),
    ) -> Result<(), NoLog> {
        let step = self.steps.pop_front().expect("bytes are read because they are wanted");
        let number = step.segment();
        let bytes = bytes.map_err(|error| NoLog::Disk { number, error })?;
        let salt = self.salt(number);
        match (step, &mut self.replay) {
            (Step::Page(_), _) => self.on_page(number, &bytes)?,
            (Step::Trailer(_), _) => self.on_trailer(number, &bytes),
            (Step::Footer(..), _) => self.on_footer(number, &bytes),
            (Step::Batches(_), _) => {
                self.on_batches(number, &bytes);
                // What never became a segment is not asked for again.
                if self.seen.contains_key(&number) {
                    self.kept = Some((number, bytes));
                }
            }
            (Step::Replay(_, end), Some(replay)) => {
                let kept = self.kept.take_if(|(kept, _)| *kept == number);
                let mut bytes = kept.map_or(bytes, |(_, bytes)| bytes);
                bytes.truncate(end as usize);
                replay.segment(number, end, &bytes, salt, sink, &mut self.report);
            }
            (Step::Copies(Copies { at, .. }), Some(replay)) => {
                replay.copies(number, at, &bytes, salt, sink, &mut self.report);
            }
            (Step::Section(at), Some(replay)) => {
                let directory = self.seen[&number].directory.as_ref().expect("it tells of sections");
                match directory.section(at.part, &bytes, salt) {
                    Ok(section) => {
                        replay.section(number, directory, at.part, &section, sink, &mut self.report)
                    }
                    Err(_) => {
                        self.steps.push_front(replay.instead_of(at, directory));
                        self.report.note_bad_footer(number);
                    }
                }
            }
            (Step::Replay(..) | Step::Copies(_) | Step::Section(_), None) => {
                unreachable!("replay was planned before its steps")
            }
        }
        Ok(())
    }

    fn keeps(&self, segment: u32) -> bool {
        self.kept.as_ref().is_some_and(|(kept, _)| *kept == segment)
    }

    fn salt(&self, segment: u32) -> Salt {
        Salt::of_segment(&self.config.store, u64::from(segment))
    }

    /// The log, once nothing more is wanted, and what was found. The server may have been killed before all of it was on
    /// stable storage: nobody may be shown any of it before the log's first [`Event::Synced`](crate::Event::Synced).
    pub fn finish(mut self) -> (Log, Report) {
        let replay = self.replay.take().expect("all that was wanted was read");
        let newest_file = self.lens.keys().copied().max().unwrap_or(0);
        let next_number = newest_file.max(replay.retired_max()) + 1;
        let start = replay.start(&self.lens);
        let (segments, retired) = replay.into_parts();
        let gone: Vec<u32> = retired.keys().chain(&self.spares).copied().collect();
        let expected = self.expected.iter().filter(|(number, _)| !retired.contains_key(number));
        let with_found = expected.map(|(number, end)| {
            let found = segments.get(number).map_or(0, |segment| segment.end);
            Missing { segment: *number, found, end: *end }
        });
        self.report.missing = with_found.filter(|one| one.found < one.end).collect();
        self.report.segments =
            segments.iter().map(|(number, segment)| self.found(*number, segment)).collect();
        self.report.needless.clone_from(&gone);
        let mut log = Log::beginning(self.config, segments, next_number, start, Lsn(0));
        let last = log.segments.iter().map(|(number, segment)| (segment.next(), *number)).max();
        (log.cut, log.before) = last.unwrap_or((Lsn(0), 0));
        log.writes.synced = log.cut;
        log.retired = retired;
        log.rekeying.is_left = log.segments.values().any(|segment| segment.key != log.config.key);
        log.requests.extend(gone.into_iter().map(Request::Remove));
        let unsealed = log.segments.iter().filter(|(_, segment)| segment.stage == Stage::Closed);
        log.writes.gates = unsealed.map(|(number, _)| *number).collect();
        log.requests.extend(log.writes.gates.iter().copied().map(Request::Sync));
        log.tell_if_safe();
        (log, self.report)
    }

    fn found(&self, number: u32, segment: &Segment) -> SegmentFound {
        let len = u64::from(self.lens[&number]);
        SegmentFound { number, len, end: segment.end, is_sealed: segment.stage == Stage::Sealed }
    }
}

#[cfg(test)]
mod tests;
