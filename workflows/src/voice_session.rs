//! A live call: what is said in it is written down behind it, and whoever takes it over goes on where it was.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open` | – (reads what the assistant is told) | – | another worker opens the line |
//! | `listen`, again and again | – (what was said since, sealed) | – | another worker goes on with all of that |
//! | `tool`: `take_message`, `request_callback`, `text_link` or `transfer` (children) | what the assistant asked for | – (the caller was told that it is done) | it is done once; the next worker hears how |
//! | `close` | the session has its outcome, and what follows a call (`after_call`) is enqueued with it | – (it is over) | the line is closed when it is |
//! | `hang_up` | the worker lets go of the line | – | the provider asks what is next |
//!
//! The sound is spoken by the worker's desk ([`desk::VoiceDesk`]), which needs neither this body nor the database to go on:
//! the body is its secretary. It may leave and come back, here or elsewhere, while the call is spoken.

mod carry_out; // has it done
pub mod desk; // where calls are spoken
mod talk; // what a session is
pub mod tools; // what the assistant can have done
mod wishes; // what it wants done

use std::{sync::Arc, time::Duration};

use domain::{
    CallId, TenantId, VoiceSessionId, bots, scope,
    voice::{Outcome, sessions},
    voice_settings,
};
use engine::{Context, Failure, RetryPolicy, Sealed, StepPolicy, Tx, Workflow};
use serde::{Deserialize, Serialize};

pub use self::talk::{Asked, Brief, Heard, Talk, Then};
use self::{
    desk::{Attending, VoiceDesk},
    tools::{Answer, Means},
};
use crate::{
    after_call::{self, AfterCall},
    app::{Clients, Trunkline},
    error::of_domain,
};

/// Longer than any call, with all that follows.
const DEADLINE: Duration = Duration::from_hours(3);

/// A look at the line ends when something was said, or with the call; the desk itself ends a call that is too long.
const LISTEN: StepPolicy =
    StepPolicy { retry: RetryPolicy::STEP, timeout: Duration::from_hours(2) };

/// Longer than a tool may take. The run cannot leave while it holds the line, so a branch that has lost the database
/// meanwhile gets no further before this ends.
const HOLD: Duration = Duration::from_secs(10);

/// A call that costs one worker after the other is not handed on for ever.
pub const CLAIMS_MAX: i32 = 12;

/// Speaks in one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoiceSession {
    /// Which session.
    pub session: VoiceSessionId,
    /// Which call.
    pub call: CallId,
    /// The same by the provider's name.
    pub call_sid: String,
    /// Who was called.
    pub tenant: TenantId,
    /// How long may be spoken.
    pub talk_max_secs: u32,
}

impl Workflow<Trunkline> for VoiceSession {
    const KIND: &'static str = "voice_session";
    const QUEUE: &'static str = "voice";
    const DEADLINE: Option<Duration> = Some(DEADLINE);
    type Output = Outcome;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Outcome, Failure> {
        let brief = match ctx.transaction("open", async |tx| self.open(tx).await).await? {
            Opened::Live(brief) => ctx.open(&brief)?,
            Opened::Over(outcome) => return Ok(outcome),
        };
        let mut talk = Talk::default();
        let outcome = self.attend(ctx, &brief, &mut talk).await?;
        let outcome =
            ctx.transaction("close", async |tx| self.close(tx, outcome, &talk).await).await?;
        ctx.step("hang_up", async |clients, _| {
            if let Ok(desk) = desk_of(clients) {
                desk.hang_up(self.session);
            }
            Ok(())
        })
        .await?;
        Ok(outcome)
    }
}

/// What a session finds when it begins.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Opened {
    Live(Sealed<Brief>),
    /// It has ended before it began: the caller was told that nobody is free.
    Over(Outcome),
}

