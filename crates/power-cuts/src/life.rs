//! One disk, one server, and power that goes again and again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use brittle_disk::{BrittleDisk, Call, CutReport, Dice, DiskOptions, Rule, mount_or_say};
use test_kit::{Server, ServerBinary, ServerError, ServerOptions, Setup};

use crate::ledger::{Broken, Ledger};
use crate::life_report::LifeReport;
use crate::load::PUBLISHERS;
use crate::names::StreamKind;
use crate::order::Early;
use crate::publish::Unsettled;
use crate::requests::Requests;
use crate::round::{Round, Shared};
use crate::trouble::Trouble;
use crate::{check, order};

/// A round is over after at least and less than so many acknowledgements.
const ACKS_MIN: u64 = 100;
const ACKS_MAX: u64 = 1500;

/// What a sync takes longer than memory does, in microseconds: of a life one of these.
const SYNC_MICROS: [u64; 4] = [0, 0, 200, 1000];

/// How many shards it has after a restart: one of these.
const SHARDS: [u32; 4] = [1, 2, 3, 4];

/// Warnings of the server that are told after a restart.
const COMPLAINTS_MAX: usize = 5;

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SIGKILL, and the power goes with it.
    Cut,
    /// SIGKILL alone: what the kernel had stays.
    Kill,
}

/// What is tested.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Which server.
    pub binary: ServerBinary,
    /// On how many shards, on what.
    pub setup: Setup,
    /// What is loaded.
    pub stream: StreamKind,
    /// `sync_interval` of its configuration; `None` leaves the line out.
    pub sync_interval: Option<&'static str>,
    /// Further keys of its `jetstream`.
    pub more: &'static str,
    /// What a sync promises.
    pub rule: Rule,
    /// Whether the empty stream had time to become durable by itself, as half a minute gives it.
    pub settled: bool,
    /// What the disk does before each end, if anything.
    pub trouble: Option<Trouble>,
    /// How rounds end.
    pub ending: Ending,
}

/// What the server says where files are not what it wrote.
const FOUND_ROTTEN: &str = "JetStream found ";

/// Why there is nothing to test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No disk can be mounted, which was said.
    NoDisk,
    /// The server ended at its start with this log.
    NoServer(String),
}

/// A server on its disk.
#[derive(Debug)]
pub struct Life {
    /// Before the disk: a process must end before its disk does.
    server: Server,
    disk: BrittleDisk,
    shared: Shared,
    unsettled: [Unsettled; PUBLISHERS],
    dice: Dice,
    seed: u64,
    setup: Setup,
    stream: StreamKind,
    ending: Ending,
    trouble: Option<Trouble>,
    cuts: Vec<CutReport>,
    /// Promises that were broken up to the last restart.
    broken: u64,
    complaints: Vec<String>,
}

impl Life {
    /// Starts a server on an empty disk, with its stream and its consumer.
    ///
    /// # Errors
    ///
    /// [`Refusal`] when the disk or the server cannot be had.
    ///
    /// # Panics
    ///
    /// When the server starts and refuses the stream.
    pub fn begin(tested: &Tested, seed: u64) -> Result<Self, Refusal> {
        let mut dice = Dice::new(seed);
        let options = DiskOptions { rule: tested.rule, ..DiskOptions::default() };
        let disk = mount_or_say("what outlives a cut of the power", options).ok_or(Refusal::NoDisk)?;
        disk.set_sync_delay(Duration::from_micros(dice.choose(&SYNC_MICROS)));
        let server = start(tested, &disk)?;
        check::create(server.addr(), tested.stream, dice.below(tested.setup.shards.max(1).into()));
        if tested.settled {
            disk.disk().settle();
        }
        let Tested { setup, stream, ending, trouble, .. } = *tested;
        let (shared, unsettled): (Shared, _) = Default::default();
        if stream == StreamKind::Asynchronous {
            *shared.ledger() = Ledger::of_an_asynchronous_stream();
        }
        let (cuts, complaints) = (Vec::new(), Vec::new());
        Ok(Self {
            server,
            disk,
            shared,
            unsettled,
            dice,
            seed,
            setup,
            stream,
            ending,
            trouble,
            cuts,
            broken: 0,
            complaints,
        })
    }

