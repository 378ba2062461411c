//! How a phone is proven: a code by text, a new code where nobody can tell whether the first one left, a call where texts do not
//! get through, and an operator's word where nothing does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{
    Digest, MessageId, PhoneNumber, TenantId,
    code::{self, Code},
    codes,
    locale::Locale,
    scope,
    sending::Occasion,
    signups::{self, SignupStatus},
    switches::{self, Switch},
};
use engine::{Awaited, ChildEnd, Context, Failure, Sealed, Spawned, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{VERIFIED, Verified, signup_of};
use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
    otp_by_voice::{OtpByVoice, Spoken},
    send_sms::{SendSms, Sender, Sent},
    text,
};

/// The signal that says: the text with the code was not delivered.
pub const NOT_DELIVERED: &str = "code_not_delivered";

/// What [`NOT_DELIVERED`] carries. The version before sent nothing with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotDelivered {
    /// The text. Its code may have been replaced meanwhile.
    pub message: MessageId,
}

/// Codes of one sign-up. Whoever has not got one of three has another problem.
const CODES_MAX: usize = 3;

/// How often a sign-up that is kept while texts are switched off looks whether they are on again, and how many times: a day.
const LOOK_AGAIN: Duration = Duration::from_mins(5);
const LOOKS_MAX: usize = 288;

/// A code that was issued.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Issued {
    pub(crate) message: MessageId,
    pub(crate) to: Sealed<PhoneNumber>,
    pub(crate) body: Sealed<String>,
    expires_at: DateTime<Utc>,
    /// What a call would say.
    #[serde(default)]
    spoken: Option<Sealed<String>>,
    /// Operators want codes to be spoken.
    #[serde(default)]
    by_voice: bool,
    #[serde(default)]
    locale: Option<Locale>,
}

/// What came of one code.
enum Came {
    /// The phone is theirs.
    Proven,
    /// The time is over.
    TooLate,
    /// Texts are switched off.
    OnHold,
    /// It failed. With the message that it was to come by, unless the news is of the version before, which did not say.
    Failed(How, Option<MessageId>),
}

/// How a code fails.
enum How {
    /// Nobody can tell whether it left: a new one.
    Replace,
    /// It does not get there by text.
    NotByText(String),
    /// It does not get there at all.
    Not(String),
}

/// Waits until the phone is verified. A code that cannot be sent ends the sign-up; one that was skipped, for want of a provider,
/// leaves it to an operator.
pub(super) async fn proven(ctx: &Context<'_, Trunkline>, tenant: TenantId) -> Result<(), Failure> {
    let mut by_voice = false;
    let mut last = "no code reached the phone".to_owned();
    let mut codes = 0;
    while codes < CODES_MAX {
        let issued = ctx
            .transaction("issue_code", async |tx| issue(tx, ctx.settings(), tenant).await)
            .await?;
        codes += 1;
        let came = match (by_voice || issued.by_voice, &issued.spoken) {
            (true, Some(spoken)) => call(ctx, &issued, spoken).await?,
            (true, None) | (false, _) => text(ctx, tenant, issued).await?,
        };
        match of_the_newest(ctx, tenant, came).await? {
            Came::Proven => return Ok(()),
            Came::TooLate => return late(ctx, tenant).await,
            Came::OnHold => {
                if on_hold(ctx).await? {
                    return Ok(());
                }
                codes = 0; // what was never tried does not count
            }
            Came::Failed(How::Replace, _) => {}
            Came::Failed(How::NotByText(why), _) if by_voice || !ctx.settings().otp_by_voice => {
                return Err(not_sent(&why));
            }
            Came::Failed(How::NotByText(why), _) => {
                by_voice = true;
                last = why;
            }
            Came::Failed(How::Not(why), _) => return Err(not_sent(&format!("{last}; {why}"))),
        }
    }
    Err(not_sent(&last))
}

fn not_sent(why: &str) -> Failure {
    Failure::undo(format!("the code could not be sent: {why}"))
}

