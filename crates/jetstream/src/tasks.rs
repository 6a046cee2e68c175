//! What follows for consumers from what was done to their stream, where that is much: it goes on over several turns, and
//! until it is over the stream is busy.

use consumers::Consumer;
use stream_index::{Filter, Walk};

use crate::consumer_set::{ConsumerId, ConsumerKey};
use crate::home::Home;
use crate::slot::Slot;
use crate::task::{ASKED_PER_STEP, RELEASED_AT_ONCE, Task};
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What is done of a task at a time, in steps.
const TASK_STEPS_MAX: u64 = 4096;

/// What it costs to look at a consumer, in steps.
const CONSUMER_STEPS: u64 = 8;

impl Home {
    /// Does what there is to do, as far as the turn goes.
    pub(crate) fn do_tasks(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if std::mem::replace(&mut slot.is_at_a_task, true) {
            // What follows from a task comes when that is over.
            return;
        }
        self.do_some(turn, id);
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.is_at_a_task = false;
        }
        self.settle(id);
    }

    fn do_some(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        while turn.may_go_on()
            && let Some(slot) = self.streams.get_mut(&id)
            && !slot.stream.is_busy()
            && let Some(task) = slot.tasks.pop_front()
        {
            self.tasks -= 1;
            let left = match task {
                Task::Purged { subject, after, from, is_told } => {
                    self.tell_purged(turn, id, subject, (after, from, is_told))
                }
                Task::Sweep { from, up_to, of } => self.sweep_some(turn, id, from, up_to, of),
                Task::Tell { to, answer } => {
                    self.answer_waiter(turn, id, to, answer);
                    None
                }
            };
            if let (Some(task), Some(slot)) = (left, self.streams.get_mut(&id)) {
                slot.tasks.push_front(task);
                self.tasks += 1;
            }
        }
    }

    /// Adds something to do. It is begun with at once.
    pub(crate) fn add_task(&mut self, turn: &mut Turn<'_>, id: StreamId, task: Task) {
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.tasks.push_back(task);
            self.tasks += 1;
            self.do_tasks(turn, id);
        }
    }

    /// Tells a consumer, or a part of it. Returns what is left.
    fn tell_purged(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        subject: Option<Box<[u8]>>,
        (after, mut from, mut is_told): (Option<ConsumerId>, u64, bool),
    ) -> Option<Task> {
        let at = turn.moment();
        let slot = self.streams.get_mut(&id)?;
        let Slot { stream, consumers, .. } = slot;
        let (consumer, machine) = consumers.next_after(after)?;
        let mut steps = turn.take_steps_up_to(TASK_STEPS_MAX);
        let before = steps.left();
        if !is_told {
            is_told = machine.on_purged(&at, subject.as_deref(), stream.index(), &mut from, &mut steps);
        }
        if is_told && !machine.is_started() {
            // As long as it does not know what it needs others could let go of nothing.
            machine.settle(stream.index(), &mut steps);
        }
        let is_done = is_told && machine.is_started();
        turn.spend(u64::from(before - steps.left()) + CONSUMER_STEPS);
        if !is_done {
            return Some(Task::Purged { subject, after, from, is_told });
        }
        let key = ConsumerKey { stream: id, consumer };
        self.note_changed(key);
        self.time_consumer(key);
        self.line_up(key);
        Some(Task::Purged { subject, after: Some(consumer), from: 0, is_told: false })
    }

    /// Lets go of some messages. Returns what is left.
    fn sweep_some(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        mut from: u64,
        up_to: u64,
        of: Option<Box<Consumer>>,
    ) -> Option<Task> {
        let slot = self.streams.get(&id)?;
        let (mut spent, mut done) = (0, Vec::new());
        let mut is_over = false;
        while spent < TASK_STEPS_MAX && done.len() < RELEASED_AT_ONCE {
            let mut steps = turn.take_steps_up_to(TASK_STEPS_MAX);
            let before = steps.left();
            let found = slot.index().next(&Filter::all(), from, &mut steps);
            spent += u64::from(before - steps.left()) + 1;
            let row = match found {
                Walk::Found(row) if row.seq <= up_to => row,
                Walk::More(seq) => {
                    from = seq;
                    break;
                }
                Walk::Found(_) | Walk::End => {
                    is_over = true;
                    break;
                }
            };
            from = row.seq + 1;
            let subject = slot.index().subject(row.subject);
            if of.as_ref().is_some_and(|of| !of.needs(row.seq, subject)) {
                continue;
            }
            spent += slot.consumers.asked_of(subject) as u64 / ASKED_PER_STEP + 1;
            if !slot.consumers.need(row.seq, subject) {
                done.push(row.seq);
            }
        }
        turn.spend(spent);
        self.release(turn, id, &done);
        (!is_over).then_some(Task::Sweep { from, up_to, of })
    }
}
