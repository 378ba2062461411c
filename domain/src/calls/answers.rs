//! How a call that came in was answered: decided once, in the transaction that writes the call's row, so that whoever asks again
//! is told the same.

use std::time::Duration;

use crate::{
    CallId, Conn, Error, Locale, PhoneNumber, TenantId, VoiceSessionId, call_limits::Refused,
    calls::text_backs::Missed, error::During, voice_settings::VoiceMode, word::words,
};

words! {
    /// Who took the call, or why nobody did.
    pub enum Outcome ("answer to a call") {
        /// The assistant.
        Assistant = "assistant",
        /// A person is rung up.
        Person = "person",
        /// The tenant has no subscription.
        NoSubscription = "no_subscription",
        /// As many calls as a day has were answered.
        DailyCalls = "daily_calls",
        /// The time to talk is used up.
        TalkTime = "talk_time",
        /// The tenant has switched the assistant off, and there is nobody else.
        VoiceOff = "voice_off",
        /// It is not the hour, and there is nobody else.
        OutOfHours = "out_of_hours",
        /// Operators have switched calls off for everybody.
        CallsDisabled = "calls_disabled",
    }
}

impl Outcome {
    /// Whether somebody took it.
    pub fn is_taken(self) -> bool {
        matches!(self, Outcome::Assistant | Outcome::Person)
    }

    /// Why the caller got nobody, if they did.
    pub fn missed(self) -> Option<Missed> {
        match self {
            Outcome::Assistant | Outcome::Person => None,
            Outcome::NoSubscription | Outcome::DailyCalls | Outcome::TalkTime => {
                Some(Missed::Limits)
            }
            Outcome::VoiceOff | Outcome::OutOfHours => Some(Missed::Closed),
            Outcome::CallsDisabled => Some(Missed::Disabled),
        }
    }
}

impl From<Refused> for Outcome {
    fn from(why: Refused) -> Outcome {
        match why {
            Refused::NoSubscription => Outcome::NoSubscription,
            Refused::DailyCalls => Outcome::DailyCalls,
            Refused::TalkTime => Outcome::TalkTime,
        }
    }
}

/// Who is to take a call, as far as the tenant's wishes go: the assistant, a person, or nobody and why. Pure.
pub fn whose_turn(mode: VoiceMode, is_open: bool, person: bool) -> Outcome {
    let assistant = match mode {
        VoiceMode::Always => true,
        VoiceMode::AfterHours => !is_open,
        VoiceMode::BusinessHours => is_open,
        VoiceMode::Off => false,
    };
    match (assistant, person, mode) {
        (true, _, _) => Outcome::Assistant,
        (false, true, VoiceMode::AfterHours | VoiceMode::Off) => Outcome::Person,
        // Outside of business hours nobody is to be rung out of bed.
        (false, _, VoiceMode::BusinessHours) => Outcome::OutOfHours,
        (false, _, VoiceMode::Always | VoiceMode::AfterHours | VoiceMode::Off) => Outcome::VoiceOff,
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The call.
    pub call: CallId,
    /// Whose.
    pub tenant: TenantId,
    /// Who took it.
    pub outcome: Outcome,
    /// In which language.
    pub locale: Locale,
    /// What is said.
    pub words: String,
    /// Whom to ring up, if a person is to take it.
    pub transfer_phone: Option<PhoneNumber>,
    /// How long they may talk.
    pub talk_max: Option<Duration>,
    /// In which the assistant speaks.
    pub session: Option<VoiceSessionId>,
}

/// The answer that a call was given, if it was given one.
pub async fn get(conn: &mut Conn, sid: &str) -> Result<Option<Answer>, Error> {
    let row = sqlx::query!(
        r#"select call_id, tenant_id, outcome, locale::text as "locale!", words, transfer_phone::text as transfer_phone,
                  talk_max_secs, session_id
           from product.call_answers where call_sid = $1"#,
        sid
    )
    .fetch_optional(conn)
    .await
    .during("call answer: get")?;
    row.map(|r| {
        let secs = r.talk_max_secs.and_then(|secs| u64::try_from(secs).ok());
        Ok(Answer {
            call: r.call_id.into(),
            tenant: r.tenant_id.into(),
            outcome: r.outcome.parse()?,
            locale: Locale::of_tag(&r.locale),
            words: r.words,
            transfer_phone: r.transfer_phone.as_deref().map(PhoneNumber::stored).transpose()?,
            talk_max: secs.map(Duration::from_secs),
            session: r.session_id.map(VoiceSessionId::from),
        })
    })
    .transpose()
}

/// Writes an answer down. The caller holds the call ([`super::lock`]) and has found none.
pub async fn put(conn: &mut Conn, sid: &str, answer: &Answer) -> Result<(), Error> {
    let secs = answer.talk_max.map(|time| i32::try_from(time.as_secs()).unwrap_or(i32::MAX));
    sqlx::query!(
        "insert into product.call_answers
             (call_sid, call_id, tenant_id, outcome, locale, words, transfer_phone, talk_max_secs, session_id)
         values ($1, $2, $3, $4, $5::text, $6, $7::text, $8, $9)",
        sid,
        answer.call.as_uuid(),
        answer.tenant.as_uuid(),
        answer.outcome.as_str(),
        answer.locale.as_str(),
        answer.words,
        answer.transfer_phone.as_ref().map(PhoneNumber::as_e164),
        secs,
        answer.session.map(VoiceSessionId::as_uuid),
    )
    .execute(conn)
    .await
    .during("call answer: put")?;
    Ok(())
}

/// Notes what became of ringing a person up, in Twilio's word. The first word stands.
pub async fn note_dialled(conn: &mut Conn, sid: &str, status: &str) -> Result<(), Error> {
    sqlx::query!(
        "update product.call_answers set dialled = $2 where call_sid = $1 and dialled is null",
        sid,
        status,
    )
    .execute(conn)
    .await
    .during("call answer: dialled")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_and_the_hour_decide_who_picks_up() {
        use {Outcome as O, VoiceMode as M};
        let turns = [
            (M::Always, true, false, O::Assistant),
            (M::Always, false, true, O::Assistant),
            (M::AfterHours, true, true, O::Person),
            (M::AfterHours, true, false, O::VoiceOff),
            (M::AfterHours, false, true, O::Assistant),
            (M::BusinessHours, true, true, O::Assistant),
            (M::BusinessHours, false, true, O::OutOfHours),
            (M::BusinessHours, false, false, O::OutOfHours),
            (M::Off, false, true, O::Person),
            (M::Off, true, false, O::VoiceOff),
        ];
        for (mode, is_open, person, outcome) in turns {
            assert_eq!(whose_turn(mode, is_open, person), outcome, "{mode} {is_open} {person}");
        }
    }
}
