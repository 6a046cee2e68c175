//! Who a client is: from its CONNECT to its account, and again when the users change.
//!
//! Where clients have to identify themselves, the first thing they send is CONNECT, and they have a
//! limited time for it. A password that is held against a hash is checked elsewhere: the caller takes the
//! check ([`Broker::take_password_checks`]) and reports what came of it. Meanwhile nothing the client says
//! counts, and it is sent no PING: the next it expects to read is the answer. Nor does its time run out, as
//! long as it waits for us; one that hangs up does not.

use std::sync::Arc;

use conns::{CloseReason, ConnId, Time};
use nats_auth::{AccountLimits, Claim, Credentials, Directory, Identity, PasswordCheck, Renewal, Verdict};
use nats_proto::{ConnectOptions, Limits, quote};

use crate::broker::Broker;
use crate::client::{Client, Hold, Objection, Reminder, Standing, Watch};
use crate::client_news::ClientDeed;
use crate::guard::Guard;
use crate::input::Flow;
use crate::seldom::SeldomLine;
use crate::settings::Settings;
use crate::subject_space::SubjectSpace;

impl Broker {
    /// Takes the passwords that are to be held against their hashes, which takes long. Each has to be
    /// answered with [`Self::on_password_checked`].
    pub fn take_password_checks(&mut self) -> Vec<(ConnId, PasswordCheck)> {
        std::mem::take(&mut self.password_checks)
    }

    /// There are too many passwords to check for this one. That is our fault, so the client is not told that
    /// it is nobody: many give up then, where they come again after this.
    pub fn on_password_unchecked(&mut self, id: ConnId) {
        match self.egress.clients.open(id) {
            Some(client) if client.is_being_checked() || client.is_peer() => self.refuse_late(id),
            _ => {}
        }
    }

    /// A password was checked. `identity` is who the client is, or `None` if the password is wrong.
    pub fn on_password_checked(&mut self, now: Time, id: ConnId, identity: Option<Arc<Identity>>) {
        self.egress.counters.now = now;
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.is_peer() {
            return self.on_leaf_checked(now, id, identity);
        }
        let Standing::Checking(objection) = client.standing else { return };
        let (claim, how) = (client.claim.take(), client.how());
        client.out_of_time = false;
        // The users may have changed since the check began.
        let renewed = identity.map(|identity| self.config.settings.directory.renew(&identity, how));
        match renewed {
            Some(Renewal::Granted(identity)) => {
                client.note_claim(claim, &identity);
                self.admit(id, identity, objection);
            }
            Some(Renewal::Refused | Renewal::Gone) | None => self.refuse_credentials(id, claim),
        }
        self.resume(id, Hold::Auth);
        self.settle();
    }

    /// A connection is new: asks it who it is, if that matters.
    pub(crate) fn await_identity(&mut self, id: ConnId) {
        let directory = &self.config.settings.directory;
        let client = self.egress.clients.at(id);
        if directory.needs_nonce() {
            client.nonce = Some(self.nonces.next_nonce());
        }
        if directory.auth_required(client.how()) {
            client.standing = Standing::Awaited;
        } else {
            client.standing = Standing::Admitted;
            client.seat = directory.account(client.account).take_seat();
            self.settle_rights(id);
        }
    }

    /// From now on the time runs that a connection has to say who it is.
    pub(crate) fn limit_time(&mut self, now: Time, id: ConnId) {
        let client = self.egress.clients.at(id);
        if client.standing == Standing::Awaited {
            let due = now + self.config.settings.directory.timeout(client.how());
            self.egress.clients.remind(id, due, Reminder::Auth);
        }
    }

    pub(crate) fn on_auth_due(&mut self, id: ConnId) {
        let Some(client) = self.egress.clients.open(id) else { return };
        match (client.standing, client.hung_up) {
            (Standing::Admitted | Standing::Guest | Standing::Peer, _) => {}
            (Standing::Checking(_), None) => client.out_of_time = true,
            (Standing::Checking(_), Some(reason)) => self.close(id, reason),
            (Standing::Awaited, _) => self.refuse_late(id),
        }
    }

    fn refuse_late(&mut self, id: ConnId) {
        self.egress.send_err(id, SeldomLine::AuthTimeout.text());
        self.log_seldom(id, SeldomLine::AuthTimeout);
        self.close(id, CloseReason::AuthenticationTimeout);
    }

