//! What a stream may take messages from.

use std::collections::BTreeSet;

use subject_trie::{Transform, TransformError};

use crate::rules::{contains, invalid, is_asset_name, is_literal, is_subject, overlap, refuse_if};
use crate::{ApiError, KnownError, SourceConsumer, StreamConfig, StreamSource, SubjectTransform, errors};

/// What requests of a server's own begin with.
const OWN_API: &str = "$JS.API";

/// Checks mirror and sources, as far as they say it themselves.
///
/// # Errors
///
/// What is answered.
pub(crate) fn check(config: &StreamConfig) -> Result<(), ApiError> {
    if let Some(mirror) = &config.mirror {
        check_mirror(config, mirror)?;
    }
    let has_sources = !config.sources.is_empty();
    refuse_if(has_sources && config.allow_msg_schedules, &errors::SOURCE_WITH_MSG_SCHEDULES)?;
    let (mut seen, mut consumers) = (BTreeSet::new(), BTreeSet::new());
    for source in &config.sources {
        refuse_if(!is_asset_name(&source.name), &errors::SOURCE_INVALID_STREAM_NAME)?;
        refuse_if(!seen.insert(identity(source)), &errors::SOURCE_DUPLICATE_DETECTED)?;
        check_source_filters(source)?;
        if let Some(consumer) = &source.consumer {
            check_consumer(source, consumer, &errors::SOURCE_DURABLE_CONSUMER_CFG_INVALID)?;
            let is_new = consumers.insert((&source.name, api_of(source), &consumer.name));
            refuse_if(!is_new, &errors::SOURCE_DURABLE_CONSUMER_DUPLICATE_DETECTED)?;
        }
    }
    let externals =
        || config.mirror.iter().chain(&config.sources).filter_map(|source| source.external.as_ref());
    for prefix in externals().map(|external| &external.deliver).filter(|prefix| !prefix.is_empty()) {
        if !is_literal(prefix) {
            return Err(errors::STREAM_INVALID_EXTERNAL_DELIVERY_SUBJ.with(&[prefix]));
        }
    }
    for prefix in externals().map(|external| &external.api).filter(|prefix| !prefix.is_empty()) {
        check_api_prefix(prefix)?;
    }
    check_circle(config)
}

fn check_mirror(config: &StreamConfig, mirror: &StreamSource) -> Result<(), ApiError> {
    for (clashes, error) in [
        (config.first_seq > 0, &errors::MIRROR_WITH_FIRST_SEQ),
        (!config.subjects.is_empty(), &errors::MIRROR_WITH_SUBJECTS),
        (!config.sources.is_empty(), &errors::MIRROR_WITH_SOURCES),
        (config.allow_msg_counter, &errors::MIRROR_WITH_COUNTERS),
        (config.allow_atomic, &errors::MIRROR_WITH_ATOMIC_PUBLISH),
        (config.allow_batched, &errors::MIRROR_WITH_BATCH_PUBLISH),
        (config.allow_msg_schedules, &errors::MIRROR_WITH_MSG_SCHEDULES),
    ] {
        refuse_if(clashes, error)?;
    }
    if let Some(consumer) = &mirror.consumer {
        check_consumer(mirror, consumer, &errors::MIRROR_DURABLE_CONSUMER_CFG_INVALID)?;
    }
    refuse_if(has_both_filters(mirror), &errors::MIRROR_MULTIPLE_FILTERS_NOT_ALLOWED)?;
    if config.subject_delete_marker_ttl.0 > 0 {
        return invalid("subject delete markers forbidden on mirrors");
    }
    for (at, transform) in mirror.subject_transforms.iter().enumerate() {
        check_transform(
            transform,
            &errors::MIRROR_INVALID_SUBJECT_FILTER,
            &errors::MIRROR_INVALID_TRANSFORM_DESTINATION,
        )?;
        let others = others(&mirror.subject_transforms, at);
        let clashes = others.into_iter().any(|other| overlap(&transform.src, &other.src));
        refuse_if(clashes, &errors::MIRROR_OVERLAPPING_SUBJECT_FILTERS)?;
    }
    let is_here = mirror.external.is_none();
    refuse_if(is_here && !is_asset_name(&mirror.name), &errors::MIRROR_INVALID_STREAM_NAME)
}

fn check_source_filters(source: &StreamSource) -> Result<(), ApiError> {
    refuse_if(has_both_filters(source), &errors::SOURCE_MULTIPLE_FILTERS_NOT_ALLOWED)?;
    for transform in &source.subject_transforms {
        check_transform(
            transform,
            &errors::SOURCE_INVALID_SUBJECT_FILTER,
            &errors::SOURCE_INVALID_TRANSFORM_DESTINATION,
        )?;
    }
    for (at, transform) in source.subject_transforms.iter().enumerate() {
        let others = others(&source.subject_transforms, at);
        let clashes = others.into_iter().any(|other| contains(&other.src, &transform.src));
        refuse_if(clashes, &errors::SOURCE_OVERLAPPING_SUBJECT_FILTERS)?;
    }
    Ok(())
}

fn has_both_filters(source: &StreamSource) -> bool {
    !source.filter_subject.is_empty() && !source.subject_transforms.is_empty()
}

