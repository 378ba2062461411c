//! The one number from which everything follows that a test leaves to chance.

use daemon::config::Env;

/// `TRUNKLINE_SEED`, or a new one. Whoever uses it prints it, so that a failure can be played again.
pub fn seed() -> u64 {
    let env = Env::of_process();
    env.var("TRUNKLINE_SEED").parse("a number").optional().unwrap_or_else(rand::random)
}

/// Whether the whole of the long matrices was asked for (`./test --full`).
pub fn is_full() -> bool {
    Env::of_process().is_set("TRUNKLINE_FULL")
}

/// For the log of a test: how much really went wrong, and what was found.
#[expect(clippy::print_stdout, reason = "a test's log is its standard output")]
pub fn say(text: &str) {
    println!("{text}");
}
