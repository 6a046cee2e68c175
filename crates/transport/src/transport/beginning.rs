//! How a connection comes to have a transport: accepted, or dialed.

use std::net::IpAddr;
use std::sync::Arc;

use tls_session::{Acceptor, Connector, Session};

use super::{Stage, Transport, Way, after};
use crate::ended::Ended;
use crate::handshake::Handshake;
use crate::news::News;
use crate::opening::Opening;
use crate::web::{Web, WebPolicy};

impl Transport {
    /// A connection that was just accepted.
    ///
    /// # Errors
    /// It has to begin a handshake, which it may not now.
    pub fn new(acceptor: Arc<Acceptor>, now: u64, tell: impl FnMut(News<'_>)) -> Result<Self, Ended> {
        Self::on_its_way(Some(acceptor), false).begun(now, tell)
    }

    /// The same for one within the process, which has [terms of its own](crate::Terms::in_process).
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn in_process(acceptor: Arc<Acceptor>, now: u64, tell: impl FnMut(News<'_>)) -> Result<Self, Ended> {
        Self::on_its_way(Some(acceptor), true).begun(now, tell)
    }

    /// A connection to who was dialed, which has to be known by that name. The handshake is to begin at once, with
    /// [`Self::take_step`]. `None` if nobody can have such a name.
    pub fn dialing(connector: &Connector, name: &str, now: u64) -> Option<Self> {
        let handshake = Handshake::beginning(Session::dialing(connector, name)?);
        let mut new = Self::on_its_way(None, false);
        new.stage = Stage::Handshake(Box::new(handshake));
        new.set_deadline(Some(after(now, connector.policy().timeout)));
        Some(new)
    }

    /// The same for a listener for WebSockets, and a client at this address.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn web(
        policy: Arc<WebPolicy>,
        address: IpAddr,
        now: u64,
        tell: impl FnMut(News<'_>),
    ) -> Result<Self, Ended> {
        let patience = policy.patience();
        let is_tls = policy.tls.is_some();
        let mut new = Self::on_its_way(policy.tls.clone(), false);
        new.web = Some(Box::new(Web::new(policy, address)));
        if is_tls {
            new = new.begun(now, tell)?;
        }
        // For TLS it may be shorter.
        let deadline = after(now, patience);
        new.set_deadline(Some(new.deadline().map_or(deadline, |own| own.min(deadline))));
        Ok(new)
    }

    fn on_its_way(acceptor: Option<Arc<Acceptor>>, is_in_process: bool) -> Self {
        let way = Way { acceptor, is_in_process, deadline: None };
        Self { stage: Stage::Clear, web: None, way: Some(Box::new(way)), is_blocked: false }
    }

    /// Where there may be TLS: waits for what the client does.
    fn begun(mut self, now: u64, mut tell: impl FnMut(News<'_>)) -> Result<Self, Ended> {
        let opening = Opening::new(&self.terms());
        self.come_to(opening, now, &mut tell)?;
        Ok(self)
    }
}
