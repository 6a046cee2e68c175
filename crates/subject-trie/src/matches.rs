//! The answer to one match, built to be used again and again without allocating.

use smallvec::SmallVec;

/// Emptied groups kept for the next match, and the capacity above which one is dropped instead:
/// together they bound what an idle `Matches` holds on to.
const SPARE_GROUPS_MAX: usize = 16;
const SPARE_MEMBERS_MAX: usize = 64;

/// Every subscription that a subject matched.
///
/// The order means nothing, but it is the same after the same operations on a trie, in every run.
#[derive(Clone, Debug)]
pub struct Matches<T> {
    /// Subscriptions without a queue group: each gets the message.
    pub plain: Vec<T>,
    /// Queue groups: one member of each gets the message. No two have the same name and none is
    /// without members.
    pub queues: Vec<QueueMatch<T>>,
    spare: Vec<QueueMatch<T>>,
}

impl<T> Default for Matches<T> {
    fn default() -> Self {
        Self { plain: Vec::new(), queues: Vec::new(), spare: Vec::new() }
    }
}

impl<T> Matches<T> {
    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.queues.is_empty()
    }

    /// Number of matched subscriptions, every member of every group counted.
    pub fn len(&self) -> usize {
        self.plain.len() + self.queues.iter().map(|queue| queue.members.len()).sum::<usize>()
    }

    /// Forgets the answer and keeps the memory.
    pub fn clear(&mut self) {
        self.plain.clear();
        for mut queue in self.queues.drain(..) {
            if self.spare.len() < SPARE_GROUPS_MAX && queue.members.capacity() <= SPARE_MEMBERS_MAX {
                queue.members.clear();
                self.spare.push(queue);
            }
        }
    }

    /// Number of subscriptions and groups there is memory for, spare groups left out.
    pub(crate) fn capacity(&self) -> usize {
        let members: usize = self.queues.iter().map(|queue| queue.members.capacity()).sum();
        self.plain.capacity() + self.queues.capacity() + members
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.plain.shrink_to_fit();
        self.queues.shrink_to_fit();
        self.queues.iter_mut().for_each(|queue| queue.members.shrink_to_fit());
    }

    /// The members of the group `name` among the first `known` groups, or of a new group.
    pub(crate) fn queue_mut(&mut self, name: &[u8], known: usize) -> &mut Vec<T> {
        let found = self.queues[..known].iter().position(|queue| queue.name.as_ref() == name);
        let index = found.unwrap_or_else(|| self.add_queue(name));
        &mut self.queues[index].members
    }

    fn add_queue(&mut self, name: &[u8]) -> usize {
        let queue = match self.spare.pop() {
            Some(mut queue) => {
                queue.name.set(name);
                queue
            }
            None => QueueMatch { name: QueueName::from(name), members: Vec::new() },
        };
        self.queues.push(queue);
        self.queues.len() - 1
    }
}

/// One queue group that a subject matched, its members merged over all filters that matched.
#[derive(Clone, Debug)]
pub struct QueueMatch<T> {
    /// The name given in SUB.
    pub name: QueueName,
    /// At least one.
    pub members: Vec<T>,
}

/// The name of a queue group. Short names need no allocation.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QueueName(SmallVec<[u8; 16]>);

impl QueueName {
    fn set(&mut self, name: &[u8]) {
        self.0.clear();
        self.0.extend_from_slice(name);
    }
}

impl From<&[u8]> for QueueName {
    fn from(name: &[u8]) -> Self {
        Self(SmallVec::from_slice(name))
    }
}

impl AsRef<[u8]> for QueueName {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::ops::Deref for QueueName {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