    /// Something else than CONNECT came first.
    pub(crate) fn on_input_before_connect(&mut self, id: ConnId) {
        let directory = &self.config.settings.directory;
        let connection_type = self.egress.clients.at(id).how();
        match directory.authenticate(&Credentials { connection_type, ..Credentials::default() }) {
            Verdict::Granted(identity) if directory.has_no_auth_user(connection_type) => {
                self.egress.clients.at(id).connect_received = true;
                if self.admit_as(id, identity) {
                    self.note_deed(id, ClientDeed::Came);
                }
            }
            Verdict::Refused(claim) => self.refuse_credentials(id, claim),
            Verdict::Granted(_) | Verdict::Check(_) => self.refuse_credentials(id, None),
        }
    }

    /// Finds out who a client is from its CONNECT.
    pub(crate) fn identify(&mut self, id: ConnId, options: &ConnectOptions) -> Flow {
        let objection = Objection::to(options);
        let directory = Arc::clone(&self.config.settings.directory);
        let client = self.egress.clients.at(id);
        match verdict(&directory, client, options) {
            Verdict::Granted(identity) => {
                let claim = credentials(client, options).claim();
                client.note_claim(claim, &identity);
                self.admit(id, identity, objection);
            }
            Verdict::Refused(claim) => {
                if let Some(fault) = directory.signature_fault(&credentials(client, options)) {
                    tracing::debug!("{} - {fault}", client.label);
                }
                self.refuse_credentials(id, claim);
            }
            Verdict::Check(mut check) => {
                client.claim = credentials(client, options).claim_beside(check.identity().claim());
                if let Some(claim) = &client.claim {
                    check.lapse_with(claim.name());
                }
                client.standing = Standing::Checking(objection);
                self.password_checks.push((id, check));
                return Flow::NextThenHold(Hold::Auth);
            }
        }
        Flow::Next
    }

    /// Turns a client away for what it has just said, or not said.
    fn refuse_credentials(&mut self, id: ConnId, claim: Option<Claim>) {
        self.refuse_client(id, claim);
        self.log_web_breach(id, "authentication error");
    }

    /// Turns a client away, and says in the log who it would be.
    pub(crate) fn refuse_client(&mut self, id: ConnId, claim: Option<Claim>) {
        let client = self.egress.clients.at(id);
        let label = &client.label;
        match &claim {
            Some(claim) => tracing::error!("{label} - authentication error - {claim}"),
            None => tracing::error!("{label} - authentication error"),
        }
        client.claim = claim;
        self.note_deed(id, ClientDeed::Refused(CloseReason::AuthenticationFailure));
        self.refuse(id, "Authorization Violation", CloseReason::AuthenticationFailure);
    }

    /// The client is this user; says what else its CONNECT comes to.
    fn admit(&mut self, id: ConnId, identity: Arc<Identity>, objection: Option<Objection>) {
        if !self.admit_as(id, identity) {
            return;
        }
        let client = self.egress.clients.at(id);
        if objection == Some(Objection::Account) {
            let claim = client.who();
            return self.refuse_credentials(id, claim);
        }
        let (peer, account) = (client.peer(), self.config.settings.directory.account(client.account));
        client.introduce(peer, account.name());
        self.note_deed(id, ClientDeed::Came);
        let (text, reason) = match objection {
            Some(Objection::Protocol) => ("invalid client protocol", CloseReason::BadClientProtocolVersion),
            Some(Objection::NoResponders) => {
                ("no responders requires headers support", CloseReason::NoRespondersRequiresHeaders)
            }
            Some(Objection::Account) | None => return self.acknowledge(id),
        };
        self.refuse(id, text, reason);
        self.log_breach(id, text);
    }

    /// The client enters the account of this user; false if there is no place for it.
    fn admit_as(&mut self, id: ConnId, identity: Arc<Identity>) -> bool {
        let account = self.config.settings.directory.account(identity.account());
        let client = self.egress.clients.at(id);
        tell_of_lower_limits(&client.label, &self.config.settings, &account.limits());
        client.seat = None;
        let Some(seat) = account.take_seat() else {
            self.refuse_one_too_many(id);
            return false;
        };
        client.seat = Some(seat);
        client.identity = identity;
        client.standing = Standing::Admitted;
        self.enter_account(id);
        self.settle_rights(id);
        true
    }

    /// There is no place for the client in its account.
    pub(crate) fn refuse_one_too_many(&mut self, id: ConnId) {
        self.egress.send_err(id, SeldomLine::MaxAccountConnections.text());
        self.log_seldom(id, SeldomLine::MaxAccountConnections);
        self.close(id, CloseReason::MaxAccountConnectionsExceeded);
    }

    /// Counts the client in the account of its user from now on.
    fn enter_account(&mut self, id: ConnId) {
        self.egress.take_over(id);
        let client = self.egress.clients.at(id);
        let account = client.identity.account();
        if account != client.account {
            self.egress.counters.on_left(client);
            client.account = account;
            self.egress.counters.on_entered(client);
        }
    }

