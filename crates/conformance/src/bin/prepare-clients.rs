//! Installs the client libraries the scenarios need, so that a test run does not have to.

use std::process::ExitCode;

use conformance::foreign::ForeignClient;

fn main() -> ExitCode {
    for client in ForeignClient::ALL {
        if let Err(error) = client.prepare() {
            eprintln!("{}: {error}", client.name());
            return ExitCode::FAILURE;
        }
    }
    if let Err(error) = ForeignClient::prepare_browser() {
        eprintln!("browser: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
