//! What differs between two recordings, or between a recording and a file's answers.

use std::collections::BTreeSet;
use std::fmt;

use crate::case_file;
use crate::glob;
use crate::known::Known;
use crate::log_items;
use crate::recording::{Kind, Place, Recording};
use crate::wire_items::{INFO, INFO_FIELD};

/// The whole of an INFO, whatever its fields.
const ANY_INFO: &str = "INFO *";

/// In a file: whatever else there is.
pub const REST: &str = "...";

/// In a file, before a pattern that no item may match.
pub const ABSENT: &str = "- ";

/// Items that differ at one place, between items that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What is right, or the peer's; what is alike is not listed.
    pub right: Vec<String>,
    /// Ours.
    pub ours: Vec<String>,
}

impl Difference {
    /// What it looks like, so that one difference is not found a hundred times: its kind and the first
    /// words on both sides, without numbers and names.
    #[must_use]
    pub fn signature(&self) -> (Kind, String, String) {
        let outline = |items: &[String]| items.first().map(|item| outline(item)).unwrap_or_default();
        (self.place.kind(), outline(&self.right), outline(&self.ours))
    }
}

/// The first words without digits and without what stands in quotes.
fn outline(item: &str) -> String {
    const WORDS: usize = 8;
    let unquoted: String = item.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let plain = |word: &str| -> String { word.chars().filter(|c| c.is_alphabetic()).collect() };
    let words: Vec<String> = unquoted.split([' ', '.']).take(WORDS).map(plain).collect();
    words.join(" ")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.place)?;
        self.right.iter().try_for_each(|item| writeln!(f, "  right {item}"))?;
        self.ours.iter().try_for_each(|item| writeln!(f, "  ours  {item}"))
    }
}

/// What differs between two servers, apart from what is known.
#[must_use]
pub fn between(peer: &Recording, ours: &Recording, known: &mut Known) -> Vec<Difference> {
    let places: BTreeSet<&Place> = peer.keys().chain(ours.keys()).collect();
    let at = |recording: &Recording, place: &Place| recording.get(place).cloned().unwrap_or_default();
    let no_users = known.has_no_users();
    let ours_at = |place: &Place| match place {
        Place::ConnLog { .. } if no_users => {
            at(ours, place).iter().map(|item| log_items::without_user(item)).collect()
        }
        _ => at(ours, place),
    };
    let pairs = places.into_iter().map(|place| (place.clone(), at(peer, place), ours_at(place)));
    let equal = |right: &String, ours: &String| right == ours;
    unknown(pairs.flat_map(|(place, right, ours)| parted(&place, right, ours, equal)), known)
}

/// What a recording has otherwise than a file, apart from what is known.
#[must_use]
pub fn with_file(answers: &Recording, ours: &Recording, known: &mut Known) -> Vec<Difference> {
    let places: BTreeSet<&Place> = answers.keys().chain(ours.keys()).collect();
    let concern = places.into_iter().filter(|place| case_file::is_of_concern(place, answers));
    let found = concern.flat_map(|place| {
        let right = answers.get(place).cloned().unwrap_or_default();
        held_against(place, right, ours.get(place).cloned().unwrap_or_default())
    });
    unknown(found, known)
}

fn held_against(place: &Place, mut right: Vec<String>, mut ours: Vec<String>) -> Vec<Difference> {
    let matches = |pattern: &String, item: &String| glob::matches(pattern, item);
    let mut found = Vec::new();
    let absent: Vec<String> = right.extract_if(.., |item| item.starts_with(ABSENT)).collect();
    for item in absent {
        let pattern = &item[ABSENT.len()..];
        let there: Vec<String> = ours.extract_if(.., |item| glob::matches(pattern, item)).collect();
        if !there.is_empty() {
            found.push(Difference { place: place.clone(), right: vec![item], ours: there });
        }
    }
    let is_partial = right.pop_if(|last| last == REST).is_some();
    let parts = parted(place, right.clone(), with_any_infos(&right, ours), matches);
    for mut part in parts {
        if is_partial && part.right.is_empty() {
            continue;
        }
        if is_partial {
            part.ours.clear();
        }
        found.push(part);
    }
    found
}

