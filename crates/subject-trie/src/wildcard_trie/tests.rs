use super::*;

#[test]
fn nodes_are_used_again_and_the_last_filter_takes_all_memory_along() {
    let hasher = SubjectHasher::default();
    let mut trie = WildcardTrie::default();
    trie.insert(&hasher, b"keep.*", None, 0);
    for round in 0..100 {
        let filter = format!("a.{round}.*.b.>");
        trie.insert(&hasher, filter.as_bytes(), None, round);
        assert_eq!(trie.remove(&hasher, filter.as_bytes(), None, Wanted::Equal(&round)), Some(round));
    }
    assert_eq!(trie.nodes.len(), 3);
    assert!(trie.nodes.next_number() < 3 + 4);
    assert_eq!(trie.children.len(), 1);
    assert_eq!(trie.remove(&hasher, b"keep.*", None, Wanted::Equal(&0)), Some(0));
    assert_eq!((trie.nodes.bound(), trie.children.len()), (0, 0));
}

#[test]
fn very_deep_filters_need_no_deep_stack() {
    let hasher = SubjectHasher::default();
    let mut trie = WildcardTrie::default();
    let deep = ["*"; 100_000].join(".");
    trie.insert(&hasher, deep.as_bytes(), None, 1);
    let subject = split(deep.as_bytes()).expect("no empty token");
    let mut nodes = 0;
    let found = trie.matching(&hasher, &subject, &mut nodes, |subscribers| match subscribers.is_empty() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    });
    assert!(found.is_break());
    assert_eq!(nodes, 100_001, "the root, and one for each token");
}
