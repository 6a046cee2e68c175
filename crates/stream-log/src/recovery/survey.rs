//! What is in a segment, before it is known what counts.

use log_format::{
    CopiedBatch, FooterDirectory, Found, Kind, Lsn, NoFooter, NoSegment, Part, Scan, SegmentHead,
    TRAILER_BYTES, Trailer,
};

use crate::batch::OWN_GROUP;
use crate::segment::FIRST_BATCH;

use super::{NoLog, Recovery};

/// Bytes that are to be read, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The first page.
    Page(u32),
    /// The end of the file.
    Trailer(u32),
    /// From that byte on: the directory of its footer, or all of that.
    Footer(u32, u32),
    /// All of it, for there is no footer.
    Batches(u32),
    /// Up to where its batches end, for its records.
    Replay(u32, u32),
    /// A batch of copies.
    Copies(Copies),
    /// What the footer tells of some of its records.
    Section(SectionAt),
}

/// Where a footer tells of a part of its segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct SectionAt {
    pub(super) segment: u32,
    pub(super) part: usize,
    pub(super) at: u32,
    pub(super) bytes: u32,
}

/// Where a batch of copies lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copies {
    pub(super) segment: u32,
    pub(super) at: u32,
    pub(super) len: u32,
    /// What a footer tells of them.
    pub(super) section: Option<SectionAt>,
}

impl Step {
    pub(super) fn segment(self) -> u32 {
        match self {
            Self::Page(number)
            | Self::Trailer(number)
            | Self::Footer(number, _)
            | Self::Batches(number)
            | Self::Replay(number, _)
            | Self::Copies(Copies { segment: number, .. })
            | Self::Section(SectionAt { segment: number, .. }) => number,
        }
    }
}

/// What is known of a segment.
#[derive(Debug)]
pub(super) struct Seen {
    /// The position of its first batch.
    pub(super) first: Lsn,
    /// Where what was written before it is over, if that is known.
    pub(super) cut: Option<Lsn>,
    /// The segment that ends there, if that is known.
    pub(super) before: u32,
    /// The key that it is encrypted with, if its first page can be read.
    pub(super) key: u32,
    pub(super) capacity: u32,
    /// Its first page can be read.
    pub(super) has_page: bool,
    /// Where its batches end, by its trailer: all of it is safe.
    pub(super) sealed: Option<u32>,
    /// Its footer can be used.
    pub(super) has_footer: bool,
    /// What the footer has, if its records are to be known by that.
    pub(super) directory: Option<FooterDirectory>,
    /// Its batches, if there is no footer.
    pub(super) batches: Vec<SeenBatch>,
    /// Up to where its batches say that everything is safe.
    pub(super) synced: Lsn,
    pub(super) copies: Vec<CopiedBatch>,
    /// Segments it retires, and where it says so.
    pub(super) retired: Vec<(u32, u32)>,
}

/// A batch, or bytes where one should have been.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenBatch {
    pub(super) at: u32,
    pub(super) end: u32,
    pub(super) is_whole: bool,
}

impl Seen {
    /// Where the footer tells of those parts that it tells of, each with the batch if it is one of copies.
    pub(super) fn sections(&self, segment: u32) -> impl Iterator<Item = (Option<CopiedBatch>, SectionAt)> {
        let parts = self.directory.iter().flat_map(FooterDirectory::parts).enumerate();
        let told = parts.filter(|(_, part)| part.is_told);
        told.map(move |(number, part)| {
            let Part { copied, at, len, .. } = *part;
            (copied, SectionAt { segment, part: number, at, bytes: len })
        })
    }

    pub(super) fn lsn(&self, offset: u32) -> Lsn {
        Lsn(self.first.0 + u64::from(offset.saturating_sub(FIRST_BATCH)))
    }
}

impl Recovery {
    pub(super) fn on_page(&mut self, number: u32, bytes: &[u8]) -> Result<(), NoLog> {
        match SegmentHead::read(bytes) {
            Ok(head) if head.store != self.config.store || head.log != self.config.log => {
                return Err(NoLog::Foreign(number));
            }
            // It was to be used again, and that did not come about.
            Ok(head) if head.number != u64::from(number) => {
                self.spares.insert(number);
                return Ok(());
            }
            Ok(head) => {
                let capacity = u32::try_from(head.len).unwrap_or(u32::MAX);
                let seen = Seen::new(head.first, Some(head.cut), capacity);
                self.seen.insert(number, Seen { before: head.before, key: head.key, ..seen });
            }
            Err(why @ NoSegment::Version(_)) => return Err(NoLog::Segment { number, why }),
            // It rotted, or there never was one: the batches tell.
            Err(NoSegment::Magic | NoSegment::Damaged) => {}
        }
        self.steps.push_front(Step::Trailer(number));
        Ok(())
    }

    pub(super) fn on_trailer(&mut self, number: u32, bytes: &[u8]) {
        let end_max = self.lens[&number].saturating_sub(TRAILER_BYTES as u32);
        let trailer = Trailer::read(bytes, self.salt(number));
        let step = match trailer {
            Ok(trailer) if (FIRST_BATCH..=end_max).contains(&trailer.end) => {
                let first = trailer.next.0.saturating_sub(u64::from(trailer.end - FIRST_BATCH));
                let seen = self.seen_or_without_page(number, Lsn(first), None);
                seen.sealed = Some(trailer.end);
                seen.synced = trailer.next;
                let reads_all = self.reads_all || !trailer.has_rows();
                Step::Footer(number, if reads_all { trailer.end } else { trailer.directory })
            }
            _ => Step::Batches(number),
        };
        self.steps.push_front(step);
    }

