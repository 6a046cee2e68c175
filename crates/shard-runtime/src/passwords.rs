//! Passwords held against their hashes, which takes from a millisecond to seconds each.
//!
//! A herd of clients that come back at once shows the same few passwords again and again. Whoever asks what
//! somebody else has asked already, and is not answered yet, gets the same answer at the same time, whatever
//! their addresses. Nothing is remembered beyond that: whoever guesses has one check per guess, as before.
//!
//! Always true: a question that is open has its turn in the queue of the [`Workers`] or is being answered, and
//! everybody who asked it waits in its row.

use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use broker::Broker;
use conns::ConnId;
use nats_auth::{PasswordCheck, Question};

use crate::fair_queue::Source;
use crate::orders::{Order, Orders};
use crate::workers::{Job, Workers};

/// Clients that wait for the same answer: as many as a server lets in by default. Who comes then is turned
/// away.
const ASKERS_MAX: usize = 64 << 10;

/// A password to be checked for a shard's client.
pub(crate) struct Password {
    pub(crate) conn: ConnId,
    /// Where the client is.
    pub(crate) address: IpAddr,
    pub(crate) check: PasswordCheck,
    /// The shard that gets the answer.
    pub(crate) orders: Arc<Orders>,
}

impl Password {
    fn answer(self, is_right: bool) {
        let Self { conn, check, orders, .. } = self;
        if check.has_lapsed() {
            return;
        }
        let identity = check.settle(is_right);
        let answer = move |broker: &mut Broker, now| broker.on_password_checked(now, conn, identity);
        orders.give(Order::Run(Box::new(answer)));
    }
}

/// What is to be checked for all shards.
pub(crate) struct Passwords {
    open: Arc<Open>,
    workers: Workers<Turn>,
}

impl Passwords {
    /// Nothing to check yet. Has to be made by a thread that may use all cores of the process.
    pub(crate) fn new() -> Self {
        Self { open: Arc::default(), workers: Workers::new() }
    }

    /// Has a password checked. Returns false if too many wait for the same client's address or user, or
    /// for the same answer.
    pub(crate) fn submit(&self, password: Password) -> bool {
        let Password { address, check, .. } = &password;
        let source = Source::new(*address, check.identity().user().unwrap_or_default());
        let question = Arc::clone(check.question());
        let turn =
            Turn { question: Arc::clone(&question), source: source.clone(), open: Arc::clone(&self.open) };
        let mut questions = self.open.questions();
        let Some(asked) = questions.get_mut(&question) else {
            if !self.workers.submit(turn) {
                return false;
            }
            let asked = Asked { askers: vec![password], sources: vec![source], is_begun: false };
            questions.insert(question, asked);
            return true;
        };
        if !asked.has_room() {
            return false;
        }
        // So that it does not wait behind all that the others have in their places. If this one has too
        // much in its own, it waits with them.
        if !asked.is_begun && !asked.sources.contains(&source) && self.workers.submit(turn) {
            asked.sources.push(source);
        }
        asked.askers.push(password);
        true
    }
}

/// For tests: nothing is answered before it is asked for.
#[cfg(test)]
impl Passwords {
    pub(crate) fn without_threads() -> Self {
        Self { open: Arc::default(), workers: Workers::without_threads() }
    }

    pub(crate) fn are_answered(&self) -> bool {
        self.open.questions().is_empty()
    }
}

/// The questions that are not answered.
#[derive(Default)]
struct Open(Mutex<HashMap<Arc<Question>, Asked>>);

struct Asked {
    askers: Vec<Password>,
    /// Whose turn it is asked in, whichever comes first. The queue bounds them.
    sources: Vec<Source>,
    /// A thread is at it.
    is_begun: bool,
}

impl Asked {
    /// Whether one more may ask. Those who are gone leave before the others have to move.
    fn has_room(&mut self) -> bool {
        if self.askers.len() == self.askers.capacity() {
            self.forget_gone();
        }
        self.askers.len() < ASKERS_MAX
    }

    fn forget_gone(&mut self) {
        self.askers.retain(|asker| !asker.check.has_lapsed());
    }
}

impl Open {
    /// Whether a question is to be answered now: somebody waits for that, and nobody is at it.
    fn begin(&self, question: &Arc<Question>) -> bool {
        let mut questions = self.questions();
        let Some(asked) = questions.get_mut(question).filter(|asked| !asked.is_begun) else { return false };
        asked.forget_gone();
        asked.is_begun = !asked.askers.is_empty();
        let is_wanted = asked.is_begun;
        if !is_wanted {
            questions.remove(question);
        }
        is_wanted
    }

    /// Takes who waits for the answer.
    fn close(&self, question: &Arc<Question>) -> Vec<Password> {
        self.questions().remove(question).map(|asked| asked.askers).unwrap_or_default()
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<Arc<Question>, Asked>> {
        self.0.lock().expect("questions are answered outside of the lock")
    }
}

/// A question, when it is the turn of one of those who ask it.
struct Turn {
    question: Arc<Question>,
    source: Source,
    open: Arc<Open>,
}

impl Job for Turn {
    const THREAD_NAME: &'static str = "passwords";
    /// A third is for one user at one address: different guesses, since the same ones share a place. At the
    /// common cost of 2^10 rounds it takes ten seconds to get through that.
    const WAITING_MAX: usize = 3 * 256;
    /// Who guesses passwords is to cost the others little, and who is to come in has to come in while the
    /// shards are busy, too: of a core that a shard wants as well a thread gets a quarter.
    const NICENESS: i32 = 5;

