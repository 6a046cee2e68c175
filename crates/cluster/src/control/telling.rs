//! What servers tell each other of third ones, and what clients are told.

use std::time::Duration;

use nats_proto::{PeerInfo, encode};

use super::{Control, Server};
use crate::action::Action;
use crate::config::{RouteUrl, join};
use crate::gossip::{Joined, Mode};
use crate::news::{News, news};
use crate::target::{HEARD_MAX, State, Target};

impl<C: Copy + Ord> Control<C> {
    /// Where clients connect to this server and to the others that are there.
    pub fn client_urls(&self) -> Vec<String> {
        self.urls(&self.config.connect_urls, |info| &info.connect_urls)
    }

    /// The same for WebSocket clients.
    pub fn websocket_urls(&self) -> Vec<String> {
        self.urls(&self.config.ws_connect_urls, |info| &info.ws_connect_urls)
    }

    /// Where leaf nodes come in to the others that are there.
    pub fn leafnode_urls(&self) -> Vec<String> {
        let told = self.servers.values().filter_map(|server| match &server.info.leafnode_urls[..] {
            [url] if !server.info.ldm => Some(url.clone()),
            _ => None,
        });
        let mut urls: Vec<String> = told.collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    }

    fn urls(&self, own: &[String], theirs: impl Fn(&PeerInfo) -> &Vec<String>) -> Vec<String> {
        let mut urls = Vec::new();
        if !self.config.tells_urls {
            return urls;
        }
        let of_others = self.servers.values().flat_map(|server| theirs(&server.info));
        for url in own.iter().chain(of_others) {
            if !urls.contains(url) {
                urls.push(url.clone());
            }
        }
        urls
    }

    /// This server is about to go: the others send their clients elsewhere.
    pub fn on_lame_duck(&mut self) {
        let info = PeerInfo { ldm: true, ..self.config.info(String::new()) };
        let others: Vec<C> = self.servers.values().map(|server| server.connection).collect();
        for other in others {
            self.send(other, |out| encode::peer_info(out, &info));
        }
    }

    pub(super) fn tell_clients(&mut self) {
        self.actions.push_back(Action::TellClients);
    }

    /// Tells all others of a server that joined, as it speaks of itself, and where it was seen.
    pub(super) fn tell_others(&mut self, connection: C, info: &PeerInfo, joined: Joined) {
        if !joined.is_told() {
            return;
        }
        let seen = self.sessions.get(&connection).and_then(|session| session.address);
        let ip = match seen {
            _ if !info.ip.is_empty() => info.ip.clone(),
            Some(address) => format!("nats-route://{}/", join(&address.to_string(), info.port)),
            None => String::new(),
        };
        let others: Vec<(C, String)> =
            self.servers.iter().map(|(id, server)| (server.connection, id.clone())).collect();
        for (other, id) in others {
            let mode = joined.mode_for(self.is_configured(&id)).number();
            let told = PeerInfo { ip: ip.clone(), nonce: String::new(), gossip_mode: mode, ..info.clone() };
            self.send(other, |out| encode::peer_info_passed_on(out, &told));
        }
    }

    /// Whether a setting names the server.
    fn is_configured(&self, id: &str) -> bool {
        self.targets.values().any(|target| target.is_configured && target.server_id.as_deref() == Some(id))
    }

    /// A route says something new of its server: where its clients connect, most often that it goes.
    pub(super) fn on_news_of_itself(&mut self, info: PeerInfo) {
        let id = info.server_id.clone();
        let Some(Server { info: known, .. }) = self.servers.get_mut(&id) else { return };
        known.connect_urls = if info.ldm { Vec::new() } else { info.connect_urls };
        known.ws_connect_urls = if info.ldm { Vec::new() } else { info.ws_connect_urls };
        if info.ldm {
            // Nobody has to look for it.
            self.targets
                .retain(|_, target| target.is_configured || target.server_id.as_deref() != Some(&*id));
        }
        self.tell_clients();
    }

    /// A route tells of a third server.
    pub(super) fn on_gossip(&mut self, now: Duration, connection: C, info: &PeerInfo) {
        let is_connected = self.servers.contains_key(&info.server_id);
        let configured: Vec<String> = self.config.routes.iter().map(RouteUrl::place).collect();
        match news(info, &self.config.server_id, is_connected, &configured) {
            News::Dial { url, account: None, mode, .. } => self.hear_of(now, &info.server_id, url, mode),
            News::Nowhere => {
                let label = &self.sessions[&connection].label;
                tracing::error!("{label} - Route told of a server, but not where it is");
            }
            // A connection for a single account is for servers that have any.
            News::Dial { .. } | News::Known | News::Gateway => {}
        }
    }

    fn hear_of(&mut self, now: Duration, id: &str, url: &str, mode: Mode) {
        let Some(url) = RouteUrl::parse(url) else { return };
        if let Some(number) = self.targets_of(id).first() {
            let target = self.targets.get_mut(number).expect("it was just found");
            target.known_at = now;
            if let State::Waiting(at) = target.state {
                target.state = State::Waiting(at.min(now + crate::redial::DIAL_DELAY));
            }
            return;
        }
        if self.targets.values().filter(|target| !target.is_configured).count() >= HEARD_MAX {
            return;
        }
        self.last_target += 1;
        self.targets.insert(self.last_target, Target::heard(now, url, id, mode));
    }
}
