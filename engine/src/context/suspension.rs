//! Why a run leaves its worker without having ended.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use crate::cause::{Cause, Parking};

/// What keeps a run from going on, in rising order of importance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Suspension {
    /// Until an instant, a signal, or whichever comes first.
    Until(Until),
    /// A person must decide.
    Parked(Parking),
    /// Its deadline has passed.
    Expired,
    /// Somebody asked to cancel.
    Cancelled,
    /// The worker is stopping, or the database is away: unharmed, and ready at once for another one.
    Interrupted,
    /// The lease is somebody else's.
    Lost,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Until {
    /// Comes back after this long, counted from the commit.
    pub(crate) after: Option<Duration>,
    /// Comes back then.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Comes back when one of these signals is there.
    pub(crate) wakes: Vec<String>,
    /// For `explain` and the list of jobs.
    pub(crate) reason: String,
    /// Whether it is between two attempts, as opposed to waiting on purpose.
    pub(crate) between_attempts: bool,
    /// Whether the job's own count of attempts rises.
    pub(crate) charged: bool,
}

impl Suspension {
    /// Leaves and comes back after a delay.
    pub(crate) fn again(after: Duration, reason: String, charged: bool) -> Suspension {
        Suspension::Until(Until {
            after: Some(after),
            at: None,
            wakes: Vec::new(),
            reason,
            between_attempts: true,
            charged,
        })
    }

    /// Waits for a signal or an instant.
    pub(crate) fn wait(
        at: Option<DateTime<Utc>>,
        wakes: Vec<String>,
        reason: String,
    ) -> Suspension {
        Suspension::Until(Until {
            after: None,
            at,
            wakes,
            reason,
            between_attempts: false,
            charged: false,
        })
    }

    /// Leaves until a person has decided. `entry`: the key of the step or deed at which it stands.
    pub(crate) fn parked(cause: Cause, entry: Option<&str>, reason: String) -> Suspension {
        Suspension::Parked(Parking { cause, entry: entry.map(ToOwned::to_owned), reason })
    }

    /// What is stored does not fit the code.
    pub(crate) fn diverged(entry: Option<&str>, why: impl fmt::Display) -> Suspension {
        Suspension::parked(Cause::Diverged, entry, format!("diverged: {why}"))
    }

    /// Whether it concerns the whole run, and not only the branch that noticed it.
    pub(crate) fn is_of_the_run(&self) -> bool {
        match self {
            Suspension::Until(_) | Suspension::Parked(_) => false,
            Suspension::Expired
            | Suspension::Cancelled
            | Suspension::Interrupted
            | Suspension::Lost => true,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Suspension::Until(_) => 0,
            Suspension::Parked(_) => 1,
            Suspension::Expired => 2,
            Suspension::Cancelled => 3,
            Suspension::Interrupted => 4,
            Suspension::Lost => 5,
        }
    }

    /// Several branches of a body are stuck: the most important reason counts; waits add up to "whichever comes first".
    pub(crate) fn merge(all: Vec<Suspension>) -> Suspension {
        let top = all.iter().map(Suspension::rank).max().unwrap_or(0);
        all.into_iter()
            .filter(|suspension| suspension.rank() == top)
            .reduce(|one, two| match (one, two) {
                (Suspension::Until(one), Suspension::Until(two)) => Suspension::Until(one.or(two)),
                (one, _) => one,
            })
            .unwrap_or(Suspension::Interrupted)
    }
}

impl Until {
    fn or(self, other: Until) -> Until {
        Until {
            after: self.after.into_iter().chain(other.after).min(),
            at: self.at.into_iter().chain(other.at).min(),
            wakes: self.wakes.into_iter().chain(other.wakes).collect(),
            reason: format!("{}; {}", self.reason, other.reason),
            between_attempts: self.between_attempts && other.between_attempts,
            charged: self.charged || other.charged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_lease_outweighs_every_other_reason() {
        let again = Suspension::again(Duration::from_secs(1), "again".into(), false);
        let merged = Suspension::merge(vec![again, Suspension::Lost, Suspension::Cancelled]);
        assert_eq!(merged, Suspension::Lost);
    }

    #[test]
    fn two_waits_end_with_whichever_comes_first() {
        let one = Suspension::again(Duration::from_secs(5), "one".into(), false);
        let two = Suspension::wait(None, vec!["paid".into()], "two".into());
        let Suspension::Until(until) = Suspension::merge(vec![one, two]) else { panic!("a wait") };
        assert_eq!(until.after, Some(Duration::from_secs(5)));
        assert_eq!(until.wakes, ["paid"]);
        assert!(!until.between_attempts);
    }
}
