//! What nats-server can be told and this server refuses, for the documentation.

pub use crate::config::Idle;
use crate::config::row::Row as Key;
use crate::config::{
    accounts, authorization, cluster, exports, imports, jetstream, leaf_nodes, leaf_remotes, tls, users,
    websocket,
};
use crate::table::OPTIONS;

/// A flag or a key of nats-server that this server refuses when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedOption {
    /// Its names; flags are without dashes.
    pub names: &'static [&'static str],
    /// The block a key stands in; empty for flags and for keys of the top level.
    pub block: &'static str,
    /// The value that it may have, since it asks for nothing.
    pub unless: Idle,
    /// What is missing for it.
    pub missing: &'static str,
}

/// The flags, in the order of the table.
pub fn refused_flags() -> impl Iterator<Item = RefusedOption> {
    let rows = OPTIONS.iter().filter(|row| !row.flags.is_empty());
    rows.filter_map(|row| {
        let missing = row.missing?;
        Some(RefusedOption { names: row.flags, block: "", unless: Idle::Never, missing })
    })
}

/// The keys, block by block, in the order of the tables.
pub fn refused_keys() -> Vec<RefusedOption> {
    let mut keys = Vec::new();
    keys.extend(of_block("", OPTIONS.iter().map(|row| &row.key)));
    keys.extend(of_block("tls", tls::TABLE));
    keys.extend(of_block("authorization", authorization::TABLE));
    keys.extend(of_block("users", users::TABLE));
    keys.extend(of_block("accounts", accounts::TABLE));
    keys.extend(of_block("exports", exports::TABLE));
    keys.extend(of_block("imports", imports::TABLE));
    keys.extend(of_block("websocket", websocket::TABLE));
    keys.extend(of_block("cluster", cluster::TABLE));
    keys.extend(of_block("leafnodes", leaf_nodes::TABLE));
    keys.extend(of_block("authorization of leafnodes", leaf_nodes::AUTHORIZATION));
    keys.extend(of_block("remotes", leaf_remotes::TABLE));
    keys.extend(of_block("jetstream", jetstream::TABLE));
    keys.extend(of_block("limits", jetstream::LIMITS));
    keys.extend(of_block("jetstream of an account", jetstream::ACCOUNT));
    keys
}

fn of_block<T: 'static>(
    block: &'static str,
    table: impl IntoIterator<Item = &'static Key<T>>,
) -> impl Iterator<Item = RefusedOption> {
    table.into_iter().filter(|row| !row.names.is_empty()).filter_map(move |row| {
        let (unless, missing) = row.missing()?;
        Some(RefusedOption { names: row.names, block, unless, missing })
    })
}

#[cfg(test)]
mod tests {
    use nats_conf::Sources;

    use super::*;
    use crate::invocation::Invocation;
    use crate::parse::parse;

    /// The errors for a file.
    fn errors(text: &str) -> String {
        let args = ["buster-server", "-c", "x.conf"].map(Into::into);
        let Ok(Invocation::Run(command_line)) = parse(args) else { panic!("the flags are fine") };
        let read = |_: &str| Ok(text.as_bytes().to_vec());
        let loaded = command_line.load(&Sources { read: &read, ..Sources::NONE });
        loaded.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn keys_listed_as_refused_are_refused_by_every_name() {
        let keys = refused_keys();
        assert!(keys.iter().any(|key| key.block == "tls") && keys.iter().any(|key| key.block.is_empty()));
        for key in keys.iter().filter(|key| key.block.is_empty()) {
            for name in key.names {
                let expected = format!("x.conf:1:0: {name} is not supported yet: {}", key.missing);
                for value in ["true", "{ a: 1 }", "[a]", "1", "a"] {
                    assert_eq!(errors(&format!("{name}: {value}")), expected);
                }
                for (value, idle) in NOTHING {
                    let said = errors(&format!("{name}: {value}"));
                    assert_eq!(said.is_empty(), key.unless == idle, "{name}: {value}: {said}");
                }
            }
        }
    }

    const NOTHING: [(&str, Idle); 5] = [
        ("false", Idle::Off),
        ("{}", Idle::EmptyBlock),
        ("[]", Idle::EmptyList),
        ("\"\"", Idle::EmptyText),
        ("0", Idle::Zero),
    ];

    /// nats-server 2.14.5 was asked for each of them, under `-t` and at start.
    #[test]
    fn what_asks_for_nothing_is_taken() {
        for text in [
            "cluster {}\ngateway {}\nleafnodes {}\nwebsocket {}\nmqtt {}",
            "cluster {\n  # later\n}\nleaf: {}\nws {}",
            "operator: []\ntrusted_keys: []\nresolver_preload {}\nprof_port: 0",
            "accounts { A { imports: [], exports: [], msg_trace {} } }",
        ] {
            assert_eq!(errors(text), "", "{text}");
        }
    }

    #[test]
    fn flags_listed_as_refused_are_refused() {
        assert!(refused_flags().any(|flag| flag.names == ["profile"]));
    }
}