/// All transforms but the one there.
fn others(transforms: &[SubjectTransform], at: usize) -> impl IntoIterator<Item = &SubjectTransform> {
    transforms[..at].iter().chain(&transforms[at + 1..])
}

fn check_consumer(
    source: &StreamSource,
    consumer: &SourceConsumer,
    error: &KnownError,
) -> Result<(), ApiError> {
    let is_fine = is_asset_name(&consumer.name)
        && is_literal(&consumer.deliver_subject)
        && source.opt_start_seq == 0
        && source.opt_start_time.is_none()
        && source.filter_subject.is_empty();
    refuse_if(!is_fine, error)
}

fn check_transform(
    transform: &SubjectTransform,
    bad_source: &KnownError,
    bad_destination: &KnownError,
) -> Result<(), ApiError> {
    if !transform.src.is_empty() && !is_subject(&transform.src) {
        return Err(bad_source.with(&[&format_args!("invalid subject {}", transform.src)]));
    }
    check_destination(transform).map_err(|error| bad_destination.with(&[&error]))
}

/// Whether subjects can be transformed like that. No destination is none; no source is any.
///
/// # Errors
///
/// Why they cannot, in the peer's words.
pub(crate) fn check_destination(transform: &SubjectTransform) -> Result<(), String> {
    let mut is_over = false;
    for token in transform.dest.split('.').filter(|_| !transform.dest.is_empty()) {
        if token.is_empty() || is_over {
            let place = if token.is_empty() { String::new() } else { format!(" in {token}") };
            return Err(format!("{INVALID_TRANSFORM}{place}"));
        }
        let is_function = token.len() > 4 && token.starts_with("{{") && token.ends_with("}}");
        if !is_function && token.contains([' ', '\t', '\r', '\n', '\x0c']) {
            return Err(INVALID_TRANSFORM.into());
        }
        is_over = token == ">";
    }
    transform_of(transform).map_err(|error| error.to_string())
}

const INVALID_TRANSFORM: &str = "invalid mapping destination: invalid transform";

/// Whether there is such a transform.
///
/// # Errors
///
/// Why there is not.
pub(crate) fn transform_of(transform: &SubjectTransform) -> Result<(), TransformError> {
    if transform.dest.is_empty() {
        return Ok(());
    }
    let source = if transform.src.is_empty() { ">" } else { &transform.src };
    Transform::new(source, &transform.dest).map(drop)
}

/// What is looked at besides if there is no such stream yet.
///
/// # Errors
///
/// What is answered.
pub(crate) fn check_filters_as_new(config: &StreamConfig) -> Result<(), ApiError> {
    let is_bad = |source: &StreamSource| {
        source.subject_transforms.is_empty()
            && !source.filter_subject.is_empty()
            && !is_subject(&source.filter_subject)
    };
    let mirrors = config.mirror.iter().map(|mirror| (mirror, " for the mirror"));
    let sources = config.sources.iter().map(|source| (source, " for the source:"));
    for (source, words) in mirrors.chain(sources) {
        if is_bad(source) {
            let reason = format!("subject filter '{}'{words} invalid subject", source.filter_subject);
            return Err(errors::STREAM_CREATE.with(&[&reason]));
        }
    }
    Ok(())
}

fn check_api_prefix(prefix: &str) -> Result<(), ApiError> {
    if !is_literal(prefix) {
        let prefix = nats_proto::quote(prefix.as_bytes());
        return invalid(&format!(
            "stream external api prefix {prefix} must be a valid subject without wildcards"
        ));
    }
    if prefix == OWN_API {
        return Err(errors::STREAM_EXTERNAL_API_OVERLAP.with(&[&prefix, &OWN_API]));
    }
    Ok(())
}

/// Whether it takes messages from itself. Longer circles take other streams to see.
fn check_circle(config: &StreamConfig) -> Result<(), ApiError> {
    let is_itself = |source: &&StreamSource| source.external.is_none() && source.name == config.name;
    let comes_back = |source: &StreamSource| {
        let filter = &source.filter_subject;
        filter.is_empty() || config.subjects.iter().any(|subject| overlap(subject, filter))
    };
    let is_circle = config.sources.iter().filter(is_itself).any(comes_back)
        || config.mirror.iter().any(|mirror| is_itself(&mirror));
    if is_circle { invalid("detected cycle") } else { Ok(()) }
}

/// What tells one source from the other: stream, where it is, the consumer, and what is taken from it.
type Identity<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Vec<(&'a str, &'a str)>);

fn identity(source: &StreamSource) -> Identity<'_> {
    fn or_any(subject: &str) -> &str {
        if subject.is_empty() { ">" } else { subject }
    }
    let mut filters: Vec<_> = source
        .subject_transforms
        .iter()
        .map(|transform| (or_any(&transform.src), or_any(&transform.dest)))
        .collect();
    if filters.is_empty() {
        filters.push((or_any(&source.filter_subject), ">"));
    }
    let consumer = source.consumer.as_ref().map(|consumer| consumer.name.as_str());
    (&source.name, api_of(source), consumer, filters)
}

fn api_of(source: &StreamSource) -> Option<&str> {
    source.external.as_ref().map(|external| external.api.as_str())
}