/// Ours, with an INFO's fields dropped where the file has any INFO; they are counted from the front.
fn with_any_infos(right: &[String], ours: Vec<String>) -> Vec<String> {
    let mut wanted =
        right.iter().filter(|item| *item == ANY_INFO || *item == INFO).map(|item| item == ANY_INFO);
    let mut is_any = false;
    let mut items = Vec::with_capacity(ours.len());
    for item in ours {
        if item == INFO {
            is_any = wanted.next().unwrap_or(false);
            items.push(if is_any { ANY_INFO.to_owned() } else { item });
        } else if !(is_any && item.starts_with(INFO_FIELD)) {
            items.push(item);
        }
    }
    items
}

/// The right `items` of a place as a file has them. Of JSON and INFO, which have much that does not matter,
/// only what differs is kept.
#[must_use]
pub fn as_patterns(place: &Place, items: &[String], found: &[&Difference]) -> Vec<String> {
    let differs = |item: &String| found.iter().any(|one| one.right.contains(item));
    let surplus = found.iter().flat_map(|one| &one.ours).map(|item| item.split(' ').next().unwrap_or(item));
    let mut patterns = Vec::new();
    match place {
        Place::Answer { .. } if items.iter().any(|item| item.starts_with('.')) => {
            let has = |path: &str| items.iter().any(|item| item.split(' ').next() == Some(path));
            let absent = surplus.filter(|path| !has(path));
            patterns.extend(absent.map(|path| format!("{ABSENT}{} *", glob::exactly(path))));
            let kept = items.iter().enumerate().filter(|(index, item)| *index == 0 || differs(item));
            patterns.extend(kept.map(|(_, item)| glob::exactly(item)));
            patterns.push(REST.to_owned());
        }
        _ => {
            let info_differs =
                found.iter().any(|one| one.right.iter().chain(&one.ours).any(|item| item.starts_with(INFO)));
            for item in items {
                match item.as_str() {
                    INFO if !info_differs => patterns.push(ANY_INFO.to_owned()),
                    field if !info_differs && field.starts_with(INFO_FIELD) => {}
                    item => patterns.push(glob::exactly(item)),
                }
            }
        }
    }
    patterns
}

/// Lines both lists up: the runs between items that are alike.
fn parted(
    place: &Place,
    right: Vec<String>,
    ours: Vec<String>,
    alike: impl Fn(&String, &String) -> bool,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    let mut open = Difference { place: place.clone(), right: Vec::new(), ours: Vec::new() };
    let (mut right_at, mut ours_at) = (0, 0);
    for (right_next, ours_next) in pairs(&right, &ours, alike).into_iter().chain([(right.len(), ours.len())])
    {
        open.right.extend_from_slice(&right[right_at..right_next]);
        open.ours.extend_from_slice(&ours[ours_at..ours_next]);
        (right_at, ours_at) = (right_next + 1, ours_next + 1);
        if !open.right.is_empty() || !open.ours.is_empty() {
            let next = Difference { place: place.clone(), right: Vec::new(), ours: Vec::new() };
            found.push(std::mem::replace(&mut open, next));
        }
    }
    found
}

