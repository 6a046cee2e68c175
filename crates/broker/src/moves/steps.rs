//! The steps in which connections change places.

use conns::{ConnId, Time};
use fabric::{MoveStep, ShardId};

use crate::broker::Broker;
use crate::moved::{Moved, can_move};

use super::{Leaving, MOVED_CONNECTIONS_MAX, Pause};

/// Subscriptions of all connections that move at a time: the change of interest is one event for
/// the links. A connection with more than that stays where it is.
const MOVED_SUBSCRIPTIONS_MAX: usize = 4096;

/// The shard that lets others move connections.
const FIRST: ShardId = ShardId(0);

impl Broker {
    /// Lets connections leave for another shard. The caller stops reading from them
    /// ([`Self::wants_input`] turns false) and waiting for them to be writable, and calls
    /// [`Self::on_leaving_still`] when the kernel has nothing more to report of them. Returns whether
    /// any is to leave: none while others are on their way, when the server stops, or if the
    /// connections have too many subscriptions, or too long ones.
    pub fn begin_move(&mut self, ids: &[ConnId], to: ShardId) -> bool {
        if self.moves.leaving.is_some() || self.moves.stopping || to == self.config.shard {
            return false;
        }
        let mut leaving = Vec::new();
        let mut subscriptions = 0;
        for id in ids.iter().take(MOVED_CONNECTIONS_MAX) {
            let Some(client) = self.egress.clients.find(*id) else { continue };
            let all = subscriptions + client.subs.len();
            if client.is_ending() || client.leaving || client.stays || all > MOVED_SUBSCRIPTIONS_MAX {
                continue;
            }
            subscriptions = all;
            client.leaving = true;
            leaving.push(*id);
        }
        if leaving.is_empty() {
            return false;
        }
        self.moves.leaving = Some(Leaving { ids: leaving, to, asked: false });
        true
    }

    /// The connections that the caller has to let go of before they can leave; some may be closed by
    /// now.
    pub fn leaving(&self) -> &[ConnId] {
        match &self.moves.leaving {
            Some(leaving) if !leaving.asked => &leaving.ids,
            _ => &[],
        }
    }

    /// Whether the connection is about to leave.
    pub fn is_leaving(&self, id: ConnId) -> bool {
        self.egress.clients.peek(id).is_some_and(|client| client.leaving)
    }

    /// The kernel has nothing more to report of the connections that leave.
    pub fn on_leaving_still(&mut self, now: Time) {
        let Some(leaving) = self.moves.leaving.as_mut().filter(|leaving| !leaving.asked) else { return };
        leaving.asked = true;
        let to = leaving.to;
        self.tell(now, FIRST, MoveStep::Ask { to });
    }

    /// The server stops: from here on nothing is published, so that what was has left before the shard's last word,
    /// and no connection leaves. What clients sent and was not acted on yet never will be.
    pub fn on_stopping(&mut self) {
        self.moves.stopping = true;
        self.note_vacant();
        if let Some(peers) = &mut self.egress.peers {
            peers.control.stop();
            if let Some(branches) = &mut peers.branches {
                branches.control.stop();
            }
        }
        for id in self.turn.take_line() {
            self.hold_for_good(id);
        }
    }

    /// The shard that [`Self::hand_over`] would hand connections to now.
    pub fn hands_over_to(&mut self) -> Option<ShardId> {
        let pause = self.moves.pause.filter(|pause| pause.from == self.config.shard && !pause.moved)?;
        // What had its last message is not to be there any more when its connection leaves: nothing more comes that
        // could be the last of others.
        let heard_all = self.is_quiet_here(pause, None) && self.offers.is_empty() && !self.has_expired();
        // Ours has to be on its way: the connections must not overtake our messages.
        let said = self.mesh.link(pause.to).quiet_sent() == pause.epoch;
        (heard_all && said).then_some(pause.to)
    }

    /// Takes the connections that leave for the shard of [`Self::hands_over_to`], to be given to its
    /// [`Self::on_moved`] behind the batches that were taken for it before, even if there are none.
    /// The ids are void from here on.
    pub fn hand_over(&mut self, now: Time) -> Vec<(ConnId, Moved)> {
        let pause = self.moves.pause.expect("connections move during a pause");
        // The pause may be for connections that were called off after we asked. What we asked for since
        // is forgotten like all that was waiting.
        let leaving = self.moves.leaving.take_if(|leaving| leaving.asked && leaving.to == pause.to);
        assert!(!self.has_expired(), "connections are handed over when that was asked for");
        self.call_off();
        let mut moved = Vec::new();
        for id in leaving.map(|leaving| leaving.ids).unwrap_or_default() {
            let Some(client) = self.egress.clients.find(id) else { continue };
            client.leaving = false;
            if can_move(client) && !self.moves.stopping {
                client.votes.rest(now.since(Time::default()));
                moved.push((id, self.pack(id)));
            } else {
                self.stay(id);
            }
        }
        self.count_moved(moved.iter().filter(|(_, moved)| moved.is_counted()).count(), -1);
        self.note_moved();
        moved
    }

