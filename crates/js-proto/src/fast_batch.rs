//! Batches that are acknowledged now and then: what a publisher wants stands in the reply subject.
//!
//! `<prefix>.<id>.<flow>.<ok|fail>.<seq>.<op>.$FI`

use crate::digits::parse_number;

/// One message of such a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FastBatch<'a> {
    /// The batch.
    pub id: &'a [u8],
    /// After how many messages the publisher would like to hear.
    pub flow: u16,
    /// Whether the batch goes on when messages are missing.
    pub gap_ok: bool,
    /// The number of the message in it.
    pub seq: u64,
    /// What is to be done.
    pub op: FastBatchOp,
}

/// What is to be done with a message of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FastBatchOp {
    /// Begin the batch with it.
    Start,
    /// Store it.
    Append,
    /// Store it, and end the batch.
    Commit,
    /// End the batch without it.
    CommitWithout,
    /// Nothing: how far is the batch?
    Ping,
}

const SUFFIX: &[u8] = b".$FI";

/// After how many messages who wishes nothing that can be understood is told.
const FLOW_DEFAULT: u16 = 10;

/// A reply that ends like one of a batch, and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadFastBatch;

impl<'a> FastBatch<'a> {
    /// Reads a reply subject; none if it is not of a batch.
    ///
    /// # Errors
    ///
    /// See [`BadFastBatch`].
    pub fn parse(reply: &'a [u8]) -> Result<Option<Self>, BadFastBatch> {
        let Some(rest) = reply.strip_suffix(SUFFIX).filter(|rest| !rest.is_empty()) else { return Ok(None) };
        Self::parse_tokens(rest).map(Some).ok_or(BadFastBatch)
    }

    fn parse_tokens(rest: &'a [u8]) -> Option<Self> {
        let mut tokens = rest.rsplitn(6, |byte| *byte == b'.');
        let op = match parse_number(tokens.next()?)? {
            0 => FastBatchOp::Start,
            1 => FastBatchOp::Append,
            2 => FastBatchOp::Commit,
            3 => FastBatchOp::CommitWithout,
            4 => FastBatchOp::Ping,
            _ => return None,
        };
        let seq = parse_number(tokens.next()?)?;
        let gap_ok = match tokens.next()? {
            b"ok" => true,
            b"fail" => false,
            _ => return None,
        };
        let flow = parse_number(tokens.next()?).filter(|flow| *flow > 0);
        let flow = flow.map_or(FLOW_DEFAULT, |flow| u16::try_from(flow).unwrap_or(u16::MAX));
        let id = tokens.next()?;
        // There has to be a prefix, be it empty.
        tokens.next()?;
        let fits = match op {
            FastBatchOp::Start => seq == 1,
            FastBatchOp::Append | FastBatchOp::CommitWithout => seq > 1,
            FastBatchOp::Commit | FastBatchOp::Ping => seq > 0,
        };
        (fits && seq < u64::MAX).then_some(Self { id, flow, gap_ok, seq, op })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reply: &str) -> Result<Option<FastBatch<'_>>, BadFastBatch> {
        FastBatch::parse(reply.as_bytes())
    }

    #[test]
    fn replies_are_read_from_their_end() {
        let batch = FastBatch { id: b"id", flow: 7, gap_ok: true, seq: 1, op: FastBatchOp::Start };
        assert_eq!(parse("_INBOX.a.id.7.ok.1.0.$FI"), Ok(Some(batch)));
        let batch = FastBatch { id: b"id", flow: 10, gap_ok: false, seq: 9, op: FastBatchOp::CommitWithout };
        assert_eq!(parse("p.id.x.fail.9.3.$FI"), Ok(Some(batch)));
        assert_eq!(parse("p.id.99999.ok.2.4.$FI").unwrap().unwrap().flow, u16::MAX);
    }

    #[test]
    fn other_replies_are_none_and_broken_ones_are_refused() {
        for reply in ["", "_INBOX.a", ".$FI", "$FI"] {
            assert_eq!(parse(reply), Ok(None), "{reply}");
        }
        for reply in [
            "x.$FI",
            "id.7.ok.1.0.$FI",
            "p.id.7.ok.2.0.$FI",
            "p.id.7.ok.1.1.$FI",
            "p.id.7.ok.1.3.$FI",
            "p.id.7.ok.0.2.$FI",
            "p.id.7.ok.1.5.$FI",
            "p.id.7.maybe.1.0.$FI",
            "p.id.7.ok.x.0.$FI",
            "p.id.7.ok.18446744073709551615.2.$FI",
        ] {
            assert_eq!(parse(reply), Err(BadFastBatch), "{reply}");
        }
    }
}
