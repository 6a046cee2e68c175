//! Commands of requests to a stream: it decides, applies, and tells whoever asked.

use streams::Decision;

use crate::account::StreamId;
use crate::command::Command;
use crate::home::Home;
use crate::request::Request;
use crate::slot::Slot;
use crate::turn::Turn;
use crate::waiter::Waiter;

impl Command {
    /// Has the stream do it. Whoever asked is told once it is done.
    pub(crate) fn carry_out(self, home: &mut Home, turn: &mut Turn<'_>, id: StreamId, request: Request) {
        let now = turn.clocks.wall.0;
        let mut effects = Vec::new();
        let Some(slot) = home.streams.get_mut(&id) else { return };
        let Slot { stream, ram, .. } = slot;
        let asker = Waiter::Asker(Box::new(request));
        let decision = match self {
            Self::Delete { seq, erase } => stream.decide_delete(now, seq, erase),
            Self::Purge(purge) => stream.decide_purge(now, purge),
            Self::Update(config) => stream.decide_update(now, *config),
        };
        match decision {
            Decision::Append(record) => {
                let place = Slot::keep(ram, &record);
                stream.on_appended(place, Some(asker));
                stream.commit(&mut effects);
            }
            Decision::Answer(answer) => return home.answer_waiter(turn, id, asker, answer),
            Decision::AnswerBehind(answer) => stream.defer(asker, answer, &mut effects),
            Decision::Later => unreachable!("what streams in memory decide is committed at once"),
        }
        home.carry_out(turn, id, &mut effects);
        home.settle(turn, id);
    }
}
