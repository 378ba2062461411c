//! How long jobs of each kind hold a place of this pool, told to the database a few times a minute: what
//! `trunkline.estimated_work` makes seconds of.

use std::{collections::BTreeMap, time::Duration};

use parking_lot::Mutex;

use crate::{engine::Engine, store, store::paces::PaceRow};

/// What has ended here since it was last told.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<BTreeMap<i16, (i64, Duration)>>);

impl Pace {
    /// An attempt of this kind has ended, after so long.
    pub(super) fn ended(&self, kind_id: i16, after: Duration) {
        let mut kinds = self.0.lock();
        let (attempts, busy) = kinds.entry(kind_id).or_default();
        *attempts += 1;
        *busy += after;
    }

    fn take(&self) -> Vec<PaceRow> {
        let kinds = std::mem::take(&mut *self.0.lock());
        kinds
            .into_iter()
            .map(|(kind_id, (attempts, busy))| PaceRow {
                kind_id,
                attempts,
                busy_ms: i64::try_from(busy.as_millis()).unwrap_or(i64::MAX),
            })
            .collect()
    }

    /// Tells the database. What it does not hear is lost: an estimate lives without a few seconds of one worker, and told
    /// twice after a lost reply it would be worth no more.
    pub(super) async fn tell(&self, engine: &Engine) {
        let rows = self.take();
        if rows.is_empty() {
            return;
        }
        let told = engine.db().run(async |conn| store::paces::paces_add(conn, &rows).await).await;
        if let Err(error) = told {
            tracing::debug!(%error, "how long jobs take could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_told_once_and_by_kind() {
        let pace = Pace::default();
        pace.ended(2, Duration::from_millis(1500));
        pace.ended(1, Duration::from_millis(10));
        pace.ended(2, Duration::from_millis(500));
        let row = |kind_id, attempts, busy_ms| PaceRow { kind_id, attempts, busy_ms };
        assert_eq!(pace.take(), [row(1, 1, 10), row(2, 2, 2000)]);
        assert_eq!(pace.take(), []);
    }
}
