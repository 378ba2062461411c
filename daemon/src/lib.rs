//! What makes a process well-behaved. In the order in which a process meets it:
//! it reads its configuration, speaks, lives and stops, and answers the orchestrator.
//! The private Postgres of dev and tests is here too, because it is a child process to be kept.

pub mod config; // every variable, read once, every mistake reported at once
pub mod http; // a listener that waits for nobody's head
pub mod lifecycle; // drain, abort, and who is still running
pub mod postgres; // a server of our own, for dev and tests
pub mod probes; // /livez, /readyz, /metrics
pub mod telemetry; // logs, panics, metrics and spans
