//! Forms of what can be done to the thing on a page.

use askama::Template;

use super::{command, door::Refused, orders, page, session::Session};

/// One of them.
pub(super) struct Action {
    /// The order that it gives.
    order: &'static str,
    /// What it is called.
    title: &'static str,
    /// What it does.
    about: &'static str,
    /// What stands in it unseen: the session's word, the order's key, which thing, what of it was read, and where to go then.
    hidden: String,
    /// Which further fields it has.
    asks: Asks,
    /// What somebody would type instead.
    command: Option<String>,
}

/// What else a form asks.
#[derive(Debug)]
pub(super) enum Asks {
    /// A reason only.
    Nothing,
    /// What becomes of what a run did.
    CancelMode,
    /// From where it goes on: these of its steps.
    From(Vec<String>),
    /// At which of these steps another job begins.
    Step(Vec<String>),
    /// For how long.
    PauseTime,
    /// What a person has decided about this parking.
    Answer(i32),
    /// How many may run at once; how many may now.
    AtOnce(Option<u32>),
    /// How long a job may wait; how long it may now, in milliseconds.
    Target(Option<u64>),
    /// Whether tenants take turns; whether they do now.
    Fair(bool),
    /// Of which time.
    Backfill,
    /// When it comes; when it does now.
    Clock(Box<Clock>),
    /// Turns this switch on, with an end.
    SwitchOn(String),
    /// Turns this switch off.
    SwitchOff(String),
    /// The arguments, as they are now where all of them may be shown.
    Args(String),
    /// How many jobs, as a check that one has seen it; so many.
    Start(i64),
    /// How dead letters that say the same are tried again.
    Alike(Box<Draft>),
    /// Which jobs, and what is to be done to them.
    Many(Box<Draft>),
}

/// When a schedule comes.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) cron: String,
    pub(super) timezone: String,
    pub(super) missed: String,
}

/// What an operation is to be, as far as it is known when the form is shown.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) deed: String,
    pub(super) state: String,
    pub(super) kind: String,
    pub(super) queue: String,
    pub(super) tenant: String,
    pub(super) since: String,
    pub(super) until: String,
    pub(super) error: String,
}

impl Draft {
    fn is_deed(&self, deed: &str) -> bool {
        self.deed == deed
    }

    fn is_state(&self, state: &str) -> bool {
        self.state == state
    }
}

/// What can be done to many, with what it does.
const DEEDS: [(&str, &str); 4] = [
    ("retry", "try them again (retry)"),
    ("redrive", "make a new job of each (redrive)"),
    ("run_now", "run them now (run_now)"),
    ("cancel", "cancel them (cancel)"),
];

/// States of jobs that something can be done to.
const STATES: [&str; 7] =
    ["failed", "cancelled", "parked", "scheduled", "ready", "running", "waiting"];

#[derive(Template)]
#[template(path = "hidden.html")]
struct Hidden<'a> {
    csrf: &'a str,
    once: String,
    id: &'a str,
    back: &'a str,
    tag: &'a str,
}

#[derive(Template)]
#[template(path = "actions.html")]
struct Actions<'a> {
    what: &'a str,
    actions: &'a [Action],
}

impl Action {
    fn is_answer(&self) -> bool {
        matches!(self.asks, Asks::Answer(_))
    }
}

/// What can be done to one thing.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) session: &'a Session,
    /// Which thing, as the API names it.
    pub(super) id: &'a str,
    /// The page to come back to.
    pub(super) back: &'a str,
    /// What of the thing was read, where an order counts for that alone; else empty.
    pub(super) tag: &'a str,
}

impl Of<'_> {
    pub(super) fn action(
        &self,
        order: &'static str,
        title: &'static str,
        about: &'static str,
        asks: Asks,
    ) -> Result<Action, Refused> {
        let (csrf, once) = (&self.session.csrf, orders::once());
        let (id, back, tag) = (self.id, self.back, self.tag);
        let hidden = page::text(&Hidden { csrf, once, id, back, tag })?;
        let command = command::of(order, id);
        Ok(Action { order, title, about, hidden, asks, command })
    }
}

/// All of them, under a heading.
pub(super) fn text(what: &str, actions: &[Action]) -> Result<String, Refused> {
    page::text(&Actions { what, actions })
}
