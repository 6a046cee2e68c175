//! Requests that wait to be answered, and answers that wait until all shards know.

use std::time::Duration;

use log_format::Lsn;

use crate::api;
use crate::disk::Disk;
use crate::home::Home;
use crate::letters::Verdict;
use crate::post::Message;
use crate::request::Request;
use crate::step::{Answer, Job, Step};
use crate::turn::{Told, Turn};

/// Requests of an account that may wait on a shard. Those that come beyond that are dropped.
pub(crate) const WAITING_REQUESTS_MAX: usize = 10_000;

/// What it costs to answer a request, in steps.
pub(crate) const REQUEST_STEPS: u64 = 64;

/// How soon to look again whether all shards know, if nobody says so: a shard without connections need not.
const UNCONFIRMED_PAUSE: Duration = Duration::from_millis(20);

impl Home {
    /// A request. It is answered at once, unless others wait.
    pub(crate) fn on_request(&mut self, turn: &mut Turn<'_>, request: Request) {
        if self.account(request.account).waiting < WAITING_REQUESTS_MAX {
            self.line_up_request(turn, request, Job::Fresh);
        }
    }

    /// The shard with the directory has something done to a name, and waits for what comes of it.
    pub(crate) fn on_order(&mut self, turn: &mut Turn<'_>, mut request: Request, verdict: Verdict) {
        request.is_order = true;
        self.line_up_request(turn, request, Job::Ordered(verdict));
    }

    fn line_up_request(&mut self, turn: &mut Turn<'_>, request: Request, job: Job) {
        self.account(request.account).waiting += 1;
        self.waiting.push_back((request, job));
        if self.waiting.len() == 1 {
            self.answer_next(turn);
        }
    }

    /// Goes on with the request that waits longest. Returns whether it is done with.
    pub(crate) fn answer_next(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.busy.is_some() || self.log_awaited || self.reads_awaited || self.is_stuck() {
            return false;
        }
        let Some((request, mut job)) = self.waiting.pop_front() else { return false };
        turn.spend(REQUEST_STEPS);
        let step = api::answer(self, turn, &request, &mut job);
        self.log_awaited |= matches!(step, Step::Later);
        self.reads_awaited |= matches!(step, Step::Reads);
        match step {
            Step::GoesOn | Step::Later | Step::Reads => {
                self.waiting.push_front((request, job));
                return false;
            }
            Step::Silence => self.account(request.account).waiting -= 1,
            Step::Answer(answer) => self.give(turn, &request, &answer),
            Step::AnswerAfter(told, answer) => self.give_after(turn, told, request, answer),
            Step::Command(id, command) => {
                if let Some(request) = command.carry_out(self, turn, id, request) {
                    self.log_awaited = true;
                    self.waiting.push_front((request, job));
                    return false;
                }
            }
        }
        true
    }

    /// Answers once all shards know.
    pub(crate) fn give_after(&mut self, turn: &mut Turn<'_>, told: Told, request: Request, answer: Answer) {
        let safe = self.disk.as_ref().map_or(Lsn(0), Disk::last);
        self.unconfirmed.push_back((told, safe, request, answer));
        self.answer_confirmed(turn);
    }

    /// Answers what waited until all shards knew. What does not come to know, since nobody is there any more who would,
    /// is looked at again soon.
    pub(crate) fn answer_confirmed(&mut self, turn: &mut Turn<'_>) {
        while let Some((told, lsn, ..)) = self.unconfirmed.front_mut()
            && turn.is_known(told)
            && self.disk.as_ref().is_none_or(|disk| disk.is_safe(*lsn))
            && let Some((_, _, request, answer)) = self.unconfirmed.pop_front()
        {
            self.give(turn, &request, &answer);
        }
        self.look_again = self.unconfirmed.front().map(|_| turn.clocks.now + UNCONFIRMED_PAUSE);
    }

    /// Refuses what was done and will never be safe.
    pub(crate) fn refuse_unsafe(&mut self, turn: &mut Turn<'_>) {
        for (told, lsn, request, answer) in std::mem::take(&mut self.unconfirmed) {
            if self.disk.as_ref().is_none_or(|disk| disk.is_safe(lsn)) {
                self.unconfirmed.push_back((told, lsn, request, answer));
            } else {
                self.give(turn, &request, &api::log_failed(request.asked().kind));
            }
        }
    }

    pub(crate) fn give(&mut self, turn: &mut Turn<'_>, request: &Request, answer: &Answer) {
        let account = self.account(request.account);
        account.waiting -= 1;
        if answer.is_told {
            account.ledger.count_request(answer.is_error);
        }
        if let Some(reply) = &request.reply {
            turn.publish(&Message::new(request.account, reply, &answer.json));
        }
        if answer.is_told {
            turn.audit(&self.accounts[request.account], request, &answer.json);
        }
        if request.is_order {
            self.report_order(request);
        }
    }
}
