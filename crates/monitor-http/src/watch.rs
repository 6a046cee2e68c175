//! Words on and on: one who watches.
//!
//! Nothing is queued for it. When something new is there it is told all that is new by then; one that is slow is told
//! less often, and more at a time, and what it is told is bounded by what is kept for all.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// How long one may take over what it was told last.
const STALL_TIME_MAX: Duration = Duration::from_secs(30);

/// What one who watches is told, and when there is more of it.
pub struct Watch {
    /// Changes when there is more; the end of it is the end.
    pub ticks: watch::Receiver<u64>,
    /// What is new since it was asked last. It must not wait.
    pub words: Box<dyn FnMut() -> String + Send>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// Begins to tell. It ends when nobody listens any more.
    pub(crate) fn tell(mut self) -> mpsc::Receiver<Bytes> {
        let (sender, told) = mpsc::channel(1);
        spawn_local(async move {
            loop {
                self.ticks.mark_unchanged();
                let words = (self.words)();
                if !words.is_empty()
                    && !matches!(timeout(STALL_TIME_MAX, sender.send(words.into())).await, Ok(Ok(())))
                {
                    return;
                }
                tokio::select! {
                    more = self.ticks.changed() => if more.is_err() { return },
                    () = sender.closed() => return,
                }
            }
        });
        told
    }
}
