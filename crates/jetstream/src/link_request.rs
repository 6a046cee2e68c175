//! What a link asks for: a consumer of the other stream, as nats-server asks for one.

use js_proto::{
    AckPolicy, ApiAnswer, ApiError, ConsumerAction, ConsumerConfig, ConsumerCreateAnswer,
    ConsumerCreateRequest, ConsumerInfo, ConsumerResetAnswer, DeliverPolicy, KnownError, Nanos, Retention,
    StreamConfig, StreamSource, Timestamp, errors, name_hash,
};
use nats_proto::go_json::compact;
use subject_trie::is_valid_literal;

use crate::link::Link;
use crate::nuid::Nuid;

/// The header of such a request: it takes that level of the API.
pub(crate) const LEVEL_HEADER: &[u8] = b"NATS/1.0\r\nNats-Required-Api-Level: 4\r\n\r\n";

/// What requests to this server begin with.
const OWN_API: &str = "$JS.API";

/// How often a consumer says something at least.
const HEARTBEAT: Nanos = Nanos::from_secs(1);

/// How long one is kept that nobody listens to.
const UNHEARD: Nanos = Nanos::from_secs(10);

/// Longer than anybody waits: nothing comes again.
const ACK_WAIT: Nanos = Nanos::from_secs(22 * 3600);

/// Who takes messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taker<'t> {
    pub(crate) config: &'t StreamConfig,
    pub(crate) account: &'t str,
    pub(crate) domain: &'t str,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    All,
    At(u64),
    AtTime(Timestamp),
}

/// A request.
#[derive(Debug)]
pub(crate) struct LinkRequest {
    pub(crate) subject: String,
    pub(crate) header: &'static [u8],
    pub(crate) body: Vec<u8>,
}

impl Taker<'_> {
    /// The name of the consumer that is made for it.
    pub(crate) fn consumer_name(&self, link: &Link) -> String {
        let mut id = format!("{} {}", self.config.name, self.account);
        if !self.domain.is_empty() {
            id = format!("{id} {}", self.domain);
        }
        let hash = name_hash(&id);
        if self.config.mirror.is_some() {
            return format!("JS_MIRROR_{hash}");
        }
        let id = if link.shares_origin { format!("{hash} {}", link.mark.key()) } else { hash };
        format!("JS_SRC_{}", name_hash(&id))
    }

    /// Where consumers of other streams are to deliver to, below a name that nothing else has.
    pub(crate) fn deliver_subject(&self, source: &StreamSource, nuid: &str) -> String {
        let kind = if self.config.mirror.is_some() { "M" } else { "S" };
        let prefix = source.external.as_ref().map_or("", |external| &external.deliver);
        let prefix = if prefix.is_empty() { "$JS" } else { prefix };
        format!("{prefix}.{kind}.{nuid}").replace("..", ".")
    }

    /// What is asked for of a link, which delivers to that subject.
    pub(crate) fn ask(&self, link: &Link, begin: Begin, deliver_subject: &str) -> LinkRequest {
        let source = &link.source;
        if let Some(consumer) = &source.consumer {
            let subject = api(source, &format!("CONSUMER.RESET.{}.{}", source.name, consumer.name));
            return LinkRequest { subject, header: b"", body: Vec::new() };
        }
        let config = self.consumer(link, begin, deliver_subject);
        let mut what = format!("CONSUMER.CREATE.{}", source.name);
        if !config.filter_subject.is_empty() {
            what = format!("{what}.{}.{}", config.name, config.filter_subject);
        }
        let request = ConsumerCreateRequest {
            stream_name: source.name.clone(),
            config,
            action: ConsumerAction::default(),
            ..ConsumerCreateRequest::default()
        };
        LinkRequest { subject: api(source, &what), header: LEVEL_HEADER, body: compact(&request) }
    }

    fn consumer(&self, link: &Link, begin: Begin, deliver_subject: &str) -> ConsumerConfig {
        let source = &link.source;
        let mut config = ConsumerConfig {
            name: self.consumer_name(link),
            deliver_subject: deliver_subject.to_owned(),
            ack_policy: AckPolicy::None,
            ack_wait: ACK_WAIT,
            max_deliver: 1,
            idle_heartbeat: HEARTBEAT,
            flow_control: true,
            direct: true,
            sourcing: true,
            inactive_threshold: UNHEARD,
            filter_subject: source.filter_subject.clone(),
            ..ConsumerConfig::default()
        };
        match begin {
            Begin::All => {}
            Begin::At(seq) => {
                (config.deliver_policy, config.opt_start_seq) = (DeliverPolicy::ByStartSequence, seq);
            }
            Begin::AtTime(time) => {
                (config.deliver_policy, config.opt_start_time) = (DeliverPolicy::ByStartTime, Some(time));
            }
        }
        let filters: Vec<String> = source.subject_transforms.iter().map(|pair| pair.src.clone()).collect();
        match &filters[..] {
            [one] => config.filter_subject.clone_from(one),
            _ => config.filter_subjects = filters,
        }
        let kind = if self.config.mirror.is_some() { "mirror" } else { "src" };
        let mut note = |what: &str, value: &str| {
            config.metadata.insert(format!("_nats.{kind}.{what}"), value.to_owned());
        };
        note("stream", &self.config.name);
        note("acc", self.account);
        if !self.domain.is_empty() {
            note("domain", self.domain);
        }
        config
    }

    /// Has the consumer go that was made for it, wherever it is kept under that very name.
    pub(crate) fn end(&self, link: &Link) -> LinkRequest {
        let what = format!("CONSUMER.DELETE.{}.{}", link.source.name, self.consumer_name(link));
        LinkRequest { subject: api(&link.source, &what), header: b"", body: Vec::new() }
    }
}

