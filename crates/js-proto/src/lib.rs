//! The words of the JetStream API of NATS: what stands in requests, answers, events, headers and subjects.
//!
//! Nothing here waits, reads a clock or knows what is in a stream. Requests are read as nats-server 2.14.5 reads
//! them and refused in its words; answers are laid out byte for byte as it does. Bodies are JSON with the rules of
//! Go ([`nats_proto::go_json`]): keys match in any case, the last of two counts, numbers are whole, lengths of time
//! are nanoseconds.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | which request a subject is | [`ApiSubject`], [`RequestKind`] |
//! | what its body says | [`RequestBody`] and what implements it |
//! | what a server makes of a configuration | [`StreamConfig::settled`], [`ConsumerConfig::settled`] |
//! | what of one may be changed, and who understands it | [`StreamConfig::updated`], [`Versioned`] |
//! | what is answered | [`ApiAnswer`] and what implements it, [`ApiError`], [`errors`] |
//! | what publishers ask for and are told | [`PublishHeaders`], [`FastBatch`], [`PubAck`], [`FlowAck`] |
//! | what those who pull ask for and are told | [`PullRequest`], [`Status`] |
//! | what a delivery says, and its acknowledgement | [`AckReply`], [`AckSubject`], [`Ack`], [`FlowControlReply`] |
//! | what is published of it | [`advisory`], [`EventSubject`] |
//!
//! # Always true
//!
//! - A struct's rows stand in the order in which its members are written.
//! - What is read of a body or an answer is read again as it is written.
//! - A configuration that was settled stays as it is when it is settled again, unless it is refused then: a counter
//!   with delete markers is, by the peer as well.
//!
//! # Where it departs from the peer
//!
//! - A placement that names no cluster and no tags is left out, also if its list of tags is there and empty.
//! - A time with an offset of a day or more is refused as bad JSON. The peer reads it, and fails to store it.
#![forbid(unsafe_code)]

mod ack;
mod ack_subject;
pub mod advisory;
mod answer;
mod api_error;
mod api_subject;
mod civil;
mod client_info;
mod consumer_config;
mod consumer_rules;
mod copied_headers;
mod counter;
mod cron;
mod digits;
pub mod errors;
mod event_subject;
mod fast_batch;
mod file_info;
mod flow_control;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod go_struct;
pub mod headers;
mod info;
mod name_hash;
mod nanos;
mod own_metadata;
mod policies;
mod pub_ack;
mod publish_headers;
mod pull_request;
mod request_body;
mod requests;
mod rules;
mod schedule;
mod source_mark;
mod source_rules;
mod status;
mod stored_message;
mod stream_config;
mod stream_rules;
mod subject_rules;
mod timestamp;
mod update_rules;
mod versions;
mod words;
mod zone;

pub use ack::{Ack, NakOptions};
pub use ack_subject::{ACK_PREFIX, AckReply, AckSubject, FLOW_CONTROL_PREFIX, MsgMetadata};
pub use answer::{
    AccountInfoAnswer, AccountPurgeAnswer, ApiAnswer, ApiPage, ConsumerCreateAnswer, ConsumerDeleteAnswer,
    ConsumerInfoAnswer, ConsumerListAnswer, ConsumerNamesAnswer, ConsumerPauseAnswer, ConsumerResetAnswer,
    ConsumerStepdownAnswer, ConsumerUnpinAnswer, Head, LIST_MAX, MetaStepdownAnswer, MsgDeleteAnswer,
    MsgGetAnswer, NAMES_MAX, SUBJECTS_MAX, ServerRemoveAnswer, StreamCreateAnswer, StreamDeleteAnswer,
    StreamInfoAnswer, StreamListAnswer, StreamNamesAnswer, StreamPurgeAnswer, StreamRemovePeerAnswer,
    StreamRestoreAnswer, StreamSnapshotAnswer, StreamStepdownAnswer, StreamUpdateAnswer, SystemAnswer,
};
pub use api_error::{ApiError, KnownError};
pub use api_subject::{ApiRequest, ApiSubject, Asked, RequestKind};
pub use client_info::ClientInfo;
pub use consumer_config::ConsumerConfig;
pub use consumer_rules::{
    ACK_WAIT_DEFAULT, INACTIVE_THRESHOLD_DEFAULT, MAX_ACK_PENDING_DEFAULT, MAX_WAITING_DEFAULT,
    PRIORITY_TIMEOUT_DEFAULT,
};
pub use copied_headers::CopiedHeaders;
pub use counter::{CounterSources, CounterValue, SubjectSums, Whole};
pub use cron::Cron;
pub use event_subject::{ADVISORY_PREFIX, EventKind, EventSubject, METRIC_PREFIX};
pub use fast_batch::{BadFastBatch, FastBatch, FastBatchOp};
pub use file_info::{ConsumerFile, StreamFile};
pub use flow_control::{FlowControlReply, FlowControlSubject};
pub use go_struct::Members;
pub use info::{
    AccountInfo, Alternate, ApiStats, ClusterInfo, ConsumerInfo, GroupState, JetStreamLimits, LostMessages,
    PeerInfo, SequenceInfo, SourceInfo, StreamInfo, StreamState, Tier,
};
pub use name_hash::name_hash;
pub use nanos::Nanos;
pub use own_metadata::{DEAD_LETTERS, GROUP, GROUP_KEY, GROUP_LANES, GROUP_ORDER, GroupConfig, GroupOrder};
pub use policies::{
    AckPolicy, Compression, ConsumerAction, DeliverPolicy, Discard, PersistMode, PriorityPolicy,
    ReplayPolicy, Retention, Storage,
};
pub use pub_ack::{FlowAck, FlowError, FlowGap, PubAck, PubAckAnswer};
pub use publish_headers::{BadIncrement, BadTtl, Increment, PublishHeaders, Rollup, ScheduleHeaders, Ttl};
pub use pull_request::{PullError, PullPriority, PullRequest};
pub use request_body::{API_LEVEL, Presence, RequestBody, UnknownFields, check_api_level, expect_empty};
pub use requests::{
    ConsumerCreateRequest, ConsumerPauseRequest, ConsumerResetRequest, ConsumerUnpinRequest,
    ConsumersRequest, GROUP_NAME_BYTES_MAX, MsgDeleteRequest, MsgGetRequest, ServerRemoveRequest,
    StepdownRequest, StreamConfigRequest, StreamInfoRequest, StreamMoveRequest, StreamPurgeRequest,
    StreamRemovePeerRequest, StreamRestoreRequest, StreamSnapshotRequest, StreamsRequest, is_group_name,
};
pub use rules::{
    ConfigLimits, DESCRIPTION_BYTES_MAX, METADATA_BYTES_MAX, NAME_BYTES_MAX, REPLICAS_MAX, check_alone,
    is_asset_name,
};
pub use schedule::{BadSchedule, Plan, Schedule};
pub use source_mark::{SourceMark, read_source};
pub use status::{Pending, Status};
pub use stored_message::{Bytes, StoredMessage};
pub use stream_config::{
    ConsumerLimits, ExternalStream, Placement, Republish, SourceConsumer, StreamConfig, StreamSource,
    SubjectTransform,
};
pub use stream_rules::DUPLICATE_WINDOW_DEFAULT;
pub use timestamp::Timestamp;
pub use versions::{REQUIRED_LEVEL, SERVER_LEVEL, SERVER_VERSION, Versioned};
pub use zone::Zone;

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
