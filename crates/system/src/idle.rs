//! Options of what there is nothing of: they have to be of their types, and change nothing.

use nats_proto::go_json::Field;

use crate::request::Request;

/// Flags and texts that nobody looks at once they are read.
#[derive(Debug)]
pub(crate) struct IdleOptions {
    flags: &'static [&'static str],
    texts: &'static [&'static str],
    flag: bool,
    text: String,
}

impl IdleOptions {
    /// Those of a request that has such.
    pub(crate) fn of(request: Request) -> Option<Self> {
        let (flags, texts): (&'static [&'static str], &'static [&'static str]) = match request {
            Request::Routez => (&["subscriptions", "subscriptions_detail"], &[]),
            Request::Gatewayz => {
                (&["accounts", "subscriptions", "subscriptions_detail"], &["name", "account_name"])
            }
            Request::IpQueuesz => (&["all"], &["filter"]),
            Request::Raftz => (&[], &["account", "group"]),
            _ => return None,
        };
        Some(Self { flags, texts, flag: false, text: String::new() })
    }

    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        if self.flags.contains(&name) {
            return Some(&mut self.flag);
        }
        if self.texts.contains(&name) {
            return Some(&mut self.text);
        }
        None
    }
}
