//! What requests say in their bodies.

use crate::go_struct::go_structs;
use crate::request_body::{Presence, RequestBody};
use crate::rules::is_literal;
use crate::{
    ApiError, ConsumerAction, ConsumerConfig, Placement, Status, StreamConfig, StreamState, Timestamp, errors,
};

go_structs! {
    /// STREAM.CREATE and STREAM.UPDATE.
    pub struct StreamConfigRequest = "server.StreamConfigRequest" {
        /// What the stream is to be.
        config: StreamConfig = flat;
        /// Whether it is refused rather than mended.
        pedantic: bool = "pedantic" if set;
    }

    /// STREAM.NAMES and STREAM.LIST.
    pub struct StreamsRequest = "server.JSApiStreamNamesRequest" {
        /// How many are passed over.
        offset: i64 = "offset";
        /// Only those with such a subject.
        subject: String = "subject" if set;
    }

    /// STREAM.INFO.
    pub struct StreamInfoRequest = "server.JSApiStreamInfoRequest" {
        /// How many subjects are passed over.
        offset: i64 = "offset";
        /// Whether it tells which sequences have no message.
        deleted_details: bool = "deleted_details" if set;
        /// Which subjects it tells of.
        subjects_filter: String = "subjects_filter" if set;
    }

    /// STREAM.PURGE.
    pub struct StreamPurgeRequest = "server.JSApiStreamPurgeRequest" {
        /// What is before it goes.
        seq: u64 = "seq" if set;
        /// Only messages of such subjects.
        filter: String = "filter" if set;
        /// How many of the newest stay.
        keep: u64 = "keep" if set;
    }

    /// STREAM.MSG.DELETE.
    pub struct MsgDeleteRequest = "server.JSApiMsgDeleteRequest" {
        /// Which one.
        seq: u64 = "seq";
        /// Whether its bytes may stay where they are.
        no_erase: bool = "no_erase" if set;
    }

    /// STREAM.MSG.GET and DIRECT.GET.
    pub struct MsgGetRequest = "server.JSApiMsgGetRequest" {
        /// Which one, or from which one on.
        seq: u64 = "seq" if set;
        /// The last one of such a subject.
        last_by_subj: String = "last_by_subj" if set;
        /// The next one of such a subject.
        next_by_subj: String = "next_by_subj" if set;
        /// How many.
        batch: i64 = "batch" if set;
        /// How many bytes.
        max_bytes: i64 = "max_bytes" if set;
        /// From when on.
        start_time: Option<Timestamp> = "start_time" if set;
        /// The last one of each of such subjects.
        multi_last: Vec<String> = "multi_last" if set;
        /// Up to which one.
        up_to_seq: u64 = "up_to_seq" if set;
        /// Up to when.
        up_to_time: Option<Timestamp> = "up_to_time" if set;
        /// Whether headers are left out.
        no_hdr: bool = "no_hdr" if set;
    }

    /// STREAM.SNAPSHOT.
    pub struct StreamSnapshotRequest = "server.JSApiStreamSnapshotRequest" {
        /// Where it is sent.
        deliver_subject: String = "deliver_subject";
        /// Whether consumers are left out.
        no_consumers: bool = "no_consumers" if set;
        /// How large its parts are.
        chunk_size: i64 = "chunk_size" if set;
        /// How much may be under way.
        window_size: i64 = "window_size" if set;
        /// Whether messages are checked before.
        jsck: bool = "jsck" if set;
    }

    /// STREAM.RESTORE.
    pub struct StreamRestoreRequest = "server.JSApiStreamRestoreRequest" {
        /// What the stream was told to be.
        config: StreamConfig = "config";
        /// What was in it.
        state: StreamState = "state";
    }

    /// STREAM.PEER.REMOVE.
    pub struct StreamRemovePeerRequest = "server.JSApiStreamRemovePeerRequest" {
        /// Which server.
        peer: String = "peer";
    }

    /// STREAM.LEADER.STEPDOWN, CONSUMER.LEADER.STEPDOWN and META.LEADER.STEPDOWN.
    pub struct StepdownRequest = "server.JSApiLeaderStepdownRequest" {
        /// Who is to lead.
        placement: Option<Placement> = "placement" if set;
    }

    /// SERVER.REMOVE.
    pub struct ServerRemoveRequest = "server.JSApiMetaServerRemoveRequest" {
        /// Which server, by name.
        peer: String = "peer";
        /// Which server, by id.
        peer_id: String = "peer_id" if set;
    }

    /// ACCOUNT.STREAM.MOVE.
    pub struct StreamMoveRequest = "server.JSApiMetaServerStreamMoveRequest" {
        /// From which server.
        server: String = "server" if set;
        /// Of which cluster.
        cluster: String = "cluster" if set;
        /// Of which domain.
        domain: String = "domain" if set;
        /// To servers with these tags.
        tags: Vec<String> = "tags" if set;
    }

    /// CONSUMER.CREATE in all its forms.
    pub struct ConsumerCreateRequest = "server.CreateConsumerRequest" {
        /// Its stream.
        stream_name: String = "stream_name";
        /// What it is to be.
        config: ConsumerConfig = "config";
        /// Whether it may be there already.
        action: ConsumerAction = "action";
        /// Whether it is refused rather than mended.
        pedantic: bool = "pedantic" if set;
    }

    /// CONSUMER.NAMES and CONSUMER.LIST.
    pub struct ConsumersRequest = "server.JSApiConsumersRequest" {
        /// How many are passed over.
        offset: i64 = "offset";
    }

    /// CONSUMER.PAUSE.
    pub struct ConsumerPauseRequest = "server.JSApiConsumerPauseRequest" {
        /// Until when.
        pause_until: Timestamp = "pause_until";
    }

    /// CONSUMER.RESET.
    pub struct ConsumerResetRequest = "server.JSApiConsumerResetRequest" {
        /// Where it goes on; zero is behind what is acknowledged.
        seq: u64 = "seq" if set;
    }

    /// CONSUMER.UNPIN.
    pub struct ConsumerUnpinRequest = "server.JSApiConsumerUnpinRequest" {
        /// In which group.
        group: String = "group";
    }
}

