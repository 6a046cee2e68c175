//! Lame duck mode: the server takes nobody new, asks its clients to leave, and after a grace period
//! closes those that stay, spread over time so that they do not all come to the next server at once.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use broker::Broker;
use conns::CloseReason;
use fabric::ShardId;
use server_options::LameDuck;
use shard_runtime::{Control, wall_clock};
use system::SystemEvent;

use crate::shed::{shed, sweep};

/// The longest pause between two closes: a few clients are not spread over minutes.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The shortest: with many clients several are closed at once instead.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The time to close clients in if the grace period leaves none.
const CLOSING_MIN: Duration = Duration::from_secs(1);

/// How fast connections are closed.
#[derive(Debug, PartialEq, Eq)]
struct Pace {
    batch: usize,
    pause: Duration,
}

impl Pace {
    fn of(lame_duck: &LameDuck, connections: usize) -> Self {
        let time = lame_duck.duration.saturating_sub(lame_duck.grace_period);
        let time = if time.is_zero() { CLOSING_MIN } else { time };
        let connections = u32::try_from(connections.max(1)).unwrap_or(u32::MAX);
        let each = time / connections;
        let batch = if each >= PAUSE_MIN {
            1
        } else {
            connections
                .div_ceil(u32::try_from(time.as_millis() / PAUSE_MIN.as_millis()).unwrap_or(u32::MAX).max(1))
        };
        Self { batch: batch as usize, pause: (each * batch).min(PAUSE_MAX) }
    }
}

/// Goes through lame duck mode. Returns true once no connections are left, false if `stopped` came, or
/// lost its sender, before that.
pub(crate) fn run(control: &Control, lame_duck: &LameDuck, stopped: &Receiver<()>) -> bool {
    tracing::info!("Entering lame duck mode, stop accepting new clients");
    control.stop_accepting();
    control.tell_system(ShardId(0), SystemEvent::LameDuck(wall_clock()));
    let open: usize = control.shards().map(|shard| sweep(control, shard, Broker::on_lame_duck)).sum();
    if open == 0 {
        return true;
    }
    if !goes_on_after(lame_duck.grace_period, stopped) {
        return false;
    }
    tracing::info!("Closing existing clients");
    let pace = Pace::of(lame_duck, open);
    while close_some(control, pace.batch) {
        if !goes_on_after(pace.pause, stopped) {
            return false;
        }
    }
    true
}

/// Waits; false if the server was stopped meanwhile.
fn goes_on_after(pause: Duration, stopped: &Receiver<()>) -> bool {
    stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
}

/// Closes so many connections, shard by shard. False if there were fewer: none is left.
fn close_some(control: &Control, count: usize) -> bool {
    let mut left = count;
    for shard in control.shards() {
        left -= shed(control, shard, left, CloseReason::ServerShutdown);
        if left == 0 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::TcpStream;
    use std::sync::mpsc;

    use server_options::{Options, Port};
    use shard_runtime::{BackendChoice, Config};

    use super::*;
    use crate::server::Server;

    fn lame_duck(duration: u64, grace: u64) -> LameDuck {
        LameDuck { duration: Duration::from_secs(duration), grace_period: Duration::from_secs(grace) }
    }

    #[test]
    fn closes_fill_the_time_that_the_grace_period_leaves() {
        let defaults = LameDuck::default();
        let pace = |connections| Pace::of(&defaults, connections);
        let second = Duration::from_secs(1);
        assert_eq!(pace(1), Pace { batch: 1, pause: second }, "few are not spread");
        assert_eq!(pace(110), Pace { batch: 1, pause: second });
        assert_eq!(pace(1100), Pace { batch: 1, pause: second / 10 });
        assert_eq!(pace(1_100_000), Pace { batch: 100, pause: PAUSE_MIN });
    }

    #[test]
    fn with_no_time_left_closing_takes_a_second() {
        assert_eq!(Pace::of(&lame_duck(5, 5), 10), Pace { batch: 1, pause: Duration::from_millis(100) });
        assert_eq!(Pace::of(&lame_duck(5, 9), 10), Pace::of(&lame_duck(5, 5), 10));
    }

    /// A server with three clients that were greeted.
    fn with_clients(io: BackendChoice) -> (Server, Vec<BufReader<TcpStream>>) {
        let (host, port) = ("127.0.0.1".to_owned(), Port::Random);
        let runtime = Config { io, ..Config::default() };
        let options = Options { host, port, shards: Some(2), runtime, ..Options::default() };
        let server = Server::start(&options, "test").unwrap();
        let clients = (0..3).map(|_| {
            let mut client = BufReader::new(TcpStream::connect(server.address().unwrap()).unwrap());
            client.read_line(&mut String::new()).unwrap();
            client
        });
        let clients = clients.collect();
        (server, clients)
    }

    #[test]
    fn after_the_grace_period_all_connections_are_closed() {
        for io in [BackendChoice::Uring, BackendChoice::Epoll] {
            let (server, clients) = with_clients(io);
            let (_stop, stopped) = mpsc::channel();
            let short =
                LameDuck { duration: Duration::from_millis(40), grace_period: Duration::from_millis(10) };
            assert!(run(&server.control(), &short, &stopped));
            for mut client in clients {
                assert_eq!(client.read_to_end(&mut Vec::new()).unwrap(), 0);
            }
            server.control().stop();
            server.wait().unwrap();
        }
    }

    #[test]
    fn whoever_stops_the_server_ends_the_wait() {
        let (server, clients) = with_clients(BackendChoice::Epoll);
        let (stop, stopped) = mpsc::channel();
        drop(stop);
        assert!(!run(&server.control(), &LameDuck::default(), &stopped));
        server.control().stop();
        server.wait().unwrap();
        drop(clients);
    }
}
