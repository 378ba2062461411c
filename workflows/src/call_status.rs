//! What the provider says of a call. Reports come repeated, out of order and before we know of the call; each only moves it
//! forward, and the first one makes its row.

use chrono::{DateTime, Utc};
use domain::{
    CallId, PhoneNumber, TenantId,
    calls::{self, About, Applied, Direction, News, text_backs::Missed},
    routing, scope,
};
use engine::{Context, Failure, Retention, Sealed, Tx, WhenParentEnds, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain, missed_call_textback::MissedCallTextback};

/// Applies one report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallStatus {
    /// The provider's id of the call.
    pub sid: String,
    /// The provider's word.
    pub status: String,
    /// Whose call it is, where that is known already.
    pub tenant: Option<TenantId>,
    /// Who rang.
    pub direction: Option<Direction>,
    /// The caller, unless withheld.
    pub from: Option<Sealed<PhoneNumber>>,
    /// The callee.
    pub to: Option<Sealed<PhoneNumber>>,
    /// Since when it is there, by the provider's clock.
    pub at: Option<DateTime<Utc>>,
    /// How long it was spoken; with an end only.
    pub duration_secs: Option<i32>,
    /// Why the network ended it.
    pub sip_response_code: Option<i32>,
}

/// What a report did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// More is known now.
    Applied,
    /// All of it was known.
    Late,
}

impl From<Applied> for Report {
    fn from(applied: Applied) -> Report {
        match applied {
            Applied::Yes => Report::Applied,
            Applied::Late => Report::Late,
        }
    }
}

impl Workflow<Trunkline> for CallStatus {
    const KIND: &'static str = "call_status";
    const QUEUE: &'static str = "calls";
    const RETENTION: Retention = Retention::Brief;
    type Output = Report;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Report, Failure> {
        let report = ctx.transaction("apply", async |tx| self.apply(tx).await).await?;
        if self.was_never_taken() {
            let missed = ctx.transaction("missed", async |tx| self.missed(tx).await).await?;
            if let Some(call) = missed {
                let text = MissedCallTextback { call, why: Missed::Unanswered };
                ctx.spawn_with(text, WhenParentEnds::LeaveAlone).await?;
            }
        }
        Ok(report)
    }
}

impl CallStatus {
    /// Whether it ended before anybody, our answer included, picked up.
    fn was_never_taken(&self) -> bool {
        use calls::CallStatus as Status;
        match self.status.parse() {
            Ok(Status::Busy | Status::Failed | Status::NoAnswer | Status::Canceled) => true,
            Ok(
                Status::Queued
                | Status::Initiated
                | Status::Ringing
                | Status::InProgress
                | Status::Completed,
            )
            | Err(_) => false,
        }
    }

    /// The call, if it was somebody's attempt to reach a tenant and this is how it ended.
    async fn missed(&self, tx: &mut Tx) -> Result<Option<CallId>, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let call = calls::get(tx, &self.sid).await.map_err(of_domain)?;
        let missed = call.filter(|call| {
            call.direction == Some(Direction::Inbound)
                && call.tenant.is_some()
                && call.progress.status.as_str() == self.status
        });
        Ok(missed.map(|call| call.call))
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Report, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let news = News {
            status: self
                .status
                .parse()
                .map_err(|_| Failure::permanent("the provider used a word that we do not know"))?,
            at: self.at,
            duration_secs: self.duration_secs,
            sip_response_code: self.sip_response_code,
        };
        let from = self.from.as_ref().map(|phone| tx.open(phone)).transpose()?;
        let to = self.to.as_ref().map(|phone| tx.open(phone)).transpose()?;
        let ours = match self.direction {
            Some(Direction::Inbound) => to.as_ref(),
            Some(Direction::Outbound) => from.as_ref(),
            None => None,
        };
        let tenant = match (self.tenant, ours) {
            (None, Some(ours)) => {
                let served = routing::by_number(tx, ours).await.map_err(of_domain)?;
                served.map(|served| served.tenant)
            }
            (tenant, _) => tenant,
        };
        let about =
            About { tenant, direction: self.direction, from: from.as_ref(), to: to.as_ref() };
        let applied = calls::apply(tx, &self.sid, about, &news).await.map_err(of_domain)?;
        Ok(applied.into())
    }
}
