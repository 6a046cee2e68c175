//! The services of the shard, and when they have their turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use conns::Time;
use jetstream::JetStream;
use log_format::Item;
use monitor::Moment;
use stream_log::{Answer, Log};

use crate::event::RunStreams;
use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    /// Has the shard keep streams: all shards of the server alike, before anything else happens on them. The seed is
    /// another one at each start.
    pub fn open_jetstream(&mut self, config: Arc<jetstream::Config>, seed: u64) {
        let shards = self.others.len() + 1;
        self.jetstream = Some(JetStream::open(&mut self.broker, self.shard, shards, config, seed));
    }

    /// Takes records of a log, which is being found again: all of them, before [`Self::resume_log`].
    pub fn replay(&mut self, item: Item<'_>) {
        if let Some(jetstream) = &mut self.jetstream {
            jetstream.replay(item);
        }
    }

    /// JetStream goes on with the log of that number whose records it was told, before anything else happens on the shard.
    /// The shard's own has its number; it may have others beside.
    ///
    /// # Errors
    /// There is something in it that this server cannot act on.
    pub fn resume_log(&mut self, now: Time, wall: Moment, number: u32, log: Log) -> Result<(), String> {
        let Some(jetstream) = &mut self.jetstream else { return Ok(()) };
        jetstream.resume(&mut self.broker, now, wall, number, log)
    }

    /// Whether clients may come: what there was at the start is known on all shards. To be asked on the first one.
    #[inline]
    pub fn may_accept(&self) -> bool {
        self.jetstream.as_ref().is_none_or(JetStream::is_complete)
    }

    /// Lets services act on what they got. What they publish leaves with the rest of the turn.
    #[inline]
    pub(crate) fn serve_services(&mut self, shell: &mut S, now: Time) {
        if self.services_have_work() {
            self.look_after_services(shell, now);
        }
    }

    #[inline]
    pub(crate) fn services_have_work(&self) -> bool {
        self.broker.services_have_news()
            || self.system.has_work_left()
            || self.jetstream.as_ref().is_some_and(JetStream::has_work_left)
    }

    /// Apart, so that a turn without any pays for three comparisons.
    #[cold]
    fn look_after_services(&mut self, shell: &mut S, now: Time) {
        self.broker.take_ready_services(&mut self.ready_services);
        shell.on_services_ready(&self.ready_services);
        self.system.on_turn(&mut self.broker, shell.wall_clock());
        for inquiry in self.system.take_inquiries() {
            shell.inquire(inquiry);
        }
        if let Some(jetstream) = &mut self.jetstream {
            jetstream.on_turn(&mut self.broker, now, shell.wall_clock());
            while let Some((log, request)) = jetstream.take_request() {
                if let Some(answer) = shell.store(log, request) {
                    jetstream.on_answer(log, answer);
                }
            }
        }
    }

    /// Has something run on the shard's streams, if there may be any.
    pub(crate) fn run_on_streams(&mut self, shell: &S, now: Time, run: RunStreams) {
        if let Some(jetstream) = &mut self.jetstream {
            run(jetstream, &mut self.broker, now, shell.wall_clock());
        }
    }

    /// Whether there is no log, or all came to a clean stop.
    pub fn has_log_stopped(&self) -> bool {
        self.jetstream.as_ref().is_none_or(JetStream::has_stopped)
    }

    /// Of each log, where its segments end.
    pub fn log_ends(&self) -> Vec<(u32, BTreeMap<u32, u32>)> {
        self.jetstream.as_ref().map_or_else(Vec::new, JetStream::log_ends)
    }

    /// Something that JetStream asked for is done with a log.
    pub(crate) fn on_stored(&mut self, log: u32, answer: Answer) {
        if let Some(jetstream) = &mut self.jetstream {
            jetstream.on_answer(log, answer);
        }
    }

    /// When JetStream has something to do.
    pub(crate) fn jetstream_deadline(&self) -> Option<Time> {
        self.jetstream.as_ref()?.next_deadline()
    }
}
