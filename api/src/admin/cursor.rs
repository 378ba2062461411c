//! Where the next page begins. Opaque to clients, so that it may change.

use engine::JobId;
use uuid::Uuid;

/// Says which kind of cursor it is, should there be another one day.
const PREFIX: &str = "j1";

/// A cursor that we did not make.
#[derive(Debug)]
pub(super) struct NotACursor;

impl std::fmt::Display for NotACursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("must be a next_cursor of an earlier answer")
    }
}

pub(super) fn after(job: JobId) -> String {
    format!("{PREFIX}{}", job.as_uuid().simple())
}

pub(super) fn read(text: &str) -> Result<JobId, NotACursor> {
    let id = text.strip_prefix(PREFIX).and_then(|rest| Uuid::try_parse(rest).ok());
    id.map(JobId::from).ok_or(NotACursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let id = JobId::mint();
        assert_eq!(read(&after(id)).unwrap(), id);
        assert!(read("j2").is_err() && read("").is_err() && read(&id.to_string()).is_err());
    }
}