/// That a code failed counts only while it is the one that works. Once it was replaced, by this run or by an operator, the
/// newer one is waited for: yet another would kill that.
async fn of_the_newest(
    ctx: &Context<'_, Trunkline>,
    tenant: TenantId,
    mut came: Came,
) -> Result<Came, Failure> {
    while let Came::Failed(_, Some(failed)) = came {
        if !ctx.patched("newest_code").await? {
            break;
        }
        let newer = ctx
            .transaction("look_for_newer_code", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                codes::newer_until(tx, tenant, failed).await.map_err(of_domain)
            })
            .await?;
        let Some(until) = newer else { break };
        came = verified_or_not_delivered(ctx, until).await?;
    }
    Ok(came)
}

/// One code by text message.
async fn text(
    ctx: &Context<'_, Trunkline>,
    tenant: TenantId,
    issued: Issued,
) -> Result<Came, Failure> {
    let (message, expires_at) = (issued.message, issued.expires_at);
    let failed = |how| Ok(Came::Failed(how, Some(message)));
    let lifetime = u32::try_from(codes::LIFETIME.as_secs()).unwrap_or(600);
    let sms = ctx
        .spawn(SendSms {
            message,
            for_tenant: Some(tenant),
            purpose: "verification_code".to_owned(),
            to: issued.to,
            body: issued.body,
            // A code that arrives after its end helps nobody.
            validity_secs: lifetime,
            occasion: Occasion::Code,
            sender: Sender::Platform,
            every_ms: ctx.settings().sms_every_ms,
            patience_secs: Some(lifetime),
        })
        .await?;
    match first_word(ctx, &sms, expires_at).await? {
        Word::Proven => return Ok(Came::Proven),
        Word::TooLate => return Ok(Came::TooLate),
        Word::Ended(Err(end)) => return failed(How::NotByText(end.error.unwrap_or_default())),
        Word::Ended(Ok(output)) => match serde_json::from_value::<Sent>(output) {
            Ok(Sent::Bypassed) => return Ok(Came::OnHold),
            Ok(Sent::Unproven) => return failed(How::Replace),
            Ok(Sent::Refused(why)) => return failed(How::NotByText(why.to_string())),
            Ok(Sent::Submitted | Sent::Skipped) | Err(_) => {}
        },
    }
    verified_or_not_delivered(ctx, expires_at).await
}

/// What is heard of codes that were texted.
async fn verified_or_not_delivered(
    ctx: &Context<'_, Trunkline>,
    until: DateTime<Utc>,
) -> Result<Came, Failure> {
    let wait = ctx.wait_any::<Value>(&[VERIFIED, NOT_DELIVERED]).until(until).await?;
    Ok(match wait {
        None => Came::TooLate,
        Some(arrived) if arrived.name == VERIFIED => Came::Proven,
        Some(arrived) => {
            let news = serde_json::from_value::<NotDelivered>(arrived.payload).ok();
            let how = How::NotByText("it was not delivered".to_owned());
            Came::Failed(how, news.map(|news| news.message))
        }
    })
}

/// One code by a call.
async fn call(
    ctx: &Context<'_, Trunkline>,
    issued: &Issued,
    spoken: &Sealed<String>,
) -> Result<Came, Failure> {
    let failed = |how| Ok(Came::Failed(how, Some(issued.message)));
    let call = ctx
        .spawn(OtpByVoice {
            to: issued.to.clone(),
            words: spoken.clone(),
            locale: issued.locale.unwrap_or(Locale::En),
        })
        .await?;
    match first_word(ctx, &call, issued.expires_at).await? {
        Word::Proven => return Ok(Came::Proven),
        Word::TooLate => return Ok(Came::TooLate),
        Word::Ended(Err(end)) => return failed(How::Not(end.error.unwrap_or_default())),
        Word::Ended(Ok(output)) => match serde_json::from_value::<Spoken>(output) {
            Ok(Spoken::Bypassed) => return Ok(Came::OnHold),
            Ok(Spoken::NotHeard) => return failed(How::Not("nobody answered the call".to_owned())),
            Ok(Spoken::Heard | Spoken::Skipped) | Err(_) => {}
        },
    }
    match ctx.wait_for::<Verified>(VERIFIED).until(issued.expires_at).await? {
        Awaited::Signal(_) => Ok(Came::Proven),
        Awaited::TimedOut | Awaited::Child(_) => Ok(Came::TooLate),
    }
}

/// What was heard first.
enum Word {
    Proven,
    TooLate,
    Ended(Result<Value, ChildEnd>),
}