    /// Rounds of load, death and restart. Ends early with a server that does not start any more.
    ///
    /// # Panics
    ///
    /// When the server hangs or answers what cannot be understood.
    pub fn live(mut self, rounds: u64) -> LifeReport {
        for round in 0..rounds {
            let name = format!("s{}r{round}", self.seed);
            self.load(&name);
            if self.ending == Ending::Cut {
                let cut = self.disk.cut(self.dice.roll()).expect("the server was killed");
                self.cuts.push(cut);
            }
            let shards = self.dice.choose(&SHARDS);
            if let Err(error) = self.server.restart_on(Setup { shards, ..self.setup }) {
                self.shared.ledger().note(Broken::NoStart, error.to_string());
                break;
            }
            let dice = Dice::new(self.dice.roll());
            let checked = check::check(&self.shared, self.stream, self.server.addr(), &name, dice);
            if let Some(found) = self.server.log().text().lines().find(|line| line.contains(FOUND_ROTTEN)) {
                self.shared.ledger().note(Broken::Rotten, found.to_owned());
            }
            self.hear_complaints();
            assert!(checked.is_ok(), "seed {}: it ended: {}", self.seed, self.server.log().text());
        }
        self.report()
    }

    /// Which of these answers leave before the sync that covers them, while nothing else is asked.
    ///
    /// # Panics
    ///
    /// When the server answers something else, or other connections have to wait for the disk.
    #[must_use]
    pub fn early_answers(self, of: &[Early]) -> Vec<Early> {
        let mut requests = Requests::connect(self.server.addr(), "order");
        order::early_answers(&self.disk, &mut requests, of)
    }

    fn load(&mut self, name: &str) {
        let Self { server, shared, unsettled, dice, disk, trouble, .. } = self;
        let may_refuse = trouble.is_some();
        let has_batches = self.stream == StreamKind::WithBatches;
        let acks = ACKS_MIN + dice.below(ACKS_MAX - ACKS_MIN);
        let round =
            Round { shared, addr: server.addr(), name: name.to_owned(), acks, may_refuse, has_batches };
        let mut client = server.connect();
        let got_there = round.run(dice, unsettled, || {
            let strike = || trouble.iter().for_each(|trouble| trouble.strike(disk, &mut client));
            // Whatever comes of it, the clients go on until the server is gone.
            let struck = catch_unwind(AssertUnwindSafe(strike));
            server.kill().expect("a child can be killed");
            struck.unwrap_or_else(|panic| resume_unwind(panic));
        });
        if let Some(trouble) = trouble {
            trouble.end(disk);
        }
        assert!(got_there, "seed {}: it acknowledges nothing: {}", self.seed, server.log().text());
    }

    /// What the server said itself of what was found after this restart.
    fn hear_complaints(&mut self) {
        let broken: u64 = self.shared.ledger().broken().values().sum();
        if broken > self.broken {
            let text = self.server.log().text();
            let lines = text.lines().filter(|line| line.contains("[WRN]") || line.contains("[ERR]"));
            self.complaints.extend(lines.take(COMPLAINTS_MAX).map(str::to_owned));
        }
        self.broken = broken;
    }

    fn report(self) -> LifeReport {
        let ledger = self.shared.ledger();
        let counts = self.disk.disk().counts();
        LifeReport {
            acks: ledger.acks(),
            taken_back: ledger.taken_back(),
            confirmations: ledger.confirmations(),
            syncs: counts.of(Call::Sync) + counts.of(Call::SyncFolder),
            cuts: self.cuts.clone(),
            broken: ledger.broken().clone(),
            complaints: self.complaints.clone(),
            examples: ledger.examples().to_vec(),
        }
    }
}

/// The server with its store on the disk.
///
/// # Errors
///
/// [`Refusal::NoServer`] when it ends at its start.
fn start(tested: &Tested, disk: &BrittleDisk) -> Result<Server, Refusal> {
    let sync = tested.sync_interval.map(|text| format!("sync_interval: {text}")).unwrap_or_default();
    let store = disk.path().join("store");
    let config = format!("jetstream {{ store_dir: \"{}\"\n {sync}\n {} }}\n", store.display(), tested.more);
    let options = ServerOptions {
        binary: Some(tested.binary.clone()),
        setup: tested.setup,
        config: Some(config),
        ..ServerOptions::default()
    };
    match Server::start(options) {
        Ok(server) => Ok(server),
        Err(ServerError::EndedEarly { log, .. }) => Err(Refusal::NoServer(log)),
        Err(other) => panic!("{other}"),
    }
}
