//! A client of NATS that answers what comes in by HTTP.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client;
use crate::frames;
use crate::inbox::Inbox;
use crate::server::Server;
use crate::stream::Stream;

/// How soon it sees that it is no longer wanted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const READ_BYTES: usize = 64 << 10;

/// One at work, on a thread of its own; its drop ends it.
pub(super) struct Responder {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Answers what is asked at `subject` with as much as was asked.
pub(super) fn start(server: &Server, subject: &str) -> Result<Responder> {
    let stream = client::open(&mut server.dialer(), &frames::subscribe(subject, None, "1"))?;
    stream.set_waits_max(LOOK_EVERY)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_over);
    let thread = thread::spawn(move || {
        if let Err(error) = answer(stream, &seen) {
            crate::output::note(format_args!("buster-bench: the responder: {error:#}"));
        }
    });
    Ok(Responder { is_over, thread: Some(thread) })
}

fn answer(mut stream: Stream, is_over: &AtomicBool) -> Result<()> {
    let (mut inbox, mut scratch, mut answers) = (Inbox::default(), vec![0; READ_BYTES], Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        inbox.read(&mut stream, &mut scratch, |message| {
            let reply = message.reply.context("a question without a reply subject")?;
            let reply = std::str::from_utf8(reply)?;
            answers.extend(frames::publish(reply, None, message.payload().len()));
            Ok(())
        })?;
        stream.write_all(&answers).context("answering")?;
        answers.clear();
    }
    Ok(())
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // A panic was printed when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
