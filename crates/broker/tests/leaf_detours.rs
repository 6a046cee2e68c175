//! What leaf nodes send to accounts that import or map, and what they want of those.

mod links;
mod shards;
mod users;

use links::{heard, leaf_of, leafs, say, sorted};
use nats_auth::{
    AccountConfig, Config, Destination, Directory, Export, ExportKind, Import, ImportKind, Mapping,
    ServiceTerms, Shown,
};
use shards::{Conn, Shards};
use users::{account, login, reload, user};

fn export(subject: &str, kind: ExportKind) -> Export {
    Export { subject: subject.into(), accounts: Vec::new(), account_token_position: 0, kind }
}

fn import(subject: &str, kind: ImportKind) -> Import {
    Import { account: "B".into(), subject: subject.into(), kind }
}

fn mapping(source: &str, to: &[(&str, u8)]) -> Mapping {
    let to = to.iter().map(|(subject, weight)| Destination {
        subject: (*subject).into(),
        weight: *weight,
        cluster: None,
    });
    Mapping { source: source.into(), destinations: to.collect() }
}

/// A imports a service and streams of B, and maps.
fn config() -> Config {
    let service = ImportKind::Service { to: "ask.*".into(), share: false };
    let behind = ImportKind::Stream { shown: Shown::Behind("of_b".into()), allow_trace: false };
    let same = ImportKind::Stream { shown: Shown::Same, allow_trace: false };
    let a = AccountConfig {
        imports: vec![import("q.*", service), import("news.>", behind), import("plain", same)],
        mappings: vec![mapping("from.*", &[("to.$1", 100)]), mapping("gone", &[("gone", 0)])],
        ..account("A", &[user("a", "x")])
    };
    let b = AccountConfig {
        exports: vec![
            export("q.*", ExportKind::Service(ServiceTerms::default())),
            export("news.>", ExportKind::Stream),
            export("plain", ExportKind::Stream),
        ],
        ..account("B", &[user("b", "x")])
    };
    Config { accounts: vec![a, b], ..Config::default() }
}

fn server(count: usize, config: &Config) -> Shards {
    Shards::with_leafs(count, Some(links::cluster()), Some(leafs()), |settings| {
        settings.directory = Directory::new(config).unwrap();
    })
}

fn leaf(shards: &mut Shards, name: &str) -> (Conn, String) {
    leaf_of(shards, "a", name, "")
}

#[test]
fn leaf_nodes_are_told_what_their_account_imports_and_maps_and_routes_are_not() {
    for count in 1..3 {
        let mut shards = server(count, &config());
        let route = links::route(&mut shards, "F");
        assert!(!heard(&mut shards, route).contains("ask"), "it imports for itself");
        let (leaf, told) = leaf(&mut shards, "L");
        let told = sorted(&told).into_iter().filter(|line| !line.contains("_R_")).collect::<Vec<_>>();
        assert_eq!(told, ["LS+ ask.*", "LS+ from.*", "LS+ gone"], "{count} shards");
        let mut next = config();
        next.accounts[0].imports.remove(0);
        next.accounts[0].mappings[0] = mapping("since.*", &[("to.$1", 100)]);
        reload(&mut shards, &next);
        let told = heard(&mut shards, leaf);
        let told = sorted(&told).into_iter().filter(|line| !line.contains("_R_")).collect::<Vec<_>>();
        assert_eq!(told, ["LS+ since.*", "LS- ask.*", "LS- from.*"], "{count} shards");
    }
}

#[test]
fn what_a_leaf_node_asks_is_answered_across_the_border() {
    for count in 1..4 {
        let mut shards = server(count, &config());
        let (leaf, _) = leaf(&mut shards, "L");
        for _ in 0..count {
            let service = login(&mut shards, "b");
            say(&mut shards, service, "SUB q.* 1\r\n");
            say(&mut shards, leaf, "LS+ inbox\r\nLMSG ask.x inbox 2\r\nhi\r\n");
            let asked = heard(&mut shards, service);
            assert!(asked.contains("q.x 1 _R_.") && asked.ends_with("\r\n\r\nhi\r\n"), "{asked}");
            let reply = asked.split(' ').find(|word| word.starts_with("_R_.")).unwrap().to_owned();
            heard(&mut shards, leaf);
            say(&mut shards, service, &format!("PUB {reply} 3\r\nyes\r\n"));
            assert_eq!(heard(&mut shards, leaf), "LMSG inbox 3\r\nyes\r\n", "{count} shards");
            say(&mut shards, service, "UNSUB 1\r\n");
        }
    }
}

