//! Two and three servers that talk through these machines alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use nats_proto::{Limits, PeerDecoder, PeerKind, PeerOp, Step};

use super::*;
use crate::config::{NO_GO, RouteUrl};

/// A connection: its number, and which end.
type End = (usize, bool);

#[derive(Default)]
struct Net {
    servers: Vec<Control<End>>,
    /// Which servers listen.
    is_up: Vec<bool>,
    now: Duration,
    /// By connection: who dialed, and who was dialed.
    lines: Vec<(usize, usize)>,
    open: BTreeSet<End>,
    wires: BTreeMap<End, VecDeque<u8>>,
    said: Vec<String>,
    dials: usize,
}

/// As it is if nothing is said of it.
const TIMEOUT: Duration = Duration::from_secs(2);

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn config(at: usize, routes: &[usize]) -> Config {
    let url = |to: &usize| RouteUrl { host: "127.0.0.1".into(), port: 7000 + *to as u16, credentials: None };
    Config {
        server_id: format!("N{at}"),
        server_name: format!("S{at}"),
        cluster: "C".into(),
        host: "0.0.0.0".into(),
        port: 7000 + at as u16,
        routes: routes.iter().map(url).collect(),
        tells_urls: true,
        connect_urls: vec![format!("127.0.0.1:{}", 4000 + at)],
        ..Config::default()
    }
}

impl Net {
    fn of(configs: Vec<Config>) -> Self {
        let is_up = vec![true; configs.len()];
        let servers = (1..).zip(configs).map(|(seed, config)| Control::new(config, seed)).collect();
        Self { servers, is_up, ..Self::default() }
    }

    fn owner(&self, (line, is_dialer): End) -> usize {
        let (dialer, dialed) = self.lines[line];
        if is_dialer { dialer } else { dialed }
    }

    /// Everybody acts and hears until nobody has anything to say.
    fn settle(&mut self) {
        for server in &mut self.servers {
            server.on_time(self.now);
        }
        loop {
            let acted = (0..self.servers.len()).map(|at| self.act(at)).fold(false, |all, one| all | one);
            let heard = (0..self.lines.len()).flat_map(|line| [(line, true), (line, false)]);
            let heard: Vec<End> =
                heard.filter(|end| !self.wires.entry(*end).or_default().is_empty()).collect();
            let is_quiet = !acted && heard.is_empty();
            heard.into_iter().for_each(|end| self.hear(end));
            if is_quiet {
                return;
            }
        }
    }

    fn act(&mut self, at: usize) -> bool {
        let mut has_acted = false;
        while let Some(action) = self.servers[at].next_action() {
            has_acted = true;
            match action {
                Action::Send(end, bytes) if self.open.contains(&end) => {
                    self.said.push(format!("{at}: {}", String::from_utf8_lossy(&bytes).trim_end()));
                    self.wires.entry((end.0, !end.1)).or_default().extend(bytes);
                }
                Action::Close(end, _) => self.close(end),
                Action::Dial(dial) => self.dial(at, &dial),
                Action::Send(..) | Action::Open(..) | Action::TellClients => {}
            }
        }
        has_acted
    }

    fn dial(&mut self, at: usize, dial: &Dial) {
        self.dials += 1;
        let to = usize::from(dial.port - 7000);
        if !self.is_up.get(to).copied().unwrap_or(false) {
            return self.servers[at].on_dial_failed(self.now, dial.number, "connection refused");
        }
        let line = self.lines.len();
        self.lines.push((at, to));
        self.open.extend([(line, true), (line, false)]);
        self.servers[to].on_accepted(self.now, (line, false), "acceptor", Some(LOCAL));
        self.servers[at].on_dialed(self.now, dial.number, (line, true), "dialer", Some(LOCAL));
    }

    /// What is on the wire is heard before it ends.
    fn close(&mut self, end: End) {
        let other = (end.0, !end.1);
        self.hear(other);
        for end in [end, other] {
            if self.open.remove(&end) {
                let owner = self.owner(end);
                self.servers[owner].on_closed(self.now, end);
            }
        }
    }

    fn hear(&mut self, end: End) {
        let owner = self.owner(end);
        let bytes: Vec<u8> = std::mem::take(self.wires.entry(end).or_default()).into();
        let (mut decoder, mut rest) = (PeerDecoder::new(PeerKind::ROUTE), &bytes[..]);
        while let Ok(Step::Op { used, op }) = decoder.step(rest, &Limits::default()) {
            rest = &rest[used..];
            let server = &mut self.servers[owner];
            match op {
                PeerOp::Connect(json) => server.on_connect(end, json),
                PeerOp::Info(json) if server.may_say(end) => server.on_info(self.now, end, json),
                _ => {}
            }
        }
    }

    fn cut(&mut self, a: usize, b: usize) {
        let is_between = |line: &(usize, usize)| *line == (a, b) || *line == (b, a);
        let lines: Vec<usize> = (0..self.lines.len()).filter(|line| is_between(&self.lines[*line])).collect();
        lines.into_iter().for_each(|line| self.close((line, true)));
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.now += Duration::from_millis(100);
            self.settle();
        }
    }

    fn counts(&self) -> Vec<usize> {
        self.servers.iter().map(Control::servers).collect()
    }
}

