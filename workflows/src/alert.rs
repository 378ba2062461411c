//! Something that a tenant's owner is to know at once, by text.

use std::time::Duration;

use domain::{
    ConversationId, MessageId, PhoneNumber, TenantId, conversations, locale::Locale, messaging,
    scope, sending::Occasion, signups,
};
use engine::{Context, Failure, Sealed, Tx};
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

/// Whom to tell what.
#[derive(Debug, Serialize, Deserialize)]
struct Alert {
    tenant: TenantId,
    message: MessageId,
    to: Sealed<PhoneNumber>,
    body: Sealed<String>,
}

/// A conversation waits for a person from now on; its owner is told, once.
pub(crate) async fn ask_for_a_human(
    ctx: &Context<'_, Trunkline>,
    conversation: ConversationId,
) -> Result<(), Failure> {
    let alert =
        ctx.transaction("await_human", async |tx| await_human(tx, conversation).await).await?;
    let Some(alert) = alert else { return Ok(()) };
    ctx.spawn(SendSms {
        message: alert.message,
        for_tenant: Some(alert.tenant),
        purpose: "owner_alert".to_owned(),
        to: alert.to,
        body: alert.body,
        validity_secs: secs(PATIENCE),
        occasion: Occasion::Alert,
        sender: Sender::Platform,
        every_ms: ctx.settings().sms_every_ms,
        patience_secs: Some(secs(PATIENCE)),
    })
    .await?;
    Ok(())
}

async fn await_human(tx: &mut Tx, conversation: ConversationId) -> Result<Option<Alert>, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    if !conversations::await_human(tx, conversation).await.map_err(of_domain)? {
        return Ok(None);
    }
    let found = conversations::get(tx, conversation).await.map_err(of_domain)?;
    let Some(found) = found else { return Ok(None) };
    let wishes = messaging::get(tx, found.tenant).await.map_err(of_domain)?;
    let signup = signups::get(tx, found.tenant).await.map_err(of_domain)?;
    let locale = signup.as_ref().map_or(Locale::En, |signup| signup.locale);
    let owner = wishes.owner_phone.or_else(|| signup.and_then(|signup| signup.phone));
    let Some(owner) = owner else {
        tracing::warn!(tenant.id = %found.tenant, "a conversation waits for a person, and nobody can be told");
        return Ok(None);
    };
    let body = text::a_human_is_wanted(locale, &found.phone);
    Ok(Some(Alert {
        tenant: found.tenant,
        message: MessageId::mint(),
        to: tx.seal(&owner)?,
        body: tx.seal(&body)?,
    }))
}
