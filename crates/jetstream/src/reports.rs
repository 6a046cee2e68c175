//! What a home has the directory hear: what has become of the names that it was ordered to do something to, and which
//! streams it found when it began.

use js_proto::RequestKind;

use crate::allowance::Reserved;
use crate::home::Home;
use crate::kin::Kin;
use crate::letters::{Extent, NameState};
use crate::request::Request;
use crate::slot::Slot;

/// What is to be heard of a stream.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) account: usize,
    pub(crate) stream: String,
    pub(crate) state: NameState,
}

impl Home {
    /// Reports how a stream is now.
    pub(crate) fn report(&mut self, account: usize, stream: &str) {
        let state = self.find(account, stream).map_or(NameState::Gone, |(_, slot)| slot.name_state());
        self.reports.push_back(Report { account, stream: stream.to_owned(), state });
    }

    /// Reports what came of an order that is answered now. What a log did that takes nothing any more may be found
    /// undone: a stream that is gone here keeps its name until the next start.
    pub(crate) fn report_order(&mut self, request: &Request) {
        let (account, stream) = (request.account, request.stream());
        if self.is_restoring(account, stream) {
            // It is known what came of that when all of it is there.
            return;
        }
        let is_delete = request.asked().kind == RequestKind::StreamDelete;
        let may_come_back = is_delete && self.disk.as_ref().is_some_and(|disk| disk.has_failed());
        if may_come_back && self.find(account, stream).is_none() {
            let (stream, state) = (stream.to_owned(), NameState::AsBefore);
            return self.reports.push_back(Report { account, stream, state });
        }
        self.report(account, stream);
    }
}

impl Slot {
    fn name_state(&self) -> NameState {
        let config = self.config();
        let (subjects, reserved) = (config.subjects.clone(), Reserved::by(config));
        NameState::There(Extent { subjects, reserved, kin: Kin::of(config) })
    }
}
