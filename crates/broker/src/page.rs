//! Long answers in pages: each looks at a bounded number of rows, and says where the next one begins.

/// A part of a long answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What there is to say.
    pub rows: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

/// The numbers of the next rows to look at, and where to go on.
pub(crate) fn stretch(from: u64, rows: usize, rows_max: usize) -> (std::ops::Range<usize>, Option<u64>) {
    let from = usize::try_from(from).unwrap_or(rows).min(rows);
    let to = rows.min(from + rows_max);
    (from..to, (to < rows).then_some(to as u64))
}
