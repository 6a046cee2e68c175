//! `http`: the API before a server that runs elsewhere.

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;

use http_gateway::{Backend, Listener, StartError, start};
use server_options::{HttpCall, Port};

use crate::complain;

/// Why it cannot be offered.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot listen on {0}: {1}")]
    Listen(String, io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Serves until the process is ended.
pub(crate) fn serve(call: &HttpCall, program: &str) -> ExitCode {
    let Err(failure) = offer(call) else { unreachable!("it serves until the process is ended") };
    complain(format_args!("{program}: {failure}"));
    ExitCode::FAILURE
}

fn offer(call: &HttpCall) -> Result<(), Failure> {
    let (api, (host, port)) = (&call.api, call.server.clone());
    let place = (&*api.host, api.port.map_or(0, Port::number));
    let refused = |error| Failure::Listen(format!("{}:{}", place.0, place.1), error);
    let socket = TcpListener::bind(place).map_err(refused)?;
    let address = socket.local_addr().map_err(refused)?;
    let mut config = api.config.clone();
    // Nobody here knows whether the server wants credentials.
    config.guard.is_open = true;
    config.guard.hosts.push(api.host.clone());
    let listener = Listener { socket, shared: None };
    let _running = start(vec![listener], config, Backend::At(host.clone(), port))?;
    complain(format_args!("Listening for HTTP clients on http://{address}, before nats://{host}:{port}"));
    loop {
        thread::park();
    }
}