#[test]
fn what_a_leaf_node_sends_is_mapped_and_groups_are_chosen_here() {
    for count in 1..4 {
        let mut shards = server(count, &config());
        let (leaf, _) = leaf(&mut shards, "L");
        let client = login(&mut shards, "a");
        say(&mut shards, client, "SUB to.* 1\r\nSUB from.* 2\r\nSUB to.* q 3\r\nSUB > g 4\r\n");
        heard(&mut shards, leaf);
        say(&mut shards, leaf, "LMSG from.x r 2\r\nhi\r\n");
        let got = heard(&mut shards, client);
        assert_eq!(
            sorted(&got),
            ["MSG to.x 1 r 2", "MSG to.x 3 r 2", "MSG to.x 4 r 2", "hi", "hi", "hi"],
            "{count} shards"
        );
        say(&mut shards, leaf, "LMSG from.x | q 2\r\nhi\r\n");
        let got = heard(&mut shards, client);
        assert_eq!(sorted(&got), ["MSG to.x 1 2", "MSG to.x 3 2", "hi", "hi"], "one is named");
        say(&mut shards, leaf, "LMSG gone 2\r\nhi\r\nLMSG to.y 1\r\n.\r\n");
        assert_eq!(
            heard(&mut shards, client),
            "MSG to.y 1 1\r\n.\r\n",
            "what is mapped to nothing is dropped"
        );
    }
}

#[test]
fn a_leaf_node_gets_what_its_account_imports_and_routes_are_told_for_whom() {
    for count in 1..4 {
        let mut shards = server(count, &config());
        let route = links::route(&mut shards, "F");
        let (leaf, _) = leaf(&mut shards, "L");
        heard(&mut shards, route);
        say(&mut shards, leaf, "LS+ of_b.news.>\r\nLS+ of_b.> q 1\r\nLS+ plain\r\nLS+ news.>\r\n");
        let told = heard(&mut shards, route);
        let told = sorted(&told).into_iter().filter(|line| line.starts_with("LS+ L B ")).collect::<Vec<_>>();
        assert_eq!(told, ["LS+ L B news.>", "LS+ L B news.> q 1", "LS+ L B plain"], "{count} shards");
        for _ in 0..count {
            let writer = login(&mut shards, "b");
            say(&mut shards, writer, "PUB news.a r 2\r\nhi\r\nPUB plain 2\r\nhi\r\n");
            let got = heard(&mut shards, leaf);
            assert_eq!(got, "LMSG of_b.news.a + r q 2\r\nhi\r\nLMSG plain 2\r\nhi\r\n", "{count} shards");
        }
        say(&mut shards, route, "RMSG B news.b | q 2\r\nhi\r\n");
        assert_eq!(heard(&mut shards, leaf), "LMSG of_b.news.b | q 2\r\nhi\r\n");
        say(&mut shards, leaf, "LS- of_b.news.>\r\nLS- of_b.> q\r\n");
        let told = heard(&mut shards, route);
        let told = sorted(&told).into_iter().filter(|line| line.contains(" B ")).collect::<Vec<_>>();
        assert_eq!(told, ["LS- L B news.>", "LS- L B news.> q"], "{count} shards");
        let writer = login(&mut shards, "b");
        say(&mut shards, writer, "PUB news.a 2\r\nhi\r\n");
        assert_eq!(heard(&mut shards, leaf), "");
        shards.brokers[0].on_hangup(leaf.id, conns::CloseReason::ClientClosed);
        assert!(heard(&mut shards, route).contains("LS- L B plain\r\n"));
    }
}

/// What another server wants it imports itself, also after a reload here.
#[test]
fn routes_get_nothing_by_what_accounts_here_import() {
    let mut shards = server(2, &config());
    let route = links::route(&mut shards, "F");
    say(&mut shards, route, "RS+ A of_b.>\r\n");
    let mut next = config();
    next.accounts[0].mappings.clear();
    reload(&mut shards, &next);
    let writer = login(&mut shards, "b");
    heard(&mut shards, route);
    say(&mut shards, writer, "PUB news.a 2\r\nhi\r\n");
    assert_eq!(heard(&mut shards, route), "");
}
