//! Where calls are spoken. A worker of the voice pool has one; it keeps the lines, and goes on by itself when nobody writes
//! down what is said.

use chrono::{DateTime, Utc};
use domain::VoiceSessionId;
use engine::{Failure, JobId};
use futures::future::BoxFuture;

use super::{
    talk::{Asked, Brief, Heard, Talk},
    tools::LineAnswer,
};

/// Whoever attends to a session, with all that a line has to know if it is opened anew.
#[derive(Debug, Clone, Copy)]
pub struct Attending<'a> {
    /// Which session.
    pub session: VoiceSessionId,
    /// Under which claim: a token of an earlier one does not open the line any more.
    pub epoch: i32,
    /// What time it is in the database: tokens are as old as it says.
    pub at: DateTime<Utc>,
    /// Which call, by the provider's name.
    pub call_sid: &'a str,
    /// The run.
    pub job: JobId,
    /// What the assistant is told.
    pub brief: &'a Brief,
    /// What was said so far, and is written down.
    pub talk: &'a Talk,
}

/// The desk of a worker.
pub trait VoiceDesk: Send + Sync {
    /// What happens next in the session after what is written down. Opens the line if it is not open here. Ends early, with
    /// nothing said, when the worker stops.
    ///
    /// # Errors
    /// Never for what goes wrong in a call: that is an outcome.
    fn next<'a>(&'a self, attending: Attending<'a>) -> BoxFuture<'a, Result<Heard, Failure>>;

    /// Keeps the line, opened if need be, until this was answered or the call is over.
    ///
    /// # Errors
    /// None but those of [`VoiceDesk::next`].
    fn hold<'a>(
        &'a self,
        attending: Attending<'a>,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Tells the assistant what came of what it asked for, on the line, opened if need be. Twice is once.
    fn answer(&self, attending: Attending<'_>, asked: &Asked, answer: &LineAnswer);

    /// The session is over and written down: the line may be closed.
    fn hang_up(&self, session: VoiceSessionId);
}
