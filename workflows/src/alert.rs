//! Something that a tenant's owner is to know at once, by text.

use std::time::Duration;

use domain::{
    ConversationId, MessageId, PhoneNumber, TenantId, conversations, locale::Locale, messaging,
    scope, sending::Occasion, signups,
};
use engine::{Context, Failure, Sealed, Tx, WhenParentEnds};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    error::of_domain,
    send_sms::{SendSms, Sender},
    sms_inbound::secs,
    text,
};

/// An hour later the person has called somebody else.
const PATIENCE: Duration = Duration::from_hours(1);

/// Two messages; what is more is cut.
const CHARS_MAX: usize = 300;

/// Whom to tell what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Alert {
    tenant: TenantId,
    message: MessageId,
    to: Sealed<PhoneNumber>,
    body: Sealed<String>,
}

impl Alert {
    /// A text to a tenant's owner. `body` is given the owner's language; none if nobody can be told.
    pub(crate) async fn draft(
        tx: &mut Tx,
        tenant: TenantId,
        body: impl FnOnce(Locale) -> String,
    ) -> Result<Option<Alert>, Failure> {
        let wishes = messaging::get(tx, tenant).await.map_err(of_domain)?;
        let signup = signups::get(tx, tenant).await.map_err(of_domain)?;
        let locale = signup.as_ref().map_or(Locale::En, |signup| signup.locale);
        let owner = wishes.owner_phone.or_else(|| signup.and_then(|signup| signup.phone));
        let Some(owner) = owner else {
            tracing::warn!(%tenant, "a tenant's owner is to know something, and nobody can be told");
            return Ok(None);
        };
        let body: String = body(locale).chars().take(CHARS_MAX).collect();
        let (to, body) = (tx.seal(&owner)?, tx.seal(&body)?);
        Ok(Some(Alert { tenant, message: MessageId::mint(), to, body }))
    }

    /// Sends it. Whatever becomes of the run that has something to tell: what it told was so.
    pub(crate) async fn send(self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let text = SendSms {
            message: self.message,
            for_tenant: Some(self.tenant),
            purpose: "owner_alert".to_owned(),
            to: self.to,
            body: self.body,
            validity_secs: secs(PATIENCE),
            occasion: Occasion::Alert,
            sender: Sender::Platform,
            every_ms: ctx.settings().sms_every_ms,
            patience_secs: Some(secs(PATIENCE)),
        };
        ctx.spawn_with(text, WhenParentEnds::LeaveAlone).await?;
        Ok(())
    }
}

/// A conversation waits for a person from now on; its owner is told, once.
pub(crate) async fn ask_for_a_human(
    ctx: &Context<'_, Trunkline>,
    conversation: ConversationId,
) -> Result<(), Failure> {
    let alert =
        ctx.transaction("await_human", async |tx| await_human(tx, conversation).await).await?;
    match alert {
        Some(alert) => alert.send(ctx).await,
        None => Ok(()),
    }
}

async fn await_human(tx: &mut Tx, conversation: ConversationId) -> Result<Option<Alert>, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    if !conversations::await_human(tx, conversation).await.map_err(of_domain)? {
        return Ok(None);
    }
    let found = conversations::get(tx, conversation).await.map_err(of_domain)?;
    let Some(found) = found else { return Ok(None) };
    Alert::draft(tx, found.tenant, |locale| text::a_human_is_wanted(locale, &found.phone)).await
}