/// Says of bodies when there is one, and what is wrong with what they say.
macro_rules! bodies {
    ($($request:ty = $presence:ident $(, $check:expr)?;)*) => {
        $(
            impl RequestBody for $request {
                const PRESENCE: Presence = Presence::$presence;

                $(
                    fn check(&self) -> Result<(), ApiError> {
                        let check: fn(&Self) -> Result<(), ApiError> = $check;
                        check(self)
                    }
                )?
            }
        )*
    };
}

bodies! {
    StreamConfigRequest = Read;
    StreamsRequest = Optional;
    StreamInfoRequest = Optional;
    StreamPurgeRequest = Optional, |purge| {
        if purge.seq > 0 && purge.keep > 0 { Err(errors::BAD_REQUEST.error()) } else { Ok(()) }
    };
    MsgDeleteRequest = Required;
    MsgGetRequest = Required, |get| {
        if get.is_one_of_its_kind() { Ok(()) } else { Err(errors::BAD_REQUEST.error()) }
    };
    // nats-server looks for the stream before it reads this one.
    StreamSnapshotRequest = Required, |snapshot| {
        let is_fine = is_literal(&snapshot.deliver_subject);
        if is_fine { Ok(()) } else { Err(errors::SNAPSHOT_DELIVER_SUBJECT_INVALID.error()) }
    };
    StreamRestoreRequest = Required;
    StreamRemovePeerRequest = Required;
    StepdownRequest = Optional;
    ServerRemoveRequest = Required;
    StreamMoveRequest = Read;
    ConsumerCreateRequest = Read;
    ConsumersRequest = Optional;
    ConsumerPauseRequest = Optional;
    ConsumerUnpinRequest = Lenient, |unpin| {
        if unpin.group.is_empty() {
            return Err(errors::INVALID_JSON.with(&[&"consumer group not specified"]));
        }
        if is_group_name(&unpin.group) { Ok(()) } else { Err(errors::CONSUMER_INVALID_GROUP_NAME.error()) }
    };
}

/// Whether a group may be called so.
pub fn is_group_name(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"/_=-".contains(&byte);
    (1..=GROUP_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_fine)
}

/// How long the name of a group may be: longer ones are refused.
pub const GROUP_NAME_BYTES_MAX: usize = 16;

