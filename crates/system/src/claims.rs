//! Which subjects the system's service owns.

use std::sync::Arc;

use broker::{Advertised, Claims, Owner, Party};
use fabric::MeshMessage;
use monitor::GLOBAL_ACCOUNT;
use nats_auth::{Account, Directory};

use crate::request::Request;
use crate::server_identity::ServerIdentity;

/// The subjects of the table, from those who may ask.
#[derive(Debug, Clone)]
pub(crate) struct SystemClaims {
    server: Arc<ServerIdentity>,
    /// The system account, by its index. Without one nobody answers anything.
    system: Option<usize>,
    /// The account of those who name none.
    global: Option<usize>,
}

impl SystemClaims {
    pub(crate) fn new(server: Arc<ServerIdentity>, directory: &Directory) -> Self {
        let find = |is_it: fn(&Account) -> bool| {
            directory.accounts().iter().position(|account| is_it(account) && !account.is_gone())
        };
        let global = find(|account| **account.name() == *GLOBAL_ACCOUNT);
        Self { server, system: find(Account::is_system), global }
    }

    /// The system account.
    pub(crate) fn system(&self) -> Option<usize> {
        self.system
    }

    /// The account of those who name none.
    pub(crate) fn global(&self) -> Option<usize> {
        self.global
    }

    pub(crate) fn server(&self) -> &Arc<ServerIdentity> {
        &self.server
    }

    /// What a message asks, if it is the system's to answer. What is asked by way of another server is what all are
    /// asked: the rest is for the one whose client asks.
    pub(crate) fn request_in(&self, message: &MeshMessage<'_>) -> Option<Request> {
        let account = message.account as usize;
        let request = self.request(account, message.publish.subject)?;
        let is_from_afar = matches!(Party::of(message), Party::Peer(_));
        let is_meant = !is_from_afar || (Some(account) == self.system && request.is_asked_of_all());
        is_meant.then_some(request)
    }

    /// What other servers are told that this one wants: what all of them are asked.
    pub(crate) fn asked_of_all(&self) -> Advertised {
        let Some(system) = self.system else { return Advertised::new() };
        let subjects = Request::subjects_asked_of_all(&self.server.id);
        subjects.map(|subject| (system, subject.into_bytes().into())).collect()
    }

    /// What a message asks, if it is the system's to answer.
    pub(crate) fn request(&self, account: usize, subject: &[u8]) -> Option<Request> {
        Request::of(subject, account == self.system?, &self.server.id)
    }
}

/// Requests stay on the shard where they are made: it knows who asks.
impl Claims for SystemClaims {
    fn owner(&self, account: usize, subject: &[u8]) -> Owner {
        if self.request(account, subject).is_some() { Owner::Here } else { Owner::Nobody }
    }
}
