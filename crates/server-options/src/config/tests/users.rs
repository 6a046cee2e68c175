//! Mistakes in lists of users and accounts.

use super::said_of;

/// As nats-server 2.14.5 lists them: of `authorization` the first alone, users before nkeys; of accounts all,
/// nkeys before users.
#[test]
fn users_who_are_there_twice_are_listed_as_the_peer_lists_them() {
    let (a, b) = ("{user: a, password: x}", "{user: b, password: x}");
    let key = "UCNGL4W5QX66CFX6A6DCBVDH5VOHMI7B2UZZU7TXAUQQSI2JPHULCKBR";
    let nkey = &format!("{{nkey: {key}}}");
    let duplicate = |place: &str, name: &str| {
        let kind = if name == key { "nkey" } else { "user" };
        format!("f.conf:{place}: Duplicate {kind} {name:?} detected")
    };
    let own = |users: &[&str]| format!("authorization {{ users: [{}] }}", users.join(", "));
    let account = |users: &[&str]| format!("accounts {{ A {{ users: [{}] }} }}", users.join(", "));
    for (text, expected) in [
        (own(&[a, a, a]), vec![duplicate("1:0", "a")]),
        (own(&[a, a, b, b]), vec![duplicate("1:0", "a")]),
        (own(&[nkey, nkey, nkey]), vec![duplicate("1:0", key)]),
        (own(&[nkey, nkey, b, b]), vec![duplicate("1:0", "b")]),
        (account(&[a, a, a]), vec![duplicate("1:15", "a"), duplicate("1:15", "a")]),
        (account(&[a, a, nkey, nkey]), vec![duplicate("1:15", key), duplicate("1:15", "a")]),
        (format!("{}\n{}", account(&[a]), own(&[b, a, a])), vec![duplicate("2:1", "a")]),
        (
            "authorization { user: x, users: [{user: a}, {user: a}] }".into(),
            vec!["f.conf:1:0: Can not have a single user/pass and a users array".into()],
        ),
    ] {
        assert_eq!(said_of(&text).lines().collect::<Vec<_>>(), expected, "{text}");
    }
}

/// As nats-server 2.14.5 lists them. Users were named twice and said to have no name, though the list is read no
/// further.
#[test]
fn a_value_of_the_wrong_type_ends_a_list_of_users() {
    let wrong =
        |place: &str| format!("f.conf:{place}: interface conversion: interface {{}} is int64, not string");
    for (text, expected) in [
        ("authorization { users: [{user: 9, password: b}] }", vec![wrong("1:25")]),
        ("accounts { A { users: [{user: 9, password: b}] } }", vec![wrong("1:24")]),
        ("authorization { users: [{user: a}, {user: a}, {user: 9}] }", vec![wrong("1:47")]),
        (
            "authorization { users: [{user: a, x: b}, {user: a, password: 9 }, {user: 9}] }",
            vec!["f.conf:1:34: unknown field \"x\"".into(), wrong("1:51")],
        ),
        ("authorization { user: 9, users: [{user: a}, {user: a}] }", vec![wrong("1:16")]),
        (
            "authorization { users: [{user: a}, {user: a}], x: 9, permissions: 7 }",
            vec![
                "f.conf:1:47: unknown field \"x\"".into(),
                "f.conf:1:53: Expected permissions to be a map/struct, got int64".into(),
                "f.conf:1:0: Duplicate user \"a\" detected".into(),
            ],
        ),
    ] {
        assert_eq!(said_of(text).lines().collect::<Vec<_>>(), expected, "{text}");
    }
}

/// As nats-server 2.14.5 lists them; only the first was.
#[test]
fn all_connection_types_of_the_wrong_type_are_listed() {
    let said = said_of("authorization { users: [{user: b, allowed_connection_types: [1, x, 2 ]}] }");
    let expected = [
        "f.conf:1:61: error parsing allowed connection types: unsupported type in array int64",
        "f.conf:1:67: error parsing allowed connection types: unsupported type in array int64",
        "f.conf:1:34: invalid connection types [\"X\"]",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

/// As nats-server 2.14.5 says it. What followed was listed too.
#[test]
fn a_value_of_the_wrong_type_ends_a_list_of_accounts() {
    let wrong =
        |place: &str| format!("f.conf:{place}: interface conversion: interface {{}} is int64, not string");
    for (text, expected) in [
        ("accounts [1, 2 ]", vec![wrong("1:10")]),
        ("accounts [A, A, 2 ,A]", vec!["f.conf:1:13: Duplicate Account Entry: A".into(), wrong("1:16")]),
    ] {
        assert_eq!(said_of(text).lines().collect::<Vec<_>>(), expected, "{text}");
    }
}
