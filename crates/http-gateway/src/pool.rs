//! Clients of the server, one for each identity that has asked lately.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http_api::{Credentials, Failure};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::dial::Backend;

/// How long a client that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How often those are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Identities at a time. Where there are so many, one that is idle goes, and if none is, whoever comes has to wait.
const IDENTITIES_MAX: usize = 4096;

/// Who asks, and from where.
pub(crate) type Identity = (Credentials, IpAddr);

type Slot = Rc<OnceCell<Rc<Client>>>;

/// The clients there are.
pub(crate) struct Pool {
    backend: Backend,
    slots: RefCell<HashMap<Identity, Slot>>,
}

impl Pool {
    pub(crate) fn new(backend: Backend) -> Self {
        Self { backend, slots: RefCell::default() }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The client of that identity.
    pub(crate) async fn enter(&self, identity: &Identity) -> Result<Rc<Client>, Failure> {
        let slot = self.slot(identity)?;
        if let Some(client) = slot.get() {
            return Ok(Rc::clone(client));
        }
        let name = name_of(identity);
        let open = || Client::open(&self.backend, &identity.0, &name);
        let entered = slot.get_or_try_init(open).await.cloned();
        if entered.is_err() {
            self.forget(identity, &slot);
        }
        entered
    }

    fn slot(&self, identity: &Identity) -> Result<Slot, Failure> {
        let mut slots = self.slots.borrow_mut();
        match slots.get(identity) {
            Some(slot) if !slot.get().is_some_and(|client| client.is_over()) => return Ok(Rc::clone(slot)),
            None if slots.len() >= IDENTITIES_MAX => {
                drop(slots);
                self.make_room()?;
                slots = self.slots.borrow_mut();
            }
            _ => {}
        }
        let slot = Slot::default();
        slots.insert(identity.clone(), Rc::clone(&slot));
        Ok(slot)
    }

    fn forget(&self, identity: &Identity, slot: &Slot) {
        let mut slots = self.slots.borrow_mut();
        if slots.get(identity).is_some_and(|there| Rc::ptr_eq(there, slot) && there.get().is_none()) {
            slots.remove(identity);
        }
    }

    fn make_room(&self) -> Result<(), Failure> {
        let idle = |slot: &Slot| slot.get().and_then(|client| client.idle_since());
        let slots = self.slots.borrow();
        let eldest = slots
            .iter()
            .filter_map(|(identity, slot)| Some((idle(slot)?, identity.clone())))
            .min_by_key(|(since, _)| *since);
        drop(slots);
        let full = || Failure::TooMany(format!("{IDENTITIES_MAX} others ask at this time"));
        let (_, identity) = eldest.ok_or_else(full)?;
        self.close(&identity);
        Ok(())
    }

    fn close(&self, identity: &Identity) {
        let slot = self.slots.borrow_mut().remove(identity);
        if let Some(client) = slot.as_ref().and_then(|slot| slot.get()) {
            client.close();
        }
    }

    /// Closes clients that nobody has used for a while, for ever.
    pub(crate) async fn sweep(&self) {
        loop {
            sleep(SWEEP_EVERY).await;
            let now = Instant::now();
            let is_idle = |slot: &Slot| {
                let since = slot.get().and_then(|client| client.idle_since());
                since.is_some_and(|since| now.duration_since(since) >= IDLE_MAX)
            };
            let slots = self.slots.borrow();
            let idle: Vec<Identity> = slots
                .iter()
                .filter(|(_, slot)| is_idle(slot))
                .map(|(identity, _)| identity.clone())
                .collect();
            drop(slots);
            idle.iter().for_each(|identity| self.close(identity));
        }
    }
}

/// What a client is called where people look.
pub(crate) fn name_of((_, address): &Identity) -> String {
    format!("http {address}")
}
