//! What came on a connection in a step, as items that can be compared.
//!
//! The order of deliveries of one message to several subscriptions of a connection is free, and so is which
//! member of a queue group gets it. Members are known by their sids, `q`, the group's name, `_` and more:
//! what they get is taken out and counted for the group. In the same way what JetStream says on a subscription has an
//! order of its own, whatever comes on others meanwhile: their sids begin with `j`, and with `jx` if there is none.
//! What the server itself answers comes on those that begin with `y`, and is shown as what it answers to monitoring requests.

use crate::border_items::blanked;
use crate::js_items;
use crate::json_items;
use crate::names::Names;
use crate::server_ops::{self, Message, ServerOp};
use crate::system_items;
use crate::text::escape;

/// What came on one connection in one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireItems {
    /// In order, as far as there is one.
    pub items: Vec<String>,
    /// Messages to members of queue groups, each with the group's name.
    pub grouped: Vec<(String, String)>,
}

/// nats-server says this again for every read that a message came in.
const REPEATED: &str = "-ERR 'Invalid Publish Subject'";

struct Item {
    text: String,
    /// Of a message: all but its sid.
    same: Option<String>,
}

/// Cuts `bytes` into items. The server's own PINGs are left out: they come by the clock.
#[must_use]
pub fn items(bytes: &[u8], names: &Names) -> WireItems {
    let (mut items, mut grouped) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while let Some((used, op)) = server_ops::next(rest) {
        rest = &rest[used..];
        match op {
            ServerOp::Ping => {}
            ServerOp::Pong => items.push(Item { text: "PONG".to_owned(), same: None }),
            ServerOp::Info(body) => {
                items.extend(info(body, names).into_iter().map(|text| Item { text, same: None }))
            }
            ServerOp::Message(message) => match group_of(message.sid) {
                Some(group) if is_of_system(&group) => {
                    let items = system_items::items(&message, names).into_iter();
                    grouped.extend(items.map(|item| (group.clone(), item)));
                }
                Some(group) if is_ordered(&group) => {
                    let items = js_items::items(&message, names).into_iter();
                    grouped.extend(items.map(|item| (group.clone(), item)));
                }
                Some(group) if group.starts_with('j') => {
                    grouped.push((group, js_items::item(&message, names)));
                }
                Some(group) => grouped.push((group, without_sid(&message))),
                None => items.push(Item { text: whole(&message), same: Some(without_sid(&message)) }),
            },
            ServerOp::Line(line) => {
                let line = line.strip_suffix(b"\r\n").unwrap_or(line);
                items.push(Item { text: names.apply(&escape(line)), same: None });
            }
        }
    }
    if !rest.is_empty() {
        items.push(Item { text: format!("unfinished: {}", escape(rest)), same: None });
    }
    sort_runs(&mut items);
    items.dedup_by(|next, one| one.text == REPEATED && next.text == REPEATED);
    WireItems { items: items.into_iter().map(|item| item.text).collect(), grouped }
}

/// The group that a sid belongs to.
#[must_use]
pub fn group_of(sid: &[u8]) -> Option<String> {
    let (group, _) = str::from_utf8(sid).ok()?.split_once('_')?;
    (group.starts_with(['q', 'j', 'y']) && group.len() > 1).then(|| group.to_owned())
}

/// Whether what a group gets has an order.
#[must_use]
pub fn is_ordered(group: &str) -> bool {
    is_of_system(group) || group.starts_with('j') && !group.starts_with("jx")
}

/// Whether what a group gets is an answer of the server itself.
#[must_use]
pub fn is_of_system(group: &str) -> bool {
    group.starts_with('y')
}

fn whole(message: &Message<'_>) -> String {
    let Message { verb, subject, sid, tail, body } = message;
    let line = [verb.as_bytes(), subject, sid, tail].map(escape).join(" ");
    blanked(&line, &escape(body))
}

fn without_sid(message: &Message<'_>) -> String {
    let Message { verb, subject, tail, body, .. } = message;
    let line = [verb.as_bytes(), subject, tail].map(escape).join(" ");
    blanked(&line, &escape(body))
}

