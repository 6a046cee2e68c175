//! Answers to requests. Each has a type, and an error if it went wrong; what else stands in it stays then as it is
//! when nothing is known.

use std::collections::BTreeMap;

use nats_proto::go_json::{BodyError, compact, read_into};

use crate::go_struct::{Members, go_structs};
use crate::stored_message::StoredMessage;
use crate::{AccountInfo, ApiError, ConsumerInfo, Nanos, StreamConfig, StreamInfo, StreamState, Timestamp};

/// How many names one answer lists.
pub const NAMES_MAX: usize = 1_024;

/// How many streams or consumers one answer tells of.
pub const LIST_MAX: usize = 256;

/// How many subjects one answer tells of.
pub const SUBJECTS_MAX: usize = 100_000;

/// An answer to one kind of request.
pub trait ApiAnswer: Members + Default {
    /// What it is called on the wire.
    const TYPE: &'static str;

    /// What all answers have.
    fn head_mut(&mut self) -> &mut Head;

    /// One that says nothing yet.
    fn new() -> Self {
        let mut answer = Self::default();
        Self::TYPE.clone_into(&mut answer.head_mut().kind);
        answer
    }

    /// One that tells of that error.
    fn failed(error: ApiError) -> Self {
        let mut answer = Self::new();
        answer.head_mut().error = Some(error);
        answer
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is not JSON, or values in it are of other types.
    fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut answer = Self::default();
        read_into(text, &mut answer)?;
        Ok(answer)
    }

    /// Its bytes.
    fn to_json(&self) -> Vec<u8>
    where
        Self: serde::Serialize,
    {
        compact(self)
    }
}

go_structs! {
    /// What all answers have.
    pub struct Head = "server.ApiResponse" {
        /// What kind of answer it is.
        kind: String = "type";
        /// What went wrong.
        error: Option<ApiError> = "error" if set;
    }

    /// Which part of a list an answer has.
    pub struct ApiPage = "server.ApiPaged" {
        /// How many there are.
        total: i64 = "total";
        /// How many come before.
        offset: i64 = "offset";
        /// How many fit.
        limit: i64 = "limit";
    }
}

/// Makes answers of rows as [`go_structs`] has them, each with its type on the wire. All begin with a head.
macro_rules! answers {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident = $go_type:literal, $kind:literal { $($rows:tt)* }
    )*) => {
        go_structs! { $(
            $(#[$meta])*
            pub struct $name = $go_type {
                /// What it is, and what went wrong.
                head: Head = flat;
                $($rows)*
            }
        )* }

        $(
            impl ApiAnswer for $name {
                const TYPE: &'static str = concat!("io.nats.jetstream.api.v1.", $kind);

                fn head_mut(&mut self) -> &mut Head {
                    &mut self.head
                }
            }
        )*
    };
}

