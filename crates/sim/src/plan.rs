//! What one run is like.

use broker::ForgedServices;
use fabric::{SHARDS_MAX, ShardId};
use shard_core::Forged;

use crate::asking::Asking;
use crate::random::{Random, Stream};
use crate::sharing::Sharing;

/// Subscriptions of one client, so that interest keeps coming and going.
pub(crate) const CLIENT_SUBS_MAX: usize = 6;

/// The same of a service.
pub(crate) const SERVICE_SUBS_MAX: usize = 4;

/// What a run is meant to bring out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Small messages and many changes of interest.
    Usual,
    /// Payloads so large that the links between shards fill up.
    Heavy,
    /// Readers so slow that the server cuts them off.
    SlowReaders,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The server goes on.
    GoesOn,
    /// It is told to stop in the middle of everything.
    Stop,
    /// The same once it has let its clients go.
    LameDuck,
}

/// The sizes and odds of one run. [`Plan::new`] draws them from the seed; all are free to change.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// What the run is meant to bring out.
    pub profile: Profile,
    /// Shards of the server.
    pub shards: usize,
    /// Clients over the whole run; not all are there at once.
    pub clients: usize,
    /// What each client does of its own accord, in steps.
    pub steps: u64,
    /// How many subjects there are. Few subjects make clients meet.
    pub subjects: usize,
    /// Largest payload in bytes.
    pub payload_max: usize,
    /// The server's `max_pending` in bytes.
    pub max_pending: usize,
    /// What a socket holds towards a client, in bytes.
    pub socket_bytes: usize,
    /// The slowest link's usual delay in nanoseconds.
    pub link_delay_max: u64,
    /// Whether batches arrive the moment they are sent, as they do in a server: clients may rely on more then.
    pub prompt_links: bool,
    /// The usual time between two turns of a shard in nanoseconds, at most.
    pub turn_gap_max: u64,
    /// What one direction between two shards holds.
    pub parcels_max: usize,
    /// Whether clients keep their subscriptions once they have some. To change them holds what all clients do.
    pub settles: bool,
    /// Whether clients use UNSUB with a maximum.
    pub limits: bool,
    /// In how many of a hundred cases a client leaves before the end.
    pub hangups: u64,
    /// Times that connections are told to change shards.
    pub moves: u64,
    /// Accounts that clients are in.
    pub accounts: usize,
    /// What they share.
    pub sharing: Sharing,
    /// How they answer what they ask each other.
    pub asking: Asking,
    /// Whether some clients may not have, or send, everything.
    pub permissions: bool,
    /// Subscriptions that some clients have beside those they use: they end with their connection.
    pub ballast: usize,
    /// Steps a turn may take for work that is too long for one ([`broker::Config::chore_steps`]).
    pub chore_steps: usize,
    /// Whether there is a service on each shard.
    pub services: bool,
    /// Whether services put off what they publish while somebody who gets it has a full mailbox.
    pub heeds_mail: bool,
    /// Whether TLS is on offer, so that connections are known to be plain by what their clients do first.
    pub offers_tls: bool,
    /// In how many of a hundred cases a client comes over a WebSocket.
    pub webs: u64,
    /// How it ends.
    pub ending: Ending,
    /// Takes the rule of shards without connections away: what a service needs to be told is held back all the same.
    /// The checks have to notice.
    pub forge_vacancy: bool,
    /// Takes the rule of the pause away: this shard counts as having sent its last message before it
    /// says so. No connections move from or to it. The checks have to notice.
    pub forge_quiet: Option<ShardId>,
    /// Takes rules away from services: the same one, or that a message under offer is their only one. The checks have
    /// to notice.
    pub forge_services: ForgedServices,
    /// Takes the ordering rule away: every interest round counts as confirmed the moment it is
    /// sent. The checks have to notice.
    pub forge_confirmations: bool,
    /// Takes away that shares end: who is served goes on while it has something to say. The checks have to notice.
    pub forge_shares: bool,
    /// Takes rules of the turn away. The checks have to notice.
    pub forge_turn: Forged,
}

impl Plan {
    /// Subscriptions that one message may go to, with those that had their last and are still to be taken out.
    pub(crate) fn fan_out_max(&self) -> u64 {
        const EXPIRED_MAX: usize = 1;
        // With those that leave, of which not all shards know yet.
        let of_service = if self.services { 4 * SERVICE_SUBS_MAX } else { 0 };
        // A border takes a step, beside those who are behind it.
        (self.clients * (CLIENT_SUBS_MAX + EXPIRED_MAX) + of_service + self.accounts) as u64
    }

