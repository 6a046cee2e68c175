//! What an account shares with others, as `/accountz` tells it.

use std::collections::BTreeMap;

use serde::Serialize;

/// What an account shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownSharing {
    /// What others may import, services first.
    pub exports: Vec<ShownExport>,
    /// What it imports, streams first.
    pub imports: Vec<ShownImport>,
    /// Requests of others that wait for a response, by the subject for it.
    pub responses: BTreeMap<String, ShownResponse>,
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
    /// Where it is told how long it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_latency: Option<ShownLatency>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<ShownLatency>,
}

/// Where it is told how long a service takes, and of which requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownLatency {
    sampling: ShownSampling,
    results: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum ShownSampling {
    Percent(u8),
    Headers(&'static str),
}

/// A request of another account that waits for a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownResponse {
    subject: String,
    account: String,
    to: String,
    local_subject: String,
    /// A service, as nats-server says it here.
    r#type: u8,
    invalid: bool,
    share: bool,
    tracking: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tracking_header: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<ShownLatency>,
}

impl ShownLatency {
    /// Of so many of a hundred, or of those that headers say; and to which subject.
    pub fn new(percent: Option<u8>, subject: &str) -> Self {
        let sampling = percent.map_or(ShownSampling::Headers("headers"), ShownSampling::Percent);
        Self { sampling, results: subject.into() }
    }
}

impl ShownResponse {
    /// One of that account, which wants the response to `subject` go on to `reply` and may share who asks.
    pub fn new(subject: &str, account: &str, reply: &str, share: bool) -> Self {
        Self {
            subject: reply.into(),
            account: account.into(),
            to: subject.into(),
            local_subject: subject.into(),
            r#type: 2,
            invalid: false,
            share,
            tracking: false,
            tracking_header: BTreeMap::new(),
            latency: None,
        }
    }

    /// It is measured, by these headers or without any.
    pub fn measured(self, latency: ShownLatency, headers: BTreeMap<String, Vec<String>>) -> Self {
        Self { tracking: true, tracking_header: headers, latency: Some(latency), ..self }
    }

    /// The subject for the response.
    pub fn response_subject(&self) -> &str {
        &self.to
    }
}

impl ShownImport {
    /// It is told how long the service takes.
    pub fn with_latency(self, latency: Option<ShownLatency>) -> Self {
        Self { latency, ..self }
    }

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
            latency: None,
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
            service_latency: Some(ShownLatency::new(None, "l")),
            approved_accounts,
        };
        let expected = concat!(
            r#"{"subject":"q.*","type":"service","response_type":"Singleton","#,
            r#""service_latency":{"sampling":"headers","results":"l"},"approved_accounts":["A"]}"#
        );
        assert_eq!(told(&export), expected);
        let export = ShownExport { service_latency: None, ..export };
        let export =
            ShownExport { r#type: "stream", response_type: "", approved_accounts: Vec::new(), ..export };
        assert_eq!(told(&export), r#"{"subject":"q.*","type":"stream"}"#);
        let rest = |share: bool| format!(r#""invalid":false,"share":{share},"tracking":false}}"#);
        let expected = r#"{"subject":"s.*","account":"B","local_subject":"t.*","type":"stream","#;
        assert_eq!(told(&ShownImport::stream("B", ("s.*", "t.*"))), format!("{expected}{}", rest(false)));
        let expected = r#"{"subject":"z","account":"B","to":"zz","local_subject":"zz","type":"service","#;
        assert_eq!(told(&ShownImport::service("B", ("z", "zz"), true)), format!("{expected}{}", rest(true)));
        let latency = Some(ShownLatency::new(Some(50), "l"));
        let import = ShownImport::service("B", ("z", "zz"), true).with_latency(latency);
        assert!(told(&import).ends_with(r#""tracking":false,"latency":{"sampling":50,"results":"l"}}"#));
        let response = ShownResponse::new("_R_.a", "B", "inbox", true);
        let expected = concat!(
            r#"{"subject":"inbox","account":"B","to":"_R_.a","local_subject":"_R_.a","type":2,"invalid":false,"#,
            r#""share":true,"tracking":false}"#
        );
        assert_eq!(told(&response), expected);
        let headers = [("B3".to_owned(), vec!["1".to_owned()])].into();
        let response = response.measured(ShownLatency::new(Some(50), "l"), headers);
        let ends =
            r#""tracking":true,"tracking_header":{"B3":["1"]},"latency":{"sampling":50,"results":"l"}}"#;
        assert!(told(&response).ends_with(ends));
    }
}
