//! What goes wrong at a boundary.

use std::fmt;

/// What goes wrong at a boundary: at the commit of a worker about one of the workflow's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The worker dies when it has done the work and before that is written: it will be done again.
    CrashBefore,
    /// The worker dies when it is written, and knows nothing of it.
    CrashAfter,
    /// Everything that the outside has said to the run so far is said a second time: the enqueue, and every signal.
    Duplicate,
    /// It is written, but the connection breaks before the worker hears of it; the worker repeats it.
    LostReply,
    /// The database refuses the commit; the worker lives on.
    Refused,
    /// The worker freezes before it is written, its lease ends, another finishes the run; then the first one thaws and
    /// writes.
    Zombie,
    /// Somebody cancels the run while it is being written.
    Cancel,
    /// Postgres crashes before it is written, and recovers. Everything on that server: it must be one's own.
    Restart,
    /// The commit takes until the worker's lease has ended by the clock, and others look for its jobs.
    Timeout,
}

impl Fault {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Fault; 9] = [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Duplicate,
        Fault::LostReply,
        Fault::Refused,
        Fault::Zombie,
        Fault::Cancel,
        Fault::Restart,
        Fault::Timeout,
    ];

    /// A line for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Fault::CrashBefore => "the worker dies before the commit",
            Fault::CrashAfter => "the worker dies after the commit",
            Fault::Duplicate => "the enqueue and every signal arrive twice",
            Fault::LostReply => "the reply to the commit is lost",
            Fault::Refused => "the commit is refused",
            Fault::Zombie => "the worker freezes, and writes when another has finished",
            Fault::Cancel => "the run is cancelled during the commit",
            Fault::Restart => "Postgres crashes during the commit",
            Fault::Timeout => "the commit outlasts the lease",
        }
    }

    /// Which of the engine's promises it tries to break first (`docs/promises.md`).
    pub const fn promise(self) -> u8 {
        match self {
            Fault::LostReply | Fault::Restart => 1,
            Fault::CrashBefore | Fault::CrashAfter | Fault::Refused => 2,
            Fault::Zombie | Fault::Timeout => 3,
            Fault::Duplicate => 4,
            Fault::Cancel => 5,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
