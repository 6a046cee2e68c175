//! Prints what nats-server takes and we refuse, as the two tables of `docs/differences.md`.

use server_options::{Refused, refused_flags, refused_keys};

fn main() {
    println!("| flag | what is missing |\n|---|---|");
    for flag in refused_flags() {
        println!("| {} | {} |", names(&flag, "-"), flag.missing);
    }
    println!("\n| key | in | what is missing |\n|---|---|---|");
    for key in refused_keys() {
        let block = if key.block.is_empty() { "–".into() } else { format!("`{}`", key.block) };
        let off = if key.may_be_off { "; it may be off" } else { "" };
        println!("| {} | {block} | {}{off} |", names(&key, ""), key.missing);
    }
}

fn names(refused: &Refused, dash: &str) -> String {
    let names: Vec<_> = refused.names.iter().map(|name| format!("`{dash}{name}`")).collect();
    names.join(" ")
}
