//! What loads are called beside the names in their table.

use crate::kinds::{KINDS, Kind};

/// Other names people look for, and the ones in the table.
const OTHERS: [(&str, &str); 4] =
    [("request-reply", "rtt"), ("fanout", "fan-out"), ("fanout-wild", "fan-out-wild"), ("fanin", "fan-in")];

/// The kind of load that goes by a name.
pub(crate) fn find(name: &str) -> Option<&'static Kind> {
    let usual = OTHERS.iter().find(|(other, _)| *other == name).map_or(name, |(_, usual)| usual);
    KINDS.iter().find(|kind| kind.name == usual)
}

/// The other names of a load.
pub(crate) fn others(usual: &str) -> impl Iterator<Item = &'static str> {
    OTHERS.iter().filter(move |(_, name)| *name == usual).map(|(other, _)| *other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_name_leads_to_a_load() {
        for (other, usual) in OTHERS {
            assert_eq!(find(other).map(|kind| kind.name), Some(usual));
            assert!(KINDS.iter().all(|kind| kind.name != other), "{other} is a load of its own");
        }
        assert!(find("nonsense").is_none());
    }
}
