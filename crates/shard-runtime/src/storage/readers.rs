//! The threads that read, for all logs.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use stream_log::{Answer, Span};

use super::Job;

/// What the system calls the threads.
pub(super) const NAME: &str = "log reader";

/// How many there are: what a disk does at the same time without any of it taking longer, about.
pub(super) const READERS: usize = 4;

/// Reads until nobody asks any more.
pub(super) fn run(jobs: &Arc<Mutex<Receiver<Job<Span>>>>) {
    loop {
        let next = jobs.lock().expect("nothing panics while a job is taken").recv();
        let Ok(Job { what: span, files, tell }) = next else { return };
        tell(Answer::Read(span, files.read(span)));
    }
}
