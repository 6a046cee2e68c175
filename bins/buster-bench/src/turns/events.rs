//! What happens to very many rows.

use anyhow::Result;

use super::rows::Rows;
use super::stage::Stage;

pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// For the server.
    pub(crate) flags: &'static str,
    /// Its configuration, of so many users.
    pub(crate) config: Option<fn(u32) -> String>,
    pub(crate) prepare: fn(&mut Stage) -> Result<()>,
    pub(crate) happen: fn(&mut Stage) -> Result<()>,
}

/// Two shards, and connections take them in turns.
const TWO_SHARDS: &str = "--shards 2 --placement spread";

const ONE_SHARD: &str = "--shards 1";

/// Monitoring requests at the same time.
const CROWD: usize = 64;

pub(crate) const EVENTS: [Event; 30] = [
    event("sub", "SUBs without end", Stage::take_owner, |stage| stage.flood(Rows::Plain)),
    event("sub-queue", "the same with queue groups", Stage::take_owner, |stage| stage.flood(Rows::Queue)),
    event("sub-wild", "the same with wildcards", Stage::take_owner, |stage| stage.flood(Rows::Wild)),
    event("sub-same", "the same, all to one subject", Stage::take_owner, |stage| stage.flood(Rows::Same)),
    event("unsub", "UNSUBs without end", fill, Stage::flood_unsubscribing),
    event("unsub-queue", "the same with queue groups", fill_queue, Stage::flood_unsubscribing),
    event("unsub-wild", "the same with wildcards", fill_wild, Stage::flood_unsubscribing),
    event("end", "the connection ends", fill, Stage::end_owner),
    event("end-queue", "the same with queue groups", fill_queue, Stage::end_owner),
    event("end-wild", "the same with wildcards", fill_wild, Stage::end_owner),
    event("end-same", "the same, all to one subject", fill_same, Stage::end_owner),
    event("connect", "CONNECT once more", fill, Stage::connect_again),
    event("connect-queue", "the same with queue groups", fill_queue, Stage::connect_again),
    two_shards("sub-2", "SUBs that another shard is told of", take_owner_beside, |stage| {
        stage.flood(Rows::Plain)
    }),
    two_shards("sub-queue-2", "the same with queue groups", take_owner_beside, |stage| {
        stage.flood(Rows::Queue)
    }),
    two_shards("unsub-2", "UNSUBs that another shard is told of", fill_beside, Stage::flood_unsubscribing),
    two_shards("end-2", "an end that another shard is told of", fill_beside, Stage::end_owner),
    two_shards(
        "connect-2",
        "CONNECT once more, and another shard is told",
        fill_beside,
        Stage::connect_again,
    ),
    event("subsz", "`/subsz?subs=1`, all rows", fill, |stage| {
        stage.ask(&format!("/subsz?subs=1&limit={}", stage.rows), 1)
    }),
    event("subsz-crowd", "the same, 64 requests at once, one row each", fill, |stage| {
        stage.ask("/subsz?subs=1&limit=1", CROWD)
    }),
    event("connz", "`/connz?subs=detail`, all connections", crowd, |stage| {
        stage.ask("/connz?subs=detail&limit=1000000", 1)
    }),
    event("connz-crowd", "`/connz?limit=1`, 64 requests at once", crowd, |stage| {
        stage.ask("/connz?limit=1", CROWD)
    }),
    with_users("reload-rights", "reload, each subscription is held against new rights", |stage| {
        stage.reload(&users(stage.connections, "deny: [\"none\"]"))
    }),
    with_users("reload-revoke", "reload, each subscription is taken away", |stage| {
        stage.reload(&users(stage.connections, "deny: [\"row.>\"]"))?;
        stage.until(|tally| tally.subscriptions < 100)
    }),
    Event {
        flags: TWO_SHARDS,
        ..with_users("reload-revoke-2", "the same, and another shard is told", |stage| {
            stage.reload(&users(stage.connections, "deny: [\"row.>\"]"))?;
            stage.until(|tally| tally.subscriptions < 100)
        })
    },
    with_users("reload-users", "reload, all users but one are gone", |stage| {
        stage.reload(&users(1, ""))?;
        stage.until(|tally| tally.connections < 2)
    }),
    event("hangups", "all connections end at once", crowd, Stage::end_all),
    event("fan-out", "one message to all connections", crowd, Stage::publish_to_others),
    event("fan-out-same", "one message to all rows", fill_same, Stage::publish_to_owner),
    Event {
        config: Some(|_| "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"\n".to_owned()),
        ..event("lame-duck", "lame duck mode", crowd, Stage::retire)
    },
];

const fn event(
    name: &'static str,
    title: &'static str,
    prepare: fn(&mut Stage) -> Result<()>,
    happen: fn(&mut Stage) -> Result<()>,
) -> Event {
    Event { name, title, flags: ONE_SHARD, config: None, prepare, happen }
}

const fn two_shards(
    name: &'static str,
    title: &'static str,
    prepare: fn(&mut Stage) -> Result<()>,
    happen: fn(&mut Stage) -> Result<()>,
) -> Event {
    Event { flags: TWO_SHARDS, ..event(name, title, prepare, happen) }
}

const fn with_users(name: &'static str, title: &'static str, happen: fn(&mut Stage) -> Result<()>) -> Event {
    let prepare: fn(&mut Stage) -> Result<()> = |stage| {
        stage.take_user()?;
        stage.fill(Rows::Plain)?;
        stage.take_users(stage.connections)
    };
    Event { config: Some(|count| users(count, "")), ..event(name, title, prepare, happen) }
}

/// So many users, of whom the first may subscribe to all but what `rule` says.
fn users(count: u32, rule: &str) -> String {
    let mut text = "authorization {\n  users: [\n".to_owned();
    for number in 0..count {
        let rule = if number == 0 { rule } else { "" };
        text += &format!("    {{user: u{number}, password: p, permissions: {{subscribe: {{{rule}}}}}}}\n");
    }
    text + "  ]\n}\n"
}

fn fill(stage: &mut Stage) -> Result<()> {
    stage.take_owner()?;
    stage.fill(Rows::Plain)
}

fn fill_queue(stage: &mut Stage) -> Result<()> {
    stage.take_owner()?;
    stage.fill(Rows::Queue)
}

fn fill_wild(stage: &mut Stage) -> Result<()> {
    stage.take_owner()?;
    stage.fill(Rows::Wild)
}

fn fill_same(stage: &mut Stage) -> Result<()> {
    stage.take_owner()?;
    stage.fill(Rows::Same)
}

/// With connections on both shards: one without is told late.
fn take_owner_beside(stage: &mut Stage) -> Result<()> {
    stage.take_others(3, b"SUB a 1\r\n")?;
    stage.take_owner()
}

fn fill_beside(stage: &mut Stage) -> Result<()> {
    take_owner_beside(stage)?;
    stage.fill(Rows::Plain)
}

/// The subscriptions of one connection, and many that have one each.
fn crowd(stage: &mut Stage) -> Result<()> {
    fill(stage)?;
    stage.take_others(stage.connections, b"SUB a 1\r\n")
}