    /// Connections that another shard handed over. Returns their ids here, in the same order.
    pub fn on_moved(&mut self, moved: Vec<Moved>) -> Vec<ConnId> {
        let pause = self.moves.pause.expect("connections come during a pause only");
        assert!(pause.to == self.config.shard && !pause.moved, "connections come once, where they should");
        assert!(self.is_quiet_here(pause, None), "nothing is under way where connections come");
        self.count_moved(moved.iter().filter(|moved| moved.is_counted()).count(), 1);
        let ids = moved.into_iter().map(|moved| self.unpack(moved)).collect();
        self.note_moved();
        ids
    }

    fn count_moved(&mut self, count: usize, sign: i32) {
        self.count_connections(count as i32 * sign);
    }

    /// From when the round is confirmed all shards know of the change.
    fn note_moved(&mut self) {
        let round = self.mesh.open_round();
        let pause = self.moves.pause.as_mut().expect("connections move during a pause");
        (pause.moved, pause.round) = (true, Some(round));
    }

    // The steps.

    pub(crate) fn on_move_step(&mut self, now: Time, from: ShardId, step: MoveStep) {
        match step {
            MoveStep::Ask { to } => {
                self.moves.queue.waiting.push_back((from, to));
                self.start_next_move(now);
            }
            MoveStep::Pause { epoch, from, to } => {
                assert!(!self.moves.is_paused(), "one pause at a time");
                self.hold_line();
                self.moves.pause = Some(Pause { epoch, from, to, moved: false, round: None });
                self.sampling.forget();
                if from != self.config.shard {
                    self.call_off();
                }
                self.advance_move(now);
            }
            MoveStep::Done => {
                self.moves.queue.awaiting -= 1;
                if self.moves.queue.awaiting == 0 {
                    self.tell_all(now, MoveStep::Resume);
                    self.start_next_move(now);
                }
            }
            MoveStep::Resume => {
                self.moves.pause = None;
                self.tell_own_interest();
                self.moves.is_ending = true;
                self.go_on_after_pause(now);
            }
        }
    }

    /// Publishes what came during a pause that is over, as far as this turn goes. Then those who were held go on: one
    /// that came from another shard may have published it there.
    pub(crate) fn go_on_after_pause(&mut self, now: Time) {
        if !self.moves.is_ending() || self.has_responses_after_slice() {
            return;
        }
        self.moves.is_ending = false;
        for id in std::mem::take(&mut self.moves.held) {
            self.resume_after_pause(now, id);
        }
        self.egress.services.rouse();
    }

    /// Connections of this shard stay where they are: others move first, perhaps towards them.
    fn call_off(&mut self) {
        for id in self.moves.leaving.take().map(|leaving| leaving.ids).unwrap_or_default() {
            if let Some(client) = self.egress.clients.find(id) {
                client.leaving = false;
                self.stay(id);
            }
        }
    }

    fn start_next_move(&mut self, now: Time) {
        let queue = &mut self.moves.queue;
        if queue.awaiting > 0 {
            return;
        }
        let Some((from, to)) = queue.waiting.pop_front() else { return };
        queue.waiting.clear(); // The others call theirs off when they hear of this one.
        queue.epoch += 1;
        queue.awaiting = 2;
        let epoch = queue.epoch;
        self.note_vacant();
        self.tell_all(now, MoveStep::Pause { epoch, from, to });
    }

    /// Says and does what the pause has come to.
    pub(crate) fn advance_move(&mut self, now: Time) {
        let Some(pause) = self.moves.pause else { return };
        // An open offer may yet be sent to someone else.
        if self.offers.is_empty() {
            self.say_quiet(pause);
        }
        if let Some(round) = pause.round
            && self.mesh.confirmed() >= round
        {
            self.moves.pause = Some(Pause { round: None, ..pause });
            self.tell(now, FIRST, MoveStep::Done);
        }
    }

    /// Tells the two shards that they have all our messages. The one where connections go to says so
    /// last: when they come, nothing else may be under way to it.
    fn say_quiet(&mut self, pause: Pause) {
        let own = self.config.shard;
        if own != pause.to || self.is_quiet_here(pause, Some(pause.from)) {
            self.fall_quiet(pause.from, pause.epoch);
        }
        self.fall_quiet(pause.to, pause.epoch);
    }

    fn fall_quiet(&mut self, towards: ShardId, epoch: u64) {
        if towards != self.config.shard {
            self.mesh.link(towards).fall_quiet(epoch);
        }
    }

    /// Whether no message is under way to this shard, those of `but` aside.
    fn is_quiet_here(&self, pause: Pause, but: Option<ShardId>) -> bool {
        let mut others = self.mesh.others().filter(|other| Some(*other) != but);
        others.all(|other| self.moves.quiet[other.index()] >= pause.epoch)
    }

    fn tell_all(&mut self, now: Time, step: MoveStep) {
        for other in self.mesh.others() {
            self.mesh.link(other).push_move(step);
        }
        self.on_move_step(now, self.config.shard, step);
    }

    fn tell(&mut self, now: Time, shard: ShardId, step: MoveStep) {
        if shard == self.config.shard {
            self.on_move_step(now, shard, step);
        } else {
            self.mesh.link(shard).push_move(step);
        }
    }
}
