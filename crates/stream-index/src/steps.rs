//! How long a walk may take.

/// What a walk may cost: one for each row or subject that is looked at, some 1 to 50 ns.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    left: u32,
}

impl Steps {
    /// So many.
    pub fn new(steps: u32) -> Self {
        Self { left: steps }
    }

    /// How many are left.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// Takes so many, or those that are left.
    pub fn spend(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    /// Takes one, if one is left.
    pub fn take(&mut self) -> bool {
        let has_one = self.left > 0;
        self.left -= u32::from(has_one);
        has_one
    }
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk<T> {
    /// At what was looked for.
    Found(T),
    /// Where there is no more.
    End,
    /// Out of steps: nothing was found before this sequence, or behind it for walks that go down. Go on from there.
    More(u64),
}