impl VoiceSession {
    async fn open(&self, tx: &mut Tx) -> Result<Opened, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let session = sessions::get(tx, self.session).await.map_err(of_domain)?;
        match session.map(|session| session.outcome) {
            Some(None) => {}
            Some(Some(outcome)) => return Ok(Opened::Over(outcome)),
            // Its tenant has gone, and all of it.
            None => return Ok(Opened::Over(Outcome::Abandoned)),
        }
        let prompt = bots::prompt_of(tx, self.tenant).await.map_err(of_domain)?;
        let wishes = voice_settings::get(tx, self.tenant).await.map_err(of_domain)?;
        let tag = bots::locale_of(tx, self.tenant).await.map_err(of_domain)?;
        let means = Means {
            links: wishes.links.iter().map(|(name, _)| name.to_owned()).collect(),
            has_person: wishes.transfer_phone.is_some(),
            region: tag.and_then(|tag| Some(tag.split_once('-')?.1.to_owned())),
        };
        let brief = Brief {
            instructions: talk::instructions(prompt.as_deref()),
            talk_max_secs: self.talk_max_secs,
            means,
        };
        Ok(Opened::Live(tx.seal(&brief)?))
    }

    /// Writes down what happens until it is over.
    async fn attend(
        &self,
        ctx: &Context<'_, Trunkline>,
        brief: &Brief,
        talk: &mut Talk,
    ) -> Result<Outcome, Failure> {
        loop {
            let heard: Sealed<Heard> = ctx
                .step_with("listen", LISTEN, async |clients, _| {
                    if ctx.epoch() > CLAIMS_MAX {
                        return ctx.seal(&Heard::over(talk.upto(), Outcome::AiFailed));
                    }
                    let attending = self.attending(ctx, brief, talk);
                    ctx.seal(&desk_of(clients)?.next(attending).await?)
                })
                .await?;
            match talk.hear(ctx.open(&heard)?) {
                Then::More => {}
                Then::Asks(asked) => {
                    let answer = self.tool(ctx, brief, talk, &asked).await?;
                    talk.answered(&asked, answer);
                }
                Then::Over(outcome) => return Ok(talk.outcome(outcome)),
            }
        }
    }

    /// Has done what the assistant asks for, while the line stays here; tells it how that went.
    async fn tool(
        &self,
        ctx: &Context<'_, Trunkline>,
        brief: &Brief,
        talk: &Talk,
        asked: &Asked,
    ) -> Result<Answer, Failure> {
        let doing = ctx.join(
            "tool",
            async |branch| {
                let answer = self.carry_out(&branch, &brief.means, asked).await?;
                branch
                    .step("answer", async |clients, _| {
                        let attending = self.attending(ctx, brief, talk);
                        desk_of(clients)?.answer(attending, asked, &answer.of_the_line());
                        Ok(())
                    })
                    .await?;
                Ok(answer)
            },
            async |branch| {
                // It keeps the run at this worker until there is an answer.
                branch
                    .step_with("hold", LISTEN, async |clients, _| {
                        let attending = self.attending(ctx, brief, talk);
                        let held = desk_of(clients)?.hold(attending, asked);
                        tokio::time::timeout(HOLD, held).await.unwrap_or(Ok(()))
                    })
                    .await
            },
        );
        Ok(doing.await?.0)
    }

    fn attending<'a>(
        &'a self,
        ctx: &Context<'_, Trunkline>,
        brief: &'a Brief,
        talk: &'a Talk,
    ) -> Attending<'a> {
        Attending {
            session: self.session,
            epoch: ctx.epoch(),
            at: ctx.db_time(),
            call_sid: &self.call_sid,
            job: ctx.job_id(),
            brief,
            talk,
        }
    }

    /// Ends the session, and has done what follows a call. The first end stands: a caller may have been told that nobody is
    /// free; what was said before that is kept all the same.
    async fn close(&self, tx: &mut Tx, outcome: Outcome, talk: &Talk) -> Result<Outcome, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let to = talk.transfer_to().map(|phone| tx.open(phone)).transpose()?;
        let closed = sessions::close(tx, self.session, outcome, to.as_ref()).await;
        let outcome = if closed.map_err(of_domain)? {
            outcome
        } else {
            let before = sessions::get(tx, self.session).await.map_err(of_domain)?;
            before.and_then(|session| session.outcome).unwrap_or(outcome)
        };
        let follow = AfterCall {
            call: self.call,
            session: self.session,
            tenant: self.tenant,
            turns: tx.seal(&after_call::kept(talk.spoken()))?,
            outcome,
        };
        tx.enqueue(follow.job().tenant(self.tenant.as_uuid())).await?;
        Ok(outcome)
    }
}

fn desk_of(clients: &Clients) -> Result<&Arc<dyn VoiceDesk>, Failure> {
    // Calls wait in a queue of their own, which no other pool serves.
    clients.voice.get().ok_or_else(|| Failure::retry("no calls are spoken at this worker"))
}
