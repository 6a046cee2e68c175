//! What schedules publish, into their own stream.

use streams::{Effect, Fired};

use crate::disk::Disk;
use crate::home::Home;
use crate::publishes::PUBLISH_STEPS;
use crate::room::Room;
use crate::slot::Slot;
use crate::surroundings::decide;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What became of a schedule that is to be kept.
enum Kept {
    /// Its message was appended.
    Yes,
    /// There is none.
    No,
    /// Its message is read first.
    Reads,
    /// The log does not take its message.
    Later,
}

impl Home {
    /// Has a stream publish what is due, as far as the turn goes. Says whether the log took it.
    pub(crate) fn keep_schedules(&mut self, turn: &mut Turn<'_>, id: StreamId) -> bool {
        let mut effects = Vec::new();
        while turn.may_go_on() {
            let room = self.room(id);
            let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_busy()) else { return true };
            match slot.keep_schedule(turn, &mut self.disk, &room, &mut effects) {
                Kept::Yes => self.carry_out(turn, id, &mut effects),
                Kept::No => return true,
                Kept::Reads => {
                    self.reading_schedules.push(id);
                    return true;
                }
                Kept::Later => return false,
            }
        }
        true
    }

    /// Something was read: streams look again that waited for that.
    pub(crate) fn resume_schedules(&mut self) {
        for id in std::mem::take(&mut self.reading_schedules) {
            if let Some(slot) = self.streams.get_mut(&id) {
                slot.stream.on_read();
                self.settle(id);
            }
        }
    }
}

impl Slot {
    fn keep_schedule(
        &mut self,
        turn: &mut Turn<'_>,
        disk: &mut Option<Disk>,
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Kept {
        let messages = (&self.medium, &mut *disk);
        let (stream, now) = (&mut self.stream, turn.clocks.wall.0);
        let fired = decide(turn, room, &self.consumers, messages, |around| stream.fire(now, around));
        match fired {
            Fired::Append(record) => {
                let bytes = record.header.len() + record.payload.len();
                turn.spend(2 * PUBLISH_STEPS + (bytes >> 8) as u64);
                // Whatever kept it out, it is tried again.
                let Ok(place) = self.medium.append(disk.as_mut(), self.id.0, &record) else {
                    return Kept::Later;
                };
                self.stream.on_appended(place, None);
                self.after_append(disk.as_mut(), effects);
                Kept::Yes
            }
            Fired::Reads => Kept::Reads,
            Fired::Nothing => Kept::No,
        }
    }
}