async fn first_word(
    ctx: &Context<'_, Trunkline>,
    child: &Spawned,
    until: DateTime<Utc>,
) -> Result<Word, Failure> {
    Ok(match ctx.wait_for::<Verified>(VERIFIED).or_end_of(child).until(until).await? {
        Awaited::Signal(_) => Word::Proven,
        Awaited::TimedOut => Word::TooLate,
        Awaited::Child(end) => Word::Ended(end),
    })
}

/// Texts are switched off: the sign-up is kept, for an operator's word or until they are on again. True: somebody vouched.
async fn on_hold(ctx: &Context<'_, Trunkline>) -> Result<bool, Failure> {
    for _ in 0..LOOKS_MAX {
        if let Awaited::Signal(_) = ctx.wait_for::<Verified>(VERIFIED).for_up_to(LOOK_AGAIN).await?
        {
            return Ok(true);
        }
        let is_on = ctx
            .transaction("look at the bypass", async |tx| {
                Ok(switches::is_on(tx, Switch::SmsBypass).await.map_err(of_domain)?.is_some())
            })
            .await?;
        if !is_on {
            return Ok(false);
        }
    }
    Err(Failure::undo("texts were switched off for a day"))
}

/// The time is over. If a new code was issued meanwhile, by an operator, its end is what is waited for.
async fn late(ctx: &Context<'_, Trunkline>, tenant: TenantId) -> Result<(), Failure> {
    while let Some(until) = out_of_time(ctx, tenant).await? {
        if let Awaited::Signal(_) = ctx.wait_for::<Verified>(VERIFIED).until(until).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// What a look at the end of the time found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Late {
    /// Nobody verified it: it has ended.
    Expired,
    /// Somebody just did.
    Verified,
    /// A new code can be used until then.
    NewCode(DateTime<Utc>),
}

/// Until when a new code can be used, if there is one. A code that was accepted at the last moment still counts: its signal is
/// on its way.
async fn out_of_time(
    ctx: &Context<'_, Trunkline>,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, Failure> {
    let last = match ctx.transaction("time_is_over", async |tx| expire(tx, tenant).await).await? {
        Late::NewCode(until) => return Ok(Some(until)),
        Late::Expired => Awaited::TimedOut,
        Late::Verified => ctx.wait_for::<Verified>(VERIFIED).for_up_to(codes::LAST_MOMENT).await?,
    };
    match last {
        Awaited::Signal(_) => Ok(None),
        Awaited::Child(_) | Awaited::TimedOut => {
            Err(Failure::undo("the phone was not verified in time"))
        }
    }
}

/// Ends a sign-up that nobody verified, and that has no code any more.
async fn expire(tx: &mut Tx, tenant: TenantId) -> Result<Late, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    // Locked: whoever issues a new code at this moment does so before, or finds the sign-up ended.
    let status = signups::status_for_update(tx, tenant).await.map_err(of_domain)?;
    if status == SignupStatus::Provisioning {
        return Ok(Late::Verified);
    }
    if let Some(until) = codes::current_until(tx, tenant).await.map_err(of_domain)? {
        return Ok(Late::NewCode(until));
    }
    signups::end(tx, tenant, SignupStatus::Expired).await.map_err(of_domain)?;
    Ok(Late::Expired)
}

/// Makes a code and keeps its hash; the code itself goes on only inside a sealed message. An earlier one stops working.
pub(crate) async fn issue(
    tx: &mut Tx,
    settings: &Settings,
    tenant: TenantId,
) -> Result<Issued, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let signup = signup_of(tx, tenant).await?;
    let phone =
        signup.phone.ok_or_else(|| Failure::permanent("the sign-up has no phone any more"))?;
    let code = Code::generate(&mut rand::rng());
    let hash: Digest = code::hash_code(&settings.pepper, tenant, &code);
    let message = MessageId::mint();
    let expires_at = codes::issue(tx, tenant, &phone, &hash, message).await.map_err(of_domain)?;
    let body = text::verification_code(signup.locale, &code, settings.demo.sms_template.as_deref());
    let by_voice = switches::is_on(tx, Switch::VoiceCodes).await.map_err(of_domain)?.is_some();
    Ok(Issued {
        message,
        to: tx.seal(&phone)?,
        body: tx.seal(&body)?,
        expires_at,
        spoken: Some(tx.seal(&text::spoken_code(signup.locale, &code))?),
        by_voice,
        locale: Some(signup.locale),
    })
}
