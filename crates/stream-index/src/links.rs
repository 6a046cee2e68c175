//! Where the next row of a subject is, of those that are far from it.
//!
//! Rows are known by their place in a chunk. Nothing is kept while no row has a link, which is so of most chunks.

/// Closer ones are found by looking.
pub(crate) const LINK_MIN: u64 = if cfg!(test) { 3 } else { 16 };

/// How many sequences further the next row is; zero is unknown. Empty if all are.
#[derive(Debug, Default, Clone)]
pub(crate) struct Links(Vec<u32>);

impl Links {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The chunk has one more row.
    pub(crate) fn grow(&mut self) {
        if !self.0.is_empty() {
            self.0.push(0);
        }
    }

    /// How many sequences further the next row of the subject is, as far as is known.
    pub(crate) fn of(&self, at: usize) -> Option<u32> {
        self.0.get(at).copied().filter(|link| *link > 0)
    }

    /// Notes that of one of so many rows, if that helps.
    pub(crate) fn set(&mut self, rows: usize, at: usize, distance: u64) {
        if distance >= LINK_MIN
            && let Ok(link) = u32::try_from(distance)
        {
            self.0.resize(rows, 0);
            self.0[at] = link;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_or_too_far_has_no_link() {
        let mut links = Links::default();
        links.grow();
        links.set(4, 1, LINK_MIN - 1);
        links.set(4, 2, 1 << 32);
        assert!(links.0.is_empty());
        links.set(4, 3, LINK_MIN);
        links.grow();
        assert_eq!([1, 3, 4, 5].map(|at| links.of(at)), [None, Some(LINK_MIN as u32), None, None]);
        assert_eq!(links.0.len(), 5);
    }
}
