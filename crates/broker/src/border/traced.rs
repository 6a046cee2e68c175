//! Requests and responses that cross a border, and whose way is told.

use std::time::Duration;

use nats_auth::ResponseType;

use super::Passage;
use super::ways::Ways;
use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::journey::Note;
use crate::responses::{Request, Token};
use crate::trace_request::DISABLED;

/// How long servers behind the border may take to tell what became of a request.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of a trace behind a border.
pub(super) struct Trace {
    /// What its message says there of where to tell.
    pub(super) told_to: Box<[u8]>,
    goes_on: bool,
}

impl Broker {
    /// What becomes behind that border of the trace of a request, if there is one.
    pub(super) fn trace_across(&mut self, subject: &[u8], ways: &Ways, at: usize) -> Option<Trace> {
        self.egress.journey.as_ref()?;
        let way = &ways.all()[at];
        let from = way.behind.map_or(subject, |behind| ways.subject(behind));
        let (account, to) = (way.account, ways.subject(at));
        self.egress.note(|| Note::ServiceImport { account, from: from.into(), to: to.into() });
        if !way.allows_trace {
            return Some(Trace { told_to: DISABLED.into(), goes_on: false });
        }
        let importer = way.importer;
        let reply = self.egress.journey.as_ref()?.destination.clone();
        self.inhabit();
        // Each server that gets the request tells what became of it.
        let token = self.responses.open(
            self.egress.counters.now,
            Request {
                requester: importer,
                reply,
                responder: account,
                responses: ResponseType::Stream,
                threshold: TOLD_WITHIN,
                shares: false,
            },
        );
        Some(Trace { told_to: token[..].into(), goes_on: true })
    }

    /// Gives a request, of which somebody has the way told, to those of one account.
    pub(super) fn pass_traced(
        &mut self,
        account: usize,
        envelope: &Envelope<'_>,
        answer_wanted: bool,
        trace: Trace,
    ) -> Passage {
        if !trace.goes_on {
            return self.pass_untraced(account, envelope, answer_wanted);
        }
        let passage = self.pass(account, envelope, answer_wanted);
        if self.config.told.is_none()
            && let Some(token) = Token::read(&trace.told_to)
        {
            self.responses.close(token);
        }
        passage
    }

    /// The same where nothing of it is told, and nobody gets it of which nothing but that is wanted.
    pub(super) fn pass_untraced(
        &mut self,
        account: usize,
        envelope: &Envelope<'_>,
        answer_wanted: bool,
    ) -> Passage {
        let journey = self.egress.put_aside();
        let only = journey.as_ref().is_some_and(|journey| journey.only);
        let passage = if only { Passage::default() } else { self.pass(account, envelope, answer_wanted) };
        self.egress.take_up(journey);
        passage
    }
}
