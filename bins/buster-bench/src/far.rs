//! Two servers with a route between them: when one knows what the other's clients want.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::client::{self, Dialer};
use crate::frames;

/// A route may have to be dialed again, and a million subscriptions told before.
const INTEREST_WAIT_MAX: Duration = Duration::from_secs(120);

const SUBJECT: &str = "_bench.far";

/// Subscribes at `far` and publishes at `near` until a message comes through. What is told of one account is told in
/// order, so all subscriptions of before are known then.
pub(crate) fn await_interest(near: &mut Dialer, far: &mut Dialer) -> Result<()> {
    let mut subscriber = client::open(far, format!("SUB {SUBJECT} 1\r\n").as_bytes())?;
    let mut publisher = client::open(near, b"")?;
    let message = frames::publish(SUBJECT, None, 0);
    let give_up_at = Instant::now() + INTEREST_WAIT_MAX;
    loop {
        publisher.write_all(&message)?;
        client::await_pong(&mut publisher)?;
        if client::await_pong(&mut subscriber)? > 0 {
            return Ok(());
        }
        ensure!(Instant::now() < give_up_at, "nothing comes through from one server to the other");
        std::thread::sleep(Duration::from_millis(5));
    }
}
