//! A text that came in: a word by which somebody opts out or in, a line in a conversation, and what is to follow.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `file` | opted out or in; or the text is in its conversation | – (facts) | nothing |
//! | `send_sms` (child) | who we are, to whoever asks for help | – | the text |
//! | `ai_reply` (child) | the assistant's answer | see there | the answer |
//! | `await_human` | the conversation waits for a person | – | nothing |
//! | `send_sms` (child) | the tenant's owner is told | – | nothing |

use std::time::Duration;

use domain::{
    ConversationId, MessageId, Pepper, TenantId,
    conversations::{self, ConversationMode},
    keywords::Keyword,
    messages, messaging,
    opt_outs::{self, Between, OptOutSource},
    scope,
    sending::Occasion,
    tenants::{self, Admission},
};
use engine::{Context, Failure, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    ai_reply::{AiReply, Replied},
    alert,
    app::Trunkline,
    error::of_domain,
    send_sms::{SendSms, Sender},
    text,
};

/// An answer to a call for help is worth something for so long.
const HELP_PATIENCE: Duration = Duration::from_mins(30);

/// Handles a text that came in. The row, with what it says, was written with this job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SmsInbound {
    /// Which.
    pub message: MessageId,
    /// The provider's id for it.
    #[serde(default)]
    pub sid: String,
    /// Whose number it was written to; none for the platform's own.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// The word that it consists of, if it is one of ours.
    #[serde(default)]
    pub keyword: Option<Keyword>,
    /// Whether the provider has answered that word by itself.
    #[serde(default)]
    pub provider_answered: bool,
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handled {
    /// They want no more texts.
    OptedOut,
    /// They want texts again.
    OptedIn,
    /// They were told who we are.
    Helped,
    /// The assistant has answered.
    Answered,
    /// It is written down; nobody answers by himself.
    Logged,
    /// It is written down, and a person was asked to answer.
    AwaitsHuman,
    /// There is no such message, or it is to no tenant's number.
    Stray,
}

/// What follows from the text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
enum Next {
    Done {
        handled: Handled,
    },
    Help {
        tenant: Option<TenantId>,
        message: MessageId,
        to: Sealed<domain::PhoneNumber>,
        body: Sealed<String>,
    },
    Reply {
        conversation: ConversationId,
    },
}

impl Workflow<Trunkline> for SmsInbound {
    const KIND: &'static str = "sms_inbound";
    const QUEUE: &'static str = "sms";
    type Output = Handled;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Handled, Failure> {
        let pepper = &ctx.settings().pepper;
        let next = ctx.transaction("file", async |tx| self.file(tx, pepper).await).await?;
        match next {
            Next::Done { handled } => Ok(handled),
            Next::Help { tenant, message, to, body } => {
                ctx.spawn(SendSms {
                    message,
                    for_tenant: tenant,
                    purpose: "help".to_owned(),
                    to,
                    body,
                    validity_secs: secs(HELP_PATIENCE),
                    occasion: Occasion::Answer,
                    sender: tenant.map_or(Sender::Platform, |_| Sender::Tenant),
                    every_ms: ctx.settings().sms_every_ms,
                    patience_secs: Some(secs(HELP_PATIENCE)),
                })
                .await?;
                Ok(Handled::Helped)
            }
            Next::Reply { conversation } => self.answered(ctx, conversation).await,
        }
    }
}

pub(crate) fn secs(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

impl SmsInbound {
    /// The assistant answers. If it cannot, in time, a person is asked to: nobody gets an answer hours later.
    async fn answered(
        &self,
        ctx: &Context<'_, Trunkline>,
        conversation: ConversationId,
    ) -> Result<Handled, Failure> {
        match ctx.child(AiReply { conversation, message: self.message }).await {
            Ok(Replied::Sent) => Ok(Handled::Answered),
            Ok(Replied::NotNeeded) => Ok(Handled::Logged),
            Err(why) => {
                tracing::warn!(job.id = %ctx.job_id(), "a conversation waits for a person: {}", why.text());
                alert::ask_for_a_human(ctx, conversation).await?;
                Ok(Handled::AwaitsHuman)
            }
        }
    }

    async fn file(&self, tx: &mut Tx, pepper: &Pepper) -> Result<Next, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let done = |handled| Ok(Next::Done { handled });
        let Some(found) = messages::inbound(tx, self.message).await.map_err(of_domain)? else {
            return done(Handled::Stray);
        };
        let conversation = match found.tenant {
            None => None,
            Some(tenant) => {
                let with = conversations::with(tx, tenant, &found.from).await.map_err(of_domain)?;
                messages::file(tx, self.message, tenant, with.conversation)
                    .await
                    .map_err(of_domain)?;
                Some(with)
            }
        };
        let between = Between { tenant: found.tenant, sender: Some(&found.to), phone: &found.from };
        match self.keyword {
            Some(Keyword::Stop) => {
                opt_outs::begin(tx, between, OptOutSource::Keyword).await.map_err(of_domain)?;
                return done(Handled::OptedOut);
            }
            Some(Keyword::Start) => {
                opt_outs::end(tx, between, pepper).await.map_err(of_domain)?;
                return done(Handled::OptedIn);
            }
            // A yes that ends no opt-out is an answer to something.
            Some(Keyword::Yes)
                if opt_outs::end(tx, between, pepper).await.map_err(of_domain)? =>
            {
                return done(Handled::OptedIn);
            }
            Some(Keyword::Help) if self.is_answered_by_the_provider(&found.from) => {
                return done(Handled::Helped);
            }
            Some(Keyword::Help) => return help(tx, found).await,
            Some(Keyword::Yes) | None => {}
        }
        let Some(conversation) = conversation else { return done(Handled::Stray) };
        let is_out = opt_outs::is_out(tx, between, pepper).await.map_err(of_domain)?;
        let wishes = messaging::get(tx, conversation.tenant).await.map_err(of_domain)?;
        let admission = tenants::admission(tx, conversation.tenant).await.map_err(of_domain)?;
        let is_for_the_assistant = conversation.mode == ConversationMode::Ai
            && wishes.ai_response_enabled
            && wishes.sms_enabled
            && admission == Admission::Open
            && !is_out;
        if !is_for_the_assistant || found.body.is_none_or(|body| body.trim().is_empty()) {
            return done(Handled::Logged);
        }
        Ok(Next::Reply { conversation: conversation.conversation })
    }

    /// In the United States and Canada Twilio answers HELP by itself, and everywhere with Advanced Opt-Out.
    fn is_answered_by_the_provider(&self, from: &domain::PhoneNumber) -> bool {
        self.provider_answered || from.as_e164().starts_with("+1")
    }
}

/// Says who we are.
async fn help(tx: &mut Tx, found: messages::Inbound) -> Result<Next, Failure> {
    let company = match found.tenant {
        Some(tenant) => tenants::get(tx, tenant).await.map_err(of_domain)?,
        None => None,
    };
    let locale = text::locale_of(&found.from);
    let body = text::help(locale, company.as_ref().map(|tenant| tenant.company_name.as_str()));
    Ok(Next::Help {
        tenant: found.tenant,
        message: MessageId::mint(),
        to: tx.seal(&found.from)?,
        body: tx.seal(&body)?,
    })
}