#[test]
fn a_star_becomes_a_mesh_and_clients_learn_of_all() {
    for count in 2..7 {
        let star = (0..count).map(|at| config(at, if at == 0 { &[] } else { &[0] })).collect();
        let mut net = Net::of(star);
        net.pass(3);
        assert_eq!(net.counts(), vec![count - 1; count]);
        for server in &net.servers {
            let mut urls = server.client_urls();
            urls.sort();
            assert_eq!(urls, (0..count).map(|at| format!("127.0.0.1:{}", 4000 + at)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn who_dial_each_other_have_one_connection_in_the_end() {
    let mut net = Net::of(vec![config(0, &[1]), config(1, &[0])]);
    net.pass(5);
    assert_eq!((net.counts(), net.open.len()), (vec![1, 1], 2));
}

// nats-server gives up on servers that it was told of, and what was apart stays apart.
#[test]
fn a_pair_that_was_cut_comes_back_though_neither_names_the_other() {
    let mut net = Net::of(vec![config(0, &[2]), config(1, &[2]), config(2, &[])]);
    net.pass(3);
    assert_eq!(net.counts(), [2, 2, 2]);
    let gossiped = net.lines.iter().position(|line| *line == (0, 1) || *line == (1, 0)).unwrap();
    let dialed = net.lines[gossiped].1;
    net.is_up[dialed] = false;
    net.cut(0, 1);
    net.pass(20);
    assert_eq!(net.counts(), [1, 1, 2]);
    net.is_up[dialed] = true;
    net.pass(35);
    assert_eq!(net.counts(), [2, 2, 2]);
}

#[test]
fn a_server_that_is_away_is_dialed_until_it_is_back() {
    let mut net = Net::of(vec![config(0, &[]), config(1, &[0])]);
    net.is_up[0] = false;
    net.pass(10);
    assert!((9..=11).contains(&net.dials), "{} dials", net.dials);
    net.is_up[0] = true;
    net.pass(2);
    assert_eq!(net.counts(), [1, 1]);
}

#[test]
fn a_server_does_not_stay_connected_to_itself() {
    let mut net = Net::of(vec![config(0, &[0])]);
    net.pass(30);
    assert_eq!((net.counts(), net.dials, net.open.len()), (vec![0], 1, 0));
}

#[test]
fn who_may_not_come_in_is_told_in_the_peers_words() {
    let credentials = |password: &str| Some(Credentials { user: "u".into(), password: password.into() });
    let with = |shown| {
        let mut dialer = config(1, &[0]);
        dialer.routes[0].credentials = shown;
        let acceptor = Config { credentials: credentials("right"), ..config(0, &[]) };
        Net::of(vec![acceptor, dialer])
    };
    for shown in [None, credentials("wrong"), credentials("righty")] {
        let mut net = with(shown);
        net.pass(10);
        assert_eq!(net.counts(), [0, 0]);
        assert!(net.said.contains(&"0: -ERR 'Authorization Violation'".to_owned()));
        assert!(net.dials <= 11, "{} dials", net.dials);
    }
    let mut net = with(credentials("right"));
    net.settle();
    assert_eq!(net.counts(), [1, 1]);
}

#[test]
fn other_clusters_and_namesakes_are_refused() {
    let other = Config { cluster: "D".into(), ..config(1, &[0]) };
    let mut net = Net::of(vec![config(0, &[]), other]);
    net.pass(3);
    assert_eq!(net.counts(), [0, 0]);
    let refusal = r#"0: -ERR 'Rejecting connection, cluster name "D" does not match "C"'"#;
    assert!(net.said.contains(&refusal.to_owned()), "{:?}", net.said);
    let namesake = Config { server_name: "S0".into(), ..config(1, &[0]) };
    let mut net = Net::of(vec![config(0, &[]), namesake]);
    net.pass(3);
    assert_eq!(net.counts(), [0, 0]);
    assert!(!net.said.iter().any(|line| line.contains("-ERR")), "it is closed without a word");
}

#[test]
fn a_name_that_was_made_up_gives_way() {
    let made_up = |at, routes: &[usize], name: &str| Config {
        cluster: name.into(),
        is_name_dynamic: true,
        ..config(at, routes)
    };
    for (a, b, name) in [
        (made_up(0, &[], "aaa"), config(1, &[0]), "C"),
        (config(0, &[]), made_up(1, &[0], "zzz"), "C"),
        (made_up(0, &[], "aaa"), made_up(1, &[0], "bbb"), "bbb"),
        (made_up(0, &[], "bbb"), made_up(1, &[0], "aaa"), "bbb"),
    ] {
        let mut net = Net::of(vec![a, b]);
        net.pass(5);
        assert_eq!(net.counts(), [1, 1], "{name}");
        assert_eq!(net.servers.iter().map(Control::cluster).collect::<Vec<_>>(), [name; 2]);
    }
}

#[test]
fn what_does_not_say_who_it_is_in_time_is_closed() {
    let mut control = Control::new(config(0, &[]), 1);
    control.on_accepted(Duration::ZERO, 7, "acceptor", None);
    assert_eq!(control.next_deadline(), Some(TIMEOUT));
    while control.next_action().is_some() {}
    control.on_time(TIMEOUT);
    let late = Action::Send(7, b"-ERR 'Authentication Timeout'\r\n".to_vec());
    assert_eq!(control.next_action(), Some(late));
    assert_eq!(control.next_action(), Some(Action::Close(7, Ending::Late)));
    // And what begins with anything but CONNECT is a violation.
    control.on_accepted(Duration::ZERO, 8, "acceptor", None);
    while control.next_action().is_some() {}
    assert!(!control.may_say(8) && !control.may_say(8));
    assert!(matches!(control.next_action(), Some(Action::Send(8, _))));
    assert_eq!(control.next_action(), Some(Action::Close(8, Ending::Unauthorized)));
    assert_eq!(control.next_action(), None);
}

#[test]
fn more_handshakes_than_there_may_be_are_not_begun() {
    let mut control = Control::new(config(0, &[]), 1);
    for connection in 0..=HANDSHAKES_MAX {
        control.on_accepted(Duration::ZERO, connection, "acceptor", None);
    }
    let actions: Vec<_> = std::iter::from_fn(|| control.next_action()).collect();
    assert_eq!(actions.len(), HANDSHAKES_MAX + 1);
    assert_eq!(actions.last(), Some(&Action::Close(HANDSHAKES_MAX, Ending::Late)));
}

#[test]
fn one_server_of_a_cluster_has_streams_unless_they_are_the_peers() {
    let with = |go: &str, config: Config| Config { jetstream: true, go: go.into(), ..config };
    let refusal = |name: &str, first: &str| {
        format!(
            r#"-ERR 'Rejecting server "{name}" with JetStream: "{first}" has it, and one server of a cluster may'"#
        )
    };
    // The second is refused by the first, by itself, and by one that knows the first; the rest stays.
    for go in [NO_GO, "go1.25"] {
        let mut net = Net::of(vec![with(NO_GO, config(0, &[])), config(1, &[0]), with(go, config(2, &[]))]);
        net.pass(2);
        let now = net.now;
        net.servers[2].reconfigure(now, &config(2, &[0, 1]));
        net.pass(5);
        assert_eq!(net.counts(), [1, 1, 0], "{go}");
        for said in [format!("0: {}", refusal("S2", "S0")), format!("1: {}", refusal("S2", "S0"))] {
            assert!(net.said.contains(&said), "{said} in {:?}", net.said);
        }
    }
    // Servers of nats-server's share streams with each other, and this one is in front of them.
    let peers = vec![with("go1.25", config(0, &[])), config(1, &[0])];
    let mut net = Net::of(peers);
    net.servers.push(Control::new(with("go1.26", config(2, &[1])), 9));
    net.is_up.push(true);
    net.servers[1].on_time(net.now);
    net.pass(1);
    assert_eq!(net.counts()[1], 2);
}

#[test]
fn who_was_told_of_is_dialed_as_often_as_is_set() {
    for (retries, dials) in [(Some(2), 3..=3), (None, 6..=7)] {
        let mut net = Net::of(vec![config(0, &[2]), Config { retries, ..config(1, &[2]) }, config(2, &[])]);
        net.servers[0].reconfigure(net.now, &Config { retries, ..config(0, &[2]) });
        net.pass(3);
        let gossiped = net.lines.iter().position(|line| *line == (0, 1) || *line == (1, 0)).unwrap();
        let dialed = net.lines[gossiped].1;
        net.is_up[dialed] = false;
        net.cut(0, 1);
        let before = net.dials;
        net.pass(60);
        assert!(dials.contains(&(net.dials - before)), "{} dials", net.dials - before);
    }
}

#[test]
fn routes_come_and_go_with_the_settings() {
    let mut net = Net::of(vec![config(0, &[1]), config(1, &[]), config(2, &[])]);
    net.pass(2);
    assert_eq!(net.counts(), [1, 1, 0]);
    let now = net.now;
    net.servers[0].reconfigure(now, &config(0, &[2]));
    net.pass(3);
    assert_eq!(net.counts(), [1, 0, 1], "the one is left, the other dialed");
    let dials = net.dials;
    let credentials = Some(Credentials { user: "u".into(), password: "new".into() });
    let now = net.now;
    net.servers[2].reconfigure(now, &Config { credentials, ..config(2, &[]) });
    net.pass(3);
    assert_eq!((net.counts(), net.dials), (vec![1, 0, 1], dials), "who is there stays");
    net.cut(0, 2);
    net.pass(3);
    assert_eq!(net.counts(), [0, 0, 0], "and has to show the new password to come again");
}
