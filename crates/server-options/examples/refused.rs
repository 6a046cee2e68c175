//! Prints what nats-server takes and we refuse, as the two tables of `docs/differences.md`.

use server_options::{Idle, RefusedOption, refused_flags, refused_keys};

fn main() {
    println!("| flag | what is missing |\n|---|---|");
    for flag in refused_flags() {
        println!("| {} | {} |", names(&flag, "-"), flag.missing);
    }
    println!("\n| key | in | what is missing |\n|---|---|---|");
    for key in refused_keys() {
        let block = if key.block.is_empty() { "–".into() } else { format!("`{}`", key.block) };
        println!("| {} | {block} | {}{} |", names(&key, ""), key.missing, exception(key.unless));
    }
}

fn names(refused: &RefusedOption, dash: &str) -> String {
    let names: Vec<_> = refused.names.iter().map(|name| format!("`{dash}{name}`")).collect();
    names.join(" ")
}

fn exception(unless: Idle) -> &'static str {
    match unless {
        Idle::Never => "",
        Idle::Off => "; it may be off",
        Idle::EmptyBlock | Idle::EmptyList | Idle::EmptyText => "; it may be empty",
        Idle::Zero => "; it may be 0",
        Idle::NotPositive => "; it may be 0 or less",
        Idle::Uncompressed => "; it may be `off` or `accept`",
    }
}
