//! ACCOUNT.PURGE: the system account has all streams of an account deleted.
//!
//! Streams are deleted like any others, some at a time. Whoever asked is answered once all are gone that were there.

use std::collections::{BTreeSet, VecDeque};

use js_proto::{AccountPurgeAnswer, ApiAnswer, errors};

use crate::homes::Homes;
use crate::registrar::Registrar;
use crate::request::{Asker, Request};
use crate::step::Answer;
use crate::turn::Turn;

/// Streams that are being deleted at a time. Others wait in the directory, where they take nothing more.
const DELETES_MAX: usize = 64;

/// Those that were asked for and are not done: one is, and others wait. There are no more than requests may wait.
#[derive(Debug, Default)]
pub(crate) struct AccountPurges(VecDeque<AccountPurge>);

#[derive(Debug)]
struct AccountPurge {
    request: Request,
    account: usize,
    /// The last stream, by name, that was told to go.
    after: Option<String>,
    /// All were.
    is_last: bool,
    /// Those that are not gone yet.
    going: BTreeSet<String>,
}

impl Registrar {
    pub(crate) fn begin_account_purge(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, request: Request) {
        let home = homes.own();
        let name = request.stream();
        if name.contains(['/', '\\']) {
            let why = "account name can not contain path separators";
            let refused = Answer::of::<AccountPurgeAnswer>(Err(errors::STREAM_GENERAL_ERROR.with(&[&why])));
            return home.give(turn, &request, &refused);
        }
        let account = home.accounts.iter().position(|account| *account.name == *name);
        let streams = account.map_or(0, |account| self.directory.count(account));
        let has_account = account.is_some();
        tracing::info!("Purge request for account {name} (streams: {streams}, hasAccount: {has_account})");
        let Some(account) = account else { return home.give(turn, &request, &done()) };
        let purge = AccountPurge { request, account, after: None, is_last: false, going: BTreeSet::new() };
        self.account_purges.0.push_back(purge);
        self.go_on_purging(homes, turn);
    }

    /// Has more streams go, as far as the turn goes, and answers if all are gone.
    pub(crate) fn go_on_purging(&mut self, homes: &mut Homes, turn: &mut Turn<'_>) {
        while let Some(mut purge) = self.account_purges.0.pop_front() {
            while purge.may_go_on() && turn.may_go_on() {
                self.delete_next(homes, turn, &mut purge);
            }
            if !purge.is_last || !purge.going.is_empty() {
                return self.account_purges.0.push_front(purge);
            }
            homes.own().give(turn, &purge.request, &done());
        }
    }

    fn delete_next(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, purge: &mut AccountPurge) {
        let next = self.directory.streams_behind(purge.account, purge.after.as_deref()).next();
        let Some((stream, _)) = next else {
            purge.is_last = true;
            return;
        };
        let stream = stream.clone();
        let subject = format!("$JS.API.STREAM.DELETE.{stream}");
        let request = Request::new(purge.account, subject.as_bytes(), None, b"", b"", Asker::Nobody);
        homes.own().account(purge.account).begin_request(&request);
        self.answer(homes, turn, request);
        if self.is_under_order(purge.account, &stream) {
            purge.going.insert(stream.clone());
        }
        purge.after = Some(stream);
    }

    /// Whether [`Self::go_on_purging`] has something to do.
    pub(crate) fn may_purge(&self) -> bool {
        self.account_purges.0.front().is_some_and(AccountPurge::may_go_on)
    }

    /// Something was done to a stream: perhaps it was to go.
    pub(crate) fn note_purged(
        &mut self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &str,
    ) {
        let is_under_order = self.is_under_order(account, stream);
        let Some(purge) = self.account_purges.0.front_mut() else { return };
        if purge.account == account && !is_under_order && purge.going.remove(stream) {
            self.go_on_purging(homes, turn);
        }
    }

    fn is_under_order(&self, account: usize, stream: &str) -> bool {
        self.directory.find(account, stream).is_some_and(|entry| entry.is_under_order())
    }
}

impl AccountPurge {
    fn may_go_on(&self) -> bool {
        !self.is_last && self.going.len() < DELETES_MAX
    }
}

fn done() -> Answer {
    Answer::of(Ok(AccountPurgeAnswer { initiated: true, ..AccountPurgeAnswer::new() }))
}
