//! The body of the fuzz target: what must hold for mappings of any text at all.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it
//! with the saved bytes.

use crate::config::{Destination, Mapping};
use crate::mappings::Mappings;

/// Reads `data` as lines: a subject, a source, and destinations, each behind a byte that is its weight.
pub fn mapping(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let subject = lines.next().unwrap_or_default();
    let source = lossy(lines.next().unwrap_or_default());
    let mut destinations = Vec::new();
    for line in lines {
        let Some((weight, subject)) = line.split_first() else { continue };
        destinations.push(Destination { subject: lossy(subject), weight: *weight, cluster: None });
    }
    let mapping = Mapping { source, destinations };
    match Mappings::new(std::slice::from_ref(&mapping)) {
        Ok(mappings) => check(&mappings, &mapping, subject),
        Err(error) => {
            let is_source = !subject_trie::is_valid_filter(mapping.source.as_bytes());
            assert!(is_source || mapping.fault().is_some_and(|fault| error.to_string().contains(&fault)));
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check(mappings: &Mappings, mapping: &Mapping, subject: &[u8]) {
    assert_eq!(mapping.fault(), None);
    let [(source, targets)] = mappings.iter().collect::<Vec<_>>()[..] else { panic!("one mapping is one") };
    assert_eq!(source, mapping.source.as_bytes());
    check_weights(mapping, targets.iter().map(|to| (&*to.subject, to.up_to)));

    let is_for = source == subject || subject_trie::filter_covers(source, subject);
    for drawn in 0..100 {
        let [mut fresh, mut used] = [Vec::new(), b"used".to_vec()];
        for into in [&mut fresh, &mut used] {
            assert_eq!(mappings.apply(subject, || drawn, into), is_for);
        }
        let is_lost = targets.last().is_none_or(|last| drawn >= last.up_to);
        assert!(!is_lost || fresh.is_empty(), "what is lost has no subject");
        assert_eq!(used, if is_for { &fresh[..] } else { b"used" }, "what no mapping is for is left alone");
    }
}

/// Each destination has the share that was written; what is left goes to the source, or is lost if that is one.
fn check_weights<'m>(mapping: &Mapping, targets: impl Iterator<Item = (&'m str, u32)>) {
    let mut from = 0;
    let mut shares: Vec<(&str, u32)> = targets
        .map(|(subject, up_to)| {
            let share = up_to.checked_sub(from).expect("in order");
            from = up_to;
            (subject, share)
        })
        .collect();
    for Destination { subject, weight, .. } in &mapping.destinations {
        let place = shares.iter().position(|share| *share == (subject.as_str(), u32::from(*weight)));
        shares.swap_remove(place.unwrap_or_else(|| panic!("{subject} has not {weight} of {shares:?}")));
    }
    let names_source = mapping.destinations.iter().any(|to| to.subject == mapping.source);
    match shares[..] {
        [] => assert!(names_source || from == 100),
        [(_, rest)] => assert!(!names_source && rest > 0 && from == 100),
        _ => panic!("{shares:?} beside what was written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const PIECES: [&str; 18] = [
        "\n2",
        "\nd",
        "\n\u{1}",
        "\n\0",
        "\n",
        ".",
        "a",
        "b",
        "*",
        ">",
        "$1",
        "{{wildcard(1)}}",
        "{{split(1,b)}}",
        "{{left(1,1)}}",
        "{{random(2)}}",
        "{{",
        "}}",
        " ",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_a_mapping_or_refused(data in vec(any::<u8>(), 0..60)) {
            mapping(&data);
        }

        #[test]
        fn any_pieces_are_a_mapping_or_refused(pieces in vec(select(&PIECES[..]), 0..16)) {
            mapping(pieces.concat().as_bytes());
            mapping(format!("a.b\na.*\n2{}", pieces.concat()).as_bytes());
        }
    }

    #[test]
    fn a_mapping_without_destinations_leaves_everything_where_it_is() {
        mapping(b"a.b\na.*");
        mapping(b"a.b\na.b");
        mapping(b"a.b\na.b\n2a.b");
    }
}
