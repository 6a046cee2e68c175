//! Requests of other accounts that wait for a response, for those who ask from outside.

use monitor::{ShownLatency, ShownResponse};

use crate::broker::Broker;
use crate::page::{Page, stretch};
use crate::responses::Waiting;

/// Rows looked at for one page: each is shown in a microsecond.
const RESPONSES_PER_PAGE: usize = 512;

impl Broker {
    /// The next requests that wait for a response of the account of that name.
    pub fn response_page(&self, from: u64, account: &str) -> Page<ShownResponse> {
        let (numbers, next) = stretch(from, self.responses.rows(), RESPONSES_PER_PAGE);
        let directory = &self.config.settings.directory;
        let is_asked =
            |waiting: &Waiting<'_>| **directory.account(waiting.request.responder).name() == *account;
        let rows = self.responses.waiting(numbers).filter(is_asked).map(|waiting| self.shown(&waiting));
        Page { rows: rows.collect(), next }
    }

    fn shown(&self, waiting: &Waiting<'_>) -> ShownResponse {
        let request = waiting.request;
        let (subject, reply) =
            (String::from_utf8_lossy(&waiting.subject), String::from_utf8_lossy(&request.reply));
        let requester = self.config.settings.directory.account(request.requester).name();
        let shown = ShownResponse::new(&subject, requester, &reply, request.shares);
        match waiting.measured {
            None => shown,
            Some(measured) => {
                let terms = measured.terms();
                let latency = ShownLatency::new(terms.sampling.percent(), &terms.subject);
                shown.measured(latency, measured.headers().clone())
            }
        }
    }
}
