//! Why a command line was refused, in the words Go's flag package and nats-server use.

use nats_proto::quote;

use crate::places::{FallibleOption, Places};

/// Why a command line was refused. `Display` is the bare message; a program prints
/// [`report`](Self::report).
///
/// Texts were compared with nats-server 2.14.5. The exceptions: `RenamedFlag` and `NotSupported` are ours,
/// and `PortOutOfRange` is a fatal log line there, after the start-up lines.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Dashes that lead to no flag name, as in `---p` or `-=3`.
    #[error("bad flag syntax: {0}")]
    BadSyntax(String),
    /// A flag neither nats-server nor this server has.
    #[error("flag provided but not defined: -{0}")]
    UnknownFlag(String),
    /// A flag of ours that was called otherwise.
    #[error("flag -{flag} is called -{now} now")]
    RenamedFlag {
        /// What it was called, without dashes.
        flag: &'static str,
        /// What it is called, without dashes.
        now: &'static str,
    },
    /// The last argument is a flag that wants a value.
    #[error("flag needs an argument: -{0}")]
    MissingValue(&'static str),
    /// A value that does not fit the flag.
    #[error("invalid value {} for flag -{flag}: {reason}", quote(value))]
    BadValue {
        /// The value as given, with bytes that are not UTF-8 replaced.
        value: String,
        /// The flag's name as given, without dashes.
        flag: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A switch with a value other than true or false.
    #[error("invalid boolean value {} for -{flag}: parse error", quote(value))]
    BadSwitch {
        /// The value as given, with bytes that are not UTF-8 replaced.
        value: String,
        /// The flag's name as given, without dashes.
        flag: &'static str,
    },
    /// `fsck` without a directory, or with anything else.
    #[error("fsck takes one directory, which is what store_dir says, and --config")]
    OneDirectory,
    /// A word that copies streams without a directory, or with anything that it does not know.
    #[error("{0} takes one directory, and --server with an address: see {0} --help")]
    CopyTakes(&'static str),
    /// `replay` without a stream, or with anything that it does not know.
    #[error("replay takes the name of a stream: see replay --help")]
    ReplayTakes,
    /// `dev` with anything that it does not know.
    #[error("dev takes a directory and how many servers there are, 1 to 9: see dev --help")]
    DevTakes,
    /// `http` with anything that it does not know.
    #[error("http takes a server and where to listen: see http --help")]
    HttpTakes,
    /// A word that is no flag and is neither `help` nor `version`.
    #[error("unrecognized command: {}", quote(.0))]
    UnrecognizedCommand(String),
    /// A flag of nats-server that this server does not have yet.
    #[error("flag -{flag} is not supported yet: {missing}")]
    NotSupported {
        /// The flag's name as given, without dashes.
        flag: &'static str,
        /// What is not built yet.
        missing: &'static str,
    },
    /// `--signal` with more than one `=`.
    #[error("invalid signal parameters: [{0}]")]
    BadSignal(String),
    /// `--signal` with a command there is not.
    #[error("unknown signal {}", quote(.0))]
    UnknownSignal(String),
    /// A port no socket can have.
    #[error("Error listening on port: {host}:{port}, \"listen tcp: address {port}: invalid port\"")]
    PortOutOfRange {
        /// The host that was to be bound.
        host: String,
        /// The port as given.
        port: i64,
    },
    /// The configuration file, or what it includes, cannot be read or is wrong: a line each, those that
    /// are mere warnings first.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// `-t` without `-c`.
    #[error("must specify [-c, --config] option to check configuration file syntax")]
    NothingToCheck,
    /// Flags for TLS without `--tlscert`.
    #[error("TLS Server certificate must be present and valid")]
    NoTlsCertificate,
    /// Flags for TLS without `--tlskey`.
    #[error("TLS Server private key must be present and valid")]
    NoTlsKey,
    /// Lame duck mode would be over before it begins.
    #[error("lame duck grace period ({grace}) should be strictly lower than lame duck duration ({duration})")]
    LameDuckGrace {
        /// The grace period, as Go shows it.
        grace: String,
        /// The duration, as Go shows it.
        duration: String,
    },
    /// The largest message could never be delivered.
    #[error("max_payload ({payload}) cannot be higher than max_pending ({pending})")]
    PayloadAbovePending {
        /// In bytes.
        payload: usize,
        /// In bytes.
        pending: usize,
    },
    /// `no_auth_user` without any user.
    #[error("no_auth_user: {} present, but users/nkeys are not defined", quote(.0))]
    NoAuthUserWithoutUsers(String),
    /// `no_auth_user` is nobody.
    #[error(
        "no_auth_user: {} not present as user or nkey in authorization block or account configuration",
        quote(.0)
    )]
    NoAuthUserUnknown(String),
    /// `system_account` is no account.
    #[error("error resolving system account: account missing")]
    SystemAccountMissing,
    /// Monitoring is to speak both HTTP and HTTPS.
    #[error("can't specify both HTTP ({http}) and HTTPs ({https}) ports")]
    HttpAndHttps {
        /// The port for HTTP, as given.
        http: i64,
        /// The port for HTTPS, as given.
        https: i64,
    },
    /// Monitoring is to speak HTTPS, and there is no certificate.
    #[error("TLS cert and key required for HTTPS")]
    HttpsWithoutTls,
    /// The page for people is asked for, and there is no port to serve it at.
    #[error("console needs monitoring: set http_port or https_port")]
    ConsoleWithoutMonitoring,
    /// A port for monitoring that no socket can have.
    #[error("can't listen to the monitor port: listen tcp: address {0}: invalid port")]
    MonitorPortOutOfRange(i64),
    /// An address for clients that is none.
    #[error("Error setting server INFO with ClientAdvertise value of {value}, err={reason}")]
    ClientAdvertise {
        /// As given.
        value: String,
        /// What is wrong with it, in Go's words.
        reason: String,
    },
    /// The listener for WebSockets cannot be as it is asked for: in nats-server's words.
    #[error("{0}")]
    WebSocket(String),
    /// The HTTP API cannot be as it is asked for.
    #[error("{0}")]
    HttpApi(String),
    /// Routes cannot be as they are asked for: in nats-server's words.
    #[error("{0}")]
    Cluster(String),
    /// Leaf nodes cannot be as they are asked for: in nats-server's words.
    #[error("{0}")]
    LeafNodes(String),
    /// Names of clusters do not have spaces either.
    #[error("cluster name cannot contain spaces")]
    ClusterNameHasSpaces,
    /// Server names go into space-separated places.
    #[error("server name cannot contain spaces")]
    ServerNameHasSpaces,
}

