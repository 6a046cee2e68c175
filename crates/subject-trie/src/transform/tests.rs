use proptest::prelude::*;

use super::*;
use crate::filter_matches;

fn applied(source: &str, destination: &str, subject: &str) -> String {
    let mut into = Vec::new();
    Transform::new(source, destination).unwrap().apply(subject.as_bytes(), || u32::MAX, &mut into);
    String::from_utf8(into).unwrap()
}

/// What nats-server 2.14.5 published to, asked with a mapping of each kind.
#[test]
fn subjects_become_what_nats_server_makes_of_them() {
    for (source, destination, subject, expected) in [
        ("a.*", "b.$1", "a.x", "b.x"),
        ("a.*", "b.$0.$-1", "a.x", "b.a.a"),
        ("a.*.*", "b.{{wildcard(2)}}.{{ Wildcard( 1 ) }}", "a.x.y", "b.y.x"),
        ("a.>", "b.>", "a.x.y", "b.x.y"),
        ("a.*.>", "b.$1.c.>", "a.x.y.z", "b.x.c.y.z"),
        (">", "x.>", "a.b", "x.a.b"),
        ("x.>", ">", "x.a.b", "a.b"),
        ("p.*", "q.{{partition(3,1)}}", "p.alpha", "q.2"),
        ("p.*", "q.{{partition(3,1)}}", "p.gamma", "q.0"),
        ("p.*", "q.{{partition( 3 , 1 )}}", "p.a", "q.1"),
        ("p.*.*", "q.{{partition(10,1,2)}}", "p.foo.bar", "q.0"),
        ("p.*.*", "q.{{partition(10,1,2)}}", "p.a.b", "q.6"),
        ("p.*.*", "q.{{Partition(10)}}", "p.foo.bar", "q.4"),
        ("p.*", "q.{{partition(0,1)}}.{{partition(-3,1)}}", "p.foo", "q.0.2851307223"),
        ("p.*", "q.{{partition(10,0)}}", "p.foo", "q.3"),
        ("s.*", "t.{{split(1,-)}}", "s.a-b-c", "t.a.b.c"),
        ("s.*", "t.{{split(1,-)}}", "s.-a--b-", "t.a.b"),
        ("s.*", "t.{{split(1,-)}}", "s.--a", "t..a"),
        ("s.*", "t.{{split(1, -)}}", "s.a-b", "t.a.b"),
        ("s.*", "t.{{ split (1,-) }}", "s.a-b", "t.a.b"),
        ("s.*", "t.{{Split(1,ab)}}", "s.1ab2", "t.1.2"),
        ("s.*", "t.{{Split(1,ab)}}", "s.aab", "t.a"),
        ("s.*", "t.{{split(1,)}}", "s.abc", "t.a.b.c"),
        ("s.*", "t.{{split(1,)}}", "s.é", "t.é"),
        ("s.*", "t.{{splitFromLeft(1,2)}}", "s.abcde", "t.ab.cde"),
        ("s.*", "t.{{splitFromLeft(1,2)}}", "s.ab", "t.ab"),
        ("s.*", "t.{{SplitFromRight(1,2)}}", "s.abcde", "t.abc.de"),
        ("s.*", "t.{{sliceFromLeft(1,2)}}", "s.abcde", "t.ab.cd.e"),
        ("s.*", "t.{{sliceFromLeft(1,2)}}", "s.abcd", "t.ab.cd"),
        ("s.*", "t.{{sliceFromRight(1,2)}}", "s.abcde", "t.a.bc.de"),
        ("s.*", "t.{{sliceFromRight(1,0)}}.{{splitfromleft(1,-1)}}", "s.abcde", "t.abcde.abcde"),
        ("s.*", "t.{{left(1,2)}}.{{Right(1,2)}}", "s.abcde", "t.ab.de"),
        ("s.*", "t.{{random(1)}}.{{random(0)}}", "s.y", "t.0.0"),
        ("s.*", "t.$x.{{}}.$", "s.a-b", "t.$x.{{}}.$"),
    ] {
        assert_eq!(applied(source, destination, subject), expected, "{source} {destination}");
    }
}

/// nats-server hashes nothing at all here, or the subject, as its order of mappings falls out.
#[test]
fn partition_of_a_plain_source_hashes_the_subject() {
    assert_eq!(applied("s", "t.{{partition(10)}}", "s"), applied("*", "t.{{partition(10,1)}}", "s"));
}

#[test]
fn a_plain_subject_becomes_another() {
    assert_eq!(applied("a", "b.c", "a"), "b.c");
}

