//! What an account shares with others, as `/accountz` tells it.

use serde::Serialize;

/// What an account shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownSharing {
    /// What others may import, services first.
    pub exports: Vec<ShownExport>,
    /// What it imports, streams first.
    pub imports: Vec<ShownImport>,
}

/// What others may import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownExport {
    /// A filter.
    pub subject: String,
    /// `service` or `stream`.
    pub r#type: &'static str,
    /// How a service answers, in the words of nats-server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub response_type: &'static str,
    /// Who may; nobody is everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approved_accounts: Vec<String>,
}

/// What an account imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownImport {
    subject: String,
    account: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    to: String,
    local_subject: String,
    r#type: &'static str,
    invalid: bool,
    share: bool,
    tracking: bool,
}

impl ShownImport {
    /// A stream of that account: its filter there, and in the account that imports it.
    pub fn stream(account: &str, (far, near): (&str, &str)) -> Self {
        Self {
            subject: far.into(),
            account: account.into(),
            to: String::new(),
            local_subject: near.into(),
            r#type: "stream",
            invalid: false,
            share: false,
            tracking: false,
        }
    }

    /// The same for a service, which may be told who asks.
    pub fn service(account: &str, (far, near): (&str, &str), share: bool) -> Self {
        let to = near.into();
        Self { to, r#type: "service", share, ..Self::stream(account, (far, near)) }
    }
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::compact;

    use super::*;

    fn told(value: &impl Serialize) -> String {
        String::from_utf8(compact(value)).unwrap()
    }

    /// As nats-server 2.14.5 shows them.
    #[test]
    fn what_is_shared_is_shown_in_nats_servers_order() {
        let approved_accounts = vec!["A".to_owned()];
        let export = ShownExport {
            subject: "q.*".into(),
            r#type: "service",
            response_type: "Singleton",
            approved_accounts,
        };
        let expected =
            r#"{"subject":"q.*","type":"service","response_type":"Singleton","approved_accounts":["A"]}"#;
        assert_eq!(told(&export), expected);
        let export =
            ShownExport { r#type: "stream", response_type: "", approved_accounts: Vec::new(), ..export };
        assert_eq!(told(&export), r#"{"subject":"q.*","type":"stream"}"#);
        let rest = |share: bool| format!(r#""invalid":false,"share":{share},"tracking":false}}"#);
        let expected = r#"{"subject":"s.*","account":"B","local_subject":"t.*","type":"stream","#;
        assert_eq!(told(&ShownImport::stream("B", ("s.*", "t.*"))), format!("{expected}{}", rest(false)));
        let expected = r#"{"subject":"z","account":"B","to":"zz","local_subject":"zz","type":"service","#;
        assert_eq!(told(&ShownImport::service("B", ("z", "zz"), true)), format!("{expected}{}", rest(true)));
    }
}
