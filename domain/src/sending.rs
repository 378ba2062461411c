//! Whether a message may be sent, and when: the conditions that every outgoing text meets, and whoever thinks of sending one can ask.

use chrono::{DateTime, Utc};

use crate::{
    Conn, ConversationId, Error, Pepper, PhoneNumber, TenantId,
    conversations::{self, Conversation, ConversationMode, Quota},
    erasures,
    error::During,
    messaging::{self, MessagingSettings},
    opt_outs::{self, Between},
    subscriptions,
    tenants::{self, Admission},
    word::words,
};

words! {
    /// On what occasion a message is sent. It decides which conditions there are.
    pub enum Occasion ("occasion") {
        /// Somebody has asked for a code, of the platform and not of a tenant.
        Code = "code",
        /// A tenant's owner is to know something at once.
        Alert = "alert",
        /// A person answers in a conversation.
        Answer = "answer",
        /// The assistant answers in a conversation.
        AiAnswer = "ai_answer",
        /// Somebody called and nobody was there.
        MissedCall = "missed_call",
        /// Nobody has asked: a reminder, a message that was scheduled.
        Notice = "notice",
    }
}

words! {
    /// Why a message is not sent.
    pub enum Refusal ("refusal") {
        /// The person does not want it.
        OptedOut = "opted_out",
        /// The tenant is suspended, expired or gone.
        TenantClosed = "tenant_closed",
        /// The tenant does not pay for messages.
        NoSubscription = "no_subscription",
        /// The tenant has switched this off.
        SwitchedOff = "switched_off",
        /// The plan's conversations of this month are used up.
        QuotaUsedUp = "quota_used_up",
        /// A person answers in this conversation.
        HumanAnswers = "human_answers",
        /// The tenant has no number to send from.
        NoNumber = "no_number",
        /// Somebody wants the person erased, and has said so after this message was thought of.
        Erased = "erased",
    }
}

/// A message that somebody thinks of sending.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// On what occasion.
    pub occasion: Occasion,
    /// For which tenant; none for the platform itself.
    pub tenant: Option<TenantId>,
    /// From which number.
    pub sender: Option<&'a PhoneNumber>,
    /// To whom.
    pub to: &'a PhoneNumber,
    /// When it was thought of. Whoever was erased since is not written to.
    pub planned_at: DateTime<Utc>,
    /// By which a person who was erased is known again.
    pub pepper: &'a Pepper,
}

/// Whether it may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may. Part of this conversation, which now counts in this month.
    Given(Option<ConversationId>),
    /// Not before then; ask again.
    Later(DateTime<Utc>),
    /// It may not.
    Refused(Refusal),
}

/// Asks for leave: every condition in turn. A message that is given it is counted, so ask in the transaction that also writes the message.
pub async fn ask(conn: &mut Conn, draft: Draft<'_>) -> Result<Leave, Error> {
    let Draft { tenant, to: phone, pepper, .. } = draft;
    if erasures::covers(conn, phone, pepper, tenant, draft.planned_at).await? {
        return Ok(Leave::Refused(Refusal::Erased));
    }
    let between = Between { tenant, sender: draft.sender, phone };
    if opt_outs::is_out(conn, between, pepper).await? {
        return Ok(Leave::Refused(Refusal::OptedOut));
    }
    let Some(tenant) = draft.tenant else { return Ok(Leave::Given(None)) };
    if draft.occasion == Occasion::Code {
        return Ok(Leave::Given(None));
    }
    if !is_open(conn, tenant).await? {
        return Ok(Leave::Refused(Refusal::TenantClosed));
    }
    if draft.occasion == Occasion::Alert {
        return Ok(Leave::Given(None));
    }
    let Some(terms) = subscriptions::messaging_terms(conn, tenant).await? else {
        return Ok(Leave::Refused(Refusal::NoSubscription));
    };
    let settings = messaging::get(conn, tenant).await?;
    if !is_switched_on(draft.occasion, &settings) {
        return Ok(Leave::Refused(Refusal::SwitchedOff));
    }
    let now = now(conn).await?;
    if let Some(over) = is_unasked(draft.occasion)
        .then(|| settings.quiet.and_then(|quiet| quiet.over_at(settings.zone, now)))
        .flatten()
    {
        return Ok(Leave::Later(over));
    }
    let conversation = conversations::with(conn, tenant, draft.to).await?;
    if draft.occasion == Occasion::AiAnswer && conversation.mode != ConversationMode::Ai {
        return Ok(Leave::Refused(Refusal::HumanAnswers));
    }
    let month = settings.zone.month(now);
    count(conn, &conversation, month, terms.conversations_monthly_max).await
}

async fn count(
    conn: &mut Conn,
    conversation: &Conversation,
    month: chrono::NaiveDate,
    max: Option<i32>,
) -> Result<Leave, Error> {
    Ok(match conversations::count_in_month(conn, conversation, month, max).await? {
        Quota::Within => Leave::Given(Some(conversation.conversation)),
        Quota::UsedUp => Leave::Refused(Refusal::QuotaUsedUp),
    })
}

async fn is_open(conn: &mut Conn, tenant: TenantId) -> Result<bool, Error> {
    match tenants::admission(conn, tenant).await {
        Ok(admission) => Ok(admission == Admission::Open),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

/// What the tenant's own switches say. Pure.
fn is_switched_on(occasion: Occasion, settings: &MessagingSettings) -> bool {
    settings.sms_enabled
        && match occasion {
            Occasion::AiAnswer => settings.ai_response_enabled,
            Occasion::MissedCall => settings.missed_call_sms_enabled,
            Occasion::Code | Occasion::Alert | Occasion::Answer | Occasion::Notice => true,
        }
}

/// Whether the person is not waiting for it at this moment. Pure.
fn is_unasked(occasion: Occasion) -> bool {
    match occasion {
        Occasion::MissedCall | Occasion::Notice => true,
        Occasion::Code | Occasion::Alert | Occasion::Answer | Occasion::AiAnswer => false,
    }
}

/// What time it is, by the database's clock.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>, Error> {
    sqlx::query_scalar!(r#"select trunkline.now() as "now!""#)
        .fetch_one(conn)
        .await
        .during("sending: clock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_asked_for_waits_for_the_morning() {
        let unasked: Vec<_> =
            Occasion::ALL.iter().filter(|occasion| is_unasked(**occasion)).collect();
        assert_eq!(unasked, [&Occasion::MissedCall, &Occasion::Notice]);
    }

    #[test]
    fn each_switch_stops_what_it_names() {
        let on = MessagingSettings::default();
        assert!(Occasion::ALL.iter().all(|occasion| is_switched_on(*occasion, &on)));
        let no_ai = MessagingSettings { ai_response_enabled: false, ..on.clone() };
        assert!(!is_switched_on(Occasion::AiAnswer, &no_ai));
        assert!(is_switched_on(Occasion::Answer, &no_ai));
        let no_text_back = MessagingSettings { missed_call_sms_enabled: false, ..on.clone() };
        assert!(!is_switched_on(Occasion::MissedCall, &no_text_back));
        let silent = MessagingSettings { sms_enabled: false, ..on };
        assert!(!is_switched_on(Occasion::Answer, &silent));
    }
}
