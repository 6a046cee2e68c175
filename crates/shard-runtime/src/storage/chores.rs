//! The threads that make files, and seal, sync and take them away, for all logs.

use std::sync::mpsc::Receiver;

use stream_log::{Answer, Request};

use super::Job;

/// What the system calls the threads.
pub(super) const NAME: &str = "log chores";

/// Chores that may wait: files to be sealed, and those that starts find to be synced and taken away, which go out at once
/// and are as many as there are segments.
pub(super) const CHORES_MAX: usize = 1 << 16;

/// Does chores until nobody asks any more.
pub(super) fn run(jobs: &Receiver<Job<Request>>) {
    while let Ok(Job { what, files, tell }) = jobs.recv() {
        let answer = match what {
            Request::Make(make) => Answer::Made(make.number, files.make(make)),
            Request::Seal(seal) => Answer::Sealed(seal.number, files.seal(&seal)),
            Request::Sync(number) => Answer::Synced(number, files.sync(number)),
            Request::Remove(number) => Answer::Removed(number, files.remove(number)),
            Request::Read(span) => Answer::Read(span, files.read(span)),
            Request::Write(_) => unreachable!("writes have a thread of their own"),
        };
        tell(answer);
    }
}