    /// Times that a message may cross to the same shard: once in each account, and once more if a service there owns its
    /// subject.
    pub(crate) fn crossings_max(&self) -> usize {
        usize::from(self.services) + if self.asks() { self.accounts } else { 1 }
    }

    /// Whether clients ask across borders.
    pub(crate) fn asks(&self) -> bool {
        self.asking != Asking::Nothing && self.accounts > 1
    }

    /// The plan of a seed: one in sixteen is heavy, one in eight has slow readers, and in one in sixteen clients have
    /// more subscriptions than one part of the tables that they are kept in. One in 64 has sixteen shards, and one in
    /// 256 as many as there may be, each with a service. In one of four the server ends before
    /// its clients are done.
    pub fn new(seed: u64) -> Self {
        let profile = match seed % 16 {
            5 => Profile::Heavy,
            3 | 11 => Profile::SlowReaders,
            _ => Profile::Usual,
        };
        let plan = Self { ending: ending(seed), ..Self::of(seed, profile) };
        match seed {
            _ if seed % 16 == 7 => Self { ballast: 1500, ..plan },
            _ if seed % 256 == 30 => {
                Self { shards: SHARDS_MAX, services: true, moves: plan.moves.min(5), ..plan }
            }
            _ if seed % 64 == 14 => Self { shards: 16, services: true, clients: 20, ..plan },
            _ => plan,
        }
    }

    /// A plan of that profile.
    pub fn of(seed: u64, profile: Profile) -> Self {
        let mut random = Random::new(seed, Stream::Plan as u64);
        let usual = Self {
            seed,
            profile,
            shards: random.size(1, 4),
            clients: random.size(4, 14),
            steps: random.between(10, 50),
            subjects: *random.one_of(&[1, 3, 6, 16]),
            payload_max: *random.one_of(&[0, 40, 600]),
            max_pending: 64 << 20,
            socket_bytes: *random.one_of(&[100, 2000, 64 << 10]),
            link_delay_max: *random.one_of(&[20_000, 300_000, 3_000_000]),
            limits: random.chance(70),
            hangups: *random.one_of(&[0, 0, 20, 50]),
            moves: *random.one_of(&[0, 5, 30, 200]),
            accounts: *random.one_of(&[1, 1, 2, 3]),
            sharing: [Sharing::Nothing, Sharing::AsIs, Sharing::Renamed][(seed / 2 % 3) as usize],
            asking: [Asking::Once, Asking::Often, Asking::Nothing][(seed / 6 % 3) as usize],
            permissions: random.chance(40),
            ballast: *random.one_of(&[0, 0, 10, 60]),
            chore_steps: *random.one_of(&[1, 30, 100, 4096]),
            services: random.chance(60),
            heeds_mail: seed / 16 % 2 == 1,
            prompt_links: random.chance(30),
            turn_gap_max: 60_000,
            settles: false,
            parcels_max: *random.one_of(&[2, 16, 256]),
            offers_tls: random.chance(30),
            webs: *random.one_of(&[0, 0, 30, 100]),
            ending: Ending::GoesOn,
            forge_vacancy: false,
            forge_quiet: None,
            forge_services: ForgedServices::default(),
            forge_confirmations: false,
            forge_shares: false,
            forge_turn: Forged::default(),
        };
        match profile {
            Profile::Usual => usual,
            Profile::Heavy => Self {
                shards: usual.shards.max(2),
                clients: usual.clients.min(8),
                payload_max: 900 << 10,
                socket_bytes: 1 << 20,
                max_pending: 1 << 30,
                limits: false,
                hangups: 0,
                ..usual
            },
            Profile::SlowReaders => {
                Self { payload_max: 2000, max_pending: 40_000, socket_bytes: 2000, ..usual }
            }
        }
    }
}

/// One in sixteen is in lame duck mode; two in sixteen stop at once, and some of those with special profiles and of
/// those with many shards.
fn ending(seed: u64) -> Ending {
    match seed % 16 {
        1 => Ending::LameDuck,
        9 | 13 => Ending::Stop,
        3 | 5 | 7 | 14 if seed % 3 == 1 => Ending::Stop,
        _ => Ending::GoesOn,
    }
}
