//! What a reload compares of routes.
//!
//! With nats-server all of it may change but where it listens. A running server that does not follow a change yet
//! refuses it by its key; one that it follows is a line, `cluster`, or `cluster routes` for those.

use crate::cluster::ClusterOptions;
use crate::options::{Options, Port};
use crate::reload::rule::{NotReloadable, Outcome, Rule, fixed};

/// Of the keys in the block `cluster`, and of the flags that outrank them.
pub(crate) const CLUSTER: Rule = Rule::All(&[
    Rule::Fixed("cluster host", |options| of(options, |cluster| cluster.host.clone())),
    Rule::By(port),
    Rule::By(followed),
]);

/// Asking for a random port changes nothing.
fn port(old: &Options, new: &Options) -> Outcome {
    let number = |options: &Options| match options.cluster.as_ref().map(|cluster| cluster.port) {
        None => 0,
        Some(Port::Random) => -1,
        Some(Port::Fixed(port)) => i32::from(port),
    };
    let (was, is) = (number(old), number(new));
    if was > 0 && is < 0 { Outcome::Same } else { fixed("cluster port", was.to_string(), is.to_string()) }
}

type IsSame = fn(&ClusterOptions, &ClusterOptions) -> bool;

/// What a running server does not follow yet.
#[rustfmt::skip]
const NOT_FOLLOWED: [(&str, IsSame); 10] = [
    ("advertise", |old, new| old.advertise == new.advertise),
    ("no_advertise", |old, new| old.no_advertise == new.no_advertise),
    ("permissions", |old, new| old.permissions == new.permissions),
    ("pool_size", |old, new| old.pool_size == new.pool_size),
    ("accounts", |old, new| old.accounts == new.accounts),
    ("compression", |old, new| old.compression == new.compression),
    ("rtt_thresholds", |old, new| old.levels == new.levels),
    ("tls", |old, new| old.tls == new.tls),
    ("write_deadline", |old, new| old.write_deadline == new.write_deadline),
    ("write_timeout", |old, new| old.write_timeout == new.write_timeout),
];

fn followed(old: &Options, new: &Options) -> Outcome {
    if old.cluster_name != new.cluster_name {
        return refused("name");
    }
    let (Some(old), Some(new)) = (&old.cluster, &new.cluster) else { return Outcome::Same };
    if let Some((key, _)) = NOT_FOLLOWED.iter().find(|(_, is_same)| !is_same(old, new)) {
        return refused(key);
    }
    let beside = |cluster: &ClusterOptions| ClusterOptions {
        routes: Vec::new(),
        port: Port::Random,
        ..cluster.clone()
    };
    let changes = [("cluster", beside(old) != beside(new)), ("cluster routes", old.routes != new.routes)];
    let lines = changes.into_iter().filter(|(_, is_changed)| *is_changed);
    Outcome::AllChanged(lines.map(|(line, _)| line.to_owned()).collect())
}

fn refused(key: &str) -> Outcome {
    Outcome::Refused(NotReloadable::to(&format!("cluster {key}")))
}

fn of(options: &Options, shown: fn(&ClusterOptions) -> String) -> String {
    options.cluster.as_ref().map(shown).unwrap_or_default()
}
