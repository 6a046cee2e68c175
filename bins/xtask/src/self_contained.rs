//! `cargo xtask static`: the server as one file that needs no other, checked and weighed.
//!
//! The C library is linked into it: glibc for this machine's own target, musl for a target that is named so. What
//! comes out must ask for no loader, weigh little, and run in a folder where there is nothing else
//! (`crates/conformance/tests/bare_root.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::compare::commit;
use crate::run;
use crate::splice::splice;
use crate::workspace::Workspace;

const PAGE: &str = "docs/performance.md";

const BEGIN: &str = "<!-- static:begin -->";
const END: &str = "<!-- static:end -->";

/// What the binary may weigh as it travels, in bytes. Without streams it was below 5 MB; the world's time zones, which
/// schedules go by, take 0.1, what accounts share, mirrors, copies of streams and events 0.4, other servers, groups by
/// key and dead letters 0.4, the console 0.2, NATS over HTTP 0.35, and leaf nodes, traces and encryption the rest. The code that moves messages is compiled for
/// speed here too: docs/performance-notebook.md has what it would cost to have the service of streams small.
const GZIP_BYTES_MAX: usize = 7_900_000;

/// `dist` in Cargo.toml: release without what only debuggers read.
const PROFILE: &str = "dist";

#[derive(Debug, Default, PartialEq)]
struct Options {
    /// What it is built for, if not for this machine.
    target: Option<String>,
    /// Rewrite the weight in docs/performance.md.
    write: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = parse(args)?;
    let host = host()?;
    let target = options.target.clone().unwrap_or_else(|| host.clone());
    let path = build(workspace, &target)?;
    let program = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(!asks_for_loader(&program)?, "{} is not linked statically", path.display());
    let weight = Weight { bytes: program.len(), gzip_bytes: gzip_bytes(&path)? };
    println!("{}: {}", path.display(), weight.text());
    ensure!(weight.gzip_bytes <= GZIP_BYTES_MAX, "compressed it may have {GZIP_BYTES_MAX} bytes");
    if runs_here(&target, &host) {
        test(workspace, &path)?;
    } else {
        println!("NOT RUN: {target} is not what this machine runs");
    }
    if options.write {
        write(workspace, &target, &weight)?;
    }
    Ok(())
}

/// Where the one for this machine is, once it was built.
pub(crate) fn path(workspace: &Workspace) -> Result<PathBuf> {
    Ok(path_for(workspace, &host()?))
}

fn path_for(workspace: &Workspace, target: &str) -> PathBuf {
    workspace.root.join("target").join(target).join(PROFILE).join("buster-server")
}

fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "--target" => {
                let target = words.next().context("--target needs a value")?;
                options.target = Some((*target).to_owned());
            }
            "--write" => options.write = true,
            _ => bail!("unknown option `{word}`"),
        }
    }
    Ok(options)
}

/// Cargo leaves programs that run while it builds alone when it is told a target, so the flag is for the server only.
fn build(workspace: &Workspace, target: &str) -> Result<PathBuf> {
    let flags = format!("target.{target}.rustflags=['-C', 'target-feature=+crt-static']");
    let mut build = Command::new("cargo");
    build.args(["build", "--locked", "-p", "buster-server", "--profile", PROFILE]);
    build.args(["--target", target, "--config", &flags]);
    // They would stand above the flags that are given here.
    build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    run::run(build.current_dir(&workspace.root))?;
    Ok(path_for(workspace, target))
}

fn test(workspace: &Workspace, path: &Path) -> Result<()> {
    let mut test = Command::new("cargo");
    test.args(["test", "-p", "conformance", "--test", "bare_root", "--", "--ignored"]);
    run::run(test.env("BUSTER_STATIC_BIN", path).current_dir(&workspace.root))
}

fn host() -> Result<String> {
    host_target(&run::output_of(Command::new("rustc").arg("-vV"))?)
}

/// What `rustc -vV` says it builds for by itself.
fn host_target(version: &str) -> Result<String> {
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}

