//! Connections with TLS that change shards while they are in use.

use futures::StreamExt;
use futures::future::{join, join_all};
use test_kit::{Server, ServerOptions, Setup};

use crate::certificates::Certificates;
use crate::connect_async_nats;

/// Pairs that talk to each other.
const PAIRS: usize = 4;

/// Requests of each pair in a phase.
const REQUESTS: usize = 1_000;

/// Phases at most; the first few do, unless the machine is very slow.
const PHASES_MAX: usize = 60;

/// How the server says that a connection changed shards.
const MOVED: &str = "Client connection moved to shard";

/// Sessions go along with their connections, and nobody notices.
fn connections_take_their_session_along(setup: Setup) {
    let certificates = Certificates::new();
    let args = vec!["--colocate".to_owned(), "-D".to_owned()];
    let config = Some(certificates.block("verify: true"));
    let server = Server::start(ServerOptions { setup, config, args, ..ServerOptions::default() });
    until_moved(&server.expect("the server starts"), &certificates);
}

/// Goes through phases until connections have moved often enough.
pub(crate) fn until_moved(server: &Server, certificates: &Certificates) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for phase in 0..PHASES_MAX {
        let pair = |pair| ask_and_echo(server, certificates, format!("echo.{phase}.{pair}"));
        runtime.block_on(join_all((0..PAIRS).map(pair)));
        if server.log().text().matches(MOVED).count() >= 4 {
            return;
        }
    }
    panic!("connections did not move:\n{}", server.log().text());
}

async fn ask_and_echo(server: &Server, certificates: &Certificates, subject: String) {
    let requester = connect_async_nats(server, certificates, false).await;
    let responder = connect_async_nats(server, certificates, false).await;
    let mut asked = responder.subscribe(subject.clone()).await.expect("a subscription");
    // A message to itself: the subscription is there.
    responder.publish(subject.clone(), "ready".into()).await.expect("a message");
    assert_eq!(asked.next().await.expect("itself").payload, "ready");
    let echo = async {
        for due in 0..REQUESTS {
            let message = asked.next().await.expect("a request");
            assert_eq!(message.payload, due.to_string(), "each request once and in order");
            responder
                .publish(message.reply.expect("a reply subject"), message.payload)
                .await
                .expect("a reply");
        }
    };
    let ask = async {
        for number in 0..REQUESTS {
            let answer = requester.request(subject.clone(), number.to_string().into()).await;
            assert_eq!(answer.expect("an answer").payload, number.to_string());
        }
    };
    join(echo, ask).await;
}

#[test]
fn two_shards() {
    connections_take_their_session_along(test_kit::SETUPS[1]);
}

#[test]
fn two_shards_on_epoll() {
    connections_take_their_session_along(test_kit::SETUPS[4]);
}
