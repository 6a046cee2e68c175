//! What systemd is told of the server, where it started it with `Type=notify` (sd_notify(3)).

use std::io;

use sd_notify::NotifyState;

/// The server takes connections, or goes on as it was told to anew.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The server reads its configuration again.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => not_told(&error),
    }
}

/// The server ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        not_told(&error);
    }
}

fn not_told(error: &io::Error) {
    tracing::warn!("Could not tell systemd of the state of the server: {error}");
}
