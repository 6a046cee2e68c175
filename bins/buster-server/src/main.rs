//! The server as a program: arguments in, exit code out.

mod http;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use block_alloc::{BlockAlloc, tidy_at_once};
use node::{COMPATIBLE_VERSION, OWN_VERSION, Trial, load, log_failure, send_signal, start_failure};
use server_options::{
    CommandLine, CopyCall, CopyKind, DevCall, Invocation, OptionsError, ReplayCall, StoreCall, parse,
    program, tls_help, usage, version_text,
};
use store_copies::{Letters, Link, Outcome, Replayed};

/// What waits for clients comes and goes with how fast they read; its memory does, too.
#[global_allocator]
static ALLOCATOR: BlockAlloc = BlockAlloc::new();

fn main() -> ExitCode {
    tidy_at_once();
    let called = std::env::args_os().next().unwrap_or_default();
    let program = program(&called);
    match parse(std::env::args_os()) {
        Ok(Invocation::Run(command_line)) => run(&command_line, program, &called, None),
        Ok(Invocation::Dev(call)) => try_out(call, program, &called),
        Ok(Invocation::Check(command_line)) => check(&command_line, program),
        Ok(Invocation::Signal(call)) => match send_signal(&call, program) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(format_args!("{program}: {error}"));
                ExitCode::FAILURE
            }
        },
        Ok(Invocation::CheckStore(call)) => check_store(&call, program),
        Ok(Invocation::Copy(call)) => copy_streams(&call, program),
        Ok(Invocation::Replay(call)) => replay_letters(&call, program),
        Ok(Invocation::Http(call)) => http::serve(&call, program),
        Ok(Invocation::PrintHelp(text)) => print(&text),
        Ok(Invocation::PrintVersion) => print(&version_text(program, COMPATIBLE_VERSION, OWN_VERSION)),
        Ok(Invocation::PrintTlsHelp) => print(tls_help().trim_end()),
        Err(error) => refuse(program, &error),
    }
}

/// `dev`: with all that can be tried.
fn try_out(call: DevCall, program: &str, called: &OsString) -> ExitCode {
    let others: Result<Vec<_>, OptionsError> =
        call.others.iter().map(|line| load(line).map(|loaded| loaded.options)).collect();
    match others {
        Ok(others) => {
            let trial = Trial { others, hints: call.hints, page: call.page };
            run(&call.command_line, program, called, Some(&trial))
        }
        Err(error) => refuse(program, &error),
    }
}

fn run(command_line: &CommandLine, program: &str, called: &OsString, trial: Option<&Trial>) -> ExitCode {
    let options = match load(command_line) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(complain);
            loaded.options
        }
        Err(error) => return refuse(program, &error),
    };
    let called = Path::new(called).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let log = match server_log::init(&options.log, &called) {
        Ok(log) => log,
        Err(error) => {
            complain(format_args!("{program}: {}", log_failure(&error, &options)));
            return ExitCode::FAILURE;
        }
    };
    let outcome = node::serve(command_line, &options, &called, &log, trial);
    if let Err(error) = &outcome {
        tracing::error!(fatal = true, "{}", start_failure(error, &options));
    }
    log.flush();
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `-t`: warnings about the file count as mistakes.
fn check(command_line: &CommandLine, program: &str) -> ExitCode {
    let loaded = match load(command_line) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(program, &error),
    };
    if !loaded.warnings.is_empty() {
        return refuse(program, &OptionsError::Config(loaded.warnings));
    }
    match node::check(&loaded.options) {
        Ok(oddities) => oddities.iter().for_each(|line| complain(format_args!("{program}: {line}"))),
        Err(error) => {
            complain(format_args!("{program}: {}", start_failure(&error, &loaded.options)));
            return ExitCode::FAILURE;
        }
    }
    if let Some(config) = &loaded.options.config {
        let (path, digest) = (config.path.display(), &config.digest);
        complain(format_args!("{program}: configuration file {path} is valid ({digest})"));
    }
    ExitCode::SUCCESS
}

/// `fsck`: 0 is sound, 2 is damaged.
fn check_store(call: &StoreCall, program: &str) -> ExitCode {
    const DAMAGED: u8 = 2;
    let keys = match call.command_line.as_ref().map(load).transpose() {
        Ok(loaded) => loaded.map(|loaded| loaded.options.jetstream.keys).unwrap_or_default(),
        Err(error) => return refuse(program, &error),
    };
    match store_check::check(&call.folder, &keys) {
        Ok(findings) => {
            let printed = print(&findings.to_string());
            if findings.is_sound() { printed } else { DAMAGED.into() }
        }
        Err(error) => {
            complain(format_args!("{program}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// `backup`, `restore` and `import-store`: a line for each stream once it is copied, and 0 if all of all were.
fn copy_streams(call: &CopyCall, program: &str) -> ExitCode {
    let mut is_all = true;
    let tell = &mut |outcome: &Outcome| {
        let _ = print(&outcome.to_string());
        is_all &= outcome.is_whole();
    };
    let copied = Link::connect(&call.server).and_then(|mut link| match call.kind {
        CopyKind::Backup => store_copies::backup(&mut link, &call.folder, tell),
        CopyKind::Restore => store_copies::restore(&mut link, &call.folder, tell),
        CopyKind::ImportStore => store_copies::import(&mut link, &call.folder, &call.account, tell),
    });
    match copied {
        Ok(()) if is_all => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("{program}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// `replay`: a line for each letter, and 0 if all were published.
fn replay_letters(call: &ReplayCall, program: &str) -> ExitCode {
    let ReplayCall { stream, server, of, consumer, keeps } = call.clone();
    let letters = Letters { stream, of, consumer, keeps };
    let mut is_all = true;
    let tell = &mut |replayed: &Replayed| {
        let _ = print(&replayed.to_string());
        is_all &= replayed.result.is_ok();
    };
    let replayed =
        Link::connect(&server).and_then(|mut link| store_copies::replay(&mut link, &letters, tell));
    match replayed {
        Ok(()) if is_all => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("{program}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn refuse(program: &str, error: &OptionsError) -> ExitCode {
    complain(error.report(program));
    if error.usage_follows() {
        print(&usage(program));
    }
    ExitCode::FAILURE
}

fn print(text: &str) -> ExitCode {
    // Whoever read may have had enough: that is their affair.
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// Says a line on the standard error, if anybody listens.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
