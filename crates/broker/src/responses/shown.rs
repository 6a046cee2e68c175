//! Requests that wait, as monitoring shows them.

use std::ops::Range;

use super::{Request, Responses, Token, TokenText};
use crate::latency::Measured;

/// A request that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    /// The subject for its response.
    pub(crate) subject: TokenText,
    pub(crate) request: &'a Request,
    pub(crate) measured: Option<&'a Measured>,
}

impl Responses {
    /// How many rows there may be.
    pub(crate) fn rows(&self) -> usize {
        self.rows.bound()
    }

    /// Those in these rows.
    pub(crate) fn waiting(&self, numbers: Range<usize>) -> impl Iterator<Item = Waiting<'_>> {
        numbers.filter_map(|number| {
            let row = self.rows.get(number)?;
            let (server, shard) = (self.server, self.shard);
            let token =
                Token { server, shard, row: number as u32, number: row.number, is_tracked: row.is_tracked };
            Some(Waiting {
                subject: token.to_text(),
                request: &row.request,
                measured: row.measured.as_deref(),
            })
        })
    }
}
