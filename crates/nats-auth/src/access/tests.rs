use proptest::prelude::*;

use subject_trie::{filter_matches, filters_overlap};

use super::*;

fn lists(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    let own = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    Some(SubjectPermission { allow: own(allow), deny: own(deny) })
}

fn subscriber(allow: &[&str], deny: &[&str]) -> Access {
    Access::new(&Permissions { subscribe: lists(allow, deny), ..Permissions::default() }).unwrap()
}

fn publisher(allow: &[&str], deny: &[&str]) -> Access {
    Access::new(&Permissions { publish: lists(allow, deny), ..Permissions::default() }).unwrap()
}

/// `subject` or `subject queue`.
fn may_subscribe(access: &Access, what: &str) -> bool {
    let (filter, queue) = what.split_once(' ').map_or((what, None), |(filter, queue)| (filter, Some(queue)));
    access.may_subscribe(filter.as_bytes(), queue.map(str::as_bytes))
}

#[test]
fn permissions_without_entries_permit_everything() {
    let empty = Permissions { publish: lists(&[], &[]), subscribe: lists(&[], &[]), responses: None };
    assert!(Access::new(&empty).is_none());
}

#[test]
fn permissions_come_back_in_order_and_with_defaults() {
    let none = Some(ResponsePermission { max: None, expires: None });
    let written = Permissions {
        publish: lists(&["b.>", "a"], &[]),
        subscribe: lists(&[], &["q g", "b", "q"]),
        responses: none,
    };
    let read = Permissions {
        publish: lists(&["a", "b.>"], &[]),
        subscribe: lists(&[], &["b", "q", "q g"]),
        responses: Some(ResponsePermission { max: Some(RESPONSES_MAX), expires: Some(RESPONSE_TIME) }),
    };
    assert_eq!(Access::new(&written).unwrap().permissions(), read);
    assert_eq!(Access::new(&read).unwrap().permissions(), read);
}

#[test]
fn deny_wins_over_allow() {
    let access = publisher(&["a.>", "b"], &["a.deny", "a.x.*"]);
    for (subject, allowed) in [
        ("a.b", true),
        ("b", true),
        ("c", false),
        ("a.deny", false),
        ("a.x.y", false),
        ("a.*", true),
        ("a..b", false),
    ] {
        assert_eq!(access.may_publish(subject.as_bytes()), allowed, "{subject}");
    }
    assert!(publisher(&[], &["x"]).may_publish(b"y"));
}

/// As nats-server 2.14.5 answered, but for `foo.>`, which it lets a user have who is allowed `foo.*`.
#[test]
fn subscriptions_have_to_lie_within_what_is_allowed() {
    let access = subscriber(&["foo.*", "q.x w1", "q.x", "z.>"], &["z.d"]);
    for allowed in ["foo.*", "foo.x", "z.*", "z.>", "q.x w1", "q.x", "foo.x g", "z.* g"] {
        assert!(may_subscribe(&access, allowed), "{allowed}");
    }
    for refused in ["foo.>", "*.x", ">", "*", "z.d", "foo.x.y", "foo..x", "q.x w2", "z.d g"] {
        assert!(!may_subscribe(&access, refused), "{refused}");
    }
    // That these are no filters is said afterwards. As nats-server 2.14.5 has it.
    for (no_filter, allowed) in [("z.>.x", true), ("foo.>.x", false), ("z..x", false), ("foo.", false)] {
        assert_eq!(may_subscribe(&access, no_filter), allowed, "{no_filter}");
    }
    let grouped = subscriber(&["q.> v1.*"], &[]);
    for allowed in ["q.x v1.2", "q.> v1.*"] {
        assert!(may_subscribe(&grouped, allowed), "{allowed}");
    }
    for refused in ["q.x v2", "q.x", "q.> v1", "q.y v1.>", "other"] {
        assert!(!may_subscribe(&grouped, refused), "{refused}");
    }
}

#[test]
fn what_is_denied_is_screened_out_of_wider_subscriptions() {
    let access = subscriber(&[], &["foo", "bar q1"]);
    assert!(!may_subscribe(&access, "foo") && !may_subscribe(&access, "bar q1"));
    assert!(may_subscribe(&access, "bar q2") && may_subscribe(&access, "bar") && may_subscribe(&access, ">"));
    assert!(access.screens(b">", None) && access.screens(b"bar", Some(b"q2")));
    assert!(!access.screens(b"bar", None) && !access.screens(b"baz.*", None));
    assert!(!access.may_get(b"foo", None) && access.may_get(b"bar", None));
    assert!(!access.may_get(b"bar", Some(b"q1")) && access.may_get(b"bar", Some(b"q2")));
}

#[test]
fn who_may_only_respond_may_publish_nothing_else() {
    let responses = Some(ResponsePermission { max: None, expires: None });
    let access = Access::new(&Permissions { responses, ..Permissions::default() }).unwrap();
    assert!(!access.may_publish(b"a"));
    let expected = Responses { max: 1, expires: Duration::from_secs(120) };
    assert_eq!(access.responses(), Some(expected));
    let both = Permissions { responses, publish: lists(&["a"], &[]), subscribe: None };
    assert!(Access::new(&both).unwrap().may_publish(b"a"));
}

