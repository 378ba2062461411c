//! What is asked of the database: five questions at once, none of which may take long. One that is not answered is a part that
//! could not be read, and no more.

use std::{fmt::Display, future::Future, time::Duration};

use domain::scope;
use engine::{QueueStand, ScheduleView};
use tracing::warn;
use workflows::BREAKERS;

use crate::state::ApiState;

/// Whoever asks how a sick system is wants an answer within a second.
const WITHIN: Duration = Duration::from_millis(800);

/// A part of the answer.
pub(super) type Part<T> = Result<T, Unread>;

/// Why a part is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// No answer came in time.
    TooSlow,
    /// It was refused, or the connection broke.
    Failed,
}

impl Unread {
    /// For people. What the database said is in the log.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Unread::TooSlow => "the database did not answer in time",
            Unread::Failed => "the database could not be asked",
        }
    }
}

/// The answers.
#[derive(Debug)]
pub(super) struct Look {
    /// How long the smallest question took.
    pub(super) latency: Part<Duration>,
    pub(super) engine: Part<engine::Health>,
    pub(super) queues: Part<Vec<QueueStand>>,
    pub(super) schedules: Part<Vec<ScheduleView>>,
    pub(super) product: Part<domain::health::Health>,
}

impl Look {
    /// Asks. Takes a second at the most, whatever the database does.
    pub(super) async fn take(state: &ApiState) -> Look {
        let engine = state.engine().looking_within(WITHIN);
        let (latency, health, queues, schedules, product) = tokio::join!(
            of_engine("latency", engine.latency()),
            of_engine("health", engine.health(&BREAKERS)),
            of_engine("queues", engine.stands()),
            of_engine("schedules", engine.schedules()),
            product(state),
        );
        Look { latency, engine: health, queues, schedules, product }
    }

    /// The parts that could not be read, by name.
    pub(super) fn unread(&self) -> Vec<(&'static str, Unread)> {
        let parts = [
            ("the workers, what waits and who is left alone", self.engine.as_ref().err()),
            ("the queues", self.queues.as_ref().err()),
            ("the schedules", self.schedules.as_ref().err()),
            ("how the product stands", self.product.as_ref().err()),
        ];
        parts.into_iter().filter_map(|(name, unread)| Some((name, *unread?))).collect()
    }
}

/// One answer of the engine, which keeps to the time by itself.
async fn of_engine<T>(
    name: &'static str,
    asked: impl Future<Output = Result<T, engine::Error>>,
) -> Part<T> {
    asked.await.map_err(|error| unread_of(name, &error))
}

/// A transaction of the product's may be dropped wherever it is.
async fn product(state: &ApiState) -> Part<domain::health::Health> {
    let name = "product";
    let asked = async {
        let mut tx = state.engine().begin().await.map_err(|error| unread_of(name, &error))?;
        tx.statements_within(WITHIN).await.map_err(|error| unread_of(name, &error))?;
        scope::platform(&mut tx).await.map_err(|error| failed(name, &error))?;
        domain::health::look(&mut tx).await.map_err(|error| failed(name, &error))
    };
    let Ok(part) = tokio::time::timeout(WITHIN, asked).await else {
        return Err(too_slow(name));
    };
    part
}

fn unread_of(name: &'static str, error: &engine::Error) -> Unread {
    if matches!(error, engine::Error::TimedOut) { too_slow(name) } else { failed(name, error) }
}

fn too_slow(part: &'static str) -> Unread {
    warn!(part, "asked how the system is, the database did not answer in time");
    Unread::TooSlow
}

fn failed(part: &'static str, error: &dyn Display) -> Unread {
    warn!(part, %error, "asked how the system is, the database could not be asked");
    Unread::Failed
}
