//! Tells Twilio anew where calls and texts for all our numbers go: after the public address has changed.
//!
//! Each number is a step that may be repeated: saying the same address twice changes nothing.

use clients::twilio::IncomingNumber;
use engine::{Context, Failure, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    buy_number::desk,
    error::of_twilio_read,
};

/// A hundred thousand numbers: whoever has more should not go through them in one run.
pub(crate) const PAGES_MAX: u32 = 100;

/// Configures all numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncNumberWebhooks {}

/// What was found, and done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// Numbers that were looked at.
    pub numbers: u32,
    /// Those of which an address was not ours.
    pub drifted: u32,
    /// Those that were configured.
    pub configured: u32,
}

impl Workflow<Trunkline> for SyncNumberWebhooks {
    const KIND: &'static str = "sync_number_webhooks";
    const QUEUE: &'static str = "numbers";
    type Output = Synced;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Synced, Failure> {
        go_through(ctx, |_| true).await
    }
}

/// A number at Twilio, without the number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) sid: String,
    /// What it was named: our key for those that we bought.
    pub(crate) buyer: Option<engine::JobId>,
    pub(crate) drifted: bool,
    pub(crate) since: Option<chrono::DateTime<chrono::Utc>>,
}

/// A page of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) numbers: Vec<Seen>,
    /// Where the next page is.
    pub(crate) next: Option<String>,
}

/// Looks at every number at Twilio, and configures those that are wanted.
pub(crate) async fn go_through(
    ctx: &Context<'_, Trunkline>,
    is_wanted: impl Fn(&Seen) -> bool + Send + Sync,
) -> Result<Synced, Failure> {
    let mut synced = Synced::default();
    let mut next: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let found =
            ctx.step("page", async |clients, _| read(clients, next.as_deref()).await).await?;
        for number in &found.numbers {
            synced.numbers += 1;
            synced.drifted += u32::from(number.drifted);
            if is_wanted(number) {
                ctx.step("configure", async |clients, _| configure(clients, &number.sid).await)
                    .await?;
                synced.configured += 1;
            }
        }
        ctx.progress(synced.numbers.into(), None, "going through the numbers");
        next = found.next;
        if next.is_none() {
            break;
        }
    }
    Ok(synced)
}

/// One page of our numbers at Twilio.
pub(crate) async fn read(clients: &Clients, next: Option<&str>) -> Result<Page, Failure> {
    let desk = desk(clients)?;
    let listed = desk.twilio.list_numbers(next).await;
    let listed = listed.map_err(|error| of_twilio_read(&error))?;
    let seen = |number: IncomingNumber| Seen {
        buyer: crate::buy_number::buyer_of(&number.friendly_name),
        drifted: !number.goes_to(&desk.urls),
        since: number.date_created,
        sid: number.sid,
    };
    Ok(Page { numbers: listed.numbers.into_iter().map(seen).collect(), next: listed.next })
}

async fn configure(clients: &Clients, sid: &str) -> Result<(), Failure> {
    let desk = desk(clients)?;
    match desk.twilio.configure_number(sid, &desk.urls).await {
        // Or it was given back since it was listed.
        Ok(()) | Err(clients::twilio::Error::Rejected { status: 404, .. }) => Ok(()),
        Err(error) => Err(of_twilio_read(&error)),
    }
}
