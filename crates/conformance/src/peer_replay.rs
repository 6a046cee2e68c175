//! Plays one side of a recorded conversation between servers, to a server that has the other.
//!
//! What the server says is compared with what was recorded, connection by connection; what clients of its own did to
//! have it say so is done again. Before the player says anything, all has to be there that was said before.

mod clients;
mod names;
mod wire;

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::peer_record::{Frame, Record};

use self::{
    clients::Clients,
    names::Names,
    wire::{Wire, is_noise, is_of_system},
};

/// How long a server may take that dials again: a second and a bit, once more.
const DIAL_TIME_MAX: Duration = Duration::from_secs(5);

/// How long nothing may be said at the end, and while a dialer is heard out.
const QUIET: Duration = Duration::from_millis(150);

/// Which side the server under test has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It is A, which is dialed.
    Accepts,
    /// It is B, which dials.
    Dials,
}

impl Side {
    fn server(self) -> &'static str {
        match self {
            Self::Accepts => "A",
            Self::Dials => "B",
        }
    }

    /// Whether the server under test is at an end of a connection, as that of a scripted peer it always is.
    fn takes_part(self, link: &str) -> bool {
        link.split_once("_TO_").is_none_or(|ends| [ends.0, ends.1].contains(&self.server()))
    }
}

/// Where the other servers are, for a server under test that dials them.
#[derive(Debug)]
pub struct Dialed(TcpListener);

impl Dialed {
    /// Somewhere on this machine.
    ///
    /// # Panics
    ///
    /// When there is no port to be had.
    #[must_use]
    pub fn somewhere() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("it is a socket");
        Self(listener)
    }
}

/// The configuration of the server under test, with ports of its own.
///
/// # Panics
///
/// When the listener has no address.
#[must_use]
pub fn config(record: &Record, side: Side, dialed: &Dialed) -> String {
    let text = match side {
        Side::Accepts => &record.config_a,
        Side::Dials => &record.config_b,
    };
    let port = dialed.0.local_addr().expect("it is bound").port().to_string();
    let ports = [
        ("<B_TO_A>", &*port),
        ("<CLIENT_A>", "-1"),
        ("<CLIENT_B>", "-1"),
        ("<ROUTE_A>", "-1"),
        ("<ROUTE_B>", "-1"),
        ("<LEAF_A>", "-1"),
        ("<LEAF_B>", "-1"),
    ];
    ports.iter().fold(text.clone(), |text, (name, port)| text.replace(name, port))
}

/// Plays the other side to a server whose clients connect at `clients` and other servers at `servers`. What `free` names
/// of its INFO is the server's to choose.
///
/// # Errors
///
/// What differed, as text.
pub fn play(
    record: &Record,
    side: Side,
    clients: SocketAddr,
    servers: SocketAddr,
    dialed: Dialed,
    free: &'static [&'static str],
) -> Result<(), String> {
    let mut player = Player {
        side,
        servers,
        dialed,
        record,
        wires: BTreeMap::new(),
        awaited: Vec::new(),
        names: Names::with_free(free),
        clients: Clients::of(clients, record, side),
        at: 0,
    };
    for (index, frame) in record.frames.iter().enumerate().filter(|(_, frame)| side.takes_part(&frame.link)) {
        player.on_frame(index, frame).map_err(|why| format!("{} {}: {why}", frame.link, frame.conn))?;
    }
    player.settle()?;
    player.nothing_else()
}

type Key = (String, u32);

struct Player<'a> {
    side: Side,
    servers: SocketAddr,
    dialed: Dialed,
    record: &'a Record,
    wires: BTreeMap<Key, Wire>,
    /// Connections that the server has dialed or is about to, with the frame of the first INFO that it was or will be
    /// told: what it answers tells which is which.
    awaited: Vec<Key>,
    names: Names,
    clients: Clients,
    /// The frame that is being played.
    at: usize,
}

