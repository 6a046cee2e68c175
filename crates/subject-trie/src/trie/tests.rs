use super::*;

const CROWD: u32 = 5000;

fn names(value: u32) -> [String; 3] {
    [format!("literal.{value}"), format!("star.{value}.*"), format!("tail.{value}.>")]
}

fn assert_found(trie: &SubjectTrie<u32>, value: u32, expected: &[u32]) {
    let mut matches = Matches::default();
    for subject in [format!("literal.{value}"), format!("star.{value}.x"), format!("tail.{value}.x.y")] {
        trie.collect(subject.as_bytes(), &mut matches);
        assert_eq!(matches.plain, expected, "{subject}");
    }
}

#[test]
fn tables_grow_and_shrink_without_losing_a_filter() {
    let mut trie = SubjectTrie::new();
    for value in 0..CROWD {
        for filter in names(value) {
            trie.insert(filter.as_bytes(), None, value).expect("valid");
        }
    }
    assert_eq!((trie.len(), trie.filters()), (CROWD as usize * 3, CROWD as usize * 3));
    (0..CROWD).for_each(|value| assert_found(&trie, value, &[value]));
    let stays = |value: u32| value.is_multiple_of(100);
    for value in (0..CROWD).filter(|&value| !stays(value)) {
        assert!(names(value).iter().all(|filter| trie.remove(filter.as_bytes(), None, &value)));
    }
    for value in 0..CROWD {
        assert_found(&trie, value, if stays(value) { std::slice::from_ref(&value) } else { &[] });
    }
    assert_eq!(trie.filters(), CROWD as usize * 3 / 100);
}

#[test]
fn a_failed_change_leaves_the_generation_alone() {
    let mut trie = SubjectTrie::new();
    trie.insert(b"a.*", Some(b"q"), 1).expect("valid");
    let generation = trie.generation();
    assert_eq!(trie.insert(b"a..b", None, 1), Err(SubjectError::EmptyToken));
    assert_eq!(trie.insert(b">.b", None, 1), Err(SubjectError::TailNotLast));
    assert!(!trie.remove(b"a.*", None, &1));
    assert!(!trie.remove(b"a.*", Some(b"q"), &2));
    assert!(!trie.remove(b"a.", Some(b"q"), &1));
    assert_eq!(trie.generation(), generation);
    assert_eq!(format!("{trie:?}"), "SubjectTrie { len: 1, filters: 1, generation: 1, .. }");
}

#[test]
fn changes_of_filters_with_many_tokens_tell_of_the_nodes_they_took() {
    let mut trie = SubjectTrie::new();
    let deep = format!("{}.*", ["w"; 999].join("."));
    let literal = ["w"; 1000].join(".");
    let beyond = 1000 - FEW_NODES;
    for filter in ["a.*.c", "a.>", "a.b", &literal] {
        trie.insert(filter.as_bytes(), None, 1).expect("valid");
        assert_eq!(trie.take_nodes(), 0, "{filter}");
    }
    let key = trie.insert(deep.as_bytes(), None, 1).expect("valid");
    assert_eq!((trie.take_nodes(), trie.take_nodes()), (beyond, 0));
    assert!(trie.remove_at(key, None, &1));
    assert_eq!(trie.take_nodes(), beyond);
    trie.insert(deep.as_bytes(), None, 2).expect("valid");
    assert!(trie.remove(deep.as_bytes(), None, &2));
    assert_eq!(trie.take_nodes(), 2 * beyond);
}

#[test]
fn looking_up_a_very_long_subject_counts() {
    let mut trie = SubjectTrie::new();
    trie.insert(b"x.*", None, 1).expect("valid");
    let (usual, long) = (["w"; 40].join("."), ["w"; 1000].join("."));
    assert_eq!(trie.has_interest_counted(usual.as_bytes()), (false, 1));
    assert!(trie.has_interest_counted(long.as_bytes()).1 > 400);
    // Also one that turns out to be none when all of it is cut.
    assert!(
        trie.collect_hashed(trie.hash(b"w"), format!("{long}.").as_bytes(), &mut Matches::default()) > 400
    );
}

#[test]
fn reading_ahead_finds_the_lone_subscriptions_of_literal_filters() {
    let mut trie = SubjectTrie::new();
    let mut values = Vec::new();
    trie.read_ahead(&[trie.hash(b"none")], &mut values);
    assert!(values.is_empty());
    for value in 0..CROWD {
        trie.insert(format!("literal.{value}").as_bytes(), None, value).expect("valid");
    }
    trie.insert(b"literal.1", None, CROWD).expect("valid");
    trie.insert(b"queue", Some(b"q"), CROWD).expect("valid");
    trie.insert(b"wildcard.*", None, CROWD).expect("valid");
    let subjects = ["literal.7", "literal.1", "queue", "wildcard.x", "literal.3"];
    trie.read_ahead(&subjects.map(|subject| trie.hash(subject.as_bytes())), &mut values);
    assert_eq!(values, [7, 3]);
}
