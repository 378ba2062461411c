//! A command with a server around it: how one server serves all the processes of a test run.

use std::{ffi::OsString, process::Command};

use secrecy::ExposeSecret;

use super::{Error, Options, Server, error::Trying};

/// The variable that holds the superuser's URL for the wrapped command.
pub const TEST_URL: &str = "TRUNKLINE_TEST_POSTGRES_URL";
/// The variable that holds the folder of the server's programs for the wrapped command.
pub const TEST_BIN_DIR: &str = "TRUNKLINE_TEST_POSTGRES_BIN";

/// Starts a server, runs the command, stops the server; gives the command's exit code (1 when it was killed).
pub fn run_with_server(
    options: &Options,
    program: &OsString,
    args: &[OsString],
) -> Result<u8, Error> {
    let server = Server::start(options)?;
    let status = Command::new(program)
        .args(args)
        .env(TEST_URL, server.running().superuser_url.expose_secret())
        .env(TEST_BIN_DIR, &server.running().bin_dir)
        .status()
        .trying(|| format!("run {}", program.display()))?;
    server.stop();
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
