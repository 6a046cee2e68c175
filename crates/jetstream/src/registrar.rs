//! The shard that has the directory: it answers what is asked of all streams, gives names away, and has the shards that
//! have the streams do what changes them.

use std::collections::VecDeque;

use fabric::ShardId;
use js_proto::{
    AccountInfoAnswer, ApiAnswer, ApiError, RequestBody, RequestKind, StreamConfig, StreamConfigRequest,
    StreamCreateAnswer, StreamDeleteAnswer, StreamRestoreAnswer, StreamUpdateAnswer, errors, expect_empty,
};
use serde::Serialize;

use crate::account_purge::AccountPurges;
use crate::allowance::{Allowance, Reserved};
use crate::api::snapshots::config_to_restore;
use crate::api::streams::{check_new, config_to_create, config_to_update};
use crate::api::told::may_ask;
use crate::gathering::Gathering;
use crate::home::Home;
use crate::homes::Homes;
use crate::kin::Kin;
use crate::kinship::{self, Inherited};
use crate::letters::{Extent, NameState, Verdict, Word};
use crate::reports::Report;
use crate::request::Request;
use crate::requests::REQUEST_STEPS;
use crate::search::Searches;
use crate::step::Answer;
use crate::stream_directory::{Entry, StreamDirectory};
use crate::turn::Turn;

/// The directory, and what is done with it.
#[derive(Debug)]
pub(crate) struct Registrar {
    pub(crate) directory: StreamDirectory,
    shards: usize,
    /// How many have told what they found.
    begun: usize,
    /// Requests that came before all had.
    early: VecDeque<Request>,
    pub(crate) gathering: Gathering,
    pub(crate) searches: Searches,
    pub(crate) account_purges: AccountPurges,
}

/// What becomes of a request.
enum Course {
    Answer(Answer),
    /// The shard that has the stream, or is to have it, does it and answers.
    Order(ShardId, Verdict),
    /// The shard that has the stream answers.
    Pass(ShardId),
    /// It is looked which streams are meant.
    Search,
    /// All streams of an account go.
    PurgeAccount,
}

/// Whether requests of that kind are about the directory, or change what is in it.
pub(crate) fn is_of_directory(kind: RequestKind) -> bool {
    use RequestKind as Kind;
    matches!(
        kind,
        Kind::AccountInfo
            | Kind::StreamCreate
            | Kind::StreamUpdate
            | Kind::StreamDelete
            | Kind::StreamNames
            | Kind::StreamList
            | Kind::StreamRestore
            | Kind::AccountPurge
    )
}

