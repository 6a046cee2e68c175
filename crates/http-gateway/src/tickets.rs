//! Words that stand for somebody's credentials: each once, for one path, and for a short while.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use http_api::{Credentials, Kind, Problem};
use tokio::time::Instant;

use crate::unique::unique;

/// How long one is good.
pub(crate) const TICKET_TIME: Duration = Duration::from_secs(30);

/// Tickets at a time. Where there are so many, those whose time is over go, and if there are none, nobody gets one.
const TICKETS_MAX: usize = 4096;

/// What a ticket stands for.
#[derive(Debug)]
struct Ticket {
    credentials: Credentials,
    path: String,
    until: Instant,
}

/// The tickets there are.
#[derive(Debug, Default)]
pub(crate) struct Tickets(RefCell<HashMap<String, Ticket>>);

impl Tickets {
    /// A new one.
    pub(crate) fn issue(&self, credentials: &Credentials, path: &str) -> Result<String, Problem> {
        let (mut held, now) = (self.0.borrow_mut(), Instant::now());
        if held.len() >= TICKETS_MAX {
            held.retain(|_, ticket| now < ticket.until);
        }
        if held.len() >= TICKETS_MAX {
            return Err(Problem::new(
                Kind::TooMany,
                format!("there are {TICKETS_MAX} tickets: as many as may be"),
            ));
        }
        let (credentials, path, until) = (credentials.clone(), path.to_owned(), now + TICKET_TIME);
        let word = unique();
        held.insert(word.clone(), Ticket { credentials, path, until });
        Ok(word)
    }

    /// Whose it is. After that it is good for nothing, whatever it was used for.
    pub(crate) fn redeem(&self, word: &str, path: &str) -> Result<Credentials, Problem> {
        let ticket = self.0.borrow_mut().remove(word);
        let good = ticket.filter(|ticket| ticket.path == path && Instant::now() < ticket.until);
        let wrong =
            || Problem::new(Kind::Unauthorized, "the ticket is used, or too old, or for another path");
        good.map(|ticket| ticket.credentials).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::time::sleep;

    use super::*;

    #[test]
    fn a_ticket_is_good_once_for_its_path_and_a_while() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (tickets, who) = (Tickets::default(), Credentials::Token("s".into()));
            let word = tickets.issue(&who, "/v1/a").unwrap();
            assert_eq!(tickets.redeem(&word, "/v1/a").unwrap(), who);
            assert_eq!(tickets.redeem(&word, "/v1/a").unwrap_err().kind, Kind::Unauthorized);
            let word = tickets.issue(&who, "/v1/a").unwrap();
            assert!(tickets.redeem(&word, "/v1/b").is_err() && tickets.redeem(&word, "/v1/a").is_err());
            let word = tickets.issue(&who, "/v1/a").unwrap();
            sleep(TICKET_TIME).await;
            assert!(tickets.redeem(&word, "/v1/a").is_err());
        });
    }

    #[test]
    fn there_are_so_many_and_old_ones_make_room() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (tickets, who) = (Tickets::default(), Credentials::None);
            for _ in 0..TICKETS_MAX {
                tickets.issue(&who, "/v1/a").unwrap();
            }
            assert_eq!(tickets.issue(&who, "/v1/a").unwrap_err().kind, Kind::TooMany);
            sleep(TICKET_TIME).await;
            assert!(tickets.issue(&who, "/v1/a").is_ok());
        });
    }
}