/// Another C library makes no difference to the kernel.
fn runs_here(target: &str, host: &str) -> bool {
    let machine = |triple: &str| triple.split('-').next().map(str::to_owned);
    machine(target) == machine(host) && target.contains("linux") && host.contains("linux")
}

/// Whether an ELF file (64 bits, little-endian) has a program header for a loader: elf(5).
fn asks_for_loader(program: &[u8]) -> Result<bool> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, len: usize| -> Result<u64> {
        let bytes = program.get(at..at + len).context("the file ends early")?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    ensure!(program.starts_with(b"\x7fELF\x02\x01"), "not an ELF file of 64 bits, little-endian");
    let (start, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    for index in 0..count {
        if number(usize::try_from(start + index * size)?, 4)? == PT_INTERP {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Debug)]
struct Weight {
    bytes: usize,
    gzip_bytes: usize,
}

impl Weight {
    fn text(&self) -> String {
        let [whole, gzip] = [self.bytes, self.gzip_bytes].map(|bytes| bytes as f64 / 1e6);
        format!("{whole:.1} MB, {gzip:.2} MB with gzip -9 (≤ {:.1} MB)", GZIP_BYTES_MAX as f64 / 1e6)
    }
}

fn gzip_bytes(path: &Path) -> Result<usize> {
    let output = Command::new("gzip").args(["-9", "--stdout"]).arg(path).output().context("gzip")?;
    ensure!(output.status.success(), "gzip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout.len())
}

fn write(workspace: &Workspace, target: &str, weight: &Weight) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&page, BEGIN, END, &generated(target, &commit(workspace)?, weight));
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    println!("wrote {PAGE}");
    Ok(())
}

fn generated(target: &str, commit: &str, weight: &Weight) -> String {
    format!("{target}, {commit}: {}.\n\n```sh\ncargo xtask static --write\n```\n", weight.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these types of program headers.
    fn elf(types: &[u8]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(0x40, 0);
        (file[0x20], file[0x36], file[0x38]) = (0x40, 8, types.len() as u8);
        for kind in types {
            file.extend([*kind, 0, 0, 0, 0, 0, 0, 0]);
        }
        file
    }

    #[test]
    fn a_loader_is_found_among_the_program_headers() {
        assert!(asks_for_loader(&elf(&[6, 3, 1])).unwrap());
        assert!(!asks_for_loader(&elf(&[6, 1, 2])).unwrap());
        assert!(asks_for_loader(&elf(&[6])[..0x42]).is_err());
        assert!(asks_for_loader(b"#!/bin/sh").is_err());
        // This program is an ordinary one.
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(asks_for_loader(&own).unwrap());
    }

    #[test]
    fn the_page_has_a_place_for_the_weight() {
        let page =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE)).unwrap();
        assert!(splice(&page, BEGIN, END, "").is_some());
        let weight = Weight { bytes: 9_870_000, gzip_bytes: 3_456_000 };
        let text = generated("x86_64-unknown-linux-gnu", "abc1234", &weight);
        let bar = GZIP_BYTES_MAX as f64 / 1e6;
        let first =
            format!("x86_64-unknown-linux-gnu, abc1234: 9.9 MB, 3.46 MB with gzip -9 (≤ {bar:.1} MB).\n");
        assert!(text.starts_with(&first), "{text}");
    }

    #[test]
    fn a_target_may_be_named() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        let options = parse(&["--target", "x86_64-unknown-linux-musl", "--write"]).unwrap();
        assert_eq!(options.target.as_deref(), Some("x86_64-unknown-linux-musl"));
        assert!(options.write && parse(&["--target"]).is_err() && parse(&["fast"]).is_err());
    }

    #[test]
    fn what_is_built_for_the_same_machine_runs() {
        let host = host_target("rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1\n").unwrap();
        assert!(runs_here("x86_64-unknown-linux-musl", &host) && runs_here(&host, &host));
        assert!(!runs_here("aarch64-unknown-linux-gnu", &host));
    }

    #[test]
    fn what_gzip_makes_of_a_file_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![0; 100_000]).unwrap();
        assert!(gzip_bytes(&path).unwrap() < 1_000);
        assert!(gzip_bytes(&folder.path().join("nothing")).is_err());
    }
}
