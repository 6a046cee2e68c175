//! Measuring requests to services, and telling what came of them.

use std::sync::Arc;
use std::time::Duration;

use conns::Conn;
use monitor::compact;
use nats_auth::{Latency, Sampling};
use nats_proto::Publish;
use subject_trie::has_wildcard;

use super::{Failure, Measured, Responder, ServiceLatency, TOLD_MAX, TracedBy, UNHEARD};
use crate::border::{BORDER, Details, Requester, client_info};
use crate::broker::Broker;
use crate::client::Client;
use crate::envelope::Envelope;
use crate::party::{Origin, Party, ServiceId};
use crate::settings::Settings;

/// What it takes to look at a request that waits whether it is still heard.
const LOOK_STEPS: usize = 2;

impl Broker {
    /// Takes what is to be told first of how long services took.
    pub fn take_service_latency(&mut self) -> Option<ServiceLatency> {
        self.latencies.told.pop_front()
    }

    /// Begins to measure a request to a service of that account, which a client of the account `requester` sent, if it is
    /// one that is measured. Who asked is told with all details if the import shares them.
    pub(crate) fn measure(
        &mut self,
        terms: &Arc<Latency>,
        account: usize,
        requester: usize,
        shares: bool,
        envelope: &Envelope<'_>,
    ) -> Option<Box<Measured>> {
        let headers = self.sample_request(terms.sampling, envelope.publish)?;
        let client = self.client_of(envelope.origin);
        let rtt = client.and_then(|client| client.record.rtt()).unwrap_or_default();
        let requestor = self.info_of(client, requester, shares);
        Some(Box::new(Measured {
            account,
            terms: Arc::clone(terms),
            requestor,
            rtt,
            headers,
            since: self.now(),
        }))
    }

    /// Whether it is the turn of a request, and by which headers: none where it was drawn by lot. One more in a hundred is
    /// drawn than is said, as in nats-server.
    fn sample_request(&mut self, sampling: Sampling, publish: &Publish<'_>) -> Option<TracedBy> {
        let is_drawn = match sampling {
            Sampling::Percent(percent) => percent >= 100 || self.random.next() % 100 <= u64::from(percent),
            Sampling::Headers => false,
        };
        if is_drawn { Some(TracedBy::new()) } else { super::sampled::traced_by(publish.headers()) }
    }

    fn client_of(&self, origin: Origin) -> Option<&Conn<Client>> {
        match origin.party() {
            Party::Conn(id) => self.egress.clients.peek(id),
            _ => None,
        }
    }

    /// Who is in that account, as JSON.
    fn info_of(&self, client: Option<&Conn<Client>>, account: usize, is_detailed: bool) -> Box<[u8]> {
        let Settings { directory, info, .. } = &*self.config.settings;
        client_info(&Requester {
            account: directory.account(account).name(),
            service: None,
            rtt: client.and_then(|client| client.record.rtt()),
            client: client.filter(|_| is_detailed).map(|client| Details::of(client, self.wall_clock)),
            server: is_detailed.then_some(&*info.server_name),
            cluster: self.config.told.as_ref().filter(|_| is_detailed).map(|told| told.cluster()),
        })
    }

    /// Who sent a response, as far as that is known.
    pub(crate) fn responder(&self, origin: Origin) -> Option<Responder> {
        let Some(client) = self.client_of(origin) else { return self.border.responder.clone() };
        let info = self.info_of(Some(client), client.account, true);
        Some(Responder { info, rtt: client.record.rtt().unwrap_or_default(), at: self.now() })
    }

    /// There is a response.
    pub(crate) fn tell_answered(&mut self, measured: &Measured, responder: Option<Responder>) {
        let now = self.now();
        let (rtt, at) = responder.as_ref().map_or((Duration::ZERO, now), |known| (known.rtt, known.at));
        let told = ServiceLatency {
            responder: responder.map(|responder| responder.info).unwrap_or_default(),
            service: at.since(measured.since).saturating_sub(rtt),
            system: now.since(at),
            total: measured.rtt + now.since(measured.since),
            ..self.latency_of(measured, Failure(200, ""))
        };
        self.tell_latency(told);
    }

    /// There is none.
    pub(crate) fn tell_failed(&mut self, measured: &Measured, why: Failure) {
        let told = self.latency_of(measured, why);
        self.tell_latency(told);
    }

    fn latency_of(&self, measured: &Measured, Failure(status, description): Failure) -> ServiceLatency {
        let header = match measured.headers() {
            headers if headers.is_empty() => Box::default(),
            headers => compact(headers).into(),
        };
        let asked = measured.since.0.saturating_sub(measured.rtt.as_nanos() as u64);
        ServiceLatency {
            account: measured.account,
            subject: measured.terms.subject.as_bytes().into(),
            status,
            description,
            requestor: measured.requestor.clone(),
            responder: Box::default(),
            header,
            start: self.wall_clock.map(|clock| clock.moment(asked)).unwrap_or_default(),
            service: Duration::ZERO,
            system: Duration::ZERO,
            total: Duration::ZERO,
        }
    }

    fn tell_latency(&mut self, told: ServiceLatency) {
        if self.latencies.told.len() == TOLD_MAX {
            self.egress.counters.totals.untold_events += 1;
            return;
        }
        self.latencies.told.push_back(told);
        self.egress.services.have_something();
    }

    /// A subscription of the account is gone: requests that are measured, and whose responses nobody wants any more, are
    /// told of, and forgotten.
    #[cold]
    pub(crate) fn give_up_unheard(&mut self, account: usize, filter: &[u8]) {
        let (replies, looked_at) = self.responses.measured_replies(account, filter);
        self.chores.budget().spend(looked_at * LOOK_STEPS);
        for reply in replies {
            let publish = Publish { subject: &reply, reply: None, header: None, size_text: b"0", body: b"" };
            self.space_of(account);
            // Where a request crossed more borders its reply is a token, which no subscription is for.
            if has_wildcard(&reply)
                || self.is_taken_as_response(account, &reply)
                || self.would_be_taken(account, &Envelope::new(ServiceId(BORDER), &publish))
            {
                continue;
            }
            for measured in self.responses.give_up(account, &reply) {
                self.tell_failed(&measured, UNHEARD);
            }
        }
    }
}
