//! The errors JetStream answers with: their numbers, names and texts, as nats-server 2.14.5 has them.
//!
//! Numbers and texts are what clients match on. None is ever renumbered or used again.

use crate::api_error::KnownError;

/// A constant for each row, and all of them in one table.
macro_rules! known_errors {
    ($($name:ident = $err_code:literal, $code:literal, $constant:literal, $text:literal;)*) => {
        $(
            #[doc = concat!($err_code, ": ", $text)]
            pub const $name: KnownError =
                KnownError { err_code: $err_code, code: $code, constant: $constant, text: $text };
        )*

        /// All of them, by number.
        pub const ALL: &[KnownError] = &[$($name),*];
    };
}

known_errors! {
    ACCOUNT_RESOURCES_EXCEEDED = 10002, 400, "JSAccountResourcesExceededErr",
        "resource limits exceeded for account";
    BAD_REQUEST = 10003, 400, "JSBadRequestErr", "bad request";
    CLUSTER_INCOMPLETE = 10004, 503, "JSClusterIncompleteErr", "incomplete results";
    CLUSTER_NO_PEERS = 10005, 400, "JSClusterNoPeersErrF", "{err}";
    CLUSTER_NOT_ACTIVE = 10006, 500, "JSClusterNotActiveErr", "JetStream not in clustered mode";
    CLUSTER_NOT_ASSIGNED = 10007, 500, "JSClusterNotAssignedErr",
        "JetStream cluster not assigned to this server";
    CLUSTER_NOT_AVAIL = 10008, 503, "JSClusterNotAvailErr", "JetStream system temporarily unavailable";
    CLUSTER_NOT_LEADER = 10009, 500, "JSClusterNotLeaderErr", "JetStream cluster can not handle request";
    CLUSTER_REQUIRED = 10010, 503, "JSClusterRequiredErr", "JetStream clustering support required";
    CLUSTER_TAGS = 10011, 400, "JSClusterTagsErr", "tags placement not supported for operation";
    CONSUMER_CREATE = 10012, 500, "JSConsumerCreateErrF", "{err}";
    CONSUMER_NAME_EXIST = 10013, 400, "JSConsumerNameExistErr", "consumer name already in use";
    CONSUMER_NOT_FOUND = 10014, 404, "JSConsumerNotFoundErr", "consumer not found";
    SNAPSHOT_DELIVER_SUBJECT_INVALID = 10015, 400, "JSSnapshotDeliverSubjectInvalidErr",
        "deliver subject not valid";
    CONSUMER_DURABLE_NAME_NOT_IN_SUBJECT = 10016, 400, "JSConsumerDurableNameNotInSubjectErr",
        "consumer expected to be durable but no durable name set in subject";
    CONSUMER_DURABLE_NAME_NOT_MATCH_SUBJECT = 10017, 400, "JSConsumerDurableNameNotMatchSubjectErr",
        "consumer name in subject does not match durable name in request";
    CONSUMER_DURABLE_NAME_NOT_SET = 10018, 400, "JSConsumerDurableNameNotSetErr",
        "consumer expected to be durable but a durable name was not set";
    CONSUMER_EPHEMERAL_WITH_DURABLE_IN_SUBJECT = 10019, 400, "JSConsumerEphemeralWithDurableInSubjectErr",
        "consumer expected to be ephemeral but detected a durable name set in subject";
    CONSUMER_EPHEMERAL_WITH_DURABLE_NAME = 10020, 400, "JSConsumerEphemeralWithDurableNameErr",
        "consumer expected to be ephemeral but a durable name was set in request";
    STREAM_EXTERNAL_API_OVERLAP = 10021, 400, "JSStreamExternalApiOverlapErrF",
        "stream external api prefix {prefix} must not overlap with {subject}";
    STREAM_EXTERNAL_DEL_PREFIX_OVERLAPS = 10022, 400, "JSStreamExternalDelPrefixOverlapsErrF",
        "stream external delivery prefix {prefix} overlaps with stream subject {subject}";
    INSUFFICIENT_RESOURCES = 10023, 503, "JSInsufficientResourcesErr", "insufficient resources";
    STREAM_INVALID_EXTERNAL_DELIVERY_SUBJ = 10024, 400, "JSStreamInvalidExternalDeliverySubjErrF",
        "stream external delivery prefix {prefix} must not contain wildcards";
    INVALID_JSON = 10025, 400, "JSInvalidJSONErr", "invalid JSON: {err}";
    MAXIMUM_CONSUMERS_LIMIT = 10026, 400, "JSMaximumConsumersLimitErr", "maximum consumers limit reached";
    MAXIMUM_STREAMS_LIMIT = 10027, 400, "JSMaximumStreamsLimitErr", "maximum number of streams reached";
    MEMORY_RESOURCES_EXCEEDED = 10028, 500, "JSMemoryResourcesExceededErr",
        "insufficient memory resources available";
    MIRROR_CONSUMER_SETUP_FAILED = 10029, 500, "JSMirrorConsumerSetupFailedErrF", "{err}";
    MIRROR_MAX_MESSAGE_SIZE_TOO_BIG = 10030, 400, "JSMirrorMaxMessageSizeTooBigErr",
        "stream mirror must have max message size >= source";
    MIRROR_WITH_SOURCES = 10031, 400, "JSMirrorWithSourcesErr",
        "stream mirrors can not also contain other sources";
    MIRROR_WITH_START_SEQ_AND_TIME = 10032, 400, "JSMirrorWithStartSeqAndTimeErr",
        "stream mirrors can not have both start seq and start time configured";
    MIRROR_WITH_SUBJECT_FILTERS = 10033, 400, "JSMirrorWithSubjectFiltersErr",
        "stream mirrors can not contain filtered subjects";
    MIRROR_WITH_SUBJECTS = 10034, 400, "JSMirrorWithSubjectsErr", "stream mirrors can not contain subjects";
    NO_ACCOUNT = 10035, 503, "JSNoAccountErr", "account not found";
    CLUSTER_UN_SUPPORT_FEATURE = 10036, 503, "JSClusterUnSupportFeatureErr",
        "not currently supported in clustered mode";
    NO_MESSAGE_FOUND = 10037, 404, "JSNoMessageFoundErr", "no message found";
    NOT_EMPTY_REQUEST = 10038, 400, "JSNotEmptyRequestErr", "expected an empty request payload";
    NOT_ENABLED_FOR_ACCOUNT = 10039, 503, "JSNotEnabledForAccountErr", "JetStream not enabled for account";
    CLUSTER_PEER_NOT_MEMBER = 10040, 400, "JSClusterPeerNotMemberErr", "peer not a member";
    RAFT_GENERAL = 10041, 500, "JSRaftGeneralErrF", "{err}";
    RESTORE_SUBSCRIBE_FAILED = 10042, 500, "JSRestoreSubscribeFailedErrF",
        "JetStream unable to subscribe to restore snapshot {subject}: {err}";
    SEQUENCE_NOT_FOUND = 10043, 400, "JSSequenceNotFoundErrF", "sequence {seq} not found";
    CLUSTER_SERVER_NOT_MEMBER = 10044, 400, "JSClusterServerNotMemberErr",
        "server is not a member of the cluster";
    SOURCE_CONSUMER_SETUP_FAILED = 10045, 500, "JSSourceConsumerSetupFailedErrF", "{err}";
    SOURCE_MAX_MESSAGE_SIZE_TOO_BIG = 10046, 400, "JSSourceMaxMessageSizeTooBigErr",
        "stream source must have max message size >= target";
    STORAGE_RESOURCES_EXCEEDED = 10047, 500, "JSStorageResourcesExceededErr",
        "insufficient storage resources available";
    STREAM_ASSIGNMENT = 10048, 500, "JSStreamAssignmentErrF", "{err}";
    STREAM_CREATE = 10049, 500, "JSStreamCreateErrF", "{err}";
    STREAM_DELETE = 10050, 500, "JSStreamDeleteErrF", "{err}";
    STREAM_GENERAL_ERROR = 10051, 500, "JSStreamGeneralErrorF", "{err}";
    STREAM_INVALID_CONFIG = 10052, 500, "JSStreamInvalidConfigF", "{err}";
    STREAM_LIMITS = 10053, 500, "JSStreamLimitsErrF", "{err}";
    STREAM_MESSAGE_EXCEEDS_MAXIMUM = 10054, 400, "JSStreamMessageExceedsMaximumErr",
        "message size exceeds maximum allowed";
    STREAM_MIRROR_NOT_UPDATABLE = 10055, 400, "JSStreamMirrorNotUpdatableErr",
        "stream mirror configuration can not be updated";
    STREAM_MISMATCH = 10056, 400, "JSStreamMismatchErr", "stream name in subject does not match request";
    STREAM_MSG_DELETE_FAILED = 10057, 500, "JSStreamMsgDeleteFailedF", "{err}";
    STREAM_NAME_EXIST = 10058, 400, "JSStreamNameExistErr",
        "stream name already in use with a different configuration";
    STREAM_NOT_FOUND = 10059, 404, "JSStreamNotFoundErr", "stream not found";
    STREAM_NOT_MATCH = 10060, 400, "JSStreamNotMatchErr", "expected stream does not match";
    STREAM_REPLICAS_NOT_UPDATABLE = 10061, 400, "JSStreamReplicasNotUpdatableErr",
        "Replicas configuration can not be updated";
    STREAM_RESTORE = 10062, 500, "JSStreamRestoreErrF", "restore failed: {err}";
    STREAM_SEQUENCE_NOT_MATCH = 10063, 503, "JSStreamSequenceNotMatchErr",
        "expected stream sequence does not match";
    STREAM_SNAPSHOT = 10064, 500, "JSStreamSnapshotErrF", "snapshot failed: {err}";
    STREAM_SUBJECT_OVERLAP = 10065, 400, "JSStreamSubjectOverlapErr",
        "subjects overlap with an existing stream";
    STREAM_TEMPLATE_CREATE = 10066, 500, "JSStreamTemplateCreateErrF", "{err}";
    STREAM_TEMPLATE_DELETE = 10067, 500, "JSStreamTemplateDeleteErrF", "{err}";
    STREAM_TEMPLATE_NOT_FOUND = 10068, 404, "JSStreamTemplateNotFoundErr", "template not found";
    STREAM_UPDATE = 10069, 500, "JSStreamUpdateErrF", "{err}";
    STREAM_WRONG_LAST_MSG_ID = 10070, 400, "JSStreamWrongLastMsgIDErrF", "wrong last msg ID: {id}";
    STREAM_WRONG_LAST_SEQUENCE = 10071, 400, "JSStreamWrongLastSequenceErrF", "wrong last sequence: {seq}";
    TEMP_STORAGE_FAILED = 10072, 500, "JSTempStorageFailedErr",
        "JetStream unable to open temp storage for restore";
    TEMPLATE_NAME_NOT_MATCH_SUBJECT = 10073, 400, "JSTemplateNameNotMatchSubjectErr",
        "template name in subject does not match request";
    STREAM_REPLICAS_NOT_SUPPORTED = 10074, 500, "JSStreamReplicasNotSupportedErr",
        "replicas > 1 not supported in non-clustered mode";
    PEER_REMAP = 10075, 503, "JSPeerRemapErr", "peer remap failed";
    NOT_ENABLED = 10076, 503, "JSNotEnabledErr", "JetStream not enabled";
    STREAM_STORE_FAILED = 10077, 503, "JSStreamStoreFailedF", "{err}";
    CONSUMER_CONFIG_REQUIRED = 10078, 400, "JSConsumerConfigRequiredErr", "consumer config required";
    CONSUMER_DELIVER_TO_WILDCARDS = 10079, 400, "JSConsumerDeliverToWildcardsErr",
        "consumer deliver subject has wildcards";
    CONSUMER_PUSH_MAX_WAITING = 10080, 400, "JSConsumerPushMaxWaitingErr",
        "consumer in push mode can not set max waiting";
    CONSUMER_DELIVER_CYCLE = 10081, 400, "JSConsumerDeliverCycleErr",
        "consumer deliver subject forms a cycle";
    CONSUMER_MAX_PENDING_ACK_POLICY_REQUIRED = 10082, 400, "JSConsumerMaxPendingAckPolicyRequiredErr",
        "consumer requires ack policy for max ack pending";
    CONSUMER_SMALL_HEARTBEAT = 10083, 400, "JSConsumerSmallHeartbeatErr",
        "consumer idle heartbeat needs to be >= 100ms";
    CONSUMER_PULL_REQUIRES_ACK = 10084, 400, "JSConsumerPullRequiresAckErr",
        "consumer in pull mode requires explicit ack policy on workqueue stream";
    CONSUMER_PULL_NOT_DURABLE = 10085, 400, "JSConsumerPullNotDurableErr",
        "consumer in pull mode requires a durable name";
    CONSUMER_PULL_WITH_RATE_LIMIT = 10086, 400, "JSConsumerPullWithRateLimitErr",
        "consumer in pull mode can not have rate limit set";
    CONSUMER_MAX_WAITING_NEGATIVE = 10087, 400, "JSConsumerMaxWaitingNegativeErr",
        "consumer max waiting needs to be positive";
    CONSUMER_HB_REQUIRES_PUSH = 10088, 400, "JSConsumerHBRequiresPushErr",
        "consumer idle heartbeat requires a push based consumer";
    CONSUMER_FC_REQUIRES_PUSH = 10089, 400, "JSConsumerFCRequiresPushErr",
        "consumer flow control requires a push based consumer";
    CONSUMER_DIRECT_REQUIRES_PUSH = 10090, 400, "JSConsumerDirectRequiresPushErr",
        "consumer direct requires a push based consumer";
    CONSUMER_DIRECT_REQUIRES_EPHEMERAL = 10091, 400, "JSConsumerDirectRequiresEphemeralErr",
        "consumer direct requires an ephemeral consumer";
    CONSUMER_ON_MAPPED = 10092, 400, "JSConsumerOnMappedErr", "consumer direct on a mapped consumer";
    CONSUMER_FILTER_NOT_SUBSET = 10093, 400, "JSConsumerFilterNotSubsetErr",
        "consumer filter subject is not a valid subset of the interest subjects";
    CONSUMER_INVALID_POLICY = 10094, 400, "JSConsumerInvalidPolicyErrF", "{err}";
    CONSUMER_INVALID_SAMPLING = 10095, 400, "JSConsumerInvalidSamplingErrF",
        "failed to parse consumer sampling configuration: {err}";
    STREAM_INVALID = 10096, 500, "JSStreamInvalidErr", "stream not valid";
    STREAM_HEADER_EXCEEDS_MAXIMUM = 10097, 400, "JSStreamHeaderExceedsMaximumErr",
        "header size exceeds maximum allowed of 64k";
    CONSUMER_WQ_REQUIRES_EXPLICIT_ACK = 10098, 400, "JSConsumerWQRequiresExplicitAckErr",
        "workqueue stream requires explicit ack";
    CONSUMER_WQ_MULTIPLE_UNFILTERED = 10099, 400, "JSConsumerWQMultipleUnfilteredErr",
        "multiple non-filtered consumers not allowed on workqueue stream";
    CONSUMER_WQ_CONSUMER_NOT_UNIQUE = 10100, 400, "JSConsumerWQConsumerNotUniqueErr",
        "filtered consumer not unique on workqueue stream";
    CONSUMER_WQ_CONSUMER_NOT_DELIVER_ALL = 10101, 400, "JSConsumerWQConsumerNotDeliverAllErr",
        "consumer must be deliver all on workqueue stream";
    CONSUMER_NAME_TOO_LONG = 10102, 400, "JSConsumerNameTooLongErrF",
        "consumer name is too long, maximum allowed is {max}";
    CONSUMER_BAD_DURABLE_NAME = 10103, 400, "JSConsumerBadDurableNameErr",
        "durable name can not contain '.', '*', '>'";
    CONSUMER_STORE_FAILED = 10104, 500, "JSConsumerStoreFailedErrF",
        "error creating store for consumer: {err}";
    CONSUMER_EXISTING_ACTIVE = 10105, 400, "JSConsumerExistingActiveErr",
        "consumer already exists and is still active";
    CONSUMER_REPLACEMENT_WITH_DIFFERENT_NAME = 10106, 400, "JSConsumerReplacementWithDifferentNameErr",
        "consumer replacement durable config not the same";
    CONSUMER_DESCRIPTION_TOO_LONG = 10107, 400, "JSConsumerDescriptionTooLongErrF",
        "consumer description is too long, maximum allowed is {max}";
    CONSUMER_WITH_FLOW_CONTROL_NEEDS_HEARTBEATS = 10108, 400, "JSConsumerWithFlowControlNeedsHeartbeats",
        "consumer with flow control also needs heartbeats";
    STREAM_SEALED = 10109, 400, "JSStreamSealedErr", "invalid operation on sealed stream";
    STREAM_PURGE_FAILED = 10110, 500, "JSStreamPurgeFailedF", "{err}";
    STREAM_ROLLUP_FAILED = 10111, 500, "JSStreamRollupFailedF", "{err}";
    CONSUMER_INVALID_DELIVER_SUBJECT = 10112, 400, "JSConsumerInvalidDeliverSubject",
        "invalid push consumer deliver subject";
    STREAM_MAX_BYTES_REQUIRED = 10113, 400, "JSStreamMaxBytesRequired",
        "account requires a stream config to have max bytes set";
    CONSUMER_MAX_REQUEST_BATCH_NEGATIVE = 10114, 400, "JSConsumerMaxRequestBatchNegativeErr",
        "consumer max request batch needs to be > 0";
    CONSUMER_MAX_REQUEST_EXPIRES_TOO_SMALL = 10115, 400, "JSConsumerMaxRequestExpiresTooSmall",
        "consumer max request expires needs to be >= 1ms";
    CONSUMER_MAX_DELIVER_BACKOFF = 10116, 400, "JSConsumerMaxDeliverBackoffErr",
        "max deliver is required to be > length of backoff values";
    STREAM_INFO_MAX_SUBJECTS = 10117, 500, "JSStreamInfoMaxSubjectsErr",
        "subject details would exceed maximum allowed";
    STREAM_OFFLINE = 10118, 500, "JSStreamOfflineErr", "stream is offline";
    CONSUMER_OFFLINE = 10119, 500, "JSConsumerOfflineErr", "consumer is offline";
    NO_LIMITS = 10120, 400, "JSNoLimitsErr", "no JetStream default or applicable tiered limit present";
    CONSUMER_MAX_PENDING_ACK_EXCESS = 10121, 400, "JSConsumerMaxPendingAckExcessErrF",
        "consumer max ack pending exceeds system limit of {limit}";
    STREAM_MAX_STREAM_BYTES_EXCEEDED = 10122, 400, "JSStreamMaxStreamBytesExceeded",
        "stream max bytes exceeds account limit max stream bytes";
    STREAM_MOVE_AND_SCALE = 10123, 400, "JSStreamMoveAndScaleErr",
        "can not move and scale a stream in a single update";
    STREAM_MOVE_IN_PROGRESS = 10124, 400, "JSStreamMoveInProgressF", "stream move already in progress: {msg}";
    CONSUMER_MAX_REQUEST_BATCH_EXCEEDED = 10125, 400, "JSConsumerMaxRequestBatchExceededF",
        "consumer max request batch exceeds server limit of {limit}";
    CONSUMER_REPLICAS_EXCEEDS_STREAM = 10126, 400, "JSConsumerReplicasExceedsStream",
        "consumer config replica count exceeds parent stream";
    CONSUMER_NAME_CONTAINS_PATH_SEPARATORS = 10127, 400, "JSConsumerNameContainsPathSeparatorsErr",
        "Consumer name can not contain path separators";
    STREAM_NAME_CONTAINS_PATH_SEPARATORS = 10128, 400, "JSStreamNameContainsPathSeparatorsErr",
        "Stream name can not contain path separators";
    STREAM_MOVE_NOT_IN_PROGRESS = 10129, 400, "JSStreamMoveNotInProgress", "stream move not in progress";
    STREAM_NAME_EXIST_RESTORE_FAILED = 10130, 400, "JSStreamNameExistRestoreFailedErr",
        "stream name already in use, cannot restore";
    CONSUMER_CREATE_FILTER_SUBJECT_MISMATCH = 10131, 400, "JSConsumerCreateFilterSubjectMismatchErr",
        "Consumer create request did not match filtered subject from create subject";
    CONSUMER_CREATE_DURABLE_AND_NAME_MISMATCH = 10132, 400, "JSConsumerCreateDurableAndNameMismatch",
        "Consumer Durable and Name have to be equal if both are provided";
    REPLICAS_COUNT_CANNOT_BE_NEGATIVE = 10133, 400, "JSReplicasCountCannotBeNegative",
        "replicas count cannot be negative";
    CONSUMER_REPLICAS_SHOULD_MATCH_STREAM = 10134, 400, "JSConsumerReplicasShouldMatchStream",
        "consumer config replicas must match interest retention stream's replicas";
    CONSUMER_METADATA_LENGTH = 10135, 400, "JSConsumerMetadataLengthErrF",
        "consumer metadata exceeds maximum size of {limit}";
    CONSUMER_DUPLICATE_FILTER_SUBJECTS = 10136, 400, "JSConsumerDuplicateFilterSubjects",
        "consumer cannot have both FilterSubject and FilterSubjects specified";
    CONSUMER_MULTIPLE_FILTERS_NOT_ALLOWED = 10137, 400, "JSConsumerMultipleFiltersNotAllowed",
        "consumer with multiple subject filters cannot use subject based API";
    CONSUMER_OVERLAPPING_SUBJECT_FILTERS = 10138, 400, "JSConsumerOverlappingSubjectFilters",
        "consumer subject filters cannot overlap";
    CONSUMER_EMPTY_FILTER = 10139, 400, "JSConsumerEmptyFilter",
        "consumer filter in FilterSubjects cannot be empty";
    SOURCE_DUPLICATE_DETECTED = 10140, 400, "JSSourceDuplicateDetected",
        "duplicate source configuration detected";
    SOURCE_INVALID_STREAM_NAME = 10141, 400, "JSSourceInvalidStreamName", "sourced stream name is invalid";
    MIRROR_INVALID_STREAM_NAME = 10142, 400, "JSMirrorInvalidStreamName", "mirrored stream name is invalid";
    MIRROR_WITH_FIRST_SEQ = 10143, 400, "JSMirrorWithFirstSeqErr",
        "stream mirrors can not have first sequence configured";
    SOURCE_MULTIPLE_FILTERS_NOT_ALLOWED = 10144, 400, "JSSourceMultipleFiltersNotAllowed",
        "source with multiple subject transforms cannot also have a single subject filter";
    SOURCE_INVALID_SUBJECT_FILTER = 10145, 400, "JSSourceInvalidSubjectFilter",
        "source transform source: {err}";
    SOURCE_INVALID_TRANSFORM_DESTINATION = 10146, 400, "JSSourceInvalidTransformDestination",
        "source transform: {err}";
    SOURCE_OVERLAPPING_SUBJECT_FILTERS = 10147, 400, "JSSourceOverlappingSubjectFilters",
        "source filters can not overlap";
    CONSUMER_ALREADY_EXISTS = 10148, 400, "JSConsumerAlreadyExists", "consumer already exists";
    CONSUMER_DOES_NOT_EXIST = 10149, 400, "JSConsumerDoesNotExist", "consumer does not exist";
    MIRROR_MULTIPLE_FILTERS_NOT_ALLOWED = 10150, 400, "JSMirrorMultipleFiltersNotAllowed",
        "mirror with multiple subject transforms cannot also have a single subject filter";
    MIRROR_INVALID_SUBJECT_FILTER = 10151, 400, "JSMirrorInvalidSubjectFilter",
        "mirror transform source: {err}";
    MIRROR_OVERLAPPING_SUBJECT_FILTERS = 10152, 400, "JSMirrorOverlappingSubjectFilters",
        "mirror subject filters can not overlap";
    CONSUMER_INACTIVE_THRESHOLD_EXCESS = 10153, 400, "JSConsumerInactiveThresholdExcess",
        "consumer inactive threshold exceeds system limit of {limit}";
    MIRROR_INVALID_TRANSFORM_DESTINATION = 10154, 400, "JSMirrorInvalidTransformDestination",
        "mirror transform: {err}";
    STREAM_TRANSFORM_INVALID_SOURCE = 10155, 400, "JSStreamTransformInvalidSource",
        "stream transform source: {err}";
    STREAM_TRANSFORM_INVALID_DESTINATION = 10156, 400, "JSStreamTransformInvalidDestination",
        "stream transform: {err}";
    PEDANTIC = 10157, 400, "JSPedanticErrF", "pedantic mode: {err}";
    STREAM_DUPLICATE_MESSAGE_CONFLICT = 10158, 409, "JSStreamDuplicateMessageConflict",
        "duplicate message id is in process";
    CONSUMER_PRIORITY_POLICY_WITHOUT_GROUP = 10159, 400, "JSConsumerPriorityPolicyWithoutGroup",
        "Setting PriorityPolicy requires at least one PriorityGroup to be set";
    CONSUMER_INVALID_PRIORITY_GROUP = 10160, 400, "JSConsumerInvalidPriorityGroupErr",
        "Provided priority group does not exist for this consumer";
    CONSUMER_EMPTY_GROUP_NAME = 10161, 400, "JSConsumerEmptyGroupName",
        "Group name cannot be an empty string";
    CONSUMER_INVALID_GROUP_NAME = 10162, 400, "JSConsumerInvalidGroupNameErr",
        "Valid priority group name must match A-Z, a-z, 0-9, -_/=)+ and may not exceed 16 characters";
    STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_NOT_READY = 10163, 503, "JSStreamExpectedLastSeqPerSubjectNotReady",
        "expected last sequence per subject temporarily unavailable";
    STREAM_WRONG_LAST_SEQUENCE_CONSTANT = 10164, 400, "JSStreamWrongLastSequenceConstantErr",
        "wrong last sequence";
    MESSAGE_TTL_INVALID = 10165, 400, "JSMessageTTLInvalidErr", "invalid per-message TTL";
    MESSAGE_TTL_DISABLED = 10166, 400, "JSMessageTTLDisabledErr", "per-message TTL is disabled";
    STREAM_TOO_MANY_REQUESTS = 10167, 429, "JSStreamTooManyRequests", "too many requests";
    MESSAGE_INCR_DISABLED = 10168, 400, "JSMessageIncrDisabledErr", "message counters is disabled";
    MESSAGE_INCR_MISSING = 10169, 400, "JSMessageIncrMissingErr", "message counter increment is missing";
    MESSAGE_INCR_PAYLOAD = 10170, 400, "JSMessageIncrPayloadErr", "message counter has payload";
    MESSAGE_INCR_INVALID = 10171, 400, "JSMessageIncrInvalidErr", "message counter increment is invalid";
    MESSAGE_COUNTER_BROKEN = 10172, 400, "JSMessageCounterBrokenErr", "message counter is broken";
    MIRROR_WITH_COUNTERS = 10173, 400, "JSMirrorWithCountersErr",
        "stream mirrors can not also calculate counters";
    ATOMIC_PUBLISH_DISABLED = 10174, 400, "JSAtomicPublishDisabledErr", "atomic publish is disabled";
    ATOMIC_PUBLISH_MISSING_SEQ = 10175, 400, "JSAtomicPublishMissingSeqErr",
        "atomic publish sequence is missing";
    ATOMIC_PUBLISH_INCOMPLETE_BATCH = 10176, 400, "JSAtomicPublishIncompleteBatchErr",
        "atomic publish batch is incomplete";
    ATOMIC_PUBLISH_UNSUPPORTED_HEADER_BATCH = 10177, 400, "JSAtomicPublishUnsupportedHeaderBatchErr",
        "atomic publish unsupported header used: {header}";
    CONSUMER_PUSH_WITH_PRIORITY_GROUP = 10178, 400, "JSConsumerPushWithPriorityGroupErr",
        "priority groups can not be used with push consumers";
    ATOMIC_PUBLISH_INVALID_BATCH_ID = 10179, 400, "JSAtomicPublishInvalidBatchIDErr",
        "atomic publish batch ID is invalid";
    STREAM_MIN_LAST_SEQ = 10180, 412, "JSStreamMinLastSeqErr", "min last sequence";
    CONSUMER_ACK_POLICY_INVALID = 10181, 400, "JSConsumerAckPolicyInvalidErr", "consumer ack policy invalid";
    CONSUMER_REPLAY_POLICY_INVALID = 10182, 400, "JSConsumerReplayPolicyInvalidErr",
        "consumer replay policy invalid";
    CONSUMER_ACK_WAIT_NEGATIVE = 10183, 400, "JSConsumerAckWaitNegativeErr",
        "consumer ack wait needs to be positive";
    CONSUMER_BACK_OFF_NEGATIVE = 10184, 400, "JSConsumerBackOffNegativeErr",
        "consumer backoff needs to be positive";
    REQUIRED_API_LEVEL = 10185, 412, "JSRequiredApiLevelErr", "JetStream minimum api level required";
    MIRROR_WITH_MSG_SCHEDULES = 10186, 400, "JSMirrorWithMsgSchedulesErr",
        "stream mirrors can not also schedule messages";
    SOURCE_WITH_MSG_SCHEDULES = 10187, 400, "JSSourceWithMsgSchedulesErr",
        "stream source can not also schedule messages";
    MESSAGE_SCHEDULES_DISABLED = 10188, 400, "JSMessageSchedulesDisabledErr", "message schedules is disabled";
    MESSAGE_SCHEDULES_PATTERN_INVALID = 10189, 400, "JSMessageSchedulesPatternInvalidErr",
        "message schedules pattern is invalid";
    MESSAGE_SCHEDULES_TARGET_INVALID = 10190, 400, "JSMessageSchedulesTargetInvalidErr",
        "message schedules target is invalid";
    MESSAGE_SCHEDULES_TTL_INVALID = 10191, 400, "JSMessageSchedulesTTLInvalidErr",
        "message schedules invalid per-message TTL";
    MESSAGE_SCHEDULES_ROLLUP_INVALID = 10192, 400, "JSMessageSchedulesRollupInvalidErr",
        "message schedules invalid rollup";
    STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID = 10193, 400, "JSStreamExpectedLastSeqPerSubjectInvalid",
        "missing sequence for expected last sequence per subject";
    STREAM_OFFLINE_REASON = 10194, 500, "JSStreamOfflineReasonErrF", "stream is offline: {err}";
    CONSUMER_OFFLINE_REASON = 10195, 500, "JSConsumerOfflineReasonErrF", "consumer is offline: {err}";
    CONSUMER_PRIORITY_GROUP_WITH_POLICY_NONE = 10196, 400, "JSConsumerPriorityGroupWithPolicyNone",
        "consumer can not have priority groups when policy is none";
    CONSUMER_PINNED_TTL_WITHOUT_PRIORITY_POLICY_NONE =
        10197, 400, "JSConsumerPinnedTTLWithoutPriorityPolicyNone",
        "PinnedTTL cannot be set when PriorityPolicy is none";
    MIRROR_WITH_ATOMIC_PUBLISH = 10198, 400, "JSMirrorWithAtomicPublishErr",
        "stream mirrors can not also use atomic publishing";
    ATOMIC_PUBLISH_TOO_LARGE_BATCH = 10199, 400, "JSAtomicPublishTooLargeBatchErrF",
        "atomic publish batch is too large: {size}";
    ATOMIC_PUBLISH_INVALID_BATCH_COMMIT = 10200, 400, "JSAtomicPublishInvalidBatchCommitErr",
        "atomic publish batch commit is invalid";
    ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE = 10201, 400, "JSAtomicPublishContainsDuplicateMessageErr",
        "atomic publish batch contains duplicate message id";
    CLUSTER_SERVER_MEMBER_CHANGE_INFLIGHT = 10202, 400, "JSClusterServerMemberChangeInflightErr",
        "cluster member change is in progress";
    MESSAGE_SCHEDULES_SOURCE_INVALID = 10203, 400, "JSMessageSchedulesSourceInvalidErr",
        "message schedules source is invalid";
    CONSUMER_INVALID_RESET = 10204, 400, "JSConsumerInvalidResetErr", "invalid reset: {err}";
    BATCH_PUBLISH_DISABLED = 10205, 400, "JSBatchPublishDisabledErr", "batch publish is disabled";
    BATCH_PUBLISH_INVALID_PATTERN = 10206, 400, "JSBatchPublishInvalidPatternErr",
        "batch publish pattern is invalid";
    BATCH_PUBLISH_INVALID_BATCH_ID = 10207, 400, "JSBatchPublishInvalidBatchIDErr",
        "batch publish ID is invalid";
    BATCH_PUBLISH_UNKNOWN_BATCH_ID = 10208, 400, "JSBatchPublishUnknownBatchIDErr",
        "batch publish ID unknown";
    MIRROR_WITH_BATCH_PUBLISH = 10209, 400, "JSMirrorWithBatchPublishErr",
        "stream mirrors can not also use batch publishing";
    ATOMIC_PUBLISH_TOO_MANY_INFLIGHT = 10210, 429, "JSAtomicPublishTooManyInflight",
        "atomic publish too many inflight";
    BATCH_PUBLISH_TOO_MANY_INFLIGHT = 10211, 429, "JSBatchPublishTooManyInflight",
        "batch publish too many inflight";
    MESSAGE_SCHEDULES_SCHEDULER_INVALID = 10212, 400, "JSMessageSchedulesSchedulerInvalidErr",
        "message schedules invalid scheduler";
    MIRROR_DURABLE_CONSUMER_CFG_INVALID = 10213, 400, "JSMirrorDurableConsumerCfgInvalid",
        "stream mirror consumer config is invalid";
    MIRROR_CONSUMER_REQUIRES_ACK_FC = 10214, 400, "JSMirrorConsumerRequiresAckFCErr",
        "stream mirror consumer requires flow control ack policy";
    SOURCE_DURABLE_CONSUMER_CFG_INVALID = 10215, 400, "JSSourceDurableConsumerCfgInvalid",
        "stream source consumer config is invalid";
    SOURCE_DURABLE_CONSUMER_DUPLICATE_DETECTED = 10216, 400, "JSSourceDurableConsumerDuplicateDetected",
        "duplicate stream source consumer detected";
    SOURCE_CONSUMER_REQUIRES_ACK_FC = 10217, 400, "JSSourceConsumerRequiresAckFCErr",
        "stream source consumer requires flow control ack policy";
    CONSUMER_ACK_FC_REQUIRES_PUSH = 10218, 400, "JSConsumerAckFCRequiresPushErr",
        "flow control ack policy requires a push based consumer";
    CONSUMER_ACK_FC_REQUIRES_FC = 10219, 400, "JSConsumerAckFCRequiresFCErr",
        "flow control ack policy requires flow control";
    CONSUMER_ACK_FC_REQUIRES_MAX_ACK_PENDING = 10220, 400, "JSConsumerAckFCRequiresMaxAckPendingErr",
        "flow control ack policy requires max ack pending";
    CONSUMER_ACK_FC_REQUIRES_NO_ACK_WAIT = 10221, 400, "JSConsumerAckFCRequiresNoAckWaitErr",
        "flow control ack policy requires unset ack wait";
    CONSUMER_ACK_FC_REQUIRES_NO_MAX_DELIVER = 10222, 400, "JSConsumerAckFCRequiresNoMaxDeliverErr",
        "flow control ack policy requires unset max deliver";
    MESSAGE_SCHEDULES_TIME_ZONE_INVALID = 10223, 400, "JSMessageSchedulesTimeZoneInvalidErr",
        "message schedules time zone is invalid";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_and_names_are_used_once() {
        assert_eq!(ALL.len(), 222);
        assert!(ALL.is_sorted_by(|one, next| one.err_code < next.err_code));
        let mut names: Vec<_> = ALL.iter().map(|known| known.constant).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn statuses_are_those_of_http() {
        for known in ALL {
            assert!(
                [400, 403, 404, 408, 409, 412, 413, 429, 500, 501, 503].contains(&known.code),
                "{known:?}"
            );
        }
    }
}
