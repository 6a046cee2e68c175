//! What was found, and how it is told.

use std::fmt;
use std::path::PathBuf;

use jetstream::StreamFound;
use log_format::{Kind, Place};
use stream_log::{Missing, NodeFile, SegmentFound};

/// What is in a store.
#[derive(Debug)]
pub struct Findings {
    pub(crate) folder: PathBuf,
    pub(crate) node: NodeFile,
    pub(crate) logs: Vec<LogFindings>,
}

/// What is in one of its logs.
#[derive(Debug)]
pub struct LogFindings {
    pub(crate) segments: Vec<SegmentFound>,
    pub(crate) needless: Vec<u32>,
    pub(crate) records: u64,
    pub(crate) streams: Vec<StreamFound>,
    pub(crate) torn: Option<Place>,
    /// The first of them.
    pub(crate) damage: Vec<Damage>,
    pub(crate) damage_count: u64,
    pub(crate) bad_footers: Vec<u32>,
    pub(crate) old_footers: Vec<u32>,
    pub(crate) bad_pages: Vec<u32>,
    pub(crate) missing: Vec<Missing>,
}

/// Bytes that rotted.
#[derive(Debug)]
pub struct Damage {
    pub(crate) place: Place,
    pub(crate) len: u32,
    /// What the record was, and its sequence.
    pub(crate) record: Option<(Kind, u64)>,
    /// Whose it was.
    pub(crate) stream: Option<String>,
}

impl Findings {
    /// Whether all that was ever acknowledged is there. A write that was cut off takes nothing of that away, nor does a
    /// page or footer that is made anew.
    pub fn is_sound(&self) -> bool {
        self.logs.iter().all(|log| log.damage_count == 0 && log.missing.is_empty())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NodeFile { format, incarnation, stopped, .. } = &self.node;
        let end = if *stopped { "came to a clean stop" } else { "was not stopped" };
        writeln!(
            f,
            "{}: a store of format version {format}, opened {incarnation} times, {end}",
            self.folder.display()
        )?;
        for (number, log) in self.logs.iter().enumerate() {
            log.tell(f, number)?;
        }
        let verdict = if self.is_sound() { "sound" } else { "DAMAGED: what rotted or is missing is lost" };
        write!(f, "{verdict}")
    }
}

impl LogFindings {
    fn tell(&self, f: &mut fmt::Formatter<'_>, number: usize) -> fmt::Result {
        writeln!(f, "log {number}: {} records in {} segments", self.records, self.segments.len())?;
        for segment in &self.segments {
            let SegmentFound { number, len, end, is_sealed } = segment;
            let state = if *is_sealed { "sealed" } else { "not sealed" };
            writeln!(f, "  segment {number}: {state}, records up to byte {end} of {len}")?;
        }
        for stream in &self.streams {
            tell_stream(f, stream)?;
        }
        for damage in &self.damage {
            writeln!(f, "  ROTTEN: {damage}")?;
        }
        if self.damage_count > self.damage.len() as u64 {
            writeln!(f, "  ROTTEN: {} places in all", self.damage_count)?;
        }
        for missing in &self.missing {
            writeln!(f, "  MISSING: {missing}")?;
        }
        self.tell_start(f)
    }

    /// What a start would do.
    fn tell_start(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { segment, offset }) = self.torn {
            writeln!(
                f,
                "  a start cuts off a write that was never whole, at {offset} of segment {segment}; it was not \
                 acknowledged"
            )?;
        }
        for (numbers, what) in [
            (&self.bad_footers, "makes a damaged footer anew in"),
            (&self.old_footers, "makes the footer of an earlier version anew in"),
            (&self.bad_pages, "makes a damaged first page anew in"),
            (&self.needless, "takes away what nobody needs,"),
        ] {
            for number in numbers {
                writeln!(f, "  a start {what} segment {number}")?;
            }
        }
        for segment in self.segments.iter().filter(|segment| !segment.is_sealed) {
            writeln!(f, "  a start syncs and seals segment {}", segment.number)?;
        }
        Ok(())
    }
}

fn tell_stream(f: &mut fmt::Formatter<'_>, stream: &StreamFound) -> fmt::Result {
    let StreamFound { account, name, messages, bytes, first_seq, last_seq, consumers } = stream;
    write!(
        f,
        "  stream '{account} > {name}': {messages} messages, {bytes} bytes, sequences {first_seq} to {last_seq}"
    )?;
    match consumers.as_slice() {
        [] => writeln!(f),
        names => writeln!(f, ", consumers {}", names.join(", ")),
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { segment, offset } = self.place;
        write!(f, "{} bytes at {offset} of segment {segment}", self.len)?;
        let Some((kind, seq)) = self.record else { return write!(f, ", nobody knows of what") };
        let stream = self.stream.as_deref().unwrap_or("a stream that is gone or unknown");
        match kind {
            Kind::MESSAGE => write!(f, ", message {seq} of {stream}"),
            Kind(number) => write!(f, ", a record of kind {number} of {stream}, sequence {seq}"),
        }
    }
}
