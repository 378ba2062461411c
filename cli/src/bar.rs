//! How far long work is, for whoever sits before it: one line on stderr that is written over. Nothing where stderr is no
//! terminal.

use std::io::{self, IsTerminal, Write};

/// Columns of the bar.
const COLUMNS: u64 = 30;

/// Goes to the first column, and clears the line.
const CLEAR: &str = "\r\u{1b}[K";

/// The line on the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    is_shown: bool,
}

impl Bar {
    /// Of a person's terminal; of none, if it is not wanted, as where JSON was asked for.
    pub(crate) fn new(is_wanted: bool) -> Bar {
        Bar { is_shown: is_wanted && io::stderr().is_terminal() }
    }

    /// Writes the line over.
    pub(crate) fn show(self, line: &str) -> io::Result<()> {
        self.write(&format!("{CLEAR}{line}"))
    }

    /// Lets the line stand, and goes below it.
    pub(crate) fn leave(self) -> io::Result<()> {
        self.write("\n")
    }

    /// Takes the line away, so that something else can be said.
    pub(crate) fn clear(self) -> io::Result<()> {
        self.write(CLEAR)
    }

    fn write(self, text: &str) -> io::Result<()> {
        if !self.is_shown {
            return Ok(());
        }
        let mut stderr = io::stderr();
        stderr.write_all(text.as_bytes())?;
        stderr.flush()
    }
}

/// `[#########---------------------] 300 of 1000 working`.
pub(crate) fn line(seen: u64, total: u64, what: &str) -> String {
    let full = seen.saturating_mul(COLUMNS).checked_div(total).unwrap_or(0).min(COLUMNS);
    let columns = |count: u64, sign: &str| sign.repeat(usize::try_from(count).unwrap_or(0));
    format!("[{}{}] {seen} of {total} {what}", columns(full, "#"), columns(COLUMNS - full, "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_what_was_seen_to_and_never_fuller() {
        let hashes = |seen, total| line(seen, total, "x").matches('#').count();
        let full = [(0, 10), (5, 10), (10, 10), (11, 10), (3, 0), (u64::MAX, 1)];
        assert_eq!(full.map(|(seen, total)| hashes(seen, total)), [0, 15, 30, 30, 0, 30]);
        assert_eq!(
            line(1, 30, "rounds of drain"),
            format!("[#{}] 1 of 30 rounds of drain", "-".repeat(29))
        );
        assert!([0, 7, 30].iter().all(|seen| line(*seen, 30, "x").starts_with('[')));
    }
}
