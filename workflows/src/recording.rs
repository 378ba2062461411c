//! What the provider says of a recording. It may come before any news of the call: then it waits for it under the call's
//! name, and gets its tenant with the first.

use chrono::{DateTime, Utc};
use domain::{
    calls::recordings::{self, News},
    scope,
};
use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, call_status::Report, error::of_domain};

/// Applies one report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    /// The provider's id of the recording.
    pub sid: String,
    /// That of the call.
    pub call_sid: String,
    /// The provider's word.
    pub status: String,
    /// How long it is.
    pub duration_secs: Option<i32>,
    /// 1: both sides on one track; 2: a track for each.
    pub channels: Option<i16>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error_code: Option<i32>,
}

impl Workflow<Trunkline> for Recording {
    const KIND: &'static str = "recording";
    const QUEUE: &'static str = "calls";
    const RETENTION: Retention = Retention::Brief;
    type Output = Report;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Report, Failure> {
        let unknown = |_| Failure::permanent("the provider used a word that we do not know");
        let news = News {
            sid: &self.sid,
            call_sid: &self.call_sid,
            status: self.status.parse().map_err(unknown)?,
            duration_secs: self.duration_secs,
            channels: self.channels.filter(|channels| matches!(channels, 1 | 2)),
            started_at: self.started_at,
            error_code: self.error_code,
        };
        ctx.transaction("apply", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            recordings::apply(tx, &news).await.map(Report::from).map_err(of_domain)
        })
        .await
    }
}
