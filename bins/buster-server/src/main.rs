//! The server as a program: arguments in, exit code out.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use node::{COMPATIBLE_VERSION, OWN_VERSION};
use server_options::{CommandLine, Invocation, Options, OptionsError, parse, program, usage, version_text};

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    let program = program(&called);
    match parse(std::env::args_os()) {
        Ok(Invocation::Run(command_line)) => run(&command_line, program, &called),
        Ok(Invocation::Signal(_)) => {
            eprintln!("{program}: flag -signal is not supported yet");
            ExitCode::FAILURE
        }
        Ok(Invocation::PrintHelp(text)) => print(&text),
        Ok(Invocation::PrintVersion) => print(&version_text(program, COMPATIBLE_VERSION, OWN_VERSION)),
        Err(error) => refuse(program, &error),
    }
}

fn run(command_line: &CommandLine, program: &str, called: &OsString) -> ExitCode {
    let options = match command_line.options() {
        Ok(options) => options,
        Err(error) => return refuse(program, &error),
    };
    let called = Path::new(called).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let log = match server_log::init(&log(&options), &called) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{program}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = node::serve(&options, &called);
    if let Err(error) = &outcome {
        tracing::error!(fatal = true, "{error}");
    }
    log.flush();
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn log(options: &Options) -> server_log::Config {
    server_log::Config {
        file: options.log_file.clone(),
        time: options.log_time,
        debug: options.debug,
        trace: options.trace,
        ..server_log::Config::default()
    }
}

fn refuse(program: &str, error: &OptionsError) -> ExitCode {
    eprintln!("{}", error.report(program));
    if error.usage_follows() {
        println!("{}", usage(program));
    }
    ExitCode::FAILURE
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}
