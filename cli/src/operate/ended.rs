//! Errors that have an exit code of their own: what is wrong before anything is asked.

use std::fmt;

use super::client::Told;

/// Why nothing was asked, and how that ended.
#[derive(Debug)]
struct Ended {
    told: Told,
    why: anyhow::Error,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.why)
    }
}

// Its causes are in its text: as a source they would be said twice.
impl std::error::Error for Ended {}

/// What was given cannot be asked like that.
pub(super) fn usage(why: anyhow::Error) -> anyhow::Error {
    anyhow::Error::new(Ended { told: Told::Usage, why })
}

/// There is no key to ask with.
pub(super) fn forbidden(why: anyhow::Error) -> anyhow::Error {
    anyhow::Error::new(Ended { told: Told::Forbidden, why })
}

/// How an error ended it.
pub(crate) fn of(error: &anyhow::Error) -> Told {
    error.downcast_ref::<Ended>().map_or(Told::Failed, |ended| ended.told)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn an_error_keeps_its_exit_code_whatever_is_said_around_it_and_says_its_causes_once() {
        let why = anyhow!("it ends too early").context("--body: not JSON");
        let error = usage(why);
        assert_eq!(format!("{error:#}"), "--body: not JSON: it ends too early");
        assert_eq!(of(&error), Told::Usage);
        let around = Err::<(), _>(forbidden(anyhow!("no key"))).context("the API").unwrap_err();
        assert_eq!(
            (of(&around), format!("{around:#}")),
            (Told::Forbidden, "the API: no key".to_owned())
        );
        assert_eq!(of(&anyhow!("anything else")), Told::Failed);
    }
}
