//! Accounts that import and map, at either end of a connection between a leaf node and its hub.

use test_kit::{RawClient, ReservedPort};

use crate::kit::{as_user as user, await_interest, eventually};
use crate::node::{Kind, Node, Place, Setting};
use crate::{Pair, USERS, pairs};

/// A imports a service and a stream of B, and maps.
const DETOURS: &str = "accounts {
 A {
  users: [{ user: a, password: a }]
  imports: [ { service: { account: B, subject: \"q.*\" }, to: \"ask.*\" }, { stream: { account: B, subject: \"news.>\" }, prefix: of_b } ]
  mappings: { \"from.*\": \"to.$1\" }
 }
 B { users: [{ user: b, password: b }], exports: [ { service: \"q.*\" }, { stream: \"news.>\" } ] }
}
";

/// A pair of which the hub or the leaf node has an account that imports and maps, and who that is and who is not.
fn pair(kinds: &(Kind, Kind), is_hub: bool) -> Pair {
    let port = ReservedPort::take().expect("there is a port").number();
    let accounts = |has_them: bool| if has_them { DETOURS } else { USERS };
    let other = format!("leafnodes {{ listen: \"127.0.0.1:{port}\" }}\n{}", accounts(is_hub));
    let setting = Setting { cluster: "H", other: &other, ..Setting::default() };
    let hub = Node::start_with(&kinds.1, &Place::take("A"), &[], setting);
    let remote = format!("{{ url: \"nats://a:a@127.0.0.1:{port}\", account: A }}");
    let other = format!("leafnodes {{ remotes: [{remote}] }}\n{}", accounts(!is_hub));
    let setting = Setting { cluster: "L", other: &other, ..Setting::default() };
    let leaf = Node::start_with(&kinds.0, &Place::take("B"), &[], setting);
    let pair = Pair { hub, leaf };
    pair.await_link();
    pair
}

/// Who has the imports and who is at the other end, for all pairs.
fn for_each(test: impl Fn(&Node, &Node)) {
    for kinds in pairs() {
        for is_hub in [true, false] {
            let pair = pair(&kinds, is_hub);
            let [here, there] = if is_hub { [&pair.hub, &pair.leaf] } else { [&pair.leaf, &pair.hub] };
            test(here, there);
        }
    }
}

fn ask(asker: &mut RawClient, service: &mut RawClient) -> Option<String> {
    asker.send("PUB ask.x inbox 2\r\nhi\r\n");
    asker.flush();
    for request in service.flush() {
        service.publish(request.reply.as_deref().expect("it has one"), "yes");
    }
    service.flush();
    let answer = asker.flush().pop()?;
    (answer.subject == "inbox" && answer.header.is_empty()).then(|| answer.text())
}

#[test]
fn a_service_that_the_other_side_imports_answers() {
    for_each(|here, there| {
        let (mut service, mut asker) = (user(here, "b"), user(there, "a"));
        service.subscribe("q.*", 1);
        service.flush();
        asker.subscribe("inbox", 1);
        asker.flush();
        assert_eq!(eventually("there is an answer", || ask(&mut asker, &mut service)), "yes");
    });
}

#[test]
fn what_the_other_side_maps_is_mapped() {
    for_each(|here, there| {
        let (mut reader, mut writer) = (user(here, "a"), user(there, "a"));
        reader.subscribe("to.*", 1);
        reader.send("SUB to.> q 2\r\n");
        reader.flush();
        eventually("it arrives", || {
            writer.publish("from.x", "hi");
            writer.flush();
            let got: Vec<String> = reader.flush().into_iter().map(|message| message.subject).collect();
            (got.len() >= 2 && got.iter().all(|subject| subject == "to.x")).then_some(())
        });
    });
}

#[test]
fn a_stream_that_the_other_side_imports_arrives() {
    for_each(|here, there| {
        let (mut reader, mut writer) = (user(there, "a"), user(here, "b"));
        reader.subscribe("of_b.news.>", 1);
        reader.send("SUB of_b.news.* q 2\r\n");
        reader.flush();
        let (mut near, mut stranger) = (user(here, "a"), user(here, "a"));
        near.subscribe("link.probe", 1);
        await_interest(&mut near, &mut stranger, "link.probe");
        let got = eventually("it arrives", || {
            writer.publish("news.x", "hi");
            writer.flush();
            let got = reader.flush();
            (got.len() == 2).then_some(got)
        });
        assert!(got.iter().all(|message| message.subject == "of_b.news.x" && message.text() == "hi"));
    });
}
