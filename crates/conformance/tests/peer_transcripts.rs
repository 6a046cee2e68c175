//! Conversations between servers as they were recorded, with our server on either side of each.
//!
//! With `BUSTER_PEER` set the server is a stock nats-server, of which every conversation has to be as it was recorded:
//! that is how the player is checked.

use std::{collections::BTreeSet, net::SocketAddr, process::Command};

use conformance::{
    peer_record::Record,
    peer_replay::{Dialed, Side, config, play},
};
use test_kit::{ANSWER_DEADLINE, SETUPS, Server, ServerBinary, ServerError, ServerOptions, Setup};

/// Conversations that our server has as they were recorded.
const OURS: &[(&str, Side)] = &[
    ("route_2.9_dials_2.9", Side::Accepts),
    ("route_2.9_dials_2.9", Side::Dials),
    ("route_2.9_dials_2.14", Side::Accepts),
    ("route_2.9_dials_2.14", Side::Dials),
    ("route_pool_off_dials_pool_3", Side::Accepts),
    ("route_pool_off_dials_pool_3", Side::Dials),
    ("route_auth_ok_2.9_dials_2.14", Side::Accepts),
    ("route_auth_ok_2.9_dials_2.14", Side::Dials),
    ("peer_minimal", Side::Accepts),
    ("leaf_plain", Side::Accepts),
    ("leaf_plain", Side::Dials),
    ("leaf_2.9_spoke", Side::Accepts),
    ("leaf_2.9_hub", Side::Dials),
    ("leaf_bad_password", Side::Accepts),
    ("leaf_bad_password", Side::Dials),
    ("leaf_deny_imports_exports", Side::Accepts),
    ("leaf_deny_imports_exports", Side::Dials),
    ("leaf_user_permissions", Side::Accepts),
    ("leaf_user_permissions", Side::Dials),
    ("leaf_remote_is_hub", Side::Accepts),
    ("leaf_remote_is_hub", Side::Dials),
    ("leaf_same_cluster_name", Side::Accepts),
    ("leaf_same_cluster_name", Side::Dials),
    ("leaf_min_version", Side::Accepts),
    ("leaf_min_version_2.14", Side::Accepts),
    ("leaf_isolate", Side::Accepts),
    ("leaf_isolate", Side::Dials),
    ("leaf_duplicate_remote", Side::Accepts),
];

/// What our server says of itself in another way than either version of nats-server, which speak of pools, compression
/// and traces that go on, or are older.
const FREE: &[&str] = &[
    "proto",
    "lnocu",
    "compression",
    "route_pool_size",
    "git_commit",
    "api_lvl",
    "compress_mode",
    "protocol",
    "tls_required",
];

/// Conversations that depend on what comes first, which the player does not know: it may differ from nats-server's own.
const UNSTEADY: &[(&str, Side)] = &[
    ("route_auth_bad", Side::Dials),
    ("route_auth_missing", Side::Dials),
    ("route_cluster_name_mismatch", Side::Dials),
    ("route_cluster_name_dynamic", Side::Dials),
    ("route_cluster_name_dynamic_both", Side::Accepts),
    ("route_cluster_name_dynamic_both", Side::Dials),
    ("route_compression_off_fast", Side::Dials),
    ("peer_refusals", Side::Accepts),
    ("leaf_min_version", Side::Dials),
];

/// Records that need more than one who plays: what else happened in them was not said over a route.
const NOT_PLAYED: [(&str, &str); 29] = [
    ("route_compression_s2_fast", "what is compressed"),
    ("route_compression_acceptor_fast", "what is compressed"),
    ("route_compression_s2_auto", "what is compressed"),
    ("route_compression_fast_2.9", "two servers that start again"),
    ("route_gossip_third_server", "a third server"),
    ("route_lame_duck", "a signal"),
    ("route_shutdown", "a signal"),
    ("route_cut_and_reconnect", "a cut"),
    ("route_both_dial", "two dials at once"),
    ("route_to_self", "a server that is its own peer"),
    ("route_reload_adds_pinned_account", "a reload"),
    ("route_reload_pool_size", "a reload"),
    ("route_tls", "TLS"),
    ("route_tls_dialer_plain", "TLS"),
    ("route_system_requests", "requests of the system account"),
    ("route_jetstream_peer", "JetStream"),
    ("peer_one_hop_and_bounce", "two peers at once"),
    ("peer_slots", "several peers at once"),
    ("route_flags_of_the_article", "flags"),
    ("route_duplicate_server_name", "a dial each second, for ever"),
    ("leaf_compression_default", "what is compressed"),
    ("leaf_tls_required_dialer_plain", "TLS"),
    ("leaf_loop", "a server that dials and is dialed"),
    ("leaf_loop_of_three", "a server that dials and is dialed"),
    ("leaf_and_route_origin", "routes and leaf nodes at once"),
    ("leaf_jetstream_domains", "JetStream"),
    ("leaf_system_account", "requests of the system account"),
    ("leaf_hub_shutdown", "a signal"),
    ("leaf_nkey", "keys that are not kept"),
];

