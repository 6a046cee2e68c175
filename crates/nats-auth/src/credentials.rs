//! What a client shows, and what comes of it.

use std::fmt;
use std::sync::{Arc, Weak};

use data_encoding::{BASE64, BASE64URL_NOPAD};

use crate::certificate::PeerFacts;
use crate::claim::Claim;
use crate::connection_type::ConnectionType;
use crate::identity::Identity;
use crate::password;
use crate::secret::Secret;

/// What a client shows of itself in CONNECT and with its certificate. Text that is not there is empty.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// Public key of a user.
    pub nkey: &'a str,
    /// The nonce, signed with that key, in base64.
    pub signature: &'a str,
    /// The nonce that its INFO had.
    pub nonce: &'a str,
    /// Token.
    pub token: &'a str,
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Its certificate, if it showed one that was verified.
    pub peer: Option<&'a PeerFacts>,
    /// How it is connected.
    pub connection_type: ConnectionType,
}

impl Credentials<'_> {
    pub(crate) fn has_password_or_token(&self) -> bool {
        !self.user.is_empty() || !self.password.is_empty() || !self.token.is_empty()
    }

    /// Who the client says to be. Of several names nats-server goes by the first of these.
    pub fn claim(&self) -> Option<Claim> {
        if !self.nkey.is_empty() {
            Some(Claim::nkey(self.nkey))
        } else if !self.user.is_empty() {
            Some(Claim::user(self.user))
        } else {
            (!self.token.is_empty()).then(Claim::token)
        }
    }

    /// What logs call a client that was found to be `found`, by what it says or by its certificate.
    pub fn claim_beside(&self, found: Option<Claim>) -> Option<Claim> {
        self.claim().filter(|claim| claim.goes_before(found.as_ref())).or(found)
    }

    /// Why the signature is not the key's for the nonce, in nats-server's words; `None` if it is.
    pub(crate) fn signature_fault(&self, key: &nkeys::KeyPair) -> Option<&'static str> {
        let text = self.signature.as_bytes();
        if text.is_empty() {
            return Some("Signature missing");
        }
        let Ok(signature) = BASE64URL_NOPAD.decode(text).or_else(|_| BASE64.decode(text)) else {
            return Some("Signature not valid base64");
        };
        let is_verified = key.verify(self.nonce.as_bytes(), &signature).is_ok();
        (!is_verified).then_some("Signature not verified")
    }
}

/// What comes of credentials.
#[derive(Debug)]
pub enum Verdict {
    /// The client is this user.
    Granted(Arc<Identity>),
    /// The client is nobody. It would be this one, as far as that is known.
    Refused(Option<Claim>),
    /// It depends on a hash, which takes its time: not to be done on a shard.
    Check(PasswordCheck),
}

/// A password that is still to be held against its hash.
pub struct PasswordCheck {
    pub(crate) identity: Arc<Identity>,
    pub(crate) question: Arc<Question>,
    /// Gone when nobody waits for the outcome any more; `None` if somebody always does.
    pub(crate) claim: Option<Weak<str>>,
}

/// Whether a password fits a hash. Equal questions have the same answer, whoever asks.
#[derive(PartialEq, Eq, Hash)]
pub struct Question {
    stored: Secret,
    given: Secret,
}

impl PasswordCheck {
    pub(crate) fn new(identity: &Arc<Identity>, stored: &Secret, given: &str) -> Self {
        let question = Question { stored: stored.clone(), given: Secret::new(given) };
        Self { identity: Arc::clone(identity), question: Arc::new(question), claim: None }
    }

    /// Lets the check lapse when what the client says to be, kept while it waits, is dropped.
    pub fn lapse_with(&mut self, claim: &Arc<str>) {
        self.claim = Some(Arc::downgrade(claim));
    }

    /// Whose password it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What is to be found out.
    pub fn question(&self) -> &Arc<Question> {
        &self.question
    }

    /// Whether nobody waits for the outcome any more.
    pub fn has_lapsed(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.strong_count() == 0)
    }

    /// Who the client is, by the answer to the question.
    pub fn settle(self, is_right: bool) -> Option<Arc<Identity>> {
        is_right.then_some(self.identity)
    }

    /// Answers the question and says who the client is; asks nothing if the check has lapsed.
    pub fn run(self) -> Option<Arc<Identity>> {
        let is_right = !self.has_lapsed() && self.question.answer();
        self.settle(is_right)
    }
}

impl Question {
    /// Finds it out: takes from a millisecond to seconds of a processor.
    pub fn answer(&self) -> bool {
        password::matches_hash(&self.stored, &self.given)
    }
}

impl fmt::Debug for PasswordCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCheck").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}
