//! The clients that are not Rust: where they come from and how to run them.
//!
//! Everything is installed below the workspace's `target` directory, at the versions pinned in
//! `clients/`; libnats comes from the distribution. It happens once: a stamp remembers what was
//! installed, and a lock keeps tests that run side by side from doing it twice.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A client library in another language.
#[derive(Clone, Copy, Debug)]
pub enum ForeignClient {
    /// nats-py.
    Python,
    /// nats.js.
    Node,
    /// libnats.
    C,
}

/// Why a client cannot be used here.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Something of the system is missing, and installing it takes root or did not work.
    #[error("{missing} is missing; install it, on Debian: apt-get install {packages} ({why})")]
    Missing {
        /// What was looked for.
        missing: &'static str,
        /// Debian's packages with it.
        packages: &'static str,
        /// Why it was not installed right here.
        why: String,
    },
    /// A step of the installation failed; the text is its output.
    #[error("{step} failed:\n{output}")]
    Failed {
        /// The command line.
        step: String,
        /// What it printed.
        output: String,
    },
    /// The machine failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ForeignClient {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::Node, Self::C];

    /// Installs or compiles what is needed, unless that has been done, and returns the command
    /// that runs the scenarios; it takes the server's URL as its argument.
    ///
    /// # Errors
    ///
    /// [`PrepareError`], with what to install where something is missing.
    pub fn prepare(self) -> Result<Command, PrepareError> {
        Ok(self.command(&self.install()?))
    }

    /// As [`Self::prepare`], for another script of `clients/python`.
    ///
    /// # Errors
    ///
    /// As [`Self::prepare`].
    pub fn python(script: &str) -> Result<Command, PrepareError> {
        Ok(python(&Self::Python.install()?, script))
    }

    /// As [`Self::prepare`], for any program in Python, for Node.js, or compiled.
    ///
    /// # Errors
    ///
    /// As [`Self::prepare`].
    pub fn program(self, program: &Path) -> Result<Command, PrepareError> {
        let dir = self.install()?;
        Ok(match self {
            Self::Node => node_program(&dir, program),
            Self::Python => python_program(&dir, program),
            Self::C => Command::new(program),
        })
    }

    /// As [`Self::prepare`], for nats.js in a browser. The command takes the URL where WebSockets come in.
    ///
    /// # Errors
    ///
    /// As [`Self::prepare`].
    pub fn prepare_browser() -> Result<Command, PrepareError> {
        let mut node = node(&Self::Node.install()?, "browser.cjs");
        node.arg(chromium()?);
        Ok(node)
    }

    /// As [`Self::prepare`], for the console in a browser. The command takes the URLs of the page, where WebSockets come
    /// in, and where clients do.
    ///
    /// # Errors
    ///
    /// As [`Self::prepare`].
    pub fn prepare_console() -> Result<Command, PrepareError> {
        let mut node = node(&Self::Node.install()?, "console.cjs");
        node.arg(chromium()?);
        Ok(node)
    }

    /// Installs or compiles what is needed, unless that has been done, and returns its directory.
    fn install(self) -> Result<PathBuf, PrepareError> {
        let dir = target_dir()?.join("conformance").join(self.name());
        fs::create_dir_all(&dir)?;
        let lock = File::create(dir.join("lock"))?;
        lock.lock()?;
        let stamp = dir.join("stamp");
        let wanted = self.wanted(&dir)?;
        if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
            return Ok(dir);
        }
        match self {
            Self::Python => prepare_python(&dir)?,
            Self::Node => prepare_node(&dir)?,
            Self::C => prepare_c(&dir)?,
        }
        fs::write(stamp, wanted)?;
        Ok(dir)
    }

    /// The directory name under `clients/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::C => "c",
        }
    }

    /// Everything that an installation depends on: the pins, or the source for C, and the place,
    /// since a virtual environment cannot be moved.
    fn wanted(self, dir: &Path) -> io::Result<String> {
        let pins = match self {
            Self::Python => "requirements.txt",
            Self::Node => "package-lock.json",
            Self::C => "scenarios.c",
        };
        let pins = fs::read_to_string(self.sources().join(pins))?;
        Ok(format!("{}\n{pins}", dir.display()))
    }

    fn command(self, dir: &Path) -> Command {
        match self {
            Self::Python => python(dir, "scenarios.py"),
            Self::Node => node(dir, "node.cjs"),
            Self::C => Command::new(dir.join("scenarios")),
        }
    }

    fn sources(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(self.name())
    }
}

