//! JetStream on one shard, as a service of its broker.
//!
//! Every shard has streams. Which there are, and where, all shards know by their claims, and send what concerns a stream
//! to where it is. The first shard has the directory: it alone gives names away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, ServiceId};
use conns::Time;
use fabric::{Mailbox, ShardId};
use log_format::Item;
use monitor::Moment;
use stream_log::Log;

use crate::claims::{JetStreamClaims, asked_of_all};
use crate::config::Config;
use crate::home::Home;
use crate::homes::Homes;
use crate::letters::Word;
use crate::lost_mail::LostMail;
use crate::nuid::Nuid;
use crate::post::Post;
use crate::registrar::Registrar;
use crate::replay::Replay;
use crate::role::FIRST;
use crate::turn::{Clocks, Told, Turn};

/// How soon to look again whether all shards know what was found, if nobody says so.
const BEGIN_PAUSE: Duration = Duration::from_millis(20);

/// JetStream on a shard.
#[derive(Debug)]
pub struct JetStream {
    shard: ShardId,
    shards: usize,
    config: Arc<Config>,
    post: Post,
    nuid: Nuid,
    desk: Desk,
    beginning: Beginning,
    /// When to look again whether all shards know.
    look_again: Option<Time>,
    /// What was taken from the broker.
    mailbox: Mailbox,
    /// Something is due.
    is_due: bool,
    /// There are letters, and those whom they are for have to wait until more is safe.
    is_congested: bool,
    /// Steps of the last turn.
    spent: u64,
    /// What was found in the log so far.
    replay: Option<Box<Replay>>,
    lost_mail: LostMail,
}

/// Who acts on letters.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) homes: Homes,
    /// Where the directory is.
    pub(crate) registrar: Option<Registrar>,
    /// It was said that the log takes nothing any more.
    pub(crate) has_told_failure: bool,
}

/// How far the shard is with telling the others what it found.
#[derive(Debug)]
enum Beginning {
    /// All of it was found, and nothing else was done.
    Found,
    /// The others have yet to hear of it.
    Telling(Told),
    Done,
}

impl JetStream {
    /// Steps after which a turn takes on nothing more. What it is at then it ends, which is little.
    pub const TURN_STEPS: u64 = crate::turn::TURN_STEPS_MAX;

    /// Opens the service: on every shard, in the same order among all. The seed has to be another one at each start.
    pub fn open(broker: &mut Broker, shard: ShardId, shards: usize, config: Arc<Config>, seed: u64) -> Self {
        let service = broker.open_service();
        broker.claim(service, Box::new(JetStreamClaims::new(shard, &config.domain)));
        broker.follow_traces(service);
        broker.inhabit();
        let asked = asked_of_all(&config, &broker.settings().directory);
        broker.advertise(service, asked);
        let own = Home::new(&config, &broker.settings().directory, shard.index() as u32);
        let registrar = (shard == FIRST).then(|| Registrar::new(shards));
        let nuid = Nuid::new(seed ^ u64::from(shard.0));
        Self {
            shard,
            shards,
            config,
            post: Post::new(service),
            nuid,
            desk: Desk { homes: Homes::new(own), registrar, has_told_failure: false },
            beginning: Beginning::Found,
            look_again: None,
            mailbox: Mailbox::default(),
            is_due: false,
            is_congested: false,
            spent: 0,
            replay: None,
            lost_mail: LostMail::default(),
        }
    }

