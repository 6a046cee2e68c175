//! The options that only one request has.

use nats_proto::go_json::{Field, Fields};

use crate::accounts::{AccountzOptions, StatzOptions};
use crate::client_options::ClientOptions;
use crate::connz::ConnzOptions;
use crate::healthz::HealthzOptions;
use crate::idle::IdleOptions;
use crate::inquiry::InquiryKind;
use crate::jsz::JszOptions;
use crate::leafz::LeafzOptions;
use crate::profilez::ProfilezOptions;
use crate::request::Request;
use crate::subsz::SubszOptions;

/// Those of a request.
#[derive(Debug, Default)]
pub(crate) enum OwnOptions {
    /// It has none.
    #[default]
    Nothing,
    Healthz(HealthzOptions),
    Jsz(JszOptions),
    Connz(ConnzOptions),
    Subsz(SubszOptions),
    Accountz(AccountzOptions),
    Statz(StatzOptions),
    Profilez(ProfilezOptions),
    Leafz(LeafzOptions),
    Idle(IdleOptions),
    Client(ClientOptions),
}

impl OwnOptions {
    /// Those of a request, before anything is read.
    pub(crate) fn of(request: Request) -> Self {
        match request {
            Request::Healthz => Self::Healthz(HealthzOptions::default()),
            Request::Jsz | Request::AccountJsz => Self::Jsz(JszOptions::default()),
            Request::Connz(_) => Self::Connz(ConnzOptions::default()),
            Request::Subsz(_) => Self::Subsz(SubszOptions::default()),
            Request::Accountz => Self::Accountz(AccountzOptions::default()),
            Request::Statz(_) => Self::Statz(StatzOptions::default()),
            Request::Leafz => Self::Leafz(LeafzOptions::default()),
            Request::Profilez => Self::Profilez(ProfilezOptions::default()),
            Request::Kick | Request::Ldm => Self::Client(ClientOptions::default()),
            request => IdleOptions::of(request).map_or(Self::Nothing, Self::Idle),
        }
    }

    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        match self {
            Self::Nothing => None,
            Self::Healthz(options) => options.field(name),
            Self::Jsz(options) => options.field(name),
            Self::Connz(options) => options.field(name),
            Self::Subsz(options) => options.field(name),
            Self::Accountz(options) => options.field(name),
            Self::Statz(options) => options.field(name),
            Self::Profilez(options) => options.field(name),
            Self::Leafz(options) => options.field(name),
            Self::Idle(options) => options.field(name),
            Self::Client(options) => options.field(name),
        }
    }

    /// What Go calls the type of the field of that name, where it is not a plain one.
    pub(crate) fn go_type_of(&self, name: &str) -> Option<&'static str> {
        match self {
            Self::Connz(_) => ConnzOptions::go_type_of(name),
            Self::Profilez(_) => ProfilezOptions::go_type_of(name),
            _ => None,
        }
    }

    /// What is to be found out, about that account if it is about one.
    ///
    /// # Errors
    /// The question makes no sense: what there is to say.
    pub(crate) fn inquiry(self, request: Request, account: Option<&str>) -> Result<InquiryKind, String> {
        let named = || Box::from(account.unwrap_or_default());
        Ok(match (self, request) {
            (Self::Healthz(options), _) => InquiryKind::Healthz(options.query()),
            (Self::Jsz(options), Request::AccountJsz) => {
                InquiryKind::AccountJsz(named(), options.of_account())
            }
            (Self::Jsz(options), _) => InquiryKind::Jsz(options.query()),
            (Self::Connz(options), _) => InquiryKind::Connz(options.query(account)?),
            (Self::Subsz(options), _) => InquiryKind::Subsz(options.query(account)?),
            (Self::Accountz(options), _) => InquiryKind::Accountz(options.account()),
            (Self::Statz(options), _) => InquiryKind::Statz(options.query(account)),
            (Self::Profilez(options), _) => InquiryKind::Profilez(options.refusal()),
            (Self::Leafz(options), _) => InquiryKind::Leafz(options.query(account)),
            (Self::Client(options), Request::Kick) => InquiryKind::Kick(options.cid),
            (Self::Client(options), _) => InquiryKind::Ldm(options.cid),
            (_, Request::Reload) => InquiryKind::Reload,
            (_, Request::Expvarz) => InquiryKind::Expvarz,
            (_, Request::Statsz) => InquiryKind::Statsz,
            (_, Request::Varz) => InquiryKind::Varz,
            (_, Request::Routez) => InquiryKind::Routez,
            (_, Request::Gatewayz) => InquiryKind::Gatewayz,
            (_, Request::IpQueuesz) => InquiryKind::IpQueuesz,
            (_, Request::Raftz) => InquiryKind::Raftz,
            (_, Request::AccountInfo) => InquiryKind::AccountInfo(named()),
            (_, request) => unreachable!("{request:?} is answered by the shard"),
        })
    }
}
