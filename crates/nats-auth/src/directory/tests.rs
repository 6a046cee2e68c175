use super::*;
use crate::config::{
    AccountConfig, AccountLimits, Export, ExportKind, IdentityConfig, Import, ImportKind, Permissions, Shown,
    User,
};

const STANDARD: ConnectionType = ConnectionType::Standard;

const HASH_OF_BAR: &str = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";

fn user(name: &str, password: &str) -> User {
    let identity = IdentityConfig::Password { user: name.into(), password: password.into() };
    User { identity, permissions: None, allowed_connection_types: None }
}

fn account(name: &str, users: &[User]) -> AccountConfig {
    AccountConfig { name: name.into(), users: users.to_vec(), ..AccountConfig::default() }
}

fn two_accounts() -> Config {
    let accounts = vec![account("A", &[user("a", "pa")]), account("B", &[user("b", HASH_OF_BAR)])];
    Config { accounts, ..Config::default() }
}

fn with_password<'a>(user: &'a str, password: &'a str) -> Credentials<'a> {
    Credentials { user, password, ..Credentials::default() }
}

/// `account/label`, or the verdict.
fn verdict(directory: &Directory, shown: &Credentials<'_>) -> String {
    let described = |identity: &Identity| {
        let account = directory.account(identity.account()).name();
        format!("{account}/{}", identity.claim().map(|claim| claim.label()).unwrap_or_default())
    };
    match directory.authenticate(shown) {
        Verdict::Granted(identity) => described(&identity),
        Verdict::Refused(_) => "refused".into(),
        Verdict::Check(check) => check.run().map_or("wrong hash".into(), |identity| described(&identity)),
    }
}

fn granted_as(directory: &Directory, shown: &Credentials<'_>) -> Arc<Identity> {
    match directory.authenticate(shown) {
        Verdict::Granted(identity) => identity,
        Verdict::Check(check) => check.run().unwrap(),
        Verdict::Refused(_) => panic!("refused"),
    }
}

#[test]
fn nobody_has_to_identify_itself_by_default() {
    let directory = Directory::open();
    assert!(
        !directory.auth_required(STANDARD) && !directory.announces_auth(STANDARD) && !directory.needs_nonce()
    );
    assert_eq!(verdict(&directory, &Credentials::default()), "$G/");
    assert_eq!(verdict(&directory, &with_password("x", "y")), "$G/");
}

#[test]
fn who_shows_the_same_for_the_same_hash_asks_the_same_question() {
    let users =
        vec![user("a", HASH_OF_BAR), user("b", HASH_OF_BAR), user("c", &HASH_OF_BAR.replace("lw", "lx"))];
    let directory = Directory::new(&Config { users, ..Config::default() }).unwrap();
    let question = |user: &str, password: &str| match directory.authenticate(&with_password(user, password)) {
        Verdict::Check(check) => Arc::clone(check.question()),
        other => panic!("{other:?}"),
    };
    assert_eq!(question("a", "bar"), question("b", "bar"));
    assert_ne!(question("a", "bar"), question("a", "baz"));
    assert_ne!(question("a", "bar"), question("c", "bar"));
    assert!(question("a", "bar").answer() && !question("c", "bar").answer());
}

#[test]
fn users_are_found_by_name_and_password() {
    let directory = Directory::new(&two_accounts()).unwrap();
    assert!(directory.auth_required(STANDARD) && directory.announces_auth(STANDARD));
    for (shown, expected) in [
        (with_password("a", "pa"), "A/user:a"),
        (with_password("b", "bar"), "B/user:b"),
        (with_password("a", "pb"), "refused"),
        (with_password("b", "baz"), "wrong hash"),
        (with_password("c", ""), "refused"),
        (with_password("", "pa"), "refused"),
        (Credentials { token: "pa", ..Credentials::default() }, "refused"),
    ] {
        assert_eq!(verdict(&directory, &shown), expected);
    }
    assert!(directory.has_plain_passwords());
}

