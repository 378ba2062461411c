//! A reason as a sentence, for whoever is on call.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::Why;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Ended { state } => write!(f, "it is over: {state}"),
            Why::Running { worker: Some(worker) } => write!(f, "it is running, at {worker}"),
            Why::Running { worker: None } => {
                f.write_str("it was running, and its worker is gone; another one will get it")
            }
            Why::Scheduled { until: Some(until), reason } => {
                write!(f, "its time comes at {} ({reason})", at(*until))
            }
            Why::Scheduled { until: None, reason } => write!(f, "its time has not come ({reason})"),
            Why::WaitingFor { reason, until, .. } => {
                write!(f, "it waits: {reason}")?;
                until.map_or(Ok(()), |until| write!(f, ", until {} at the latest", at(until)))
            }
            Why::Parked { reason } => write!(f, "a person must decide: {reason}"),
            Why::QueuePaused { reason, until } => {
                write!(f, "its queue is paused: {reason}")?;
                until.map_or(Ok(()), |until| write!(f, "; until {}", at(until)))
            }
            Why::QueueFull { max, running } => {
                write!(f, "of its queue {running} jobs run, and at most {max} may")
            }
            Why::GateFull { scope, max, by } => {
                write!(f, "of {scope} at most {max} may run at once")?;
                by.first().map_or(Ok(()), |job| write!(f, ", and {job} is among those that do"))
            }
            Why::RateSlot { scope, at: slot } => {
                write!(f, "the rate of {scope} lets it start at {}", at(*slot))
            }
            Why::BreakerOpen { scope, phase, until } => {
                write!(f, "the breaker of {scope} is {phase}")?;
                until.map_or(Ok(()), |until| write!(f, " until {}", at(until)))
            }
            Why::NoWorker => f.write_str("no live worker takes jobs of its queue"),
            Why::UnknownKind { workers } => {
                write!(f, "none of the {workers} workers of its queue knows its kind")
            }
            Why::Behind { jobs } if i64::from(*jobs) >= super::COUNT_MAX => {
                write!(f, "{jobs} jobs or more come before it")
            }
            Why::Behind { jobs } => write!(f, "{jobs} jobs come before it"),
            Why::Next => f.write_str("nothing keeps it: the next free worker takes it"),
        }
    }
}

fn at(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_in_a_sentence_with_its_numbers_and_its_end() {
        let until = Some(DateTime::UNIX_EPOCH);
        let paused = |until| Why::QueuePaused { reason: "Twilio is down".to_owned(), until };
        assert_eq!(paused(None).to_string(), "its queue is paused: Twilio is down");
        let text = paused(until).to_string();
        assert_eq!(text, "its queue is paused: Twilio is down; until 1970-01-01T00:00:00Z");
        assert_eq!(Why::Behind { jobs: 3 }.to_string(), "3 jobs come before it");
        assert_eq!(Why::Behind { jobs: 1000 }.to_string(), "1000 jobs or more come before it");
        let scheduled = Why::Scheduled { until, reason: "later".to_owned() };
        assert_eq!(scheduled.to_string(), "its time comes at 1970-01-01T00:00:00Z (later)");
    }
}