    /// What there is of streams on this shard.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(crate) fn desk_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn set_config(&mut self, config: Arc<Config>) {
        self.config = config;
    }

    /// The service, as the broker knows it.
    pub fn service(&self) -> ServiceId {
        self.post.service()
    }

    /// Whether clients may come: all shards know what streams there are on all of them. To be asked on the first shard.
    #[inline]
    pub fn is_complete(&self) -> bool {
        self.desk.registrar.as_ref().is_none_or(Registrar::is_complete)
    }

    /// How many streams there are on this shard.
    pub fn streams(&self) -> usize {
        self.desk.homes.iter().map(|home| home.streams.len()).sum()
    }

    /// Acts on what came in and on what is due, as far as a turn may take.
    pub fn on_turn(&mut self, broker: &mut Broker, now: Time, wall: Moment) {
        self.post.go_on(broker);
        let (post, nuid, config) = (&mut self.post, &mut self.nuid, &self.config);
        let shard = (self.shard, self.shards);
        let mut turn = Turn::new(broker, post, nuid, config, shard, Clocks { now, wall });
        let desk = &mut self.desk;
        self.look_again = begin(&mut self.beginning, desk, &mut turn);
        let is_due = std::mem::take(&mut self.is_due);
        // What is safe, what comes in and what takes long: none keeps the others from their share.
        turn.share(3);
        for home in desk.homes.iter_mut() {
            (home.now, home.wall) = (now, wall.0);
            home.heed_clocks(&mut turn);
            // Ahead of those who ask for what a reload gave back.
            home.switch_some(&mut turn);
            home.tend_disk(&turn);
            home.scrub(&turn);
            home.heed_disk(&mut turn);
            home.answer_confirmed(&mut turn);
            home.heed_interest(&mut turn);
            home.heed_room(&turn);
            if is_due {
                home.on_deadlines(&mut turn);
            }
        }
        turn.share(2);
        self.is_congested = desk.take_mail(&mut turn, &mut self.mailbox);
        turn.share(1);
        desk.go_on_searching(&mut turn);
        desk.tell_all_asked(&mut turn);
        for home in desk.homes.iter_mut() {
            home.work(&mut turn);
            home.tell_dropped(&mut turn);
            home.save_consumers(&mut turn);
            home.stop_when_saved();
            home.tell_counts();
            home.time_streams(turn.clocks);
        }
        desk.send_reports(&mut turn);
        desk.homes.rotate();
        self.lost_mail.tell(&mut turn);
        self.spent = turn.spent;
    }

    /// Steps that the last turn took: what a turn may take bounds it, however much is asked for. Tests look at it.
    pub fn steps_spent(&self) -> u64 {
        self.spent
    }

    /// Takes records of a log that is being found again: all of them, in their order, before [`Self::resume`].
    pub fn replay(&mut self, item: Item<'_>) {
        self.replay.get_or_insert_with(|| Box::new(Replay::new())).take(item);
    }

    /// Goes on with the log of that number, whose records were replayed. Nothing is shown of them before the log says that
    /// they are safe. The shard's own log has its number; it may have others beside, which get no new streams. All of this
    /// comes before the first turn.
    ///
    /// # Errors
    /// There is something in it that this server cannot act on.
    pub fn resume(
        &mut self,
        broker: &mut Broker,
        now: Time,
        wall: Moment,
        number: u32,
        log: Log,
    ) -> Result<(), String> {
        let replay = self.replay.take().map_or_else(Replay::new, |replay| *replay).finish()?;
        let homes = &mut self.desk.homes;
        let home = if homes.own().log == number {
            homes.own()
        } else {
            let other = Home::new(&self.config, &broker.settings().directory, number);
            homes.push(other).ok_or("it is one log more than a shard can have")?
        };
        let (post, nuid, config) = (&mut self.post, &mut self.nuid, &self.config);
        let shard = (self.shard, self.shards);
        let mut turn = Turn::new(broker, post, nuid, config, shard, Clocks { now, wall });
        home.restore(&mut turn, log, replay);
        // Of all at once, which would be too much for the first turn.
        home.time_streams(turn.clocks);
        Ok(())
    }

    /// What is to be done with the files of a log. To be asked for after each turn, until there is nothing.
    pub fn take_request(&mut self) -> Option<(u32, stream_log::Request)> {
        self.desk.homes.iter_mut().find_map(|home| Some((home.log, home.disk.as_mut()?.take_request()?)))
    }

    /// What came of a request.
    pub fn on_answer(&mut self, log: u32, answer: stream_log::Answer) {
        if let Some(disk) = self.desk.homes.with_log(log).and_then(|home| home.disk.as_mut()) {
            disk.on_answer(answer);
        }
    }

    /// The server stops, and clients send no more: whoever waits for messages is told. What is said goes out with what
    /// was before, so this comes ahead of the last word to other shards.
    pub fn on_no_more_input(&mut self, broker: &mut Broker, now: Time, wall: Moment) {
        let (post, nuid, config) = (&mut self.post, &mut self.nuid, &self.config);
        let shard = (self.shard, self.shards);
        let mut turn = Turn::new(broker, post, nuid, config, shard, Clocks { now, wall });
        for home in self.desk.homes.iter_mut() {
            home.tell_stopping(&mut turn);
        }
    }

    /// Nothing more comes in: what there is in files comes to a clean stop.
    pub fn on_stopping(&mut self) {
        self.desk.homes.iter_mut().for_each(Home::begin_to_stop);
    }

    /// Whether that is done.
    pub fn has_stopped(&self) -> bool {
        self.desk.homes.iter().filter_map(|home| home.disk.as_ref()).all(|disk| disk.is_stopped())
    }

    /// Of each log, where its segments end: what a start has to find if they came to a clean stop.
    pub fn log_ends(&self) -> Vec<(u32, BTreeMap<u32, u32>)> {
        let with_log = self.desk.homes.iter().filter_map(|home| Some((home.log, home.disk.as_ref()?)));
        with_log.map(|(log, disk)| (log, disk.ends())).collect()
    }

    /// Notes that it is so late: whatever is due has its turn with the rest.
    #[inline]
    pub fn on_deadlines(&mut self, now: Time) {
        self.is_due |= self.next_deadline().is_some_and(|at| at <= now);
    }

    /// Whether another turn has something to do, even if nothing happens until then.
    #[inline]
    pub fn has_work_left(&self) -> bool {
        let has_mail = !self.mailbox.is_empty() && !self.is_congested;
        let has_begun = !matches!(self.beginning, Beginning::Found);
        let Desk { homes, .. } = &self.desk;
        let is_asked = self.desk.is_searching() || !homes.asked.is_empty();
        let have_work = || is_asked || homes.iter().any(Home::has_work_left);
        !self.post.is_full() && (self.is_due || has_mail || !has_begun || have_work())
    }

    /// When something is due.
    #[inline]
    pub fn next_deadline(&self) -> Option<Time> {
        let of_homes = self.desk.homes.iter().filter_map(Home::next_deadline).min();
        self.look_again.into_iter().chain(of_homes).min()
    }
}

/// Tells the shard with the directory which streams were found, and once all shards know, that this is all. Returns when to
/// look again.
fn begin(beginning: &mut Beginning, desk: &mut Desk, turn: &mut Turn<'_>) -> Option<Time> {
    if let Beginning::Found = beginning {
        desk.send_reports(turn);
        *beginning = Beginning::Telling(turn.told());
    }
    let Beginning::Telling(told) = beginning else { return None };
    if !turn.is_known(told) {
        return Some(turn.clocks.now + BEGIN_PAUSE);
    }
    *beginning = Beginning::Done;
    match &mut desk.registrar {
        Some(registrar) => registrar.on_begun(&mut desk.homes, turn),
        None => turn.write_to(FIRST, 0, b"ready", &Word::Ready),
    }
    None
}