/// As nats-server 2.14.5 warns.
#[test]
fn passwords_are_plain_unless_hashed_or_left_to_certificates() {
    let plain = |config: Config| Directory::new(&config).unwrap().has_plain_passwords();
    let single =
        |password: &str| Config { single_user: Some(("a".into(), password.into())), ..Config::default() };
    let hash = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";
    assert_eq!([plain(single("x")), plain(single("")), plain(single(hash))], [true, false, false]);
    assert!(!plain(Config { token: Some("x".into()), ..Config::default() }));
    let users = |password: &str, verify_and_map| {
        let users = vec![user("a", password)];
        Config { users, verify_and_map, ..Config::default() }
    };
    for (password, verify_and_map, is_plain) in
        [("x", false, true), ("x", true, true), ("", false, true), ("", true, false), (hash, false, false)]
    {
        assert_eq!(plain(users(password, verify_and_map)), is_plain, "{password:?}, map: {verify_and_map}");
    }
    let mut elsewhere = users("", true);
    elsewhere.users[0].allowed_connection_types = Some(vec!["WEBSOCKET".into()]);
    assert!(plain(elsewhere), "no certificate of a client names it");
}

#[test]
fn a_single_user_or_a_token_will_do() {
    let single = Config { single_user: Some(("a".into(), "x".into())), ..Config::default() };
    let directory = Directory::new(&single).unwrap();
    assert_eq!(verdict(&directory, &with_password("a", "x")), "$G/user:a");
    assert_eq!(verdict(&directory, &with_password("b", "x")), "refused");
    let token = Config { token: Some("t".into()), ..Config::default() };
    let directory = Directory::new(&token).unwrap();
    assert_eq!(verdict(&directory, &Credentials { token: "t", ..Credentials::default() }), "$G/token");
    assert_eq!(verdict(&directory, &with_password("t", "t")), "refused");
}

#[test]
fn without_credentials_a_client_is_the_no_auth_user() {
    let config = Config { no_auth_user: Some("a".into()), ..two_accounts() };
    let directory = Directory::new(&config).unwrap();
    assert!(directory.auth_required(STANDARD) && !directory.announces_auth(STANDARD));
    assert_eq!(verdict(&directory, &Credentials::default()), "A/user:a");
    assert_eq!(verdict(&directory, &with_password("b", "bar")), "B/user:b");
    assert_eq!(verdict(&directory, &with_password("a", "")), "refused");
    assert_eq!(verdict(&directory, &with_password("", "x")), "refused");
}

// With a hash for its password, whoever showed nothing was let in.
#[test]
fn a_user_with_a_hash_is_not_for_clients_without_credentials() {
    let config = Config { no_auth_user: Some("b".into()), ..two_accounts() };
    let directory = Directory::new(&config).unwrap();
    assert_eq!(verdict(&directory, &Credentials::default()), "refused");
    assert_eq!(verdict(&directory, &with_password("b", "bar")), "B/user:b");
}

