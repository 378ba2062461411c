//! How a process lives and stops.
//!
//! Two tokens: *drain* says "finish what you hold, take nothing new", *abort* says "now". A signal cancels the
//! first; a second signal, or the end of the grace time, cancels the second. Nothing runs unowned: every
//! long-lived future is a task with a name, and one that ends by itself stops the process with a code that
//! is not zero.
//!
//! Tasks come in two rows. *Workers* ([`Lifecycle::task`]) do the work and drain first. *Support*
//! ([`Lifecycle::support`]) is what they lean on until the end (probes, metrics, the sandbox's providers); it
//! is told to close once the last worker has ended.

mod exit;
mod life;
mod signals;
mod task;

pub use self::{exit::ExitReason, life::Lifecycle, task::Ending};
