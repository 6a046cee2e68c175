//! Leaf nodes as the users that they are: what these may, and what becomes of them in a reload.

mod links;
mod shards;
mod users;

use links::{heard, leaf_of, leafs, say, sorted};
use nats_auth::{Config, Directory, Permissions, SubjectPermission, User};
use shards::{Conn, Shards};
use users::{account, login, reload, user};

fn permissions(publish: &str, subscribe: &str) -> Option<Permissions> {
    let permission = |allow: &str| Some(SubjectPermission { allow: vec![allow.into()], deny: vec![] });
    Some(Permissions { publish: permission(publish), subscribe: permission(subscribe), responses: None })
}

/// An account with a user of these permissions and another one that may everything.
fn config(permissions: Option<Permissions>) -> Config {
    let users = [User { permissions, ..user("a", "x") }, user("h", "x")];
    Config { accounts: vec![account("A", &users)], ..Config::default() }
}

fn server(config: &Config) -> Shards {
    Shards::with_leafs(2, None, Some(leafs()), |settings| {
        settings.directory = Directory::new(config).unwrap();
    })
}

fn leaf(shards: &mut Shards, more: &str) -> Conn {
    leaf_of(shards, "a", "L", more).0
}

#[test]
fn what_a_user_may_not_ends_its_leaf_node() {
    for (text, last) in [
        ("LS+ s.no\r\n", "-ERR 'Permissions Violation for Subscription to \"s.no\"'\r\n"),
        ("LMSG p.no 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"p.no\"'\r\n"),
    ] {
        let mut shards = server(&config(permissions("p.ok", "s.ok")));
        let leaf = shards.accept_leaf();
        heard(&mut shards, leaf);
        let told = say(&mut shards, leaf, "CONNECT {\"user\":\"a\",\"pass\":\"x\",\"name\":\"X\"}\r\n");
        let shown = r#""import":{"allow":["s.ok"]},"export":{"allow":["p.ok"]}"#;
        assert!(told.contains(shown), "{told}");
        let fine = say(&mut shards, leaf, "LS+ s.ok\r\nLS+ s.>\r\nLS+ $LDS.x\r\nLMSG p.ok 0\r\n\r\n");
        assert_eq!(fine, "");
        assert_eq!(say(&mut shards, leaf, text), last);
        assert!(shards.is_closed(leaf));
    }
}

/// As with nats-server 2.14: what it could never be asked for it does not ask for itself.
#[test]
fn what_a_leaf_node_denies_it_may_not_want() {
    let mut shards = server(&config(None));
    let leaf = leaf(&mut shards, r#","deny_pub":["im.no"]"#);
    assert_eq!(say(&mut shards, leaf, "LS+ im.>\r\n"), "");
    let client = login(&mut shards, "h");
    say(&mut shards, client, "PUB im.no 0\r\n\r\nPUB im.ok 0\r\n\r\n");
    assert_eq!(heard(&mut shards, leaf), "LMSG im.ok 0\r\n\r\n");
    let last = "-ERR 'Permissions Violation for Subscription to \"im.no\"'\r\n";
    assert_eq!(say(&mut shards, leaf, "LS+ im.no\r\n"), last);
    assert!(shards.is_closed(leaf));
}

#[test]
fn a_leaf_node_is_asked_for_what_its_user_may_send() {
    let mut shards = server(&config(permissions("p.ok", "s.ok")));
    let client = login(&mut shards, "h");
    say(&mut shards, client, "SUB p.ok 1\r\nSUB p.no 2\r\n");
    let (leaf, told) = leaf_of(&mut shards, "a", "L", "");
    assert_eq!(sorted(&told), ["LS+ p.ok"]);
    say(&mut shards, client, "SUB p.* 3\r\nSUB p.also.no 4\r\nSUB > 5\r\nSUB q.> 6\r\n");
    assert_eq!(sorted(&heard(&mut shards, leaf)), ["LS+ >", "LS+ p.*"], "what matches something of it");
}

#[test]
fn a_reload_ends_those_whose_user_is_gone_or_shows_something_else() {
    let gone = Config { accounts: vec![account("A", &[user("h", "x")])], ..Config::default() };
    let users = [user("a", "y"), user("h", "x")];
    let other = Config { accounts: vec![account("A", &users)], ..Config::default() };
    let elsewhere = vec![account("A", &[user("h", "x")]), account("B", &[user("a", "x")])];
    let elsewhere = Config { accounts: elsewhere, ..Config::default() };
    for next in [gone, other, elsewhere] {
        let mut shards = server(&config(None));
        let leaf = leaf(&mut shards, "");
        reload(&mut shards, &config(None));
        assert_eq!(heard(&mut shards, leaf), "", "it is as it was");
        reload(&mut shards, &next);
        assert_eq!(heard(&mut shards, leaf), users::REFUSED);
        assert!(shards.is_closed(leaf));
    }
}

#[test]
fn what_a_user_may_since_a_reload_counts() {
    let mut shards = server(&config(None));
    let leaf = leaf(&mut shards, "");
    let client = login(&mut shards, "h");
    assert_eq!(say(&mut shards, leaf, "LS+ s.>\r\nLMSG p.no 0\r\n\r\n"), "");
    reload(&mut shards, &config(permissions("p.ok", "s.ok")));
    shards.settle();
    say(&mut shards, client, "PUB s.ok 0\r\n\r\nPUB s.no 0\r\n\r\n");
    assert_eq!(heard(&mut shards, leaf), "LMSG s.ok 0\r\n\r\n");
    let last = "-ERR 'Permissions Violation for Publish to \"p.no\"'\r\n";
    assert_eq!(say(&mut shards, leaf, "LMSG p.no 0\r\n\r\n"), last);
}

/// What servers of nats-server's say of streams among themselves does not come to those of another domain.
#[test]
fn streams_stay_on_their_side_in_the_system_account_too() {
    let accounts = vec![account("A", &[user("a", "x"), user("h", "x")]), account("B", &[user("b", "x")])];
    let config = Config { accounts, system_account: Some("A".into()), ..Config::default() };
    for (name, others) in [("a", ""), ("b", "LMSG $NRG.x 0\r\n\r\nLMSG $JSC.x 0\r\n\r\n")] {
        let mut shards = server(&config);
        let leafs = ["L", "M"].map(|cluster| leaf_of(&mut shards, name, cluster, "").0);
        say(&mut shards, leafs[0], "LS+ >\r\n");
        let all = "LMSG $KV.x 0\r\n\r\nLMSG $NRG.x 0\r\n\r\nLMSG $JSC.x 0\r\n\r\nLMSG x 0\r\n\r\n";
        say(&mut shards, leafs[1], all);
        assert_eq!(heard(&mut shards, leafs[0]), format!("{others}LMSG x 0\r\n\r\n"), "{name}");
    }
}