impl OptionsError {
    /// The line for standard error, without its newline. `program` is the name we go by.
    pub fn report(&self, program: &str) -> String {
        if self.usage_follows() { self.to_string() } else { format!("{program}: {self}") }
    }

    /// What it is about, if that may stand in the configuration file and was understood there.
    fn fallible_option(&self) -> Option<FallibleOption> {
        Some(match self {
            Self::PortOutOfRange { .. } => FallibleOption::Port,
            Self::LameDuckGrace { .. } => FallibleOption::LameDuck,
            Self::PayloadAbovePending { .. } => FallibleOption::Payload,
            Self::NoAuthUserWithoutUsers(_) | Self::NoAuthUserUnknown(_) => FallibleOption::NoAuthUser,
            Self::SystemAccountMissing => FallibleOption::SystemAccount,
            Self::HttpAndHttps { .. } | Self::HttpsWithoutTls | Self::MonitorPortOutOfRange(_) => {
                FallibleOption::Monitoring
            }
            Self::ClientAdvertise { .. } => FallibleOption::ClientAdvertise,
            Self::WebSocket(_) => FallibleOption::WebSocket,
            Self::HttpApi(_) => FallibleOption::HttpApi,
            Self::LeafNodes(_) => FallibleOption::LeafNodes,
            Self::ConsoleWithoutMonitoring => FallibleOption::Console,
            Self::Cluster(_) | Self::ClusterNameHasSpaces => FallibleOption::Cluster,
            _ => return None,
        })
    }

    /// The same, with where in the configuration file that stands, if it does.
    pub(crate) fn placed(self, places: &Places) -> Self {
        match self.fallible_option().and_then(|option| places.of(option)) {
            Some(place) => Self::Config(vec![format!("{place}: {self}")]),
            None => self,
        }
    }

    /// Whether [`usage`](crate::usage) goes to standard output after the report: true when a flag was
    /// not understood.
    pub fn usage_follows(&self) -> bool {
        matches!(
            self,
            Self::BadSyntax(_)
                | Self::UnknownFlag(_)
                | Self::MissingValue(_)
                | Self::BadValue { .. }
                | Self::BadSwitch { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_errors_show_the_bare_text_before_the_usage() {
        let error = OptionsError::UnknownFlag("zz".to_owned());
        assert_eq!(error.report("nats-server"), "flag provided but not defined: -zz");
        assert!(error.usage_follows());
    }

    #[test]
    fn other_errors_name_the_program() {
        let error = OptionsError::NotSupported { flag: "routes", missing: "there are no clusters" };
        let report = "buster-server: flag -routes is not supported yet: there are no clusters";
        assert_eq!(error.report("buster-server"), report);
        assert!(!error.usage_follows());
    }
}