    fn source(&self) -> Source {
        self.source.clone()
    }

    fn run(self) {
        if !self.open.begin(&self.question) {
            return;
        }
        // Those who wait have to hear something even if a library has a flaw.
        let is_right = catch_unwind(AssertUnwindSafe(|| self.question.answer())).unwrap_or(false);
        for asker in self.open.close(&self.question) {
            asker.answer(is_right);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use nats_auth::{Config, Credentials, Directory, IdentityConfig, User, Verdict};
    use rustix::event::{EventfdFlags, eventfd};

    use super::*;
    use crate::orders::ORDERS_MAX;

    const HASH_OF_BAR: &str = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";

    /// Passwords of two users, and the shard that all of them are checked for.
    struct Rig {
        passwords: Passwords,
        directory: Arc<Directory>,
        orders: Arc<Orders>,
    }

    impl Rig {
        fn new() -> Self {
            let user = |name: &str| User {
                identity: IdentityConfig::Password { user: name.into(), password: HASH_OF_BAR.into() },
                permissions: None,
                allowed_connection_types: None,
            };
            let config = Config { users: vec![user("bob"), user("eve")], ..Config::default() };
            Self {
                passwords: Passwords::without_threads(),
                directory: Directory::new(&config).unwrap(),
                orders: Arc::new(Orders::new(Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap()))),
            }
        }

        /// Has a password checked, for as long as the claim is there.
        fn ask(&self, host: u8, user: &str, password: &str) -> (bool, Arc<str>) {
            let shown = Credentials { user, password, ..Credentials::default() };
            let Verdict::Check(mut check) = self.directory.authenticate(&shown) else { panic!("no hash") };
            let claim = Arc::from(user);
            check.lapse_with(&claim);
            let address = Ipv4Addr::new(10, 0, 0, host).into();
            let (conn, orders) = (ConnId::from_bits(0), Arc::clone(&self.orders));
            (self.passwords.submit(Password { conn, address, check, orders }), claim)
        }

        /// Does what is next. Returns how many were answered.
        fn answered(&self) -> usize {
            assert!(self.passwords.workers.do_next());
            std::iter::from_fn(|| self.orders.take_next()).count()
        }
    }

    // 200 clients of one user took the time of 200 checks, and most of them had gone by then.
    #[test]
    fn a_herd_that_shows_the_same_is_answered_at_once() {
        let rig = Rig::new();
        let herd: Vec<_> = (0..ORDERS_MAX).map(|_| rig.ask(1, "bob", "bar")).collect();
        assert!(herd.iter().all(|(is_taken, _)| *is_taken));
        let (_, _other) = rig.ask(1, "bob", "baz");
        assert_eq!([rig.answered(), rig.answered()], [ORDERS_MAX, 1]);
        assert!(!rig.passwords.workers.do_next() && rig.passwords.are_answered());
    }

    #[test]
    fn guesses_are_bounded_and_those_that_are_asked_already_take_no_place() {
        let rig = Rig::new();
        let mut claims = Vec::new();
        for guess in 0..Turn::WAITING_MAX / 3 {
            let (is_taken, claim) = rig.ask(1, "bob", &guess.to_string());
            assert!(is_taken);
            claims.push(claim);
        }
        assert!(!rig.ask(1, "bob", "one more").0);
        for (host, user, password) in [(1, "bob", "7"), (1, "eve", "bar"), (2, "bob", "bar")] {
            let (is_taken, claim) = rig.ask(host, user, password);
            assert!(is_taken, "{user} at {host}");
            claims.push(claim);
        }
    }

    #[test]
    fn whoever_asks_gets_the_answer_when_the_first_of_all_has_its_turn() {
        let rig = Rig::new();
        let mut claims: Vec<_> = (0..9).map(|guess| rig.ask(1, "bob", &guess.to_string())).collect();
        claims.extend([rig.ask(1, "bob", "bar"), rig.ask(2, "bob", "bar"), rig.ask(2, "bob", "bar")]);
        assert_eq!([rig.answered(), rig.answered()], [1, 3], "10.0.0.2 did not wait behind ten guesses");
        let others: usize = (0..9).map(|_| rig.answered()).sum();
        assert_eq!(others, 8, "one turn was for what had been answered");
        assert!(rig.passwords.are_answered());
    }

    #[test]
    fn what_nobody_waits_for_is_not_asked() {
        let rig = Rig::new();
        let (gone, stays) = (rig.ask(1, "bob", "baz"), rig.ask(1, "eve", "bar"));
        drop(gone);
        assert_eq!(rig.answered(), 0);
        drop(stays);
        assert_eq!(rig.answered(), 0);
        assert!(rig.passwords.are_answered());
    }

    #[test]
    fn who_asks_and_leaves_again_and_again_takes_no_memory() {
        let rig = Rig::new();
        let (_, _first) = rig.ask(1, "bob", "baz");
        for _ in 0..10_000 {
            assert!(rig.ask(1, "bob", "baz").0);
        }
        let capacity: usize =
            rig.passwords.open.questions().values().map(|asked| asked.askers.capacity()).sum();
        assert!(capacity < 100, "{capacity}");
    }
}