#[test]
fn random_numbers_stay_below_their_bound() {
    assert_eq!(applied("a.*", "{{random(10)}}", "a.x"), ((u32::MAX >> 1) % 10).to_string());
    assert_eq!(applied("a.*", "{{random(-7)}}", "a.x"), ((u32::MAX >> 1) % 7).to_string());
}

/// The words are those nats-server 2.14.5 puts behind its place in the file.
#[test]
fn what_does_not_fit_is_refused_with_the_peers_words() {
    for (source, destination, words) in [
        ("a.*", "b.$2", "invalid mapping destination: wildcard index out of range in $2: [2]"),
        (
            "a",
            "b.{{wildcard(1)}}",
            "invalid mapping destination: wildcard index out of range in {{wildcard(1)}}",
        ),
        ("a.*", "b.*", "invalid subject"),
        ("a.>", "b", "invalid subject"),
        ("a..b", "b", "invalid subject"),
        (
            "a.*",
            "{{split(1)}}",
            "invalid mapping destination: not enough arguments passed to the function in {{split(1)}}",
        ),
        (
            "a.*",
            "{{split(1,a,b)}}",
            "invalid mapping destination: too many arguments passed to the function in {{split(1,a,b)}}",
        ),
        (
            "a.*",
            "{{split(x,a)}}",
            "invalid mapping destination: function argument is invalid or in the wrong format in {{split(x,a)}}",
        ),
        ("a.*", "{{foo(x,a)}}", "invalid mapping destination: unknown function in {{foo(x,a)}}"),
        ("a.*", "{{WILDCARD(1)}}", "invalid mapping destination: unknown function in {{WILDCARD(1)}}"),
    ] {
        let error = Transform::new(source, destination).unwrap_err();
        assert_eq!(error.to_string(), words, "{source} {destination}");
    }
}

/// The plain way: each `$n` by the n-th wildcard's token.
fn substituted(source: &[String], destination: &[String], subject: &[String]) -> String {
    let wildcards: Vec<&String> =
        source.iter().zip(subject).filter(|(token, _)| *token == "*").map(|(_, token)| token).collect();
    let tokens = destination.iter().map(|token| match token.strip_prefix('$') {
        Some(number) => wildcards[number.parse::<usize>().unwrap() - 1].clone(),
        None => token.clone(),
    });
    tokens.collect::<Vec<_>>().join(".")
}

proptest! {
    #[test]
    fn wildcards_are_put_where_they_are_named(
        source in prop::collection::vec("[ab*]", 1..5),
        destination in prop::collection::vec("[cd]|\\$[1-4]", 1..5),
        subject in prop::collection::vec("[ab]{1,2}", 1..5),
    ) {
        let (filter, published) = (source.join("."), subject.join("."));
        let wildcards = source.iter().filter(|token| *token == "*").count();
        let highest = destination.iter().filter_map(|token| token.strip_prefix('$')?.parse().ok()).max();
        let transform = Transform::new(&filter, &destination.join("."));
        prop_assert_eq!(transform.is_ok(), highest.unwrap_or(0) <= wildcards);
        if transform.is_ok() && filter_matches(filter.as_bytes(), published.as_bytes()) {
            let expected = substituted(&source, &destination, &subject);
            prop_assert_eq!(applied(&filter, &destination.join("."), &published), expected);
        }
    }

    #[test]
    fn cuts_lose_nothing(word in "[a-c]{1,8}", size in -1..9i32, function in 0..4usize) {
        let name = ["splitFromLeft", "splitFromRight", "sliceFromLeft", "sliceFromRight"][function];
        let cut = applied("s.*", &format!("{{{{{name}(1,{size})}}}}"), &format!("s.{word}"));
        prop_assert_eq!(cut.replace('.', ""), word.clone());
        prop_assert!(cut.split('.').all(|piece| !piece.is_empty()));
        let is_cut = size > 0 && (size as usize) < word.len();
        prop_assert_eq!(cut.contains('.'), is_cut);
    }

    #[test]
    fn no_destination_makes_it_panic(destination in "[ab.{}()$,0-3 >*-]{0,24}|\\{\\{(split|partition|left|random|wildcard)\\([-0-9, a]{0,8}\\)\\}\\}") {
        for source in ["a", "a.*", "a.*.>"] {
            if let Ok(transform) = Transform::new(source, &destination) {
                transform.apply(b"a.b.c", || 7, &mut Vec::new());
            }
        }
    }
}
