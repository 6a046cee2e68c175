//! Commands of requests to a stream: it decides, applies, and tells whoever asked.

use stream_log::AppendError;
use streams::{Answer, Decision};

use crate::command::Command;
use crate::home::Home;
use crate::publishes::refusal;
use crate::request::Request;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

impl Command {
    /// Has the stream do it. Whoever asked is told once it is done. Given back if it is to be asked for again, once
    /// more is safe or there is room.
    pub(crate) fn carry_out(
        self,
        home: &mut Home,
        turn: &mut Turn<'_>,
        id: StreamId,
        request: Request,
    ) -> Option<Request> {
        let now = turn.clocks.wall.0;
        let mut effects = Vec::new();
        let slot = home.streams.get_mut(&id)?;
        let Slot { stream, medium, .. } = slot;
        let asker = |request| Waiter::Asker(Box::new(request));
        let decision = match self {
            Self::Delete { seq, erase } => stream.decide_delete(now, seq, erase),
            Self::Purge(purge) => stream.decide_purge(now, purge),
            Self::Update(config) => stream.decide_update(now, *config),
        };
        match decision {
            Decision::Append(record) => match medium.append(home.disk.as_mut(), id.0, &record) {
                Ok(place) => {
                    stream.on_appended(place, Some(asker(request)));
                    slot.after_append(home.disk.as_mut(), &mut effects);
                }
                Err(AppendError::NotYet) => return Some(request),
                Err(error) => {
                    home.answer_waiter(turn, id, asker(request), Answer::Refused(refusal(&error)));
                    return None;
                }
            },
            Decision::Answer(answer) => {
                home.answer_waiter(turn, id, asker(request), answer);
                return None;
            }
            Decision::AnswerBehind(answer) => stream.defer(asker(request), answer, &mut effects),
            Decision::Later | Decision::OfBatch => return Some(request),
        }
        home.carry_out(turn, id, &mut effects);
        home.settle(id);
        None
    }
}