impl Registrar {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            directory: StreamDirectory::new(shards),
            shards,
            begun: 0,
            early: VecDeque::new(),
            gathering: Gathering::default(),
            searches: Searches::new(),
            account_purges: AccountPurges::default(),
        }
    }

    /// Whether all shards have told what they found when they began.
    pub(crate) fn is_complete(&self) -> bool {
        self.begun == self.shards
    }

    /// One more has told.
    pub(crate) fn on_begun(&mut self, homes: &mut Homes, turn: &mut Turn<'_>) {
        self.begun += 1;
        if self.is_complete() {
            for request in std::mem::take(&mut self.early) {
                self.answer(homes, turn, request);
            }
        }
    }

    /// A request that no stream of this shard answers.
    pub(crate) fn on_request(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, request: Request) {
        if !homes.own().let_wait(&request) {
            return;
        }
        if self.is_complete() {
            self.answer(homes, turn, request);
        } else {
            self.early.push_back(request);
        }
    }

    /// The same, of another shard that does not have its stream.
    pub(crate) fn on_passed(
        &mut self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        request: Request,
        via: ShardId,
    ) {
        let entry = self.directory.find(request.account, request.stream());
        if entry.is_some_and(|entry| entry.shard == via && !entry.is_under_order()) {
            // Nobody has it.
            return homes.own().on_request(turn, request);
        }
        self.on_request(homes, turn, request);
    }

    /// What was done to a name has come to this, or it was found.
    pub(crate) fn on_report(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, at: ShardId, report: Report) {
        let Report { account, stream, state } = report;
        let known = self.directory.find(account, &stream);
        if known.is_some_and(|entry| entry.shard != at) && state != NameState::Gone {
            tracing::error!("JetStream: there are two streams '{stream}' of one account: one is left alone");
            return;
        }
        let was_there = known.is_some_and(Entry::is_made);
        let is_there = match state {
            NameState::There(_) => true,
            NameState::Gone => false,
            NameState::AsBefore => was_there,
        };
        let waited = self.directory.settle(account, &stream, at, state);
        if is_there != was_there {
            self.tell_takers(homes, turn, account, &stream, is_there);
        }
        for request in waited {
            self.answer(homes, turn, request);
        }
        self.note_purged(homes, turn, account, &stream);
    }

    /// Those who take messages from a stream hear that it is there, or gone.
    fn tell_takers(
        &self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        account: usize,
        origin: &str,
        is_there: bool,
    ) {
        for (stream, shard) in self.directory.takers_of(account, origin) {
            turn.spend(1);
            if shard == turn.shard {
                homes.on_origin(turn, account, &stream, origin, is_there);
            } else {
                let word = Word::Origin { name: origin.as_bytes(), is_there };
                turn.write_to(shard, account, stream.as_bytes(), &word);
            }
        }
    }

    /// Answers a request, or has that done.
    pub(crate) fn answer(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, request: Request) {
        let Some(request) = self.directory.wait(request) else { return };
        turn.spend(REQUEST_STEPS);
        match self.course(homes, turn, &request) {
            Course::Answer(answer) => homes.own().give(turn, &request, &answer),
            Course::Order(shard, verdict) => self.hand_over(homes, turn, shard, request, Some(verdict)),
            Course::Pass(shard) => self.hand_over(homes, turn, shard, request, None),
            Course::Search => self.search(homes, turn, request),
            Course::PurgeAccount => self.begin_account_purge(homes, turn, request),
        }
    }

    fn hand_over(
        &mut self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        shard: ShardId,
        request: Request,
        ordered: Option<Verdict>,
    ) {
        homes.own().account(request.account).end_request(&request);
        if shard == turn.shard {
            homes.take(turn, request, ordered);
        } else {
            turn.pass_on(shard, &request, ordered);
        }
    }

    fn course(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, request: &Request) -> Course {
        use RequestKind as Kind;
        let kind = request.asked().kind;
        let home = homes.own();
        match (home.account(request.account).is_system, kind) {
            (true, Kind::AccountPurge) => return Course::PurgeAccount,
            (true, kind) if kind != Kind::AccountInfo => return Course::Pass(turn.shard),
            _ => {}
        }
        if let Some(shard) = self.directory.restoring(request.account, request.stream()) {
            return being_restored(kind, shard);
        }
        match kind {
            Kind::AccountInfo => answered(self.account_info(home, turn, request)),
            Kind::StreamNames | Kind::StreamList => Course::Search,
            Kind::StreamCreate => or_refused::<StreamCreateAnswer>(self.create(home, turn, request)),
            Kind::StreamUpdate => or_refused::<StreamUpdateAnswer>(self.update(home, turn, request)),
            Kind::StreamDelete => or_refused::<StreamDeleteAnswer>(self.delete(home, request)),
            Kind::StreamRestore => or_refused::<StreamRestoreAnswer>(self.restore(home, turn, request)),
            _ => {
                let entry = self.directory.find(request.account, request.stream());
                Course::Pass(entry.map_or(turn.shard, |entry| entry.shard))
            }
        }
    }

    fn account_info(
        &self,
        home: &mut Home,
        turn: &Turn<'_>,
        request: &Request,
    ) -> Result<AccountInfoAnswer, ApiError> {
        may_ask(home, request)?;
        let account = request.account;
        let (count, reserved) = (self.directory.count(account), self.directory.reserved_by(account));
        let info = home.account(account).info(&turn.config.domain, count, reserved);
        Ok(AccountInfoAnswer { info: Some(info), ..AccountInfoAnswer::new() })
    }

    fn create(&mut self, home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<Course, ApiError> {
        may_ask(home, request)?;
        let account = request.account;
        let limits = home.account(account).limits().clone();
        let server = home.server();
        let allowance = |name: &str| self.allowance(account, name, &limits, server);
        let config = config_to_create(home, turn, request, |asked| {
            let allowance = allowance(&asked.name);
            allowance.check_count()?;
            allowance.check(asked)
        })?;
        let is_pedantic = config.mirror.is_some() && is_pedantic(turn, request);
        let kinship = self.kinship(turn, account, &config, is_pedantic)?;
        if let Some(entry) = self.directory.find(account, &config.name) {
            // Whether it is the same says who has it.
            return Ok(Course::Pass(entry.shard));
        }
        allowance(&config.name).check(&config)?;
        check_new(&config, turn)?;
        if self.directory.is_taken(account, &config.subjects, &config.name) {
            return Err(errors::STREAM_SUBJECT_OVERLAP.error());
        }
        let shard = self.directory.emptiest();
        self.directory.begin(account, &config.name, shard, extent_of(&config));
        Ok(Course::Order(shard, Verdict { mirror_direct: kinship.mirror_direct, ..Verdict::default() }))
    }

    fn restore(&mut self, home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<Course, ApiError> {
        let config = config_to_restore(home, turn, request)?;
        let account = request.account;
        let (limits, server) = (home.account(account).limits().clone(), home.server());
        let allowance = self.allowance(account, &config.name, &limits, server);
        allowance.check_count()?;
        allowance.check(&config)?;
        if self.directory.find(account, &config.name).is_some() {
            return Err(errors::STREAM_NAME_EXIST_RESTORE_FAILED.error());
        }
        if self.directory.is_taken(account, &config.subjects, &config.name) {
            return Err(errors::STREAM_SUBJECT_OVERLAP.error());
        }
        let shard = self.directory.emptiest();
        self.directory.begin_restore(account, &config.name, shard, extent_of(&config));
        Ok(Course::Order(shard, Verdict::default()))
    }

    /// Whether a stream goes with those that it takes messages from.
    fn kinship(
        &self,
        turn: &Turn<'_>,
        account: usize,
        config: &StreamConfig,
        is_pedantic: bool,
    ) -> Result<Inherited, ApiError> {
        let imports = turn.broker.settings().directory.account(account).service_imports();
        let (domain, imported) = (&turn.config.domain, |subject: &[u8]| imports.take(subject));
        kinship::check(&self.directory, account, config, domain, &imported, is_pedantic)
    }

    /// What there is to be had for a stream of that name in an account.
    fn allowance<'l>(
        &self,
        account: usize,
        stream: &str,
        limits: &'l js_proto::JetStreamLimits,
        server: Reserved,
    ) -> Allowance<'l> {
        let own = self.directory.find(account, stream).map(|entry| entry.extent.reserved);
        Allowance {
            limits,
            of_account: self.directory.reserved_by(account).minus(own.unwrap_or_default()),
            streams: self.directory.count(account) - usize::from(own.is_some()),
            server,
            of_server: self.directory.reserved(),
        }
    }

    fn update(&mut self, home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<Course, ApiError> {
        may_ask(home, request)?;
        let (asked, new, _) = config_to_update(home, turn, request)?;
        let account = request.account;
        let kinship = self.kinship(turn, account, &new, asked.pedantic);
        let entry = self.directory.find(account, &new.name);
        let entry = entry.ok_or_else(|| errors::STREAM_NOT_FOUND.error())?;
        let (shard, had) = (entry.shard, entry.extent.reserved);
        let server = home.server();
        let allowance = self.allowance(account, &new.name, home.account(account).limits(), server);
        let verdict = Verdict {
            room: allowance.check_change(had, &new).err(),
            overlaps: self.directory.is_taken(account, &new.subjects, &new.name),
            mirror_direct: kinship.as_ref().ok().and_then(|kinship| kinship.mirror_direct),
            unfit: kinship.err(),
        };
        let more = verdict.is_good().then(|| extent_of(&new));
        self.directory.order(account, &new.name, more);
        Ok(Course::Order(shard, verdict))
    }

    fn delete(&mut self, home: &mut Home, request: &Request) -> Result<Course, ApiError> {
        may_ask(home, request)?;
        expect_empty(&request.body)?;
        let (account, stream) = (request.account, request.stream());
        let entry = self.directory.find(account, stream);
        let shard = entry.ok_or_else(|| errors::STREAM_NOT_FOUND.error())?.shard;
        self.directory.order(account, stream, None);
        Ok(Course::Order(shard, Verdict::default()))
    }
}

