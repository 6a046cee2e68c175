//! What operators do while clients are connected: reload, lame duck mode, a stop.

use async_nats::{ConnectErrorKind, ConnectOptions, Event};
use test_kit::{Server, Setup, on_every_setup};

use crate::client::*;
use crate::credentials::user;

on_every_setup!(
    lame_duck_mode_is_told_to_clients,
    a_reload_under_load_loses_nothing,
    a_reload_takes_in_and_throws_out,
    a_refused_reload_changes_nothing,
);

fn lame_duck_mode_is_told_to_clients(setup: Setup) {
    run(async {
        let server =
            Server::configured(setup, "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"20s\"");
        let (client, mut events) = watched(ConnectOptions::new(), &server).await;
        let (other, mut other_events) = watched(ConnectOptions::new(), &server).await;
        let mut messages = subscribe(&client, "still").await;
        settle(&client).await;
        server.lame_duck().expect("the server runs");
        await_event(&mut events, &Event::LameDuckMode).await;
        await_event(&mut other_events, &Event::LameDuckMode).await;
        // During the grace period everybody goes on, and nobody new gets in.
        publish(&other, "still", "here").await;
        assert_eq!(text(&next(&mut messages).await), "here");
        let refused = async_nats::connect(server.url()).await.expect_err("nobody new gets in");
        assert_eq!(refused.kind(), ConnectErrorKind::Io);
    });
}

/// Users of which `churned` comes and goes.
fn users(rest: &str) -> String {
    format!("authorization {{ users = [ {{ user: steady, password: s }}{rest} ] }}")
}

fn a_reload_under_load_loses_nothing(setup: Setup) {
    const RELOADS: usize = 6;
    run(async {
        let server = Server::configured(setup, &users(""));
        let steady = || async { user("steady", "s").connect(server.url()).await.expect("steady gets in") };
        let (publisher, subscriber) = (steady().await, steady().await);
        let mut messages = subscribe(&subscriber, "count").await;
        settle(&subscriber).await;
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let counting = tokio::spawn(async move {
            let mut sent = 0_usize;
            while stopped.try_recv().is_err() {
                publish(&publisher, "count", sent.to_string()).await;
                sent += 1;
                // Lets the reader in between, so that it is never slow.
                if sent.is_multiple_of(100) {
                    settle(&publisher).await;
                }
            }
            publish(&publisher, "count", "end").await;
            settle(&publisher).await;
            (sent, publisher)
        });
        let reading = tokio::spawn(async move {
            let mut got = 0_usize;
            loop {
                let message = next(&mut messages).await;
                if text(&message) == "end" {
                    return got;
                }
                assert_eq!(text(&message), got.to_string(), "one was lost, or out of order");
                got += 1;
            }
        });
        let reloading = tokio::task::spawn_blocking(move || {
            for number in 0..RELOADS {
                let config = users(&format!(", {{ user: churned{number}, password: c }}"));
                let line = server.reload(&config).expect("it says how the reload went");
                assert!(line.contains("Reloaded"), "{line}");
            }
            server
        });
        let _server = reloading.await.expect("all reloads are taken");
        stop.send(()).expect("the publisher listens");
        let (sent, publisher) = counting.await.expect("the publisher stays connected");
        assert_eq!(reading.await.expect("the subscriber stays connected"), sent);
        assert_eq!(publisher.statistics().connects.load(std::sync::atomic::Ordering::Relaxed), 1);
    });
}

fn a_reload_takes_in_and_throws_out(setup: Setup) {
    run(async {
        let server = Server::configured(setup, &users(", { user: old, password: o }"));
        let (steady, _) = watched(user("steady", "s"), &server).await;
        let (_old, mut old_events) = watched(user("old", "o").max_reconnects(1), &server).await;
        await_event(&mut old_events, &Event::Connected).await;
        let line = server.reload(&users(", { user: new, password: n }")).expect("it says how it went");
        assert!(line.contains("Reloaded"), "{line}");
        await_event(&mut old_events, &Event::Disconnected).await;
        let new = user("new", "n").connect(server.url()).await.expect("the new user gets in");
        let refused = user("old", "o").connect(server.url()).await.expect_err("the old one does not");
        assert_eq!(refused.kind(), ConnectErrorKind::AuthorizationViolation);
        settle(&new).await;
        settle(&steady).await;
        assert_eq!(steady.statistics().connects.load(std::sync::atomic::Ordering::Relaxed), 1);
    });
}

fn a_refused_reload_changes_nothing(setup: Setup) {
    run(async {
        let server = Server::configured(setup, &users(""));
        let (steady, _) = watched(user("steady", "s"), &server).await;
        let broken = users(", { user: new, password: n }") + "\nno_such_option: 1";
        let line = server.reload(&broken).expect("it says how it went");
        assert!(line.contains("Failed to reload") && line.contains("no_such_option"), "{line}");
        let refused = user("new", "n").connect(server.url()).await.expect_err("nothing was taken over");
        assert_eq!(refused.kind(), ConnectErrorKind::AuthorizationViolation);
        settle(&steady).await;
        let line = server.reload(&users(", { user: new, password: n }")).expect("it says how it went");
        assert!(line.contains("Reloaded"), "{line}");
        settle(&user("new", "n").connect(server.url()).await.expect("now it gets in")).await;
    });
}
