//! What configurations have to obey, as far as they say it themselves: names, and what rules share.

use crate::{
    ApiError, ApiRequest, ConsumerCreateRequest, RequestKind, StreamConfigRequest, StreamRestoreRequest,
    errors,
};

/// How long the name of a stream or a consumer may be: it has to be that of a file, for nats-server.
pub const NAME_BYTES_MAX: usize = 255;

/// How long a description may be.
pub const DESCRIPTION_BYTES_MAX: usize = 4 * 1024;

/// How long all keys and values of metadata may be together.
pub const METADATA_BYTES_MAX: usize = 128 * 1024;

/// On how many servers a stream may be.
pub const REPLICAS_MAX: i64 = 5;

/// What a server and an account allow, as far as configurations are held against it. Zero is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConfigLimits {
    /// How long ids of messages may be remembered.
    pub duplicate_window: crate::Nanos,
    /// Whether a stream has to say how many bytes it keeps.
    pub max_bytes_required: bool,
    /// How many bytes a stream of that storage may keep.
    pub max_stream_bytes: i64,
    /// What a consumer may have waiting to be acknowledged, for the server.
    pub max_ack_pending: i64,
    /// The same, for the account.
    pub account_max_ack_pending: i64,
    /// How many messages a request may ask for.
    pub max_request_batch: i64,
}

/// Whether a stream or a consumer may be called so, but for the length of the name.
pub fn is_asset_name(name: &str) -> bool {
    !name.is_empty() && !name.contains([' ', '\t', '\r', '\n', '\x0c', '.', '*', '>', '\\', '/'])
}

/// Whether it is a subject, wildcards and all.
pub(crate) fn is_subject(subject: &str) -> bool {
    subject_trie::is_valid_filter(subject.as_bytes()) && !subject.contains([' ', '\t', '\r', '\n', '\x0c'])
}

/// Whether it is a subject without wildcards.
pub(crate) fn is_literal(subject: &str) -> bool {
    is_subject(subject) && !has_wildcard(subject)
}

pub(crate) fn has_wildcard(subject: &str) -> bool {
    subject_trie::has_wildcard(subject.as_bytes())
}

/// Whether some subject matches both.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    one == other || subject_trie::filters_overlap(one.as_bytes(), other.as_bytes())
}

/// Whether all that matches the inner one matches the outer one.
pub(crate) fn contains(outer: &str, inner: &str) -> bool {
    subject_trie::filter_contains(outer.as_bytes(), inner.as_bytes())
}

/// The configuration of a stream cannot be, for that reason.
pub(crate) fn invalid<T>(reason: &str) -> Result<T, ApiError> {
    Err(errors::STREAM_INVALID_CONFIG.with(&[&reason]))
}

/// The configuration would have to be mended.
pub(crate) fn pedantic<T>(reason: &str) -> Result<T, ApiError> {
    Err(errors::PEDANTIC.with(&[&reason]))
}

/// Fails with that error if it is so.
pub(crate) fn refuse_if(is_so: bool, error: &crate::KnownError) -> Result<(), ApiError> {
    if is_so { Err(error.error()) } else { Ok(()) }
}

/// Refuses what is to be on several servers, for a server that is alone: a new stream once it is settled, a
/// consumer before that.
///
/// # Errors
///
/// What is answered.
pub fn check_alone(num_replicas: i64) -> Result<(), ApiError> {
    refuse_if(num_replicas > 1, &errors::STREAM_REPLICAS_NOT_SUPPORTED)
}

impl StreamConfigRequest {
    /// Whether the request is for the stream that its subject names, and whether that may be called so.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn check_name(&self, request: &ApiRequest<'_>) -> Result<(), ApiError> {
        refuse_if(self.config.name.as_bytes() != request.stream, &errors::STREAM_MISMATCH)?;
        let has_separator = self.config.name.contains(['\\', '/']);
        refuse_if(has_separator, &errors::STREAM_NAME_CONTAINS_PATH_SEPARATORS)?;
        if request.kind != RequestKind::StreamCreate {
            return Ok(());
        }
        if self.config.sealed {
            return invalid("stream configuration for create can not be sealed");
        }
        if self.config.mirror_direct && self.config.mirror.is_none() {
            return invalid("stream has no mirror but does have mirror direct");
        }
        Ok(())
    }
}

impl StreamRestoreRequest {
    /// Whether the request is for the stream that its subject names, and whether that may be called so. It need not
    /// say the name.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn settle_name(&mut self, request: &ApiRequest<'_>) -> Result<(), ApiError> {
        let name = &mut self.config.name;
        if name.is_empty() {
            *name = String::from_utf8_lossy(request.stream).into_owned();
        }
        refuse_if(name.as_bytes() != request.stream, &errors::STREAM_MISMATCH)?;
        refuse_if(name.contains(['\\', '/']), &errors::STREAM_NAME_CONTAINS_PATH_SEPARATORS)
    }
}

impl ConsumerCreateRequest {
    /// Whether the request is for the consumer that its subject names, in that form of subject. Then that is its
    /// name.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn settle_name(&mut self, request: &ApiRequest<'_>) -> Result<(), ApiError> {
        refuse_if(self.stream_name.as_bytes() != request.stream, &errors::STREAM_MISMATCH)?;
        let is_ephemeral = request.kind == RequestKind::ConsumerCreate;
        let named = String::from_utf8_lossy(request.consumer).into_owned();
        let name = if is_ephemeral { &self.config.name } else { &named };
        refuse_if(name.contains(['\\', '/']), &errors::CONSUMER_NAME_CONTAINS_PATH_SEPARATORS)?;
        let durable = &self.config.durable_name;
        match request.kind {
            RequestKind::ConsumerDurableCreate => {
                refuse_if(durable.is_empty(), &errors::CONSUMER_DURABLE_NAME_NOT_SET)?;
                refuse_if(*durable != named, &errors::CONSUMER_DURABLE_NAME_NOT_MATCH_SUBJECT)?;
                self.config.name = named;
            }
            RequestKind::ConsumerCreateNamed => {
                let differs = !durable.is_empty() && *durable != named;
                refuse_if(differs, &errors::CONSUMER_DURABLE_NAME_NOT_MATCH_SUBJECT)?;
                self.config.name = named;
            }
            _ => refuse_if(!durable.is_empty(), &errors::CONSUMER_EPHEMERAL_WITH_DURABLE_NAME)?,
        }
        self.check_filter(request.rest)
    }

    /// Whether its filter is the one its subject names.
    fn check_filter(&self, filter: &[u8]) -> Result<(), ApiError> {
        if filter.is_empty() {
            return Ok(());
        }
        let has_several = !self.config.filter_subjects.is_empty();
        refuse_if(has_several, &errors::CONSUMER_MULTIPLE_FILTERS_NOT_ALLOWED)?;
        let differs = self.config.filter_subject.as_bytes() != filter;
        refuse_if(differs, &errors::CONSUMER_CREATE_FILTER_SUBJECT_MISMATCH)
    }
}