impl ConsumerResetRequest {
    /// Reads one; nothing at all is one as well.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn read(body: &[u8]) -> Result<Self, ApiError> {
        let mut request = Self::default();
        if !body.is_empty() {
            nats_proto::go_json::read_into(body, &mut request)
                .map_err(|error| errors::INVALID_JSON.with(&[&error]))?;
        }
        Ok(request)
    }
}

impl MsgGetRequest {
    /// Whether it asks for one message in one way.
    fn is_one_of_its_kind(&self) -> bool {
        let (by_seq, by_time) = (self.seq > 0, self.start_time.is_some());
        let (by_last, by_next) = (!self.last_by_subj.is_empty(), !self.next_by_subj.is_empty());
        let says_something = by_seq || by_time || by_last || by_next;
        let clashes = by_last && (by_seq || by_time || by_next) || by_seq && by_time;
        says_something && !clashes && self.batch <= 0 && self.max_bytes <= 0
    }

    /// Reads what is sent to DIRECT.GET, where there is none or several of them as well.
    ///
    /// # Errors
    ///
    /// The status that is answered.
    pub fn read_direct(body: &[u8]) -> Result<Self, Status<'static>> {
        if body.is_empty() {
            return Err(Status::EmptyRequest);
        }
        let request = Self::read_any(body)?;
        let (by_seq, by_time) = (request.seq > 0, request.start_time.is_some());
        let (by_last, by_next) = (!request.last_by_subj.is_empty(), !request.next_by_subj.is_empty());
        let by_lasts = !request.multi_last.is_empty();
        if !(by_seq || by_time || by_last || by_next || by_lasts) {
            return Err(Status::EmptyRequest);
        }
        let clashes = by_last && (by_seq || by_time || by_next || by_lasts || request.batch > 0)
            || by_seq && by_time
            || by_next && by_lasts
            || request.up_to_seq > 0 && request.up_to_time.is_some();
        if clashes { Err(Status::BadGet) } else { Ok(request) }
    }

    /// Reads what is sent to DIRECT.GET when the subject says which subject's last message is wanted: then only
    /// what is left out may be said.
    ///
    /// # Errors
    ///
    /// The status that is answered.
    pub fn read_direct_last(body: &[u8], subject: &str) -> Result<Self, Status<'static>> {
        let mut request = if body.is_empty() { Self::default() } else { Self::read_any(body)? };
        let rest = Self { max_bytes: request.max_bytes, no_hdr: request.no_hdr, ..Self::default() };
        if request != rest {
            return Err(Status::BadGet);
        }
        subject.clone_into(&mut request.last_by_subj);
        Ok(request)
    }

    fn read_any(body: &[u8]) -> Result<Self, Status<'static>> {
        let mut request = Self::default();
        nats_proto::go_json::read_into(body, &mut request).map_err(|_| Status::MalformedRequest)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnknownFields;

    /// `testdata/bad_bodies.txt`: bodies of STREAM.CREATE.S, and what nats-server 2.14.5 said of each; nothing if
    /// it could read it.
    #[test]
    fn bodies_are_refused_in_the_words_of_the_peer() {
        let file = include_str!("../testdata/bad_bodies.txt");
        for line in file.lines() {
            let (body, words) = line.split_once('\t').unwrap();
            let body = body.replace("\\n", "\n").replace("\\f", "\x0c");
            let read = StreamConfigRequest::read(body.as_bytes(), UnknownFields::Refused);
            assert_eq!(read.map_or_else(|error| error.description, |_| String::new()), words, "{body}");
        }
    }

    #[test]
    fn a_server_that_is_not_strict_passes_over_unknown_fields() {
        let body = br#"{"name":"S","zzz":1,"max_msgs":5}"#;
        assert!(StreamConfigRequest::read(body, UnknownFields::Refused).is_err());
        let read = StreamConfigRequest::read(body, UnknownFields::Ignored).unwrap();
        assert_eq!((read.config.name.as_str(), read.config.max_msgs), ("S", 5));
        assert!(StreamConfigRequest::read(br#"{"name":1}"#, UnknownFields::Ignored).is_err());
    }

    #[test]
    fn keys_match_in_any_case_and_the_last_one_counts() {
        let read =
            StreamConfigRequest::read(br#"{"NAME":"S","name":"T","Pedantic":true}"#, UnknownFields::Refused);
        let read = read.unwrap();
        assert_eq!((read.config.name.as_str(), read.pedantic), ("T", true));
    }
}
