//! Work that is too long for one turn.
//!
//! What changes for clients changes at once; what is to be put in order behind it may be as long as a million
//! rows. That is done here, a slice a turn, so that others have their turn in between. A slice is counted in
//! steps, not in time: the simulation cuts where the server cuts.
//!
//! Always true: a turn takes [`Config::chore_steps`](crate::Config::chore_steps) steps twice at most, for what
//! comes up in it and for what was left by others.

mod work_off;

use std::collections::VecDeque;

use conns::ConnId;

use crate::party::PeerId;
use crate::peers::{UnknownKey, Wants};
use crate::remains::Remains;

/// Steps a turn may take for chores. A step is about a tenth of a microsecond, or two where memory is far.
pub(crate) const STEPS_MAX: usize = 4096;

/// What it takes to remove a subscription and to tell the other shards of it.
pub(crate) const ROW_STEPS: usize = 12;

/// What it takes to take out a node of the trie beyond the first few of its filter.
pub(crate) const ROW_NODE_STEPS: usize = 2;

/// Chores under way, in the order they come to their turn. There are no more of them than connections, and a few.
#[derive(Debug)]
pub(crate) struct Chores {
    queue: VecDeque<Chore>,
    budget: Budget,
    /// Connections held until no subscription is left that had its last message: each once.
    expiry_awaited: Vec<ConnId>,
    /// The server stops, and this is the row of the connection to be closed next. There are no other chores
    /// then.
    shutting_down: Option<usize>,
}

/// Something to be gone on with. Each tells the other shards of what it does.
#[derive(Debug)]
pub(crate) enum Chore {
    /// A connection has ended, and its subscriptions are there yet.
    Removing(Box<Remains>),
    /// A connection begins anew, and its subscriptions end before.
    Leaving(ConnId),
    /// Another server is gone, and what it wanted is there yet.
    Forgetting(PeerId, Wants),
    /// There are other accounts than before, and this server may want something of them: from behind that row on.
    Recalling(PeerId, ConnId, Option<UnknownKey>),
    /// There is another directory than before, and these leaf nodes have yet to be held against it.
    RenewingLeafs(Vec<ConnId>),
    /// Clients are told of other servers than before, from the one in this row on.
    TellingClients(u64),
}

/// If a connection has at least one of so many rows, all rows are walked through instead of looking up its
/// own: to look at the next row takes a few nanoseconds, to find one in memory some hundred, and what lies beside
/// each other there is best given back together.
const ROWS_PER_OWN_MAX: usize = 16;

/// Rows that are looked at in one step.
pub(crate) const ROWS_PER_STEP: usize = 16;

/// Whether so many of all rows are best found by walking through all of them.
pub(crate) fn are_many(own: usize, rows: usize) -> bool {
    own * ROWS_PER_OWN_MAX >= rows
}

/// How much of a turn is left for chores.
#[derive(Debug)]
pub(crate) struct Budget {
    steps_max: usize,
    left: usize,
}

impl Budget {
    /// Whether there are steps left.
    pub(crate) fn lasts(&self) -> bool {
        self.left > 0
    }

    /// Whether there are as many as this.
    pub(crate) fn covers(&self, steps: usize) -> bool {
        steps <= self.left
    }

    pub(crate) fn spend(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps);
    }
}

impl Chores {
    pub(crate) fn new(steps_max: usize) -> Self {
        assert!(steps_max > 0, "a turn does something");
        Self {
            queue: VecDeque::new(),
            budget: Budget { steps_max, left: steps_max },
            expiry_awaited: Vec::new(),
            shutting_down: None,
        }
    }

    /// A turn begins, or the part of it in which it goes on with what others left.
    pub(crate) fn on_turn(&mut self) {
        self.budget.left = self.budget.steps_max;
    }

    pub(crate) fn push(&mut self, chore: Chore) {
        self.queue.push_back(chore);
    }

    /// A connection waits until no subscription is left that had its last message.
    pub(crate) fn await_expiry(&mut self, id: ConnId) {
        self.expiry_awaited.push(id);
    }

    /// None is left: takes those who waited for that.
    pub(crate) fn take_expiry_awaited(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.expiry_awaited)
    }

    pub(crate) fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// The server stops: whatever else there was to do is of no use any more.
    pub(crate) fn shut_down(&mut self) {
        self.shutting_down.get_or_insert(0);
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.is_some()
    }

    /// The next row of so many whose connection has to be closed for the server to stop.
    pub(crate) fn next_to_shut_down(&mut self, rows: usize) -> Option<usize> {
        let next = self.shutting_down.as_mut()?;
        *next += 1;
        (*next <= rows).then(|| *next - 1)
    }
}

/// What a slice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to do.
    More,
    Done,
}