impl Player<'_> {
    fn on_frame(&mut self, index: usize, frame: &Frame) -> Result<(), String> {
        self.at = index;
        let key = (frame.link.clone(), frame.conn);
        let is_servers = frame.from == self.side.server();
        match &*frame.event {
            "connect" => self.on_connect(key),
            "close" if is_servers => {
                self.settle()?;
                self.wire(&key)?.settle_close()
            }
            "close" => {
                let wire = self.wire(&key)?;
                if !wire.is_closed {
                    wire.close();
                }
                Ok(())
            }
            // Signs of life are answered where they come; those of the player are asked for.
            "" if is_servers && is_noise(&frame.bytes) => Ok(()),
            "" if !is_servers && (frame.bytes == "PONG\r\n" || is_of_system(&frame.bytes)) => Ok(()),
            "" if is_servers => self.on_servers(&key, &frame.bytes),
            "" => self.on_players(&key, index, &frame.bytes),
            other => Err(format!("nobody plays {other} here")),
        }
    }

    fn on_connect(&mut self, key: Key) -> Result<(), String> {
        match self.side {
            Side::Accepts => {
                self.settle()?;
                let stream = TcpStream::connect(self.servers).map_err(|error| error.to_string())?;
                let wire = Wire::over(stream).map_err(|error| error.to_string())?;
                self.wires.insert(key, wire);
            }
            Side::Dials if self.wires.contains_key(&key) => {}
            Side::Dials => self.awaited.push(key),
        }
        Ok(())
    }

    fn on_servers(&mut self, key: &Key, bytes: &str) -> Result<(), String> {
        let pinned = self.pinned(key);
        self.wire(key)?;
        // What a client does is told behind all that was told before; what finds loops among leaf nodes nobody did.
        let is_unasked = matches!(bytes.split(' ').next(), Some("INFO" | "CONNECT" | "-ERR" | "PONG\r\n"));
        if !is_unasked && !bytes.starts_with("LS+ $LDS.") {
            self.settle()?;
            self.settle_interest()?;
            self.clients.cause(bytes, pinned.as_deref(), &key.0);
        }
        self.wire(key)?.expect(bytes);
        Ok(())
    }

    fn on_players(&mut self, key: &Key, index: usize, bytes: &str) -> Result<(), String> {
        let was_told = self.side == Side::Dials && self.first_info(key) == Some(index);
        self.wire(key)?;
        if was_told {
            return Ok(());
        }
        self.settle()?;
        let pinned = self.pinned(key);
        self.clients.on_sent(bytes, pinned.as_deref(), &key.0);
        let text = self.names.fill_in(bytes);
        self.wire(key)?.send(&text);
        Ok(())
    }

    /// A connection, once it is known which it is.
    fn wire(&mut self, key: &Key) -> Result<&mut Wire, String> {
        if self.awaited.contains(key) {
            self.hear_dialers()?;
        }
        self.wires.get_mut(key).ok_or_else(|| "there is no such connection".to_owned())
    }

    /// Takes the connections that were dialed, tells each who is there, and finds out which is which by what it says.
    fn hear_dialers(&mut self) -> Result<(), String> {
        self.await_those_at_once();
        let mut awaited = std::mem::take(&mut self.awaited);
        let mut heard = Vec::new();
        for key in &awaited {
            let mut wire = Wire::over(self.accept()?).map_err(|error| error.to_string())?;
            if let Some(index) = self.first_info(key) {
                let info = self.names.fill_in(&self.record.frames[index].bytes);
                wire.send(&info);
            }
            heard.push(wire);
        }
        for mut wire in heard {
            wire.listen(QUIET).map_err(|error| error.to_string())?;
            let said = place(wire.heard().map(|line| &**line));
            let at = awaited.iter().position(|key| place(self.said_first(key)) == said).unwrap_or(0);
            self.wires.insert(awaited.remove(at), wire);
        }
        Ok(())
    }

    /// Connections are dialed at once up to where a sign of life or an end has led to further ones.
    fn await_those_at_once(&mut self) {
        let leads_on = |frame: &&Frame| frame.event == "close" || frame.bytes == "PONG\r\n";
        let rest = self.record.frames[self.at..].iter();
        for frame in rest
            .take_while(|frame| !leads_on(frame))
            .filter(|frame| frame.event == "connect" && self.side.takes_part(&frame.link))
        {
            let key = (frame.link.clone(), frame.conn);
            if !self.awaited.contains(&key) && !self.wires.contains_key(&key) {
                self.awaited.push(key);
            }
        }
    }

    fn accept(&self) -> Result<TcpStream, String> {
        let deadline = Instant::now() + DIAL_TIME_MAX;
        loop {
            match self.dialed.0.accept() {
                Ok((stream, _)) => return Ok(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.to_string()),
            }
            if Instant::now() >= deadline {
                return Err("nobody dials".to_owned());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the server says over a connection, as it was recorded.
    fn said_first(&self, key: &Key) -> impl Iterator<Item = &str> {
        let server = self.side.server();
        let of_key =
            self.record.frames.iter().filter(move |frame| (&frame.link, frame.conn) == (&key.0, key.1));
        of_key.filter(move |frame| frame.from == server).map(|frame| &*frame.bytes)
    }

    /// The frame in which the player says who it is.
    fn first_info(&self, key: &Key) -> Option<usize> {
        let server = self.side.server();
        self.record.frames.iter().position(|frame| {
            (&frame.link, frame.conn) == (&key.0, key.1)
                && frame.from != server
                && frame.bytes.starts_with("INFO ")
        })
    }

    /// The account that has a connection for itself, as it has to leaf nodes: there, lines do not name it.
    fn pinned(&self, key: &Key) -> Option<String> {
        let of_key = self.record.frames.iter().filter(|frame| (&frame.link, frame.conn) == (&key.0, key.1));
        let infos = of_key.filter(|frame| frame.bytes.starts_with("INFO "));
        ["\"route_account\":\"", "\"remote_account\":\""]
            .iter()
            .find_map(|before| infos.clone().find_map(|frame| value(&frame.bytes, before)))
    }

    fn settle_interest(&mut self) -> Result<(), String> {
        for ((link, conn), wire) in &mut self.wires {
            wire.settle_interest().map_err(|why| format!("{link} {conn}: {why}"))?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), String> {
        for ((link, conn), wire) in &mut self.wires {
            wire.settle(&mut self.names).map_err(|why| format!("{link} {conn}: {why}"))?;
        }
        Ok(())
    }

    /// At the end nothing was said that was not recorded.
    fn nothing_else(&mut self) -> Result<(), String> {
        for ((link, conn), wire) in &mut self.wires {
            wire.listen(QUIET).map_err(|error| error.to_string())?;
            if let Some(line) = wire.heard().next() {
                return Err(format!("{link} {conn}: expected nothing\n  got      {line:?}"));
            }
        }
        Ok(())
    }
}

/// Which connection to another server this is, by what the dialer says of it.
fn place<'a>(lines: impl Iterator<Item = &'a str>) -> Option<(Option<String>, Option<String>)> {
    let mut infos = lines.filter(|line| line.starts_with("INFO "));
    infos.next().map(|info| (value(info, "\"route_account\":\""), value(info, "\"route_pool_idx\":")))
}

/// What stands behind that in an INFO, up to where the value ends.
fn value(info: &str, before: &str) -> Option<String> {
    let (_, behind) = info.split_once(before)?;
    let end = behind.find(['"', ',', '}'])?;
    Some(behind[..end].to_owned())
}