    /// Gives the subject spaces here the names of their accounts.
    pub(crate) fn name_accounts(&mut self) {
        let directory = Arc::clone(&self.config.settings.directory);
        for (index, account) in directory.accounts().iter().enumerate() {
            self.space_of(index).name = (&**account.name()).into();
            if let Some(peers) = &mut self.egress.peers {
                peers.name_account(index, account.name());
            }
        }
    }

    /// Puts what the client's user and account permit where it is asked for.
    pub(crate) fn settle_rights(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        client.guard = Guard::new(&client.identity).map(Box::new);
        client.settle_limits(&self.config.settings);
    }

    /// The subject space of the account of this index. What this shard has not heard of yet is another shard's news: it
    /// is empty here.
    pub(crate) fn space_of(&mut self, index: usize) -> &mut SubjectSpace {
        if index >= self.spaces.len() {
            let match_cache = self.config.settings.options.match_cache;
            self.spaces.resize_with(index + 1, || SubjectSpace::new("", match_cache));
        }
        &mut self.spaces[index]
    }
}

impl Client {
    /// Whether its password is being checked, or waits for it.
    pub(crate) fn is_being_checked(&self) -> bool {
        matches!(self.standing, Standing::Checking(_))
    }

    /// Takes over the limits of the server and of its account, and what to watch for.
    pub(crate) fn settle_limits(&mut self, settings: &Settings) {
        let account = settings.directory.account(self.account);
        let own = account.limits();
        let payload = settings.options.limits.payload_bytes_max.min(own.payload_bytes.unwrap_or(usize::MAX));
        self.limits = Limits { payload_bytes_max: payload, ..settings.options.limits };
        self.subs_max = [own.subscriptions, settings.options.subscriptions_max()].into_iter().flatten().min();
        let access = self.guard.as_ref().map(|guard| guard.access());
        self.watch = Watch {
            publishes: access.is_some_and(|access| access.limits_publishing()),
            detours: !account.mappings().is_empty() || account.shares_services(),
            deliveries: self.watch.deliveries && access.is_some(),
            replies: access.is_some_and(|access| access.responses().is_some()),
        };
    }
}

impl Objection {
    fn to(options: &ConnectOptions) -> Option<Self> {
        if !options.account.is_empty() || options.new_account {
            Some(Self::Account)
        } else if !(0..=1).contains(&options.protocol) {
            Some(Self::Protocol)
        } else {
            (options.no_responders && !options.headers).then_some(Self::NoResponders)
        }
    }
}

/// Who the client is, by what it shows. One that shows nothing new stays who it is.
fn verdict(directory: &Directory, client: &Client, options: &ConnectOptions) -> Verdict {
    let shown = credentials(client, options);
    let shows = [shown.nkey, shown.signature, shown.token, shown.user, shown.password];
    if client.seat.is_some()
        && shows.iter().all(|text| text.is_empty())
        && let Renewal::Granted(identity) = directory.renew(&client.identity, client.how())
    {
        return Verdict::Granted(identity);
    }
    if directory.overrules(&shown) {
        tracing::warn!("User {} found in connect proto, but user required from cert", quote(shown.user));
    }
    directory.authenticate(&shown)
}

fn credentials<'a>(client: &'a Client, options: &'a ConnectOptions) -> Credentials<'a> {
    let cookies = client.cookies();
    let or_cookie = |said: &'a str, cookie: Option<&'a str>| {
        if said.is_empty() { cookie.unwrap_or_default() } else { said }
    };
    Credentials {
        nkey: &options.nkey,
        signature: &options.sig,
        nonce: client.nonce.as_deref().unwrap_or_default(),
        token: or_cookie(&options.auth_token, cookies.and_then(|cookies| cookies.token.as_deref())),
        user: or_cookie(&options.user, cookies.and_then(|cookies| cookies.user.as_deref())),
        password: or_cookie(&options.pass, cookies.and_then(|cookies| cookies.password.as_deref())),
        connection_type: client.how(),
        peer: client.security().and_then(|security| security.peer.as_ref()),
    }
}

/// Says where the server allows less than an account has.
fn tell_of_lower_limits(label: &str, settings: &Settings, own: &AccountLimits) {
    let payload = Some(settings.options.limits.payload_bytes_max);
    let subscriptions = settings.options.subscriptions_max();
    for (what, servers, own) in
        [("Payload", payload, own.payload_bytes), ("Subscriptions", subscriptions, own.subscriptions)]
    {
        if let (Some(servers), Some(own)) = (servers, own)
            && servers < own
        {
            tracing::debug!(
                "{label} - Max {what} set to {servers} from server overrides account or user config"
            );
        }
    }
}
