//! `$SYS.REQ.USER.INFO`: who the connection is that asks, and what it may do.

use std::time::Duration;

use broker::ConnectedUser;
use nats_auth::{Permissions, RESPONSES_UNLIMITED, ResponsePermission, SubjectPermission};
use serde::Serialize;

/// In nats-server's order.
#[derive(Debug, Serialize)]
pub(crate) struct UserInfo<'a> {
    user: &'a str,
    account: &'a str,
    account_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<PermissionsText>,
}

#[derive(Debug, Serialize)]
struct PermissionsText {
    publish: ListsText,
    subscribe: ListsText,
    #[serde(skip_serializing_if = "Option::is_none")]
    responses: Option<ResponsesText>,
}

#[derive(Debug, Default, Serialize)]
struct ListsText {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny: Vec<String>,
}

/// Below zero is no limit.
#[derive(Debug, Serialize)]
struct ResponsesText {
    max: i64,
    /// In nanoseconds.
    ttl: i64,
}

impl<'a> UserInfo<'a> {
    pub(crate) fn of(user: &'a ConnectedUser) -> Self {
        let permissions = user.identity.access().map(|access| access.permissions().into());
        Self { user: &user.name, account: &user.account, account_name: &user.account, permissions }
    }
}

impl From<Permissions> for PermissionsText {
    fn from(permissions: Permissions) -> Self {
        Self {
            publish: permissions.publish.map(Into::into).unwrap_or_default(),
            subscribe: permissions.subscribe.map(Into::into).unwrap_or_default(),
            responses: permissions.responses.map(Into::into),
        }
    }
}

impl From<SubjectPermission> for ListsText {
    fn from(lists: SubjectPermission) -> Self {
        Self { allow: lists.allow, deny: lists.deny }
    }
}

impl From<ResponsePermission> for ResponsesText {
    fn from(responses: ResponsePermission) -> Self {
        let limited = |max: &u64| *max != RESPONSES_UNLIMITED;
        let max = responses.max.filter(limited).and_then(|max| i64::try_from(max).ok());
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).ok();
        Self { max: max.unwrap_or(-1), ttl: responses.expires.and_then(nanos).unwrap_or(-1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(permissions: Permissions) -> String {
        String::from_utf8(monitor::compact(&PermissionsText::from(permissions))).unwrap()
    }

    /// As nats-server 2.14.5 shows them, but in order.
    #[test]
    fn permissions_are_shown_with_what_they_have() {
        let lists = |allow: &[&str], deny: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect();
            Some(SubjectPermission { allow: own(allow), deny: own(deny) })
        };
        let responses = ResponsePermission { max: Some(3), expires: Some(Duration::from_secs(5)) };
        let all = Permissions {
            publish: lists(&["$SYS.REQ.>", "x"], &["y"]),
            subscribe: lists(&["_INBOX.>", "q g"], &[]),
            responses: Some(responses),
        };
        let expected = concat!(
            r#"{"publish":{"allow":["$SYS.REQ.\u003e","x"],"deny":["y"]},"#,
            r#""subscribe":{"allow":["_INBOX.\u003e","q g"]},"responses":{"max":3,"ttl":5000000000}}"#
        );
        assert_eq!(text(all), expected);
        let few = Permissions { publish: lists(&[], &["k"]), ..Permissions::default() };
        assert_eq!(text(few), r#"{"publish":{"deny":["k"]},"subscribe":{}}"#);
        let unlimited = ResponsePermission { max: Some(RESPONSES_UNLIMITED), expires: Some(Duration::MAX) };
        let forever = Permissions { responses: Some(unlimited), ..Permissions::default() };
        assert!(text(forever).ends_with(r#""responses":{"max":-1,"ttl":-1}}"#));
    }
}