/// The longest row of pairs of items that are alike, both in order.
fn pairs(right: &[String], ours: &[String], alike: impl Fn(&String, &String) -> bool) -> Vec<(usize, usize)> {
    let width = ours.len() + 1;
    let mut longest = vec![0_u32; (right.len() + 1) * width];
    for one in (0..right.len()).rev() {
        for other in (0..ours.len()).rev() {
            longest[one * width + other] = if alike(&right[one], &ours[other]) {
                longest[(one + 1) * width + other + 1] + 1
            } else {
                longest[(one + 1) * width + other].max(longest[one * width + other + 1])
            };
        }
    }
    let (mut one, mut other, mut found) = (0, 0, Vec::new());
    while one < right.len() && other < ours.len() {
        if alike(&right[one], &ours[other]) {
            found.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if longest[(one + 1) * width + other] >= longest[one * width + other + 1] {
            one += 1;
        } else {
            other += 1;
        }
    }
    found
}

fn unknown(found: impl Iterator<Item = Difference>, known: &mut Known) -> Vec<Difference> {
    found.filter_map(|difference| known.left_of(difference)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place::Wire { step: 0, conn: 0 };

    fn recording(items: &[&str]) -> Recording {
        Recording::from([(PLACE, items.iter().map(|item| (*item).to_owned()).collect())])
    }

    fn differing(right: &[&str], ours: &[&str]) -> Vec<(Vec<String>, Vec<String>)> {
        let found = between(&recording(right), &recording(ours), &mut Known::default());
        found.into_iter().map(|one| (one.right, one.ours)).collect()
    }

    fn fails(right: &[&str], ours: &[&str]) -> bool {
        !with_file(&recording(right), &recording(ours), &mut Known::default()).is_empty()
    }

    #[test]
    fn only_what_differs_is_left() {
        assert_eq!(differing(&["a", "b"], &["a", "b"]), []);
        let found = differing(&["a", "b", "c", "d"], &["a", "x", "c"]);
        assert_eq!(found, [(vec!["b".into()], vec!["x".into()]), (vec!["d".into()], vec![])]);
    }

    #[test]
    fn a_place_that_only_one_has_differs() {
        let found = between(&Recording::new(), &recording(&["PONG"]), &mut Known::default());
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_file_may_leave_things_open() {
        assert!(!fails(&["INFO *", "MSG * 1"], &["INFO", "INFO.a 1", "INFO.b 2", "MSG a 1"]));
        assert!(fails(&["INFO *", "MSG * 1"], &["INFO", "INFO.a 1", "MSG a 2"]));
        assert!(fails(&["INFO"], &["INFO", "INFO.a 1"]));
        assert!(!fails(&["200 OK", ".b 2", "..."], &["200 OK", ".a 1", ".b 2", ".c 3"]));
        assert!(fails(&["200 OK", ".b 2", "..."], &["200 OK", ".a 1", ".b 3"]));
        assert!(!fails(&["- .c*", ".a 1", "..."], &[".a 1", ".b 2"]));
        assert!(fails(&["- .c*", ".a 1", "..."], &[".a 1", ".c 2"]));
        assert!(fails(&["[*]"], &["a"]));
    }

    #[test]
    fn logs_that_a_file_leaves_out_are_not_compared_but_answers_are() {
        let log = Recording::from([(Place::Log, vec!["x".to_owned()])]);
        assert!(with_file(&Recording::new(), &log, &mut Known::default()).is_empty());
        assert!(!with_file(&Recording::new(), &recording(&["PONG"]), &mut Known::default()).is_empty());
        assert!(!with_file(&log, &Recording::new(), &mut Known::default()).is_empty());
    }

    #[test]
    fn what_is_pinned_fails_where_it_was_found_and_passes_with_the_right_answer() {
        let check = |place: Place, right: &[&str], ours: &[&str]| {
            let of = |items: &[&str]| -> Recording {
                [(place.clone(), items.iter().map(|item| (*item).to_owned()).collect())].into()
            };
            let found = between(&of(right), &of(ours), &mut Known::default());
            let patterns = as_patterns(&place, &of(right)[&place], &found.iter().collect::<Vec<_>>());
            let file = Recording::from([(place.clone(), patterns)]);
            assert!(with_file(&file, &of(right), &mut Known::default()).is_empty(), "{file:?}");
            assert!(!with_file(&file, &of(ours), &mut Known::default()).is_empty(), "{file:?}");
        };
        check(PLACE, &["INFO", "INFO.a 1", "MSG * 1"], &["INFO", "INFO.a 1", "MSG a 1"]);
        check(PLACE, &["INFO", "INFO.a 1", "PONG"], &["INFO", "INFO.a 1", "INFO.b 1", "PONG"]);
        let answer = Place::Answer { step: 0 };
        check(answer.clone(), &["HTTP/1.1 200 OK", ".a 1", ".b 2"], &["HTTP/1.1 200 OK", ".a 1", ".b 3"]);
        check(answer.clone(), &["HTTP/1.1 200 OK", ".a 1"], &["HTTP/1.1 200 OK", ".a 1", ".b 3"]);
        check(answer, &["HTTP/1.1 200 OK", ".a 1"], &["HTTP/1.1 400 Bad Request", "no"]);
    }

    #[test]
    fn a_signature_has_no_numbers_and_no_names() {
        let of = |item: &str| Difference { place: PLACE, right: vec![item.into()], ours: vec![] }.signature();
        assert_eq!(of("MSG a 1 2"), of("MSG a 7 9"));
        assert_eq!(of("unknown field \"x\""), of("unknown field \"y z\""));
        assert_ne!(of("MSG a 1 2"), of("HMSG a 1 2"));
    }
}