/// A request to where the other stream is.
pub(crate) fn api(source: &StreamSource, what: &str) -> String {
    let prefix = source.external.as_ref().map_or(OWN_API, |external| &external.api);
    format!("{prefix}.{what}").replace("..", ".")
}

/// What the answer says.
///
/// # Errors
/// Why there is no consumer.
pub(crate) fn read_answer(
    body: &[u8],
    source: &StreamSource,
    is_mirror: bool,
) -> Result<ConsumerInfo, ApiError> {
    let is_durable = source.consumer.is_some();
    let (head, info) = if is_durable {
        let answer = ConsumerResetAnswer::parse(body).map_err(|error| bad(&error))?;
        (answer.head, answer.info)
    } else {
        let answer = ConsumerCreateAnswer::parse(body).map_err(|error| bad(&error))?;
        (answer.head, answer.info)
    };
    if let Some(error) = head.error {
        return Err(error);
    }
    let failed =
        if is_mirror { &errors::MIRROR_CONSUMER_SETUP_FAILED } else { &errors::SOURCE_CONSUMER_SETUP_FAILED };
    let invalid = || failed.with(&[&"invalid consumer create response"]);
    let info = info.ok_or_else(invalid)?;
    let config = info.config.as_ref().ok_or_else(invalid)?;
    if is_durable && config.ack_policy != AckPolicy::FlowControl {
        return Err(requires_flow_control(is_mirror).error());
    }
    if !is_durable && !is_valid_literal(config.deliver_subject.as_bytes()) {
        // Where it delivers is listened to, and whoever may publish can answer.
        return Err(invalid());
    }
    Ok(info)
}

fn bad(error: &impl std::fmt::Display) -> ApiError {
    errors::INVALID_JSON.with(&[error])
}

fn requires_flow_control(is_mirror: bool) -> &'static KnownError {
    if is_mirror {
        &errors::MIRROR_CONSUMER_REQUIRES_ACK_FC
    } else {
        &errors::SOURCE_CONSUMER_REQUIRES_ACK_FC
    }
}

/// Streams that take messages from this one ask for a consumer under a name that stays the same. Where messages go once they
/// are acknowledged there is one of it, which lasts, and is acknowledged by flow control; elsewhere each time another one.
pub(crate) fn settle_for_link(config: &mut ConsumerConfig, stream: &StreamConfig, nuid: &mut Nuid) {
    if !config.direct || !config.sourcing || config.name.is_empty() {
        return;
    }
    if stream.retention == Retention::Limits {
        config.name = format!("{}-{}", config.name, nuid.next_consumer());
        return;
    }
    config.direct = false;
    config.durable_name.clone_from(&config.name);
    config.ack_policy = AckPolicy::FlowControl;
    (config.ack_wait, config.max_deliver, config.inactive_threshold) = (Nanos::ZERO, 0, Nanos::ZERO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_delivers_to_no_subject_is_refused() {
        let source = StreamSource { name: "O".into(), ..StreamSource::default() };
        let told = |subject: &str| {
            let config = format!(r#"{{"deliver_subject":"{subject}","ack_policy":"none"}}"#);
            let answer = format!(r#"{{"type":"x","stream_name":"O","name":"C","config":{config}}}"#);
            read_answer(answer.as_bytes(), &source, false).map(|info| info.name)
        };
        assert_eq!(told("$JS.S.x"), Ok("C".to_owned()));
        for subject in ["", "a..b", "$JS.>"] {
            let failed = told(subject).expect_err(subject);
            assert!(failed.is(&errors::SOURCE_CONSUMER_SETUP_FAILED), "{failed}");
        }
    }
}
