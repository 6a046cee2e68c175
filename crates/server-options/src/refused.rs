//! What nats-server can be told and this server refuses, for the documentation.

use crate::config;
use crate::table::{Section, TABLE};

/// A flag or a key of nats-server that this server refuses when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Its names; flags are without dashes.
    pub names: &'static [&'static str],
    /// The block a key stands in; empty for flags and for keys of the top level.
    pub block: &'static str,
    /// A switch that may be off, but not on.
    pub may_be_off: bool,
    /// What is missing for it.
    pub missing: &'static str,
}

/// The flags, in the order of the flag table.
pub fn refused_flags() -> impl Iterator<Item = Refused> {
    let rows = TABLE.iter().filter(|row| row.section == Section::NotYet);
    rows.map(|row| Refused { names: row.names, block: "", may_be_off: false, missing: row.help })
}

/// The keys, block by block, in the order of the tables.
pub fn refused_keys() -> Vec<Refused> {
    config::refused()
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
                assert_eq!(errors(&format!("{name}: true")), expected);
                let off = errors(&format!("{name}: false"));
                assert_eq!(off.is_empty(), key.may_be_off, "{name}: {off}");
            }
        }
    }

    #[test]
    fn flags_listed_as_refused_are_refused() {
        assert!(refused_flags().any(|flag| flag.names == ["js", "jetstream"]));
    }
}