/// A reload takes subscriptions away in any order.
const TAKEN_AWAY: &str = "-ERR 'Permissions Violation for Subscription to ";

fn sort_runs(items: &mut [Item]) {
    let is_taken_away = |item: &Item| item.text.starts_with(TAKEN_AWAY) && item.text.contains(" (sid ");
    for run in items.chunk_by_mut(|one, next| is_taken_away(one) && is_taken_away(next)) {
        run.sort_by(|one, other| one.text.cmp(&other.text));
    }
    for run in items.chunk_by_mut(|one, next| one.same.is_some() && one.same == next.same) {
        run.sort_by(|one, other| one.text.cmp(&other.text));
    }
}

/// The item that INFO begins with.
pub const INFO: &str = "INFO";

/// Before an item of INFO's body.
pub const INFO_FIELD: &str = "INFO.";

fn info(body: &[u8], names: &Names) -> Vec<String> {
    let Ok(json) = serde_json::from_slice(body) else {
        return vec![format!("INFO {}", escape(body))];
    };
    let fields = json_items::items(&json, names).into_iter().map(|item| format!("INFO{item}"));
    std::iter::once(INFO.to_owned()).chain(fields).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> WireItems {
        items(bytes, &Names::default())
    }

    #[test]
    fn subscriptions_of_one_message_have_no_order_but_messages_do() {
        let one = of(b"MSG a 2 1\r\nx\r\nMSG a 1 1\r\nx\r\nMSG a 2 1\r\ny\r\nMSG a 1 1\r\ny\r\n");
        let other = of(b"MSG a 1 1\r\nx\r\nMSG a 2 1\r\nx\r\nMSG a 1 1\r\ny\r\nMSG a 2 1\r\ny\r\n");
        assert_eq!(one, other);
        let swapped = of(b"MSG a 1 1\r\ny\r\nMSG a 2 1\r\ny\r\nMSG a 1 1\r\nx\r\nMSG a 2 1\r\nx\r\n");
        assert_ne!(one, swapped);
    }

    #[test]
    fn subscriptions_that_a_reload_takes_away_have_no_order() {
        let line =
            |sid| format!("-ERR 'Permissions Violation for Subscription to \"a\" (sid \"{sid}\")'\r\n");
        let text = |one, other| line(one) + &line(other);
        assert_eq!(of(text(1, 2).as_bytes()), of(text(2, 1).as_bytes()));
    }

    #[test]
    fn members_of_a_group_are_taken_out() {
        let one = of(b"MSG a q1_0 1\r\nx\r\n+OK\r\nMSG a q 1\r\nx\r\nPING\r\n");
        assert_eq!(one.items, ["+OK", "MSG a q 1\\r\\nx"]);
        assert_eq!(one.grouped, [("q1".to_owned(), "MSG a 1\\r\\nx".to_owned())]);
    }

    #[test]
    fn what_jetstream_says_is_taken_out_by_subscription() {
        let one = of(b"MSG r jr_1 2\r\nOK\r\nMSG a 1 1\r\nx\r\nMSG d jd_2 r 1\r\ny\r\n");
        assert_eq!(one.items, ["MSG a 1 1\\r\\nx"]);
        let grouped = [("jr", "MSG r -\\r\\nOK"), ("jd", "MSG d r\\r\\ny")];
        assert_eq!(one.grouped, grouped.map(|(group, text)| (group.to_owned(), text.to_owned())));
        assert!(is_ordered("jr") && !is_ordered("jxa") && !is_ordered("q1"));
    }

    #[test]
    fn info_is_a_line_per_field_and_what_is_cut_off_is_shown() {
        let one = of(b"INFO {\"proto\":1,\"client_id\":9} \r\n-ERR 'x'\r\nMSG a 1 5\r\nhi");
        let expected =
            ["INFO", "INFO.client_id <number>", "INFO.proto 1", "-ERR 'x'", "unfinished: MSG a 1 5\\r\\nhi"];
        assert_eq!(one.items, expected);
    }
}
