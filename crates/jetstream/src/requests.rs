//! Requests that wait to be answered, and answers that wait until all shards know.

use std::time::Duration;

use js_proto::advisory::ApiLimitReached;
use js_proto::{EventKind, EventSubject};
use log_format::Lsn;

use crate::api;
use crate::disk::Disk;
use crate::dropped::Queue;
use crate::home::Home;
use crate::letters::Verdict;
use crate::post::Message;
use crate::request::Request;
use crate::step::{Answer, Job, Step};
use crate::turn::{Told, Turn};

/// Bytes of the requests of an account that may wait on a shard. Most are some hundred bytes long.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// What it costs to answer a request, in steps.
pub(crate) const REQUEST_STEPS: u64 = 64;

/// How soon to look again whether all shards know, if nobody says so: a shard without connections need not.
const UNCONFIRMED_PAUSE: Duration = Duration::from_millis(20);

/// What came of going on with a request.
enum Attempt {
    Done,
    /// There was no time for all of it, or its stream does not let anybody look.
    GoesOn(Request, Job),
    /// The log or the disk has to be waited for.
    Waits(Request, Job),
}

impl Home {
    /// A request. It is answered at once, unless others wait or something that was published before is not safe yet:
    /// whoever publishes without waiting for acknowledgements, and then asks, is shown what was published.
    pub(crate) fn on_request(&mut self, turn: &mut Turn<'_>, request: Request) {
        if self.let_wait(&request) {
            self.line_up_request(turn, request, Job::Fresh);
        }
    }

    /// Whether a request may wait: too many are dropped. If it may it is counted.
    pub(crate) fn let_wait(&mut self, request: &Request) -> bool {
        let queue = request.queue() as usize;
        let most = self.requests_max[queue];
        let account = self.account(request.account);
        if account.waiting[queue] >= most || account.waiting_bytes + request.bytes() > WAITING_BYTES_MAX {
            self.dropped[queue].add();
            return false;
        }
        account.begin_request(request);
        true
    }

    /// The shard with the directory has something done to a name, and waits for what comes of it.
    pub(crate) fn on_order(&mut self, turn: &mut Turn<'_>, mut request: Request, verdict: Verdict) {
        request.is_order = true;
        self.account(request.account).begin_request(&request);
        self.line_up_request(turn, request, Job::Ordered(verdict));
    }

    fn line_up_request(&mut self, turn: &mut Turn<'_>, mut request: Request, job: Job) {
        request.behind = self.disk.as_ref().map_or(Lsn(0), Disk::last);
        self.waiting.push_back((request, job));
        if self.waiting.len() == 1 {
            self.answer_next(turn);
        }
    }

    /// Whether requests may be answered: not while the log or the disk has to be waited for.
    pub(crate) fn may_answer(&self) -> bool {
        !self.log_awaited && !self.reads_awaited && !self.is_stuck()
    }

    /// Answers the request that waits longest, or has it wait by itself if it takes several turns. Returns whether others
    /// may be answered.
    pub(crate) fn answer_next(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.may_answer() {
            return false;
        }
        if !self.is_next_safe() {
            self.log_awaited = true;
            return false;
        }
        let Some((request, job)) = self.waiting.pop_front() else { return false };
        let about = request.about();
        let Some((request, job)) = self.parking.join(&about, (request, job)) else {
            turn.spend(1);
            return true;
        };
        match self.attempt(turn, request, job) {
            Attempt::Done => true,
            Attempt::GoesOn(request, job) => {
                self.parking.begin(about, (request, job));
                true
            }
            Attempt::Waits(request, job) => {
                self.waiting.push_front((request, job));
                false
            }
        }
    }

    /// Goes on with requests that take several turns, row by row.
    pub(crate) fn answer_parked(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..self.parking.len() {
            if !turn.may_go_on() || !self.may_answer() {
                return;
            }
            let Some((about, request, job)) = self.parking.take() else { return };
            match self.attempt(turn, request, job) {
                Attempt::Done => self.parking.leave(about),
                Attempt::GoesOn(request, job) | Attempt::Waits(request, job) => {
                    self.parking.put_back(about, (request, job));
                }
            }
        }
    }

    /// Goes on with a request.
    fn attempt(&mut self, turn: &mut Turn<'_>, request: Request, mut job: Job) -> Attempt {
        let stream = self.account(request.account).streams.get(request.stream()).copied();
        if stream.is_some_and(|id| self.is_held_up(id)) {
            turn.spend(1);
            return Attempt::GoesOn(request, job);
        }
        turn.spend(REQUEST_STEPS);
        match api::answer(self, turn, &request, &mut job) {
            Step::GoesOn => return Attempt::GoesOn(request, job),
            Step::Later => {
                self.log_awaited = true;
                return Attempt::Waits(request, job);
            }
            Step::Reads => {
                self.reads_awaited = true;
                return Attempt::Waits(request, job);
            }
            Step::Silence => self.account(request.account).end_request(&request),
            Step::Answer(answer) => self.give(turn, &request, &answer),
            Step::AnswerAfter(told, answer) => self.give_after(turn, told, request, answer),
            Step::Command(id, command) => {
                if let Some(request) = command.carry_out(self, turn, id, request) {
                    self.log_awaited = true;
                    return Attempt::Waits(request, job);
                }
            }
        }
        Attempt::Done
    }

    /// Whether what the next request is to see is safe.
    fn is_next_safe(&self) -> bool {
        let Some((request, _)) = self.waiting.front() else { return true };
        self.disk.as_ref().is_none_or(|disk| disk.is_safe(request.behind))
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
            && self.disk.as_ref().is_none_or(|disk| disk.is_done(*lsn))
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
        account.end_request(request);
        // What the server asks of itself is no request.
        let is_told = answer.is_told && !request.is_own();
        if is_told {
            account.ledger.count_request(answer.is_error);
        }
        if let Some(reply) = &request.reply {
            turn.publish(&Message::new(request.account, reply, &answer.json));
        }
        if is_told {
            turn.audit(&self.accounts[request.account], request, &answer.json);
        }
        if request.is_order {
            self.report_order(request);
        }
    }

    /// Tells of requests that were dropped.
    pub(crate) fn tell_dropped(&mut self, turn: &mut Turn<'_>) {
        for queue in Queue::ALL {
            if let Some(dropped) = self.dropped[queue as usize].take(turn.clocks.now) {
                self.tell_dropped_of(turn, queue, dropped);
            }
        }
    }

    fn tell_dropped_of(&mut self, turn: &mut Turn<'_>, queue: Queue, dropped: i64) {
        tracing::warn!("{} limit reached, dropping {dropped} requests", queue.name());
        let Some(system) = self.system_account() else { return };
        let subject = EventSubject::of_server(EventKind::ApiLimitReached);
        turn.tell(system, subject, |turn, event: ApiLimitReached| ApiLimitReached {
            server: turn.config.server_name.clone(),
            domain: turn.config.domain.clone(),
            dropped,
            ..event
        });
    }
}
