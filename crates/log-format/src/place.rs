//! Where a record lies.

/// Where a record lies: in which segment, and how many bytes behind the segment's start. In a log in memory as on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The segment's number.
    pub segment: u32,
    /// Bytes from the start of the segment to the start of the record.
    pub offset: u32,
}
