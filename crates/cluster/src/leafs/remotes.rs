//! Hubs that settings name no more, and those that they name since.

use super::{Leafs, Remote};
use crate::leaf_config::LeafRemote;
use crate::leaf_refusal::LeafEnding;

impl<C: Copy + Ord> Leafs<C> {
    /// Has these hubs dialed, and no others. Those that were dialed before as they are to be now stay connected. Returns
    /// the number that each is known by.
    ///
    /// A number is that of one hub for good: what an attempt came to that was under way is told with it.
    pub fn set_remotes(&mut self, remotes: Vec<LeafRemote>) -> Vec<usize> {
        let mut left: Vec<Option<LeafRemote>> = remotes.into_iter().map(Some).collect();
        let mut numbers = vec![0; left.len()];
        for at in 0..self.remotes.len() {
            let is_it = |remote: &Option<LeafRemote>| remote.as_ref() == Some(&self.config.remotes[at]);
            match left.iter().position(is_it).filter(|_| !self.remotes[at].is_removed()) {
                Some(stays) => (left[stays], numbers[stays]) = (None, at),
                None => self.remove_remote(at),
            }
        }
        for (number, remote) in numbers.iter_mut().zip(left) {
            let Some(remote) = remote else { continue };
            *number = self.remotes.len();
            let urls = self.in_order(&remote);
            self.remotes.push(Remote::new(urls));
            self.config.remotes.push(remote);
        }
        numbers
    }

    fn remove_remote(&mut self, at: usize) {
        self.remotes[at].remove();
        let its = self.sessions.iter().filter(|(_, session)| session.remote == Some(at));
        for connection in its.map(|(connection, _)| *connection).collect::<Vec<C>>() {
            self.close(connection, LeafEnding::Removed);
        }
    }
}
