//! Which subjects a stream may take, and what may become of them.

use crate::rules::{contains, invalid, is_subject, overlap, pedantic};
use crate::source_rules::{check_destination, transform_of};
use crate::{ApiError, StreamConfig, SubjectTransform, errors};

/// Subjects of the server itself.
const JETSTREAM: [&str; 3] = ["$JS.>", "$JSC.>", "$NRG.>"];
const SYSTEM: &str = "$SYS.>";

/// Those of them that a stream may take nevertheless.
const JETSTREAM_EVENTS: &str = "$JS.EVENT.>";
const ACCOUNT_EVENTS: &str = "$SYS.ACCOUNT.>";

const ALL: &str = ">";

/// Fills in the subjects of a stream that says none, or checks those it says.
///
/// # Errors
///
/// What is answered.
pub(crate) fn settle_subjects(config: &mut StreamConfig) -> Result<(), ApiError> {
    if config.subjects.is_empty() && config.mirror.is_none() && config.sources.is_empty() {
        config.subjects.push(config.name.clone());
        return Ok(());
    }
    for (at, subject) in config.subjects.iter().enumerate() {
        check_subject(config, subject)?;
        let later = config.subjects[at + 1..].iter().find(|later| overlap(later, subject));
        if let Some(later) = later {
            let quote = |subject: &str| nats_proto::quote(subject.as_bytes());
            return invalid(&format!("subject {} overlaps with {}", quote(subject), quote(later)));
        }
    }
    Ok(())
}

fn check_subject(config: &StreamConfig, subject: &str) -> Result<(), ApiError> {
    if !is_subject(subject) {
        return invalid("invalid subject");
    }
    if subject == ALL && !config.no_ack {
        return invalid("capturing all subjects requires no-ack to be true");
    }
    if subject == ALL && config.num_replicas != 1 {
        return invalid("capturing all subjects requires replicas of 1");
    }
    if config.no_ack {
        return Ok(());
    }
    let is_jetstream = JETSTREAM.iter().any(|own| overlap(subject, own));
    if is_jetstream && !contains(JETSTREAM_EVENTS, subject) {
        return invalid("subjects that overlap with jetstream api require no-ack to be true");
    }
    if overlap(subject, SYSTEM) && !contains(ACCOUNT_EVENTS, subject) {
        return invalid("subjects that overlap with system api require no-ack to be true");
    }
    Ok(())
}

/// Checks what becomes of subjects when messages come in and when they are published again.
///
/// # Errors
///
/// What is answered.
pub(crate) fn settle_transforms(config: &mut StreamConfig, is_pedantic: bool) -> Result<(), ApiError> {
    if let Some(transform) = &config.subject_transform {
        if !transform.src.is_empty() && !is_subject(&transform.src) {
            let source = format!("invalid subject {}", transform.src);
            return Err(errors::STREAM_TRANSFORM_INVALID_SOURCE.with(&[&source]));
        }
        check_destination(transform)
            .map_err(|error| errors::STREAM_TRANSFORM_INVALID_DESTINATION.with(&[&error]))?;
    }
    settle_republish(config, is_pedantic)
}

fn settle_republish(config: &mut StreamConfig, is_pedantic: bool) -> Result<(), ApiError> {
    let Some(republish) = &mut config.republish else { return Ok(()) };
    if republish.src.is_empty() {
        if is_pedantic {
            return pedantic("republish source can not be empty");
        }
        ALL.clone_into(&mut republish.src);
    }
    if let Some(transform) = &config.subject_transform
        && republish.src == ALL
        && republish.dest == ALL
        && config.subjects == [transform.src.as_str()]
    {
        if is_pedantic {
            return pedantic("implicit republish based on subject transform");
        }
        republish.src.clone_from(&transform.dest);
        republish.dest.clone_from(&transform.dest);
    }
    if config.subjects.iter().any(|subject| overlap(&republish.dest, subject)) {
        return invalid("stream configuration for republish destination forms a cycle");
    }
    let (src, dest) = (republish.src.clone(), republish.dest.clone());
    let transform = SubjectTransform { src, dest };
    if transform_of(&transform).is_err() {
        let SubjectTransform { src, dest } = transform;
        return invalid(&format!(
            "stream configuration for republish with transform from '{src}' to '{dest}' not valid"
        ));
    }
    Ok(())
}
