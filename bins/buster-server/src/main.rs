//! The server as a program: arguments in, exit code out.

use std::path::Path;
use std::process::ExitCode;

use node::{COMPATIBLE_VERSION, OWN_VERSION};
use server_options::{Invocation, Options, PROGRAM, parse, usage, version_text};

fn main() -> ExitCode {
    match parse(std::env::args_os()) {
        Ok(Invocation::Run(options)) => run(&options),
        Ok(Invocation::PrintHelp(text)) => print(&text),
        Ok(Invocation::PrintVersion) => print(&version_text(COMPATIBLE_VERSION, OWN_VERSION)),
        Err(error) => {
            eprintln!("{}", error.report());
            if error.usage_follows() {
                println!("{}", usage());
            }
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> ExitCode {
    let log = server_log::Config {
        pid: std::process::id(),
        file: options.log_file.clone(),
        time: options.log_time,
        debug: options.debug,
        trace: options.trace,
    };
    if let Err(error) = server_log::init(log) {
        eprintln!("{PROGRAM}: {error}");
        return ExitCode::FAILURE;
    }
    let called = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&called).file_name().map_or(PROGRAM.into(), |name| name.to_string_lossy());
    match node::serve(options, &program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(fatal = true, "{error}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}
