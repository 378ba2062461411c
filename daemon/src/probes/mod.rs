//! What an orchestrator asks a process: `/livez`, `/readyz`, `/metrics`.
//!
//! A probe answers from what others have noted; it never asks the database itself, or a slow database would
//! make every process look dead at once.

mod check;
mod routes;

pub use self::{
    check::{Check, CheckState, Probes},
    routes::serve,
};
