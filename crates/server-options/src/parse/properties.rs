//! What holds for every command line.

use fabric::SHARDS_MAX;
use nats_conf::Sources;
use proptest::prelude::*;

use super::*;
use crate::options::Port;
use crate::usage::usage;

/// Arguments that often get past the first check: real names, dashes, `=` and values in odd order.
fn likely_arg() -> impl Strategy<Value = OsString> {
    let dashes = prop::sample::select(vec!["", "-", "--", "---"]);
    let names: Vec<&str> = OPTIONS.iter().flat_map(|row| row.flags).copied().collect();
    let values = vec!["", "=", "=1", "=-1", "=true", "=false", "=x", "=99999", "=\u{e9}"];
    (dashes, prop::sample::select(names), prop::sample::select(values))
        .prop_map(|(dashes, name, value)| OsString::from(format!("{dashes}{name}{value}")))
}

fn any_arg() -> impl Strategy<Value = OsString> {
    prop_oneof![
        3 => likely_arg(),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(OsString::from_vec),
        1 => any::<i64>().prop_map(|number| OsString::from(number.to_string())),
    ]
}

proptest! {
    /// Whatever the arguments: no panic, options within their promises, or an error that can be shown.
    #[test]
    fn any_command_line_gives_sound_options_or_an_error(args in prop::collection::vec(any_arg(), 0..8)) {
        match parse(args) {
            Ok(Invocation::Run(command_line)) if command_line.config().is_some() => {}
            Ok(Invocation::Run(command_line)) => {
                let options = command_line.load(&Sources::NONE).expect("it was checked").options;
                prop_assert!(options.port != Port::Fixed(0));
                prop_assert!(options.shards.is_none_or(|count| (1..=SHARDS_MAX).contains(&count)));
                prop_assert!(!options.host.is_empty());
                prop_assert!(options.server_name.is_none_or(|name| !name.is_empty() && !name.contains(' ')));
            }
            Ok(Invocation::PrintHelp(text)) => prop_assert_eq!(text, usage("buster-server")),
            Ok(Invocation::PrintTlsHelp | Invocation::PrintVersion) => {}
            Ok(Invocation::Check(command_line)) => prop_assert!(command_line.config().is_some()),
            Ok(Invocation::Signal(_) | Invocation::CheckStore(_)) => {}
            Ok(Invocation::Copy(_) | Invocation::Replay(_) | Invocation::Http(_) | Invocation::Dev(_)) => {}
            Err(error) => prop_assert!(!error.report("buster-server").is_empty()),
        }
    }

    /// Any port a socket can have comes back as it was given, whatever the dash style.
    #[test]
    fn ports_come_back_as_given(port in 1u16.., dashes in "-{1,2}", name in "p|port", inline: bool) {
        let args = if inline {
            vec![format!("{dashes}{name}={port}")]
        } else {
            vec![format!("{dashes}{name}"), port.to_string()]
        };
        let program = std::iter::once(String::new());
        let Ok(Invocation::Run(command_line)) = parse(program.chain(args).map(OsString::from)) else {
            return Err(TestCaseError::fail("not understood"));
        };
        prop_assert_eq!(command_line.load(&Sources::NONE).expect("it was checked").options.port, Port::Fixed(port));
    }
}