/// What is asked of a stream that is not whole: there is none, but its name is taken. What its shard says to everything else.
fn being_restored(kind: RequestKind, shard: ShardId) -> Course {
    use RequestKind as Kind;
    match kind {
        Kind::StreamCreate => answered::<StreamCreateAnswer>(Err(errors::STREAM_NAME_EXIST.error())),
        Kind::StreamRestore => {
            answered::<StreamRestoreAnswer>(Err(errors::STREAM_NAME_EXIST_RESTORE_FAILED.error()))
        }
        Kind::StreamUpdate => answered::<StreamUpdateAnswer>(Err(errors::STREAM_NOT_FOUND.error())),
        Kind::StreamDelete => answered::<StreamDeleteAnswer>(Err(errors::STREAM_NOT_FOUND.error())),
        _ => Course::Pass(shard),
    }
}

fn extent_of(config: &StreamConfig) -> Extent {
    Extent { subjects: config.subjects.clone(), reserved: Reserved::by(config), kin: Kin::of(config) }
}

/// Whether a request to make a stream, which was read before, refuses what would have to be mended.
fn is_pedantic(turn: &Turn<'_>, request: &Request) -> bool {
    StreamConfigRequest::read(&request.body, turn.config.unknown_fields).is_ok_and(|asked| asked.pedantic)
}

fn answered<A: ApiAnswer + Serialize>(answer: Result<A, ApiError>) -> Course {
    Course::Answer(Answer::of(answer))
}

fn or_refused<A: ApiAnswer + Serialize>(course: Result<Course, ApiError>) -> Course {
    course.unwrap_or_else(|error| answered::<A>(Err(error)))
}
