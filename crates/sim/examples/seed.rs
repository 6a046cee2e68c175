//! Runs one seed and prints what happened: `cargo run -p sim --example seed -- 29`.

use sim::{Plan, Tick, run};

fn main() {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("a seed");
    let plan = Plan::new(seed);
    println!("{plan:#?}");
    let outcome = run(&plan);
    let history = &outcome.history;
    let mut lines: Vec<(Tick, String)> = Vec::new();
    for (row, sub) in history.subs.iter().enumerate() {
        let client = &history.clients[sub.client];
        let at = |op: usize| (client.observed[op].map(|m| m.0), client.replied[op].map(|m| m.0));
        let who = format!("client {} on {} sub {row} sid {}", sub.client, client.shard, sub.sid);
        let queue = sub.queue.as_deref().unwrap_or_default();
        lines.push((sub.sent, format!("{who}: SUB {} {queue}, seen {:?}", sub.filter, at(sub.op))));
        for limit in &sub.limits {
            lines.push((limit.sent, format!("{who}: UNSUB {}, seen {:?}", limit.max, at(limit.op))));
        }
        if let Some(unsub) = sub.unsub {
            lines.push((unsub.sent, format!("{who}: UNSUB, seen {:?}", at(unsub.op))));
        }
        for received in &sub.received {
            lines.push((received.at, format!("{who}: got message {}", received.message)));
        }
    }
    for (id, message) in history.messages.iter().enumerate() {
        let client = &history.clients[message.client];
        let who = format!("client {} on {}", message.client, client.shard);
        let settled = client.observed[message.op].map(|m| m.0);
        let text = format!("{who}: PUB {} as message {id}, settled {settled:?}", message.subject);
        lines.push((message.sent, text));
        if let Some(at) = message.answered {
            lines.push((at, format!("{who}: 503 for message {id}")));
        }
    }
    for (index, client) in history.clients.iter().enumerate() {
        for (what, at) in [("hung up", client.hung_up), ("closed", client.closed)] {
            lines.extend(at.map(|at| (at, format!("client {index} on {}: {what}", client.shard))));
        }
    }
    lines.sort();
    for (at, line) in lines {
        println!("{:6} {line}", at.0);
    }
    println!("{:#?}\n{:?}", outcome.violations, outcome.stats);
}
