//! What was acknowledged: the sequence number in the stream of every message that was sent.

use anyhow::{Context, Result, bail, ensure};

use crate::stamp::Stamp;

#[derive(Debug)]
pub(crate) struct Stored {
    /// By publisher, then by the number of its message; 0 until it is acknowledged.
    seqs: Vec<Vec<u64>>,
    /// Which sequence numbers were given, a bit each.
    given: Vec<u64>,
    count: u64,
}

/// How far beyond what was published a sequence number is believed, in words of 64.
const WORDS_AHEAD_MAX: u64 = 1 << 16;

impl Stored {
    pub(crate) fn new(publishers: usize) -> Self {
        Self { seqs: vec![Vec::new(); publishers], given: Vec::new(), count: 0 }
    }

    /// Acknowledged so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Books what `publisher` was told of its `number`.
    pub(crate) fn book(&mut self, publisher: usize, number: u64, seq: u64) -> Result<()> {
        self.give(seq)?;
        let seqs = &mut self.seqs[publisher];
        let number = usize::try_from(number)?;
        if seqs.len() <= number {
            seqs.resize(number + 1, 0);
        }
        seqs[number] = seq;
        self.count += 1;
        Ok(())
    }

    fn give(&mut self, seq: u64) -> Result<()> {
        let word = seq / 64;
        ensure!(word < self.given.len() as u64 + WORDS_AHEAD_MAX, "nobody published as far as {seq}");
        let word = usize::try_from(word)?;
        if self.given.len() <= word {
            self.given.resize(word + 1, 0);
        }
        let bit = 1 << (seq % 64);
        ensure!(self.given[word] & bit == 0, "sequence number {seq} was given twice");
        self.given[word] |= bit;
        Ok(())
    }

    /// What `publisher` was told of its `number`.
    pub(crate) fn seq(&self, publisher: usize, number: u64) -> Option<u64> {
        let seq = *self.seqs.get(publisher)?.get(usize::try_from(number).ok()?)?;
        (seq > 0).then_some(seq)
    }

    /// Checks that the message with this stamp is the one that was acknowledged as `seq`.
    pub(crate) fn confirm(&self, stamp: Stamp, seq: u64) -> Result<()> {
        let Stamp { publisher, seq: number } = stamp;
        match self.seq(publisher as usize, number) {
            Some(told) if told == seq => Ok(()),
            Some(told) => bail!("publisher {publisher}'s {number} was acknowledged as {told} and is {seq}"),
            None => bail!("publisher {publisher}'s {number}, stored as {seq}, was never acknowledged"),
        }
    }

    /// The number, from 0, of the last message that `publisher` was told of.
    pub(crate) fn last_number(&self, publisher: usize) -> Result<u64> {
        let sent = self.seqs[publisher].len() as u64;
        sent.checked_sub(1).context("nothing was stored")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_stay_with_their_message() {
        let mut stored = Stored::new(2);
        stored.book(0, 0, 1).unwrap();
        stored.book(1, 0, 3).unwrap();
        stored.book(0, 2, 2).unwrap();
        assert_eq!((stored.count(), stored.last_number(0).unwrap()), (3, 2));
        stored.confirm(Stamp { publisher: 0, seq: 2 }, 2).unwrap();
        let error = |outcome: Result<()>| outcome.unwrap_err().to_string();
        assert!(error(stored.book(1, 1, 3)).contains("3 was given twice"));
        assert!(error(stored.book(1, 1, 1 << 40)).contains("nobody published as far"));
        assert!(
            error(stored.confirm(Stamp { publisher: 1, seq: 0 }, 2)).contains("acknowledged as 3 and is 2")
        );
        for missing in [Stamp { publisher: 0, seq: 1 }, Stamp { publisher: 9, seq: 0 }] {
            assert!(error(stored.confirm(missing, 4)).contains("was never acknowledged"));
        }
    }
}
