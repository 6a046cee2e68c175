//! How many streams of messages there are, and who has them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use http_api::Failure;

use crate::pool::Identity;

/// The streams there are.
#[derive(Debug, Default)]
pub(crate) struct Streams(RefCell<HashMap<Identity, usize>>);

/// One of them, while it is held.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Rc<Streams>,
    identity: Identity,
}

impl Streams {
    /// Takes a place, of as many as there may be in all and for one.
    pub(crate) fn enter(
        self: &Rc<Self>,
        identity: &Identity,
        max: usize,
        own_max: usize,
    ) -> Result<Place, Failure> {
        let mut held = self.0.borrow_mut();
        if held.values().sum::<usize>() >= max {
            return Err(Failure::TooMany(format!("there are {max} streams of messages: as many as may be")));
        }
        // Who is refused leaves nothing behind.
        if held.get(identity).copied().unwrap_or_default() >= own_max {
            return Err(Failure::TooMany(format!(
                "this user has {own_max} streams of messages: as many as may be"
            )));
        }
        *held.entry(identity.clone()).or_default() += 1;
        Ok(Place { streams: Rc::clone(self), identity: identity.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.streams.0.borrow_mut();
        if let Some(own) = held.get_mut(&self.identity) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.identity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_api::Credentials;

    use super::*;

    #[test]
    fn places_are_bounded_for_one_and_for_all() {
        let streams = Rc::new(Streams::default());
        let who = |number: u8| (Credentials::None, std::net::IpAddr::from([127, 0, 0, number]));
        let enter = |number| streams.enter(&who(number), 3, 2);
        let first = enter(1).unwrap();
        let _second = enter(1).unwrap();
        assert!(matches!(enter(1), Err(Failure::TooMany(_))));
        let third = enter(2).unwrap();
        assert!(enter(3).is_err());
        drop((first, third));
        assert!(enter(1).is_ok() && enter(3).is_ok());
        assert_eq!(streams.0.borrow().len(), 1);
        assert!(streams.enter(&who(4), 3, 0).is_err());
        assert_eq!(streams.0.borrow().len(), 1, "who is refused leaves nothing behind");
    }
}