#[test]
fn entries_that_are_none_are_complained_of_in_the_peers_words() {
    let of = |publish, subscribe| complaint(&Permissions { publish, subscribe, responses: None });
    assert_eq!(of(lists(&["a..b"], &[]), None).unwrap(), "subject \"a..b\" is not a valid subject");
    assert_eq!(of(lists(&["a b"], &[]), None).unwrap(), "subject \"a b\" is not a valid subject");
    assert_eq!(of(None, lists(&["a b c"], &[])).unwrap(), "subject \"a b c\" is not a valid subject");
    assert_eq!(of(None, lists(&[], &["a b..c"])).unwrap(), "queue \"b..c\" is not a valid queue");
    assert_eq!(of(lists(&["a"], &["b.>"]), lists(&["a q.*"], &[])), None);
}

/// Every subject of up to three tokens over a small alphabet.
fn subjects() -> Vec<String> {
    let mut all = Vec::new();
    let mut last = vec![String::new()];
    for _ in 0..3 {
        last = last.iter().flat_map(|head| ["a", "b", "c"].map(|word| format!("{head}.{word}"))).collect();
        all.extend(last.iter().map(|subject| subject[1..].to_owned()));
    }
    all
}

fn filter() -> impl Strategy<Value = String> {
    ("([ab*]\\.){0,2}[ab*>]").prop_map(|filter| filter)
}

proptest! {
    /// The plain way: list every subject, and look at each what the lists say.
    #[test]
    fn nobody_gets_what_is_denied_or_not_allowed(
        allow in prop::collection::vec(filter(), 0..3),
        deny in prop::collection::vec(filter(), 0..3),
        wanted in filter(),
    ) {
        let permission = SubjectPermission { allow: allow.clone(), deny: deny.clone() };
        let both = Permissions { publish: Some(permission.clone()), subscribe: Some(permission), responses: None };
        let Some(access) = Access::new(&both) else {
            prop_assert!(allow.is_empty() && deny.is_empty());
            return Ok(());
        };
        let matches = |filters: &[String], subject: &str| {
            filters.iter().any(|filter| filter_matches(filter.as_bytes(), subject.as_bytes()))
        };
        let screened = access.screens(wanted.as_bytes(), None);
        for subject in subjects() {
            let permitted = (allow.is_empty() || matches(&allow, &subject)) && !matches(&deny, &subject);
            prop_assert_eq!(access.may_publish(subject.as_bytes()), permitted);
            let reached = access.may_subscribe(wanted.as_bytes(), None)
                && filter_matches(wanted.as_bytes(), subject.as_bytes())
                && (!screened || access.may_get(subject.as_bytes(), None));
            prop_assert!(!reached || permitted, "{} by {}", subject, wanted);
        }
        // What is plainly allowed can be had.
        for subject in subjects() {
            let permitted = (allow.is_empty() || matches(&allow, &subject)) && !matches(&deny, &subject);
            prop_assert_eq!(access.may_subscribe(subject.as_bytes(), None), permitted);
        }
    }
}

/// Every filter of up to three tokens.
fn all_filters() -> Vec<String> {
    const TOKENS: [&str; 4] = ["a", "b", "*", ">"];
    let longer = |shorter: &Vec<String>| {
        let go_on = shorter.iter().filter(|filter| !filter.ends_with('>'));
        go_on.flat_map(|filter| TOKENS.map(|token| format!("{filter}.{token}"))).collect::<Vec<_>>()
    };
    let one = TOKENS.map(str::to_owned).to_vec();
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

#[test]
fn many_rules_say_what_each_of_them_says() {
    let filters = all_filters();
    let rules = Rules::new(&filters);
    assert!(rules.len() > FEW_RULES);
    for subject in filters.iter().map(String::as_str).chain(["a..b", "", "c", "a.b.c.d"]) {
        let subject = subject.as_bytes();
        for is_match in
            [Box::new(takes_in(subject)) as Box<dyn Fn(&[u8]) -> bool>, Box::new(matches(subject))]
        {
            let mut found = Vec::new();
            rules.for_each_matching(subject, &is_match, |rule| found.push(rule.filter.clone()));
            let linear = rules.all.iter().filter(|rule| is_match(&rule.filter));
            let mut expected: Vec<_> = linear.map(|rule| rule.filter.clone()).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{}", subject.escape_ascii());
        }
    }
    for filter in &filters {
        for some in filters.chunks(FEW_RULES + 1) {
            let overlaps = some.iter().any(|rule| filters_overlap(rule.as_bytes(), filter.as_bytes()));
            assert_eq!(Rules::new(some).overlap(filter.as_bytes()), overlaps, "{filter} {some:?}");
        }
    }
}
