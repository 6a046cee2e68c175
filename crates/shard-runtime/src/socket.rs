//! The sockets of a shard, by the slot of their connection.

use std::os::fd::OwnedFd;

use broker::ConnId;

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fd: OwnedFd,
    pub(crate) id: ConnId,
    /// There may be bytes to read.
    pub(crate) readable: bool,
    /// The peer said that nothing more comes, so reading goes on to the very end.
    pub(crate) hung_up: bool,
    /// It is on the list of sockets to read from.
    pub(crate) listed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sockets {
    rows: Vec<Option<Socket>>,
}

impl Sockets {
    pub(crate) fn insert(&mut self, id: ConnId, fd: OwnedFd) -> &Socket {
        if self.rows.len() <= id.slot() {
            self.rows.resize_with(id.slot() + 1, || None);
        }
        self.rows[id.slot()].insert(Socket { fd, id, readable: false, hung_up: false, listed: false })
    }

    /// The socket, unless it is closed.
    pub(crate) fn find(&mut self, id: ConnId) -> Option<&mut Socket> {
        self.rows.get_mut(id.slot()).and_then(Option::as_mut).filter(|socket| socket.id == id)
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Socket> {
        self.find(id)?;
        self.rows[id.slot()].take()
    }
}
