//! The sockets of a shard, by the slot of their connection.

use std::os::fd::OwnedFd;

use broker::ConnId;

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fd: OwnedFd,
    pub(crate) id: ConnId,
    /// A receive is queued, or its end is under way.
    pub(crate) receiving: bool,
    /// It waits in line for its receive to be queued again.
    pub(crate) starved: bool,
    /// The receive was cancelled because the connection is held for long.
    pub(crate) paused: bool,
    /// A poll for writability is queued.
    pub(crate) polling: bool,
    /// The peer sent all it will.
    pub(crate) ended: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sockets {
    rows: Vec<Option<Socket>>,
}

impl Sockets {
    pub(crate) fn insert(&mut self, id: ConnId, fd: OwnedFd) {
        if self.rows.len() <= id.slot() {
            self.rows.resize_with(id.slot() + 1, || None);
        }
        self.rows[id.slot()] = Some(Socket {
            fd,
            id,
            receiving: false,
            starved: false,
            paused: false,
            polling: false,
            ended: false,
        });
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