    /// What is known of a segment; without a page that it is one at all.
    fn seen_or_without_page(&mut self, number: u32, first: Lsn, cut: Option<Lsn>) -> &mut Seen {
        let capacity = self.lens[&number];
        let without_page = || Seen { has_page: false, ..Seen::new(first, cut, capacity) };
        self.seen.entry(number).or_insert_with(without_page)
    }

    pub(super) fn on_footer(&mut self, number: u32, bytes: &[u8]) {
        let salt = self.salt(number);
        let read = if self.reads_all {
            FooterDirectory::check(bytes, salt)
        } else {
            FooterDirectory::read(bytes, salt)
        };
        let directory = match read {
            Ok(directory) => directory,
            Err(why) => {
                match why {
                    NoFooter::Older => self.report.old_footers.push(number),
                    NoFooter::None | NoFooter::Damaged => self.report.bad_footers.push(number),
                }
                self.steps.push_front(Step::Batches(number));
                return;
            }
        };
        let seen = self.seen.get_mut(&number).expect("its trailer was seen");
        seen.has_footer = true;
        seen.copies = directory.parts().iter().filter_map(|part| part.copied).collect();
        seen.retired = directory.retires().to_vec();
        seen.directory = (!self.reads_all).then_some(directory);
    }

    pub(super) fn on_batches(&mut self, number: u32, bytes: &[u8]) {
        let end = self.seen.get(&number).and_then(|seen| seen.sealed);
        let bytes = &bytes[..end.map_or(bytes.len(), |end| (end as usize).min(bytes.len()))];
        let batches = bytes.get(FIRST_BATCH as usize..).unwrap_or_default();
        let mut survey = Survey::default();
        for found in Scan::new(batches, self.salt(number)) {
            survey.take(&found, batches.len());
        }
        survey.end_batch();
        let Some(first) = survey.first.or(self.seen.get(&number).map(|seen| seen.first)) else {
            self.spares.insert(number);
            return;
        };
        let seen = self.seen_or_without_page(number, first, survey.cut);
        seen.synced = seen.synced.max(survey.synced);
        (seen.batches, seen.copies, seen.retired) = (survey.batches, survey.copies, survey.retired);
    }
}

impl Seen {
    fn new(first: Lsn, cut: Option<Lsn>, capacity: u32) -> Self {
        Self {
            first,
            cut,
            before: 0,
            key: 0,
            capacity,
            has_page: true,
            sealed: None,
            has_footer: false,
            directory: None,
            batches: Vec::new(),
            synced: Lsn(0),
            copies: Vec::new(),
            retired: Vec::new(),
        }
    }
}

/// Goes through the batches of a segment.
#[derive(Debug, Default)]
struct Survey {
    first: Option<Lsn>,
    /// What its first batch says is safe: that is where all before it was over.
    cut: Option<Lsn>,
    batches: Vec<SeenBatch>,
    synced: Lsn,
    copies: Vec<CopiedBatch>,
    retired: Vec<(u32, u32)>,
    /// The batch it is in, and the records that are to come in it.
    batch: Option<(SeenBatch, u32)>,
}

impl Survey {
    fn take(&mut self, found: &Found<'_>, len: usize) {
        match *found {
            Found::Batch { at, head } => {
                self.end_batch();
                self.first.get_or_insert(Lsn(head.first.0.saturating_sub(at as u64)));
                if at == 0 {
                    self.cut = Some(head.synced);
                }
                self.synced = self.synced.max(head.synced);
                let (at, end) = (at as u32 + FIRST_BATCH, (at + head.padded_len()) as u32 + FIRST_BATCH);
                if let Some(copied) = head.copied {
                    self.copies.push(CopiedBatch { at, len: head.len, copied });
                }
                let is_whole = (end - FIRST_BATCH) as usize <= len;
                self.batch = Some((SeenBatch { at, end, is_whole }, head.records));
            }
            Found::Record { at, record } => {
                if let Some((_, left)) = &mut self.batch {
                    *left = left.saturating_sub(1);
                }
                if record.kind == Kind::RETIRE && record.group == OWN_GROUP {
                    let number = u32::try_from(record.seq).ok();
                    self.retired.extend(number.map(|number| (number, at as u32 + FIRST_BATCH)));
                }
            }
            Found::Damaged { at, len, .. } => self.take_damage(at as u32 + FIRST_BATCH, len as u32),
        }
    }

    fn take_damage(&mut self, at: u32, len: u32) {
        match &mut self.batch {
            Some((batch, _)) if at < batch.end => batch.is_whole = false,
            _ => {
                self.end_batch();
                self.batches.push(SeenBatch { at, end: at + len, is_whole: false });
            }
        }
    }

    fn end_batch(&mut self) {
        if let Some((mut batch, left)) = self.batch.take() {
            batch.is_whole &= left == 0;
            self.batches.push(batch);
        }
    }
}
