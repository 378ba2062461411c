//! The data of a server: made once by `initdb`, then only checked.

use std::{
    fs,
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use secrecy::{ExposeSecret, SecretString};

use super::{Binaries, Error, Profile, error::Trying, home::Home, identity::Identity};

/// The name of the superuser.
pub(super) const SUPERUSER: &str = "postgres";

/// The major version that made the data; `None` when there is none yet.
pub(super) fn major(home: &Home) -> Option<u32> {
    fs::read_to_string(home.data().join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Makes the data if there is none, and gives the superuser's password.
pub(super) fn ensure(
    home: &Home,
    binaries: &Binaries,
    profile: Profile,
) -> Result<SecretString, Error> {
    match major(home) {
        Some(major) if major == binaries.version.major => password(home),
        Some(data) => Err(Error::MajorMismatch {
            home: home.dir.clone(),
            data,
            binaries: binaries.version.clone(),
        }),
        None => initialise(home, binaries, profile),
    }
}

fn password(home: &Home) -> Result<SecretString, Error> {
    match fs::read_to_string(home.dir.join("password")) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().into()),
        Ok(_) | Err(_) => Err(Error::PasswordLost { home: home.dir.clone() }),
    }
}

/// Under another name first, so that a killed `initdb` leaves nothing that looks finished.
fn initialise(home: &Home, binaries: &Binaries, profile: Profile) -> Result<SecretString, Error> {
    let unfinished = home.dir.join("data.new");
    for leftover in [&unfinished, &home.data()] {
        if leftover.exists() {
            fs::remove_dir_all(leftover).trying(|| format!("remove {}", leftover.display()))?;
        }
    }
    let password: SecretString = random_hex()?.into();
    let file = home.write_private("password", password.expose_secret())?;
    run(program(&binaries.dir.join("initdb"), home)
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(file)
        .args(["--username", SUPERUSER, "--encoding=UTF8"])
        // The same order of texts on every machine.
        .arg("--locale=C")
        // The socket's folder is private; the loopback interface is not.
        .arg("--auth-local=trust")
        .arg(format!("--auth-host={}", profile.authentication()))
        // There is nothing in it yet that a power failure could take.
        .arg("--no-sync"))?;
    fs::rename(&unfinished, home.data()).trying(|| format!("move {}", unfinished.display()))?;
    Ok(password)
}

/// A program of the server, run by the server's user, with none of our environment: `PGDATA`, `PGPORT` and
/// their like would change what it does.
pub(super) fn program(path: &Path, home: &Home) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(&home.dir);
    if let Some(Identity { uid, gid }) = home.user {
        command.uid(uid).gid(gid);
    }
    command
}

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().trying(|| format!("run {program}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(Error::Program {
        program,
        status: output.status.to_string(),
        output: last_lines(&(text(&output.stdout) + &text(&output.stderr))),
    })
}

/// What a person can still read of a long output.
pub(super) fn last_lines(text: &str) -> String {
    const LINES_MAX: usize = 15;
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

/// 128 bits from the kernel's generator.
fn random_hex() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .trying(|| "read /dev/urandom".to_owned())?;
    Ok(hex::encode(bytes))
}
