//! Who is served next, and who is heard in between.

use conns::Time;

use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    /// Serves those who stand in line, round by round, until nobody does or the turn has become long. Who says
    /// something meanwhile is heard between two shares. What other shards had sent before something in line was received
    /// is taken before that is served.
    pub(crate) fn serve_line(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.flush_prompt(shell, now)?;
        while self.opens_line(shell, now)? && self.broker.begin_round() {
            if !self.serve_round(shell, now)? {
                break;
            }
        }
        Ok(())
    }

    /// Serves those who have yet to come in this round. Returns whether that was all of it.
    fn serve_round(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        while let Some(id) = self.broker.next_in_line() {
            self.serve(shell, now, id);
            shell.on_served(&self.broker, id);
            self.heed_frames(shell, now)?;
            self.receive_from_resumed(shell)?;
            self.flush_if_much(shell, now)?;
            if self.broker.is_turn_long() {
                return Ok(false);
            }
            self.hear(shell, now)?;
            if !self.opens_line(shell, now)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Serves those who stand in line once, in the middle of a batch: who has yet to come in it is not to wait for
    /// more than a round.
    pub(crate) fn serve_line_once(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.flush_prompt(shell, now)?;
        if self.opens_line(shell, now)? {
            if !std::mem::replace(&mut self.is_round_had, true) {
                self.broker.begin_round();
            }
            self.serve_round(shell, now)?;
        }
        Ok(())
    }

    /// Goes on with who sent a lot while there is more of it, up to the length of a turn: the more output there
    /// is for a reader, the cheaper it is to send.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn receive_more(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        while self.received_bytes >= S::MEASURES.much_bytes
            && !self.is_taking_in
            && !self.broker.is_turn_long()
            && (self.has_parcels(shell) || shell.poll()?)
        {
            self.take_in_more(shell, now)?;
            self.serve_line(shell, now)?;
            self.receive_from_resumed(shell)?;
        }
        Ok(())
    }

    /// Takes in what came meanwhile, while there is other work. Returns whether there was anything.
    pub(crate) fn hear(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        let is_any = !self.is_taking_in && (self.has_parcels(shell) || shell.glance()?);
        if is_any {
            self.take_in_more(shell, now)?;
        }
        Ok(is_any)
    }

    fn take_in_more(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.take_events(shell, now)?;
        self.offload(shell)?;
        self.flush_prompt(shell, now)
    }

    /// What someone who said little has caused does not wait for all that others cause in this turn.
    pub(crate) fn note_prompt(&mut self, dirty_before: usize, steps_before: u64) {
        let is_crowded = self.is_flushing || self.broker.is_anyone_in_line();
        if is_crowded && self.broker.turn_steps() - steps_before <= S::MEASURES.little_steps {
            self.broker.take_dirty_after(dirty_before, &mut self.prompt);
        }
    }

    /// Whether other threads have something for this shard. To look for work may take the wake-up that came with it.
    pub fn has_news(&self, shell: &S) -> bool {
        shell.has_orders() || self.has_parcels(shell)
    }
}
