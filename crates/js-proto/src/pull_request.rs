//! What who pulls asks for.

use nats_proto::go_json::{BodyError, read_into};

use crate::Nanos;
use crate::go_struct::go_structs;

go_structs! {
    // nats-server reads it through two pointers, so that its errors name the field and not the structure.
    /// A request for messages. The default asks for none.
    pub struct PullRequest = "" {
        /// How long it waits; zero is until it is served.
        expires: Nanos = "expires" if set;
        /// How many messages; below one is one.
        batch: i64 = "batch" if set;
        /// How many bytes; zero is any number.
        max_bytes: i64 = "max_bytes" if set;
        /// Whether it ends when nothing is there.
        no_wait: bool = "no_wait" if set;
        /// How long there is silence at most while it waits.
        idle_heartbeat: Nanos = "idle_heartbeat" if set;
        /// Whom it is for, among those who pull.
        priority: PullPriority = flat;
    }

    /// Whom a request is for, among those who pull.
    pub struct PullPriority = "server.PriorityGroup" {
        /// The group.
        group: String = "group" if set;
        /// Only if that many messages are to be delivered.
        min_pending: i64 = "min_pending" if set as "int64";
        /// Only if that many messages wait to be acknowledged.
        min_ack_pending: i64 = "min_ack_pending" if set as "int64";
        /// The id of who is pinned.
        id: String = "id" if set;
        /// Lower ones are served first.
        priority: i64 = "priority" if set;
    }
}

/// Why a request for messages is refused before anything else is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullError {
    /// It begins like JSON and is none.
    Body(BodyError),
    /// It would end before silence is broken twice.
    HeartbeatTooLarge,
}

impl std::fmt::Display for PullError {
    /// What the status says behind `Bad Request - `.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::HeartbeatTooLarge => f.write_str("heartbeat value too large"),
        }
    }
}

impl std::error::Error for PullError {}

impl PullPriority {
    /// In the place of [`priority`](Self::priority): the request names no group, and is served behind all that do.
    pub const LAST: i64 = i64::MAX;
}

impl PullRequest {
    /// Reads one: JSON, or a number of messages. Anything else asks for one message. What is not JSON names no group, with
    /// [`PullPriority::LAST`].
    ///
    /// # Errors
    ///
    /// See [`PullError`].
    pub fn parse(body: &[u8]) -> Result<Self, PullError> {
        let body = body.trim_ascii();
        if !body.starts_with(b"{") {
            let number = str::from_utf8(body).ok().and_then(|text| text.parse().ok());
            return Ok(Self::of_number(number.unwrap_or(1)));
        }
        let mut request = Self::default();
        read_into(body, &mut request).map_err(PullError::Body)?;
        // No priority is that high; the one that means something else cannot be asked for.
        let priority = &mut request.priority.priority;
        *priority = (*priority).min(PullPriority::LAST - 1);
        let heartbeat = request.idle_heartbeat.0;
        if heartbeat > 0 && heartbeat.saturating_mul(2) > request.expires.0 {
            return Err(PullError::HeartbeatTooLarge);
        }
        Ok(request)
    }

    /// What a number instead of JSON asks for.
    pub fn of_number(batch: i64) -> Self {
        let priority = PullPriority { priority: PullPriority::LAST, ..PullPriority::default() };
        Self { batch, priority, ..Self::default() }
    }

    /// How many messages it asks for.
    pub fn messages(&self) -> u64 {
        u64::try_from(self.batch).unwrap_or(0).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_anything_else_are_requests_too() {
        for (body, messages) in [
            ("", 1),
            (" 1 ", 1),
            ("25", 25),
            ("+3", 3),
            ("abc", 1),
            ("0", 1),
            ("-1", 1),
            ("[2]", 1),
            ("{}", 1),
            (r#"{"batch":0}"#, 1),
            (r#" {"BATCH":7,"unknown":[1]} "#, 7),
        ] {
            assert_eq!(PullRequest::parse(body.as_bytes()).unwrap().messages(), messages, "{body}");
        }
    }

    #[test]
    fn a_number_is_behind_every_priority_that_can_be_asked_for() {
        let priority = |body: &str| PullRequest::parse(body.as_bytes()).unwrap().priority.priority;
        assert_eq!(priority("1"), PullPriority::LAST);
        assert_eq!(priority("{}"), 0);
        assert!(priority(r#"{"priority":9223372036854775807}"#) < PullPriority::LAST);
    }

    #[test]
    fn fields_of_the_group_stand_among_the_others() {
        let body =
            br#"{"expires":5000000000,"max_bytes":9,"no_wait":true,"group":"g","id":"p","priority":3}"#;
        let priority = PullPriority { group: "g".into(), id: "p".into(), priority: 3, ..Default::default() };
        let request = PullRequest {
            expires: Nanos::from_secs(5),
            max_bytes: 9,
            no_wait: true,
            priority,
            ..Default::default()
        };
        assert_eq!(PullRequest::parse(body), Ok(request));
    }

    #[test]
    fn what_is_refused_says_why() {
        let words = |body: &str| PullRequest::parse(body.as_bytes()).unwrap_err().to_string();
        let late = "heartbeat value too large";
        assert_eq!(words(r#"{"idle_heartbeat":2,"expires":3}"#), late);
        assert_eq!(words(r#"{"idle_heartbeat":1}"#), late);
        assert_eq!(words("{bad"), "invalid character 'b' looking for beginning of object key string");
        let kind = "json: cannot unmarshal string into Go struct field .batch of type int";
        assert_eq!(words(r#"{"batch":"2"}"#), kind);
        assert!(PullRequest::parse(br#"{"idle_heartbeat":2,"expires":4}"#).is_ok());
    }
}
