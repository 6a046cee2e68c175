//! Running shards that are asked things, on both backends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use broker::{Broker, Config, Settings};
use conns::Time;
use fabric::ShardId;
use nats_proto::ServerInfo;
use shard_runtime::{Backend, Control, Given, Listeners, Shards, Store, available_cpus, start};
use stream_log::SyncWhen;
use tempfile::TempDir;

const BACKENDS: [Backend; 2] = [Backend::Uring, Backend::Epoll];

/// Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Rig {
    shards: Shards,
    control: Control,
    listener: TcpListener,
}

fn rig(backend: Backend, shards: usize, busy_poll: Option<Duration>) -> Rig {
    let config = shard_runtime::Config { busy_poll, ..Default::default() };
    rig_with(backend, shards, &Given { config, ..Given::default() })
}

fn rig_with(backend: Backend, shards: usize, given: &Given) -> Rig {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let settings = Arc::new(Settings::new(ServerInfo::default()));
    let config = |shard| Config::new(shard, shards, Arc::clone(&settings));
    let configs = ShardId::all(shards).map(config).collect();
    let shards = start(backend, configs, &only(&listener), &available_cpus(), given).unwrap();
    Rig { control: shards.control(), shards, listener }
}

impl Rig {
    /// A client that was greeted.
    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = BufReader::new(stream);
        let mut info = String::new();
        client.read_line(&mut info).unwrap();
        assert!(info.starts_with("INFO "), "{info}");
        client
    }

    /// The sum of what all shards answer.
    fn sum(&self, question: fn(&mut Broker, Time) -> usize) -> usize {
        let answers: Vec<_> = self.control.shards().map(|shard| self.control.ask(shard, question)).collect();
        answers.into_iter().map(|answer| answer.recv_timeout(PATIENCE).unwrap()).sum()
    }

    fn stop(self) {
        self.control.stop();
        self.shards.wait().unwrap();
    }
}

#[test]
fn every_shard_answers_for_itself() {
    for backend in BACKENDS {
        let rig = rig(backend, 2, None);
        let clients: Vec<_> = (0..5).map(|_| rig.connect()).collect();
        assert_eq!(rig.sum(|broker, _| broker.connections()), clients.len());
        rig.stop();
    }
}

/// Nothing else happens after the question, so there is no later turn in which the output could leave.
#[test]
fn what_an_order_causes_leaves_in_the_same_turn() {
    for backend in BACKENDS {
        let rig = rig(backend, 1, None);
        let mut client = rig.connect();
        let answer = rig.control.ask(ShardId(0), |broker, _| broker.on_shutdown());
        assert_eq!(answer.recv_timeout(PATIENCE), Ok(()));
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        rig.stop();
    }
}

#[test]
fn once_accepting_has_stopped_the_port_is_free_and_connections_go_on() {
    for backend in BACKENDS {
        let Rig { shards, control, listener } = rig(backend, 2, None);
        let address = listener.local_addr().unwrap();
        let rig = Rig { shards, control, listener };
        let _client = rig.connect();
        rig.control.stop_accepting();
        assert_eq!(rig.sum(|broker, _| broker.connections()), 1);
        let Rig { shards, control, listener } = rig;
        drop(listener);
        let refused = TcpStream::connect(address).unwrap_err().kind();
        assert_eq!(refused, std::io::ErrorKind::ConnectionRefused, "{backend:?}");
        control.stop();
        shards.wait().unwrap();
    }
}

/// They are on both shards, without any listener.
#[test]
fn those_within_the_process_come_until_accepting_has_stopped() {
    for backend in BACKENDS {
        let settings = Arc::new(Settings::new(ServerInfo::default()));
        let config = |shard| Config::new(shard, 2, Arc::clone(&settings));
        let configs = ShardId::all(2).map(config).collect();
        let shards =
            start(backend, configs, &Listeners::default(), &available_cpus(), &Given::default()).unwrap();
        let control = shards.control();
        let mut clients: Vec<_> = (0..5).map(|_| BufReader::new(control.connect().unwrap())).collect();
        for client in &mut clients {
            let mut info = String::new();
            client.read_line(&mut info).unwrap();
            assert!(info.starts_with("INFO "), "{info}");
        }
        control.stop_accepting();
        assert_eq!(control.connect().unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        for client in &mut clients {
            client.get_mut().write_all(b"PING\r\n").unwrap();
            let mut answer = String::new();
            client.read_line(&mut answer).unwrap();
            assert_eq!(answer, "PONG\r\n");
        }
        control.stop();
        shards.wait().unwrap();
        for mut client in clients {
            client.read_to_end(&mut Vec::new()).unwrap();
        }
    }
}

/// A shard that looks for work takes the wake-up with the first look.
#[test]
fn a_shard_that_spins_before_it_sleeps_answers_and_stops() {
    for backend in BACKENDS {
        let rig = rig(backend, 2, Some(Duration::from_millis(20)));
        for _ in 0..200 {
            rig.sum(|_, _| 1);
        }
        rig.stop();
    }
}

#[test]
fn a_shard_that_stops_or_has_ended_answers_nobody_and_nobody_hangs() {
    for backend in BACKENDS {
        let Rig { shards, control, .. } = rig(backend, 2, None);
        let (go_on, told) = mpsc::channel::<()>();
        // The shard is in the middle of an order when it is told to stop.
        let busy = control.ask(ShardId(0), move |_, _| told.recv());
        let before = control.ask(ShardId(0), |_, _| ());
        control.stop();
        let after = control.ask(ShardId(0), |_, _| ());
        assert_eq!(after.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        go_on.send(()).unwrap();
        assert_eq!(busy.recv_timeout(PATIENCE), Ok(Ok(())));
        assert_eq!(before.recv_timeout(PATIENCE), Ok(()), "it came before the stop");
        shards.wait().unwrap();
        let late = control.ask(ShardId(1), |_, _| ());
        assert_eq!(late.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}

#[test]
fn a_shard_that_fails_answers_nobody_and_the_others_stop() {
    for backend in BACKENDS {
        let Rig { shards, control, .. } = rig(backend, 2, None);
        let answer = control.ask(ShardId(1), |_, _| -> () { panic!("as the test wants it") });
        let behind = control.ask(ShardId(1), |_, _| ());
        assert_eq!(answer.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(behind.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        let error = shards.wait().unwrap_err();
        assert!(error.to_string().starts_with("shard 1 failed"), "{error}");
    }
}

/// Listeners for clients alone.
fn only(clients: &TcpListener) -> Listeners {
    Listeners { clients: Some(clients.try_clone().unwrap()), websocket: None }
}

/// The log has to be asked to stop, its requests to be carried out, and their answers to come back before the end.
#[test]
fn a_log_comes_to_a_clean_stop_with_its_shard() {
    for (backend, shards) in [(BACKENDS[0], 1), (BACKENDS[1], 1), (BACKENDS[0], 2), (BACKENDS[1], 2)] {
        let folder = TempDir::new().unwrap();
        for incarnation in 1..=3 {
            let store = Arc::new(Store::open(folder.path(), 1, SyncWhen::Always).unwrap());
            assert_eq!((store.node().incarnation, store.node().stopped), (incarnation, false));
            let given = Given {
                jetstream: Some(Arc::default()),
                store: Some(Arc::clone(&store)),
                ..Given::default()
            };
            rig_with(backend, shards, &given).stop();
            assert!(store.node().stopped);
        }
    }
}
