//! Two connections to one server in one place: the first to be registered stays, the later is closed.
//!
//! Both servers may choose differently, and close both. So the one that stays takes over why the other was there, and
//! is dialed again when it ends.

use crate::gossip::Origin;

/// Why there is a connection, and what is to become of it when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Who began.
    pub origin: Origin,
    /// Where this server dials, if it is to; of a connection that was accepted, only what it took over.
    pub url: Option<String>,
    /// It is dialed again when it ends, whoever began.
    pub is_redialed: bool,
}

impl Reason {
    /// The connection stays, and one that was there for that reason is closed for it.
    ///
    /// A setting counts more than what was heard, and either more than nothing. With it goes its URL: what is
    /// configured is dialed again only where settings name it.
    pub fn take_over(&mut self, closed: &Self) {
        if rank(closed.origin) > rank(self.origin) {
            self.origin = closed.origin;
            self.url.clone_from(&closed.url);
        }
        self.is_redialed = true;
    }
}

fn rank(origin: Origin) -> u8 {
    match origin {
        Origin::Accepted => 0,
        Origin::Heard => 1,
        Origin::Configured => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(origin: Origin, url: Option<&str>) -> Reason {
        Reason { origin, url: url.map(str::to_owned), is_redialed: false }
    }

    #[test]
    fn the_better_reason_stays_with_its_url() {
        let (accepted, heard) = (reason(Origin::Accepted, None), reason(Origin::Heard, Some("heard")));
        let configured = reason(Origin::Configured, Some("configured"));
        for (kept, closed, best) in [
            (&accepted, &heard, &heard),
            (&accepted, &configured, &configured),
            (&heard, &configured, &configured),
            (&configured, &heard, &configured),
            (&heard, &accepted, &heard),
            (&accepted, &accepted, &accepted),
        ] {
            let mut kept = kept.clone();
            kept.take_over(closed);
            assert_eq!(kept, Reason { is_redialed: true, ..best.clone() });
        }
    }
}
