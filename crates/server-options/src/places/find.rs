//! Finding the places in a file, and forgetting those that flags outrank.

use nats_conf::Map;

use crate::draft::Draft;
use crate::table::OPTIONS;

use super::{FallibleOption, Places};

impl Places {
    /// Finds the places. Where several keys say the same, the last one counts.
    pub(crate) fn read(map: &Map) -> Self {
        let mut places = Self::default();
        for entry in map {
            let row = OPTIONS.iter().find(|row| row.key.has(entry));
            for option in row.into_iter().flat_map(|row| row.told_for) {
                places.0.retain(|(known, _)| known != option);
                places.0.push((*option, entry.value.position.clone()));
            }
        }
        places
    }

    /// What the options that have a place are at one time, only good to be compared.
    pub(crate) fn values(&self, draft: &Draft) -> Vec<String> {
        self.0.iter().map(|(option, _)| option.value(draft)).collect()
    }

    /// Forgets those of options that were `before` and are not any more.
    pub(crate) fn retain_unchanged(&mut self, before: &[String], draft: &Draft) {
        let now = self.values(draft);
        let mut unchanged = before.iter().zip(&now).map(|(before, now)| before == now);
        self.0.retain(|_| unchanged.next() == Some(true));
    }
}

impl FallibleOption {
    /// What flags may change of it.
    fn value(self, draft: &Draft) -> String {
        match self {
            Self::Listen => format!("{} {}", draft.options.host, draft.port),
            Self::Monitoring => format!("{:?}", draft.monitor),
            Self::LogFile => format!("{:?}", draft.options.log.file),
            Self::Syslog => format!("{:?}", draft.options.log.remote_syslog),
            Self::PidFile => format!("{:?}", draft.options.pid_file),
            Self::Tls => format!("{:?}", draft.tls_flags),
            Self::Port => draft.port.to_string(),
            Self::ClientAdvertise => format!("{:?}", draft.client_advertise),
            Self::Cluster => format!("{:?}", draft.cluster),
            Self::LameDuck
            | Self::Payload
            | Self::Users
            | Self::NoAuthUser
            | Self::SystemAccount
            | Self::WebSocket
            | Self::HttpApi
            | Self::LeafNodes
            | Self::Console => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::Invocation;
    use crate::parse;

    /// The places after a start with this file and these flags.
    fn places(file: &'static str, flags: &[&str]) -> Places {
        let args = [&["buster-server", "-c", "x.conf"][..], flags].concat();
        let Ok(Invocation::Run(line)) = parse(args.into_iter().map(Into::into)) else { panic!("it runs") };
        let read = |_: &str| Ok(file.as_bytes().to_vec());
        let sources = nats_conf::Sources { read: &read, env: &|_| None };
        line.load(&sources).expect("the file is right").options.config.expect("there is a file").places
    }

    fn shown(places: &Places, option: FallibleOption) -> Option<String> {
        places.of(option).map(ToString::to_string)
    }

    const FILE: &str = "port: 4333\nhttp: 8222\npid_file: a.pid\nlog_file: b.log\nHost: \"::1\"\n";

    #[test]
    fn an_option_stands_where_it_was_last_written() {
        let places = places(FILE, &["-D"]);
        assert_eq!(shown(&places, FallibleOption::Listen).as_deref(), Some("x.conf:5:1"));
        assert_eq!(shown(&places, FallibleOption::Monitoring).as_deref(), Some("x.conf:2:1"));
        assert_eq!(shown(&places, FallibleOption::PidFile).as_deref(), Some("x.conf:3:1"));
        assert_eq!(shown(&places, FallibleOption::LogFile).as_deref(), Some("x.conf:4:1"));
        assert_eq!(shown(&places, FallibleOption::Tls), None);
    }

    #[test]
    fn what_a_flag_has_changed_stands_nowhere() {
        let places = places(FILE, &["-p", "4334", "-P", "c.pid", "-l", "b.log"]);
        assert_eq!(shown(&places, FallibleOption::Listen), None);
        assert_eq!(shown(&places, FallibleOption::PidFile), None);
        assert_eq!(
            shown(&places, FallibleOption::LogFile).as_deref(),
            Some("x.conf:4:1"),
            "both say the same"
        );
    }
}