/// Where other servers come in; for leaf nodes that only dial nobody does.
fn servers_of(server: &Server, record: &Record, side: Side) -> Result<SocketAddr, String> {
    let what = match (record.name.starts_with("leaf"), side) {
        (false, _) => "route",
        (true, Side::Accepts) => "leafnode",
        (true, Side::Dials) => return Ok(server.addr()),
    };
    let line = server.log().wait_for(&format!("Listening for {what} connections on "), ANSWER_DEADLINE);
    let line = line.ok_or_else(|| format!("it listens for no {what}"))?;
    let address = line.rsplit(' ').next().unwrap_or_default();
    address.parse().map_err(|error| format!("{address}: {error}"))
}

fn attempt(record: &Record, side: Side, setup: Setup) -> Result<(), String> {
    let dialed = Dialed::somewhere();
    let config = Some(config(record, side, &dialed));
    let server = match Server::start(ServerOptions { setup, config, ..ServerOptions::default() }) {
        Ok(server) => server,
        Err(ServerError::EndedEarly { log, .. }) => return Err(log),
        // The machine's trouble must not pass for a difference.
        Err(other) => panic!("{other}"),
    };
    let free = if ServerBinary::locate().is_ok_and(|binary| binary.is_peer) { &[] } else { FREE };
    play(record, side, server.addr(), servers_of(&server, record, side)?, dialed, free)
}

/// The conversations, each with the version that the server under test had in it.
fn played() -> Vec<(Record, Side, String)> {
    let mut played = Vec::new();
    for record in Record::load() {
        if NOT_PLAYED.iter().any(|(name, _)| *name == record.name) {
            continue;
        }
        let sides = [(Side::Accepts, record.a.clone()), (Side::Dials, record.b.clone())];
        let sides = sides.into_iter().filter_map(|(side, version)| Some((side, version?)));
        played.extend(sides.map(|(side, version)| (record.clone(), side, version)));
    }
    played
}

#[test]
fn records_that_are_not_played_are_known() {
    let names: BTreeSet<String> = Record::load().into_iter().map(|record| record.name).collect();
    for name in NOT_PLAYED.iter().map(|(name, _)| *name).chain(OURS.iter().map(|(name, _)| *name)) {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn conversations_are_as_they_were_recorded() {
    let binary = ServerBinary::locate().expect("there is a server");
    let version = binary.is_peer.then(|| version_of(&binary));
    let mut report = String::new();
    for (record, side, recorded) in played() {
        let is_to_be = |list: &[(&str, Side)]| list.contains(&(&*record.name, side));
        let (is_expected, setups) = match &version {
            Some(version) => (*version == recorded && !is_to_be(UNSTEADY), &SETUPS[..1]),
            None => (is_to_be(OURS), &SETUPS[..3]),
        };
        for setup in setups.iter().filter(|_| is_expected) {
            if let Err(why) = attempt(&record, side, *setup) {
                report.push_str(&format!("{} {side:?} on {setup}: {why}\n", record.name));
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// Says of every conversation whether it is as it was recorded; with `--nocapture`.
#[test]
#[ignore = "it finds out and demands nothing"]
fn every_conversation_is_tried() {
    for (record, side, _) in played() {
        let outcome = attempt(&record, side, SETUPS[0]);
        println!("{} {side:?}: {}", record.name, outcome.err().unwrap_or_else(|| "alike".into()));
    }
}

/// `2.14` or `2.9`, as records have it.
fn version_of(binary: &ServerBinary) -> String {
    let output = Command::new(&binary.path).arg("--version").output().expect("it says so");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.trim().rsplit('v').next().unwrap_or_default().to_owned();
    number.rsplit_once('.').map_or(number.clone(), |(minor, _)| minor.to_owned())
}