/// A program of ours in the virtual environment.
fn python(dir: &Path, program: &str) -> Command {
    python_program(dir, &ForeignClient::Python.sources().join(program))
}

fn python_program(dir: &Path, program: &Path) -> Command {
    let mut python = Command::new(dir.join("venv/bin/python"));
    python.arg("-B").arg(program);
    python
}

/// A program of ours in Node.js.
fn node(dir: &Path, program: &str) -> Command {
    node_program(dir, &ForeignClient::Node.sources().join(program))
}

fn node_program(dir: &Path, program: &Path) -> Command {
    let mut node = Command::new("node");
    node.arg(program).env("NODE_PATH", dir.join("node_modules"));
    node
}

/// What Chromium may be called, the one without windows first: it is smaller, and all that is needed.
const CHROMIUMS: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// The name of a Chromium that runs here.
fn chromium() -> Result<&'static str, PrepareError> {
    let runs = |name: &str| run(Command::new(name).arg("--version")).is_ok();
    if let Some(found) = CHROMIUMS.into_iter().find(|name| runs(name)) {
        return Ok(found);
    }
    let [name, ..] = CHROMIUMS;
    or_install(Command::new(name).arg("--version"), "Chromium", name)?;
    Ok(name)
}

fn prepare_python(dir: &Path) -> Result<(), PrepareError> {
    let venv = dir.join("venv");
    let mut make_venv = Command::new("python3");
    make_venv.args(["-m", "venv", "--clear"]).arg(&venv);
    or_install(&mut make_venv, "python3 with venv", "python3 python3-venv")?;
    let mut install = Command::new(venv.join("bin/python"));
    install.args(["-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r"]);
    run(install.arg(ForeignClient::Python.sources().join("requirements.txt")))
}

fn prepare_node(dir: &Path) -> Result<(), PrepareError> {
    or_install(Command::new("node").arg("--version"), "node", "nodejs npm")?;
    or_install(Command::new("npm").arg("--version"), "npm", "nodejs npm")?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(ForeignClient::Node.sources().join(file), dir.join(file))?;
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(dir))
}

/// Debian's packages for compiling the C program.
const C_PACKAGES: &str = "gcc libc6-dev pkg-config libnats-dev";

fn prepare_c(dir: &Path) -> Result<(), PrepareError> {
    or_install(Command::new("cc").arg("--version"), "a C compiler", C_PACKAGES)?;
    or_install(Command::new("pkg-config").arg("--version"), "pkg-config", C_PACKAGES)?;
    let mut find = Command::new("pkg-config");
    or_install(find.args(["--exists", "libnats"]), "libnats with its header", C_PACKAGES)?;
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "libnats"]).output()?;
    let mut compile = Command::new("cc");
    compile.args(["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-pthread"]);
    compile.arg(ForeignClient::C.sources().join("scenarios.c"));
    compile.args(String::from_utf8_lossy(&flags.stdout).split_whitespace());
    run(compile.arg("-o").arg(dir.join("scenarios")))
}

/// Runs `command`; if it fails, installs the packages that should make it work and runs it again.
fn or_install(
    command: &mut Command,
    missing: &'static str,
    packages: &'static str,
) -> Result<(), PrepareError> {
    if run(command).is_ok() {
        return Ok(());
    }
    let install = apt_install(packages).and_then(|()| run(command));
    install.map_err(|why| PrepareError::Missing { missing, packages, why: why.to_string() })
}

fn apt_install(packages: &str) -> Result<(), PrepareError> {
    if !rustix::process::geteuid().is_root() {
        return Err(io::Error::other("not root, so not installed here").into());
    }
    // Tests run side by side, and apt does not wait for itself.
    let lock = File::create(target_dir()?.join("conformance/apt-lock"))?;
    lock.lock()?;
    let apt_get =
        |args: &[&str]| run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    let install: Vec<&str> =
        ["install", "-y", "--no-install-recommends"].into_iter().chain(packages.split(' ')).collect();
    // A fresh machine has no package lists yet; most others need no update.
    apt_get(&install).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&install)))
}

fn run(command: &mut Command) -> Result<(), PrepareError> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(PrepareError::Failed { step: format!("{command:?}"), output: text })
}

/// Cargo builds tests and programs into `<target>/<profile>[/deps]`, wherever `<target>` may be.
fn target_dir() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let profile = program.ancestors().find(|dir| dir.join("deps").is_dir());
    let target = profile.and_then(Path::parent);
    target.map(Path::to_owned).ok_or_else(|| io::Error::other("not started from cargo's target"))
}