/// Who the log is to say was refused.
#[test]
fn who_is_refused_is_told_as_the_peer_tells_it() {
    let config = Config { no_auth_user: Some("b".into()), ..two_accounts() };
    let directory = Directory::new(&config).unwrap();
    let refused = |directory: &Directory, shown: &Credentials<'_>| match directory.authenticate(shown) {
        Verdict::Refused(claim) => claim.map(|claim| claim.to_string()),
        verdict => panic!("{verdict:?}"),
    };
    let named = |shown: &Credentials<'_>| refused(&directory, shown);
    assert_eq!(named(&Credentials::default()).as_deref(), Some(r#"User "b""#));
    assert_eq!(named(&with_password("x", "y")).as_deref(), Some(r#"User "x""#));
    assert_eq!(named(&with_password("", "y")), None);
    let token = Credentials { token: "t", ..Credentials::default() };
    assert_eq!(named(&token).as_deref(), Some(r#"Token "[REDACTED]""#));
    let all = Credentials { nkey: "UX", user: "x", ..token };
    assert_eq!(named(&all).as_deref(), Some(r#"Nkey "UX""#));
    let mapping = Config { users: vec![user("web", "secret")], verify_and_map: true, ..Config::default() };
    let mapping = Directory::new(&mapping).unwrap();
    let facts = PeerFacts { dns_names: vec!["web".into()], ..PeerFacts::default() };
    let with_certificate = Credentials { peer: Some(&facts), ..with_password("x", "y") };
    assert_eq!(refused(&mapping, &with_certificate).as_deref(), Some(r#"User "web""#));
    assert!(mapping.overrules(&with_certificate));
    assert!(!mapping.overrules(&with_password("x", "y")) && !directory.overrules(&with_certificate));
}

#[test]
fn beside_the_system_account_everyone_else_is_let_in() {
    let config = Config { accounts: vec![account("$SYS", &[user("admin", "x")])], ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    assert!(directory.auth_required(STANDARD) && directory.announces_auth(STANDARD));
    assert_eq!(verdict(&directory, &Credentials::default()), "$G/");
    assert_eq!(verdict(&directory, &with_password("admin", "x")), "$SYS/user:admin");
    assert_eq!(verdict(&directory, &with_password("admin", "y")), "refused");
    let named = Config { has_authorization: true, ..config };
    assert_eq!(verdict(&Directory::new(&named).unwrap(), &Credentials::default()), "refused");
}

#[test]
fn there_may_be_no_system_account() {
    let has_system = |config: &Config| {
        let directory = Directory::new(config).unwrap();
        directory.accounts().iter().any(|account| account.is_system())
    };
    let without = Config { no_system_account: true, ..Config::default() };
    assert!(has_system(&Config::default()) && !has_system(&without));
    let accounts = vec![account("$SYS", &[])];
    assert!(has_system(&Config { accounts, ..without.clone() }), "it is configured");
    let accounts = vec![account("S", &[])];
    assert!(has_system(&Config { accounts, system_account: Some("S".into()), ..without }), "it is named");
}

#[test]
fn an_nkey_is_believed_if_it_signed_the_nonce() {
    let key = nkeys::KeyPair::new_user();
    let public = key.public_key();
    let nkey = User { identity: IdentityConfig::Nkey(public.clone()), ..user("", "") };
    let directory = Directory::new(&Config { users: vec![nkey], ..Config::default() }).unwrap();
    assert!(directory.needs_nonce());
    let signature = key.sign(b"nonce").unwrap();
    for (text, nonce, expected) in [
        (data_encoding::BASE64URL_NOPAD.encode(&signature), "nonce", format!("$G/nkey:{public}")),
        (data_encoding::BASE64.encode(&signature), "nonce", format!("$G/nkey:{public}")),
        (data_encoding::BASE64URL_NOPAD.encode(&signature), "other", "refused".into()),
        (String::new(), "nonce", "refused".into()),
        ("not base64".into(), "nonce", "refused".into()),
    ] {
        let shown = Credentials { nkey: &public, signature: &text, nonce, ..Credentials::default() };
        assert_eq!(verdict(&directory, &shown), expected);
    }
}

#[test]
fn a_certificate_says_who_a_client_is() {
    let users = vec![user("a@b.c", ""), user("CN=bob,O=Acme", ""), user("web", "")];
    let config = Config { users, verify_and_map: true, ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    let subject = [("O", "Acme"), ("CN", "bob")]
        .map(|(name, value)| vec![crate::PeerAttribute { name: Some(name), value: value.into() }]);
    let mut facts = PeerFacts { subject: subject.to_vec(), ..PeerFacts::default() };
    let with =
        |facts: &PeerFacts| verdict(&directory, &Credentials { peer: Some(facts), ..Credentials::default() });
    assert_eq!(with(&facts), "$G/user:CN=bob,O=Acme");
    facts.subject.reverse();
    assert_eq!(with(&facts), "$G/user:CN=bob,O=Acme");
    facts.dns_names = vec!["x".into(), "web".into()];
    assert_eq!(with(&facts), "$G/user:web");
    facts.emails = vec!["a@b.c".into()];
    assert_eq!(with(&facts), "$G/user:a@b.c");
    assert_eq!(with(&PeerFacts::default()), "refused");
    assert_eq!(verdict(&directory, &with_password("web", "")), "refused");
}

// Who was configured without the domain components of its certificate was refused.
#[test]
fn a_certificate_maps_to_a_user_without_its_domain_components() {
    const PLAIN: &str = "CN=localhost,OU=NATS,O=NATS,L=Los Angeles,ST=CA,C=US";
    let names = ["C=US", "ST=CA", "L=Los Angeles", "O=NATS", "OU=NATS", "CN=localhost", "DC=foo3", "DC=foo4"];
    let attribute = |text: &'static str| {
        let (name, value) = text.split_once('=').unwrap();
        vec![crate::PeerAttribute { name: Some(name), value: value.into() }]
    };
    let subject = names.map(attribute).to_vec();
    let facts = PeerFacts { subject, printed: PLAIN.into(), ..PeerFacts::default() };
    let others = [format!("DC=foo2,DC=foo1,{PLAIN}"), format!("{PLAIN},DC=foo1,DC=foo2")];
    let found_among = |names: &[&str]| {
        let users = others.iter().map(String::as_str).chain(names.iter().copied());
        let users = users.map(|name| user(name, "")).collect();
        let directory = Directory::new(&Config { users, verify_and_map: true, ..Config::default() }).unwrap();
        verdict(&directory, &Credentials { peer: Some(&facts), ..Credentials::default() })
    };
    assert_eq!(found_among(&[]), "refused");
    assert_eq!(found_among(&[PLAIN]), format!("$G/user:{PLAIN}"));
    let (forth, back) = (format!("{PLAIN},DC=foo3,DC=foo4"), format!("DC=foo4,DC=foo3,{PLAIN}"));
    assert_eq!(found_among(&[PLAIN, &forth]), format!("$G/user:{forth}"));
    assert_eq!(found_among(&[PLAIN, &forth, &back]), format!("$G/user:{back}"));
}

#[test]
fn a_user_may_be_bound_to_ways_of_connecting() {
    let mut bound = user("a", "x");
    bound.allowed_connection_types = Some(vec!["websocket".into()]);
    let directory = Directory::new(&Config { users: vec![bound], ..Config::default() }).unwrap();
    assert_eq!(verdict(&directory, &with_password("a", "x")), "refused");
    let websocket = Credentials { connection_type: ConnectionType::Websocket, ..with_password("a", "x") };
    assert_eq!(verdict(&directory, &websocket), "$G/user:a");
}

#[test]
fn a_listener_may_ask_for_something_else() {
    let websocket = |user, password| Credentials {
        connection_type: ConnectionType::Websocket,
        ..with_password(user, password)
    };
    let own = ListenerAuth { single_user: Some(("w".into(), "x".into())), ..ListenerAuth::default() };
    let config = Config { websocket: Some(own), ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    assert!(!directory.auth_required(STANDARD) && directory.announces_auth(ConnectionType::Websocket));
    assert_eq!(verdict(&directory, &with_password("", "")), "$G/");
    assert_eq!(verdict(&directory, &websocket("w", "x")), "$G/user:w");
    assert_eq!(verdict(&directory, &websocket("w", "y")), "refused");

    let own = ListenerAuth { no_auth_user: Some("a".into()), ..ListenerAuth::default() };
    let mut config = Config { websocket: Some(own), ..two_accounts() };
    let directory = Directory::new(&config).unwrap();
    assert_eq!(verdict(&directory, &websocket("", "")), "A/user:a");
    assert_eq!(verdict(&directory, &with_password("", "")), "refused");
    config.websocket =
        Some(ListenerAuth { timeout: Some(Duration::from_secs(9)), ..ListenerAuth::default() });
    let directory = Directory::new(&config).unwrap();
    assert_eq!(directory.timeout(ConnectionType::Websocket), Duration::from_secs(9));
    assert_eq!(
        (directory.timeout(STANDARD), verdict(&directory, &websocket("a", "pa"))),
        (AUTH_TIMEOUT, "A/user:a".into())
    );
}

#[test]
fn who_is_known_by_a_certificate_needs_one_everywhere() {
    let config = Config { users: vec![user("web", "")], verify_and_map: true, ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    let shown = Credentials { connection_type: ConnectionType::Websocket, ..with_password("web", "") };
    assert_eq!(verdict(&directory, &shown), "refused");
    let open = Directory::new(&Config { verify_and_map: false, ..config }).unwrap();
    assert_eq!(verdict(&open, &shown), "$G/user:web");
}

#[test]
fn default_permissions_are_for_those_without_their_own() {
    let publish_nothing = |subject: &str| Permissions {
        publish: Some(crate::SubjectPermission { deny: vec![subject.into()], allow: Vec::new() }),
        ..Permissions::default()
    };
    let mut own = user("own", "");
    own.permissions = Some(publish_nothing("a"));
    let default_permissions = Some(publish_nothing("b"));
    let config = Config { users: vec![own, user("plain", "")], default_permissions, ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    let may = |name, subject: &str| {
        let identity = granted_as(&directory, &with_password(name, ""));
        identity.access().unwrap().may_publish(subject.as_bytes())
    };
    assert!(!may("own", "a") && may("own", "b") && may("plain", "a") && !may("plain", "b"));
}

#[test]
fn what_makes_no_sense_is_refused_in_the_peers_words() {
    let twice = Config {
        accounts: vec![account("A", &[user("a", "1")]), account("B", &[user("a", "2")])],
        ..Config::default()
    };
    let no_key = User { identity: IdentityConfig::Nkey("UXX".into()), ..user("", "") };
    let mut typed = user("a", "b");
    typed.allowed_connection_types = Some(vec!["foo".into()]);
    let one = vec![user("a", "b")];
    for (config, words) in [
        (twice, "Duplicate user \"a\" detected"),
        (Config { users: vec![no_key], ..Config::default() }, "Not a valid public nkey for a user"),
        (Config { users: vec![typed], ..Config::default() }, "invalid connection types [\"FOO\"]"),
        (
            Config { users: one.clone(), token: Some("t".into()), ..Config::default() },
            "Can not have a token and a users array",
        ),
        (
            Config { users: one.clone(), single_user: Some(("a".into(), "b".into())), ..Config::default() },
            "Can not have a single user/pass and a users array",
        ),
        (
            Config { no_auth_user: Some("x".into()), ..Config::default() },
            "no_auth_user: \"x\" present, but users/nkeys are not defined",
        ),
        (
            Config { users: one, no_auth_user: Some("x".into()), ..Config::default() },
            "no_auth_user: \"x\" not present as user or nkey in authorization block or account configuration",
        ),
    ] {
        assert_eq!(Directory::new(&config).unwrap_err().to_string(), words);
    }
}

#[test]
fn accounts_keep_their_index_and_one_that_is_gone_loses_it() {
    let first = Directory::new(&two_accounts()).unwrap();
    let index = |directory: &Directory, name: &str| {
        let accounts = directory.accounts().iter();
        accounts.clone().position(|account| **account.name() == *name && !account.is_gone())
    };
    let (a, b) = (index(&first, "A").unwrap(), index(&first, "B").unwrap());
    let limits = AccountLimits { connections: Some(1), ..AccountLimits::default() };
    let only_b = Config {
        accounts: vec![
            account("C", &[user("c", "")]),
            AccountConfig { limits, ..account("B", &[user("b", HASH_OF_BAR)]) },
        ],
        ..Config::default()
    };
    let seat = first.account(b).take_seat();
    let second = Directory::next(&first, &only_b).unwrap();
    assert!(second.account(a).is_gone() && index(&second, "B") == Some(b));
    assert!(second.account(b).take_seat().is_none(), "seats are counted on");
    drop(seat);
    assert!(second.account(b).take_seat().is_some());
    let third = Directory::next(&second, &two_accounts()).unwrap();
    assert!(third.account(a).is_gone() && index(&third, "A").unwrap() > index(&second, "C").unwrap());
}

#[test]
fn connections_go_on_only_if_what_they_showed_still_counts() {
    let first = Directory::new(&two_accounts()).unwrap();
    let a = granted_as(&first, &with_password("a", "pa"));
    let renewed = |config: &Config| match Directory::next(&first, config).unwrap().renew(&a, STANDARD) {
        Renewal::Granted(identity) => identity.claim().map_or("nobody".into(), |claim| claim.label()),
        Renewal::Refused => "refused".into(),
        Renewal::Gone => "gone".into(),
    };
    assert_eq!(renewed(&two_accounts()), "user:a");
    let mut config = two_accounts();
    config.accounts[0].users[0] = user("a", "new");
    assert_eq!(renewed(&config), "refused");
    config.accounts[0].users.clear();
    assert_eq!(renewed(&config), "gone");
    config.accounts[1].users.push(user("a", "pa"));
    assert_eq!(renewed(&config), "gone");
    assert_eq!(renewed(&Config::default()), "gone");
}

#[test]
fn debug_output_tells_no_secret() {
    let config = Config { token: Some("hush".into()), ..Config::default() };
    let directory = Directory::new(&config).unwrap();
    let check = Directory::new(&two_accounts()).unwrap().authenticate(&with_password("b", "hush"));
    let printed = format!("{config:?} {directory:?} {check:?}");
    assert!(!printed.contains("hush") && !printed.contains(HASH_OF_BAR), "{printed}");
}

/// So a reload leaves subscriptions alone whose imports stay.
#[test]
fn an_import_that_stays_is_the_same_one() {
    let config = |subjects: &[&str]| {
        let import = |subject: &&str| Import {
            account: "A".into(),
            subject: (*subject).into(),
            kind: ImportKind::Stream { shown: Shown::Same, allow_trace: false },
        };
        let kind = ExportKind::Stream;
        let export = Export { subject: ">".into(), accounts: Vec::new(), account_token_position: 0, kind };
        let a = AccountConfig { exports: vec![export], ..account("A", &[]) };
        let b = AccountConfig { imports: subjects.iter().map(import).collect(), ..account("B", &[]) };
        Config { accounts: vec![a, b], ..Config::default() }
    };
    let imports = |directory: &Directory| {
        let b = directory.accounts().iter().find(|account| &**account.name() == "B");
        b.map(|b| b.stream_imports().to_vec()).unwrap_or_default()
    };
    let first = Directory::new(&config(&["x", "y"])).unwrap();
    let next = Directory::next(&first, &config(&["y", "z"])).unwrap();
    let (before, after) = (imports(&first), imports(&next));
    assert!(Arc::ptr_eq(&before[1], &after[0]) && !Arc::ptr_eq(&before[0], &after[1]));
    let a = next.accounts().iter().position(|account| &**account.name() == "A");
    assert_eq!(Some(after[1].account()), a);
    let gone = Directory::next(&next, &Config::default()).unwrap();
    assert!(gone.accounts().iter().all(|account| account.stream_imports().is_empty()));
    let reason = Directory::new(&config(&["x", "x"])).unwrap_err().to_string();
    assert_eq!(reason, "Error adding stream import \"x\": stream import already exists");
}