answers! {
    /// To any request that the account may not make.
    pub struct SystemAnswer = "server.ApiResponse", "system_response" {}

    /// To INFO.
    pub struct AccountInfoAnswer = "server.JSApiAccountInfoResponse", "account_info_response" {
        /// What was asked for.
        info: Option<AccountInfo> = flat;
    }

    /// To STREAM.CREATE, and to the last part of a STREAM.RESTORE.
    pub struct StreamCreateAnswer = "server.JSApiStreamCreateResponse", "stream_create_response" {
        /// The stream.
        info: Option<StreamInfo> = flat;
        /// Whether it was not there before.
        did_create: bool = "did_create" if set;
    }

    /// To STREAM.UPDATE.
    pub struct StreamUpdateAnswer = "server.JSApiStreamUpdateResponse", "stream_update_response" {
        /// The stream.
        info: Option<StreamInfo> = flat;
    }

    /// To STREAM.INFO.
    pub struct StreamInfoAnswer = "server.JSApiStreamInfoResponse", "stream_info_response" {
        /// Which part of its subjects.
        page: ApiPage = flat;
        /// The stream.
        info: Option<StreamInfo> = flat;
    }

    /// To STREAM.DELETE.
    pub struct StreamDeleteAnswer = "server.JSApiStreamDeleteResponse", "stream_delete_response" {
        /// Whether it is gone.
        success: bool = "success" if set;
    }

    /// To STREAM.NAMES.
    pub struct StreamNamesAnswer = "server.JSApiStreamNamesResponse", "stream_names_response" {
        /// Which part.
        page: ApiPage = flat;
        /// `None` if there are none.
        streams: Option<Vec<String>> = "streams";
    }

    /// To STREAM.LIST.
    pub struct StreamListAnswer = "server.JSApiStreamListResponse", "stream_list_response" {
        /// Which part.
        page: ApiPage = flat;
        /// `None` if it went wrong.
        streams: Option<Vec<StreamInfo>> = "streams";
        /// Those that said nothing.
        missing: Vec<String> = "missing" if set;
        /// Those that cannot be had, and why.
        offline: BTreeMap<String, String> = "offline" if set;
    }

    /// To STREAM.PURGE.
    pub struct StreamPurgeAnswer = "server.JSApiStreamPurgeResponse", "stream_purge_response" {
        /// Whether it was done.
        success: bool = "success" if set;
        /// How many messages are gone.
        purged: u64 = "purged";
    }

    /// To STREAM.MSG.GET.
    pub struct MsgGetAnswer = "server.JSApiMsgGetResponse", "stream_msg_get_response" {
        /// The message.
        message: Option<StoredMessage> = "message" if set;
    }

    /// To STREAM.MSG.DELETE.
    pub struct MsgDeleteAnswer = "server.JSApiMsgDeleteResponse", "stream_msg_delete_response" {
        /// Whether it is gone.
        success: bool = "success" if set;
    }

    /// To STREAM.SNAPSHOT.
    pub struct StreamSnapshotAnswer = "server.JSApiStreamSnapshotResponse", "stream_snapshot_response" {
        /// What the stream was told to be.
        config: Option<StreamConfig> = "config" if set;
        /// What is in it.
        state: Option<StreamState> = "state" if set;
    }

    /// To STREAM.RESTORE.
    pub struct StreamRestoreAnswer = "server.JSApiStreamRestoreResponse", "stream_restore_response" {
        /// Where the parts are to be sent.
        deliver_subject: String = "deliver_subject";
    }

    /// To STREAM.PEER.REMOVE.
    pub struct StreamRemovePeerAnswer = "server.JSApiStreamRemovePeerResponse", "stream_remove_peer_response" {
        /// Whether it was done.
        success: bool = "success" if set;
    }

    /// To STREAM.LEADER.STEPDOWN.
    pub struct StreamStepdownAnswer =
        "server.JSApiStreamLeaderStepDownResponse", "stream_leader_stepdown_response"
    {
        /// Whether it was done.
        success: bool = "success" if set;
    }

    /// To CONSUMER.CREATE in all its forms.
    pub struct ConsumerCreateAnswer = "server.JSApiConsumerCreateResponse", "consumer_create_response" {
        /// The consumer.
        info: Option<ConsumerInfo> = flat;
    }

    /// To CONSUMER.INFO.
    pub struct ConsumerInfoAnswer = "server.JSApiConsumerInfoResponse", "consumer_info_response" {
        /// The consumer.
        info: Option<ConsumerInfo> = flat;
    }

    /// To CONSUMER.RESET.
    pub struct ConsumerResetAnswer = "server.JSApiConsumerResetResponse", "consumer_reset_response" {
        /// The consumer.
        info: Option<ConsumerInfo> = flat;
        /// The sequence it goes on from.
        reset_seq: u64 = "reset_seq";
    }

    /// To CONSUMER.DELETE.
    pub struct ConsumerDeleteAnswer = "server.JSApiConsumerDeleteResponse", "consumer_delete_response" {
        /// Whether it is gone.
        success: bool = "success" if set;
    }

    /// To CONSUMER.PAUSE.
    pub struct ConsumerPauseAnswer = "server.JSApiConsumerPauseResponse", "consumer_pause_response" {
        /// Whether it delivers nothing for now.
        paused: bool = "paused";
        /// Until when, as it was asked for.
        pause_until: Timestamp = "pause_until";
        /// For how long.
        pause_remaining: Nanos = "pause_remaining" if set;
    }

    /// To CONSUMER.UNPIN.
    pub struct ConsumerUnpinAnswer = "server.JSApiConsumerUnpinResponse", "consumer_unpin_response" {}

    /// To CONSUMER.NAMES.
    pub struct ConsumerNamesAnswer = "server.JSApiConsumerNamesResponse", "consumer_names_response" {
        /// Which part.
        page: ApiPage = flat;
        /// Their names.
        consumers: Option<Vec<String>> = "consumers";
    }

    /// To CONSUMER.LIST.
    pub struct ConsumerListAnswer = "server.JSApiConsumerListResponse", "consumer_list_response" {
        /// Which part.
        page: ApiPage = flat;
        /// The consumers.
        consumers: Option<Vec<ConsumerInfo>> = "consumers";
        /// Those that said nothing.
        missing: Vec<String> = "missing" if set;
        /// Those that cannot be had, and why.
        offline: BTreeMap<String, String> = "offline" if set;
    }

    /// To CONSUMER.LEADER.STEPDOWN.
    pub struct ConsumerStepdownAnswer =
        "server.JSApiConsumerLeaderStepDownResponse", "consumer_leader_stepdown_response"
    {
        /// Whether it was done.
        success: bool = "success" if set;
    }

    /// To META.LEADER.STEPDOWN.
    pub struct MetaStepdownAnswer = "server.JSApiLeaderStepDownResponse", "meta_leader_stepdown_response" {
        /// Whether it was done.
        success: bool = "success" if set;
    }

    /// To SERVER.REMOVE.
    pub struct ServerRemoveAnswer = "server.JSApiMetaServerRemoveResponse", "meta_server_remove_response" {
        /// Whether it was done.
        success: bool = "success" if set;
    }

    /// To ACCOUNT.PURGE.
    pub struct AccountPurgeAnswer = "server.JSApiAccountPurgeResponse", "account_purge_response" {
        /// Whether it has begun.
        initiated: bool = "initiated" if set;
    }
}
