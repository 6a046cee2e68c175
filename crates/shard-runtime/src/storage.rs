//! Where logs are kept: the store directory, and the threads that do what logs ask for.
//!
//! A shard hands over requests and goes on; what came of them reaches it as orders. Writes of a log have a thread of their
//! own, which does one after the other. Reads go to a few threads, files are made on another one and sealed on one more:
//! those serve all logs. Nothing here decides; what a log may ask for at a time is bounded by the log.

mod chores;
mod encrypted;
mod files;
mod folder;
mod hot;
mod inspection;
mod keys;
mod meter;
mod overwriting;
mod readers;
mod store;
mod store_keys;
mod threads;
mod writer;
mod zeros;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use stream_log::{Answer, Request, Span, Write};

use self::files::LogFiles;
use self::hot::HotFiles;

pub use self::folder::StoreError;
pub use self::inspection::Inspection;
pub use self::meter::Meter;
pub use self::store::Store;

/// Told what came of a request, on the thread that did it.
pub type Tell = Arc<dyn Fn(Answer) + Send + Sync>;

/// The threads of one log, as its shard sees them. They end once this is dropped and they have done what they do.
pub struct Storage {
    files: Arc<LogFiles>,
    hot: HotFiles,
    tell: Tell,
    writes: SyncSender<Write>,
    reads: SyncSender<Job<Span>>,
    chores: SyncSender<Job<Request>>,
    /// Files are made on a thread of their own: that takes long.
    makes: SyncSender<Job<Request>>,
}

/// Something to be done for one of several logs.
struct Job<T> {
    what: T,
    files: Arc<LogFiles>,
    tell: Tell,
}

impl Storage {
    /// Has a request carried out. Returns the answer if it could be had without waiting: nobody is told of it then.
    pub fn submit(&mut self, request: Request) -> Option<Answer> {
        match request {
            Request::Write(write) => send(&self.writes, write),
            Request::Read(span) => match self.hot.read(&self.files, span) {
                Some(bytes) => return Some(Answer::Read(span, Ok(bytes))),
                None => send(&self.reads, self.job(span)),
            },
            chore => {
                self.hot.on_chore(&chore);
                let to = if matches!(chore, Request::Make(_)) { &self.makes } else { &self.chores };
                send(to, self.job(chore));
            }
        }
        None
    }

    fn job<T>(&self, what: T) -> Job<T> {
        Job { what, files: Arc::clone(&self.files), tell: Arc::clone(&self.tell) }
    }
}

/// There is room for all that logs may ask for at a time, and the threads are there as long as somebody may ask. A shard
/// whose log waits for ever is worse than none.
fn send<T>(to: &SyncSender<T>, what: T) {
    let sent = to.try_send(what);
    assert!(sent.is_ok(), "a log asks for more than it may, or its threads are gone");
}

#[cfg(test)]
mod tests;
