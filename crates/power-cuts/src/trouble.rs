//! A disk that fails before the server dies.

use std::thread;
use std::time::{Duration, Instant};

use brittle_disk::{BrittleDisk, Call, Disk, Fault};
use test_kit::RawClient;

/// A disk that is asked for nothing for so long is a server that hangs.
const HANG: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Round trips after the first call that failed: time to acknowledge what is not there. Of a server that takes a
/// failure for final no second one comes.
const ROUND_TRIPS: u32 = 20;

/// Room after the trouble.
const ROOM: u64 = 4 << 30;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room for anything new.
    Full,
    /// Every write fails.
    Writes,
    /// Every sync fails.
    Syncs,
}

impl Trouble {
    /// Lets it happen until the server has met it, or is gone.
    pub(crate) fn strike(self, disk: &BrittleDisk, client: &mut RawClient) {
        self.set(&mut disk.disk(), u64::MAX);
        let start = Instant::now();
        let failed = |disk: &Disk| disk.counts().of(Call::WriteFailed) + disk.counts().of(Call::SyncFailed);
        let before = failed(&disk.disk());
        let mut round_trips = 0;
        while round_trips < ROUND_TRIPS && round_trip(client) && start.elapsed() < HANG {
            if failed(&disk.disk()) > before {
                round_trips += 1;
            }
            thread::sleep(PAUSE);
        }
    }

    /// It is over.
    pub(crate) fn end(self, disk: &BrittleDisk) {
        self.set(&mut disk.disk(), 0);
    }

    fn set(self, disk: &mut Disk, failures: u64) {
        match self {
            Self::Full => disk.set_capacity(if failures > 0 { 0 } else { ROOM }),
            Self::Writes => disk.fail(Fault::Write, 0, failures),
            Self::Syncs => disk.fail(Fault::Sync, 0, failures),
        }
    }
}

/// False when the server is gone: a server may end when its disk fails.
fn round_trip(client: &mut RawClient) -> bool {
    use test_kit::ServerOp;
    if client.try_send("PING\r\n").is_err() {
        return false;
    }
    loop {
        match client.next_op() {
            ServerOp::Pong => return true,
            ServerOp::Closed => return false,
            _ => {}
        }
    }
}
