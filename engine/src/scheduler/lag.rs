//! How late schedules are, and for how long they have been paused: for gauges, read often, so without what a list shows.

use std::time::Duration;

use crate::{
    Connection,
    engine::Engine,
    error::Error,
    store::{self, schedules::LagRow},
};

/// How one schedule stands against its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleLag {
    /// Its name.
    pub name: String,
    /// For how long a tick has been due that nobody has made; zero: none is, or it is paused.
    pub late: Duration,
    /// For how long it has been paused; zero: it is not.
    pub paused: Duration,
}

impl Engine {
    /// How the schedules stand that this process's code names, by name. Those that no code names any more make no ticks, and
    /// are not late.
    pub async fn schedule_lags(&self) -> Result<Vec<ScheduleLag>, Error> {
        let declared = self.schedules_declared().iter();
        let names: Vec<_> = declared.map(|schedule| schedule.name.clone()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let look =
            async |conn: &mut Connection| store::schedules::schedules_lag(conn, &names).await;
        Ok(self.read(look).await?.into_iter().map(lag).collect())
    }
}

fn lag(row: LagRow) -> ScheduleLag {
    let time = |secs: f64| Duration::try_from_secs_f64(secs).unwrap_or_default();
    ScheduleLag { late: time(row.late_secs), paused: time(row.paused_secs), name: row.name }
}
