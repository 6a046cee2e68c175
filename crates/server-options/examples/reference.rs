//! Prints what is generated from the flag table: `man`, `bash`, `zsh` or `fish`. `cargo xtask reference`
//! keeps the files in docs/ as this says.

use std::process::ExitCode;

use server_options::{CompletionShell, completion, man_page};

fn main() -> ExitCode {
    let text = match std::env::args().nth(1).as_deref() {
        Some("man") => man_page(),
        Some("bash") => completion(CompletionShell::Bash),
        Some("zsh") => completion(CompletionShell::Zsh),
        Some("fish") => completion(CompletionShell::Fish),
        _ => {
            eprintln!("one of man, bash, zsh, fish");
            return ExitCode::FAILURE;
        }
    };
    print!("{text}");
    ExitCode::SUCCESS
}
