//! The assistant's answer to a text: soon, or not at all.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `read` | – (what was said, sealed) | – | nothing |
//! | `ask` | – (a question to the model) | – | nothing |
//! | `address` | – (to whom, sealed) | – | nothing |
//! | `send_sms` (child) | the answer | as there: a text cannot be taken back | the answer |
//!
//! Over its deadline the run fails, wherever it stands; whoever started it asks a person. So an outage is not followed by a
//! flood of answers to what nobody remembers.

use std::time::Duration;

use clients::openai::{Role, Turn};
use domain::{
    ConversationId, MessageId, PhoneNumber, TenantId, bots,
    conversations::{self, ConversationMode, Said},
    scope,
    sending::Occasion,
};
use engine::{Context, Failure, Gates, Jitter, RetryPolicy, Sealed, StepPolicy, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    error::{of_domain, of_openai},
    send_sms::{SendSms, Sender, Sent},
    sms_inbound::secs,
};

/// After this nobody gets an answer any more. Ten seconds are promised; what comes after a minute surprises.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// The breaker of everything that is asked of the model.
pub const OPENAI: &str = "openai";

/// One question may take so long, and is asked so often.
const ASK: StepPolicy = StepPolicy {
    retry: RetryPolicy::exponential(Duration::from_secs(1), 5).jitter(Jitter::Up(20)),
    timeout: Duration::from_secs(25),
};

/// What was said before and still matters.
const TURNS_MAX: i64 = 20;

/// Long enough for two text messages.
const TOKENS_MAX: u32 = 200;

/// What is more is cut: four segments cost four times as much.
const CHARS_MAX: usize = 600;

/// Beside what the tenant's assistant is told.
const MANNER: &str = "You answer text messages. Write plain text without markup, at most 300 characters, in the language in \
                      which the person writes. Say that a colleague will get in touch if you do not know.";

/// Answers a text in a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiReply {
    /// Where.
    pub conversation: ConversationId,
    /// What is to be answered.
    pub message: MessageId,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replied {
    /// It is with the provider.
    Sent,
    /// A later text is answered instead, a person answers, or they want to hear no more.
    NotNeeded,
}

impl Workflow<Trunkline> for AiReply {
    const KIND: &'static str = "ai_reply";
    const QUEUE: &'static str = "ai";
    const DEADLINE: Option<Duration> = Some(DEADLINE);
    type Output = Replied;

    fn gates(&self) -> Gates {
        // One at a time, so that an answer has seen the one before.
        Gates::none().at_once("ai-conversation", &self.conversation.to_string(), 1).breaker(OPENAI)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Replied, Failure> {
        let Some(turns) = ctx.transaction("read", async |tx| self.read(tx).await).await? else {
            return Ok(Replied::NotNeeded);
        };
        let body: Sealed<String> = ctx
            .step_with("ask", ASK, async |clients, _| {
                let model = clients
                    .ai
                    .as_ref()
                    .ok_or_else(|| Failure::permanent("no text model is configured"))?;
                let turns: Vec<Turn> = ctx.open(&turns)?;
                let answer = model.answer(turns, TOKENS_MAX).await;
                let answer = answer.map_err(|error| of_openai(&error))?;
                ctx.seal(&answer.chars().take(CHARS_MAX).collect::<String>())
            })
            .await?;
        let to = ctx.transaction("address", async |tx| self.address(tx).await).await?;
        let Some((tenant, to, message)) = to else { return Ok(Replied::NotNeeded) };
        let sent = ctx
            .child(SendSms {
                message,
                for_tenant: Some(tenant),
                purpose: "ai_reply".to_owned(),
                to,
                body,
                validity_secs: secs(DEADLINE),
                occasion: Occasion::AiAnswer,
                sender: Sender::Tenant,
                every_ms: ctx.settings().sms_every_ms,
                patience_secs: Some(secs(DEADLINE)),
            })
            .await?;
        match sent {
            Sent::Submitted => Ok(Replied::Sent),
            Sent::Refused(_) => Ok(Replied::NotNeeded),
            Sent::Skipped | Sent::Bypassed | Sent::Unproven => {
                Err(Failure::permanent("the answer could not be sent"))
            }
        }
    }
}

impl AiReply {
    /// What was said, for the model; none if nobody waits for an answer of its own.
    async fn read(&self, tx: &mut Tx) -> Result<Option<Sealed<Vec<Turn>>>, Failure> {
        let Some(conversation) = self.open_conversation(tx).await? else { return Ok(None) };
        let prompt = bots::prompt_of(tx, conversation.tenant).await.map_err(of_domain)?;
        let said = conversations::history(tx, self.conversation, TURNS_MAX).await;
        let instruction =
            prompt.map_or_else(|| MANNER.to_owned(), |own| format!("{own}\n\n{MANNER}"));
        let first = Turn { role: Role::Instruction, text: instruction };
        // What is asked has to be the last word: not the picture that came after it, or INFO.
        let said = said.map_err(of_domain)?.into_iter().filter(Said::is_talk).map(|said| Turn {
            role: if said.inbound { Role::Person } else { Role::Assistant },
            text: said.body,
        });
        let turns: Vec<_> = std::iter::once(first).chain(said).collect();
        Ok(Some(tx.seal(&turns)?))
    }

    /// To whom, if they still wait for it.
    async fn address(
        &self,
        tx: &mut Tx,
    ) -> Result<Option<(TenantId, Sealed<PhoneNumber>, MessageId)>, Failure> {
        let Some(conversation) = self.open_conversation(tx).await? else { return Ok(None) };
        Ok(Some((conversation.tenant, tx.seal(&conversation.phone)?, MessageId::mint())))
    }

    /// The conversation, if the assistant is to answer this text in it.
    async fn open_conversation(
        &self,
        tx: &mut Tx,
    ) -> Result<Option<conversations::Conversation>, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let found = conversations::get(tx, self.conversation).await.map_err(of_domain)?;
        let Some(found) = found.filter(|it| it.mode == ConversationMode::Ai) else {
            return Ok(None);
        };
        let later = conversations::is_answered_later(tx, self.conversation, self.message);
        Ok((!later.await.map_err(of_domain)?).then_some(found))
    }
}
