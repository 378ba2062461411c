//! Has done what the assistant asks for: a child each, and words about how it went.

use std::time::Duration;

use engine::{Awaited, Context, Failure, WhenParentEnds, Workflow};

use super::{
    VoiceSession,
    talk::Asked,
    tools::{Answer, Means},
    wishes::{self, Left, Wish},
};
use crate::{
    app::Trunkline,
    request_callback::RequestCallback,
    take_message::TakeMessage,
    text_link::{TextLink, Texted},
    transfer::{Transfer, Transferred},
};

/// A caller who waits for longer believes that nobody is there. What takes longer is done all the same.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

const LATER: &str = "It takes a moment longer and will be done. Tell the caller so, and go on.";
const FAILED: &str = "It could not be done. Say so, and offer something else.";

impl VoiceSession {
    /// Does it. What cannot be done is an answer, too.
    pub(super) async fn carry_out(
        &self,
        ctx: &Context<'_, Trunkline>,
        means: &Means,
        asked: &Asked,
    ) -> Result<Answer, Failure> {
        match wishes::read(asked, means) {
            Err(why) => {
                let name: String = asked.name.chars().take(40).collect();
                tracing::info!(tool = name, "an assistant asked for what cannot be done");
                Ok(Answer::text(why))
            }
            Ok(Wish::Message(left)) => self.message(ctx, left).await,
            Ok(Wish::Callback { reason, phone, when }) => {
                let child = RequestCallback {
                    call: self.call,
                    tenant: self.tenant,
                    reason: Some(ctx.seal(&reason)?),
                    phone: phone.map(|phone| ctx.seal(&phone)).transpose()?,
                    wanted: when.map(|when| ctx.seal(&when)).transpose()?,
                };
                let done = "The owner is told, and calls back. Tell the caller so.";
                Ok(done_as(has_done(ctx, child).await?, |_| Answer::text(done)))
            }
            Ok(Wish::Link(link)) => {
                let child = TextLink { call: self.call, tenant: self.tenant, link };
                Ok(done_as(has_done(ctx, child).await?, |texted| Answer::text(texted_as(texted))))
            }
            Ok(Wish::Person) => {
                let child = Transfer { call: self.call, tenant: self.tenant };
                Ok(done_as(has_done(ctx, child).await?, put_through))
            }
        }
    }

    async fn message(&self, ctx: &Context<'_, Trunkline>, left: Left) -> Result<Answer, Failure> {
        let child = TakeMessage {
            call: self.call,
            tenant: self.tenant,
            caller_name: left.caller_name.map(|name| ctx.seal(&name)).transpose()?,
            body: ctx.seal(&left.message)?,
            urgent: left.urgent.unwrap_or(false),
        };
        let done = "The message is taken. Tell the caller that the owner will read it.";
        Ok(done_as(has_done(ctx, child).await?, |_| Answer::text(done)))
    }
}

/// How a child ended, as far as a caller waits for it.
enum Ended<T> {
    Well(T),
    Badly,
    NotYet,
}

/// Starts a child, which goes on however this run ends: the caller was told that it is done.
async fn has_done<W: Workflow<Trunkline>>(
    ctx: &Context<'_, Trunkline>,
    child: W,
) -> Result<Ended<W::Output>, Failure> {
    let child = ctx.spawn_with(child, WhenParentEnds::LeaveAlone).await?;
    // Nobody sends this signal; it is the child's end that is waited for.
    let wait = ctx.wait_for::<()>(W::KIND).or_end_of(&child);
    Ok(match wait.for_up_to(ANSWER_WITHIN).await? {
        Awaited::Child(Ok(output)) => {
            Ended::Well(serde_json::from_value(output).map_err(Failure::permanent)?)
        }
        Awaited::Child(Err(_)) => Ended::Badly,
        Awaited::TimedOut | Awaited::Signal(()) => Ended::NotYet,
    })
}

fn done_as<T>(ended: Ended<T>, well: impl FnOnce(T) -> Answer) -> Answer {
    match ended {
        Ended::Well(output) => well(output),
        Ended::Badly => Answer::text(FAILED),
        Ended::NotYet => Answer::text(LATER),
    }
}

fn texted_as(texted: Texted) -> &'static str {
    match texted {
        Texted::Sent => "The text is sent. Tell the caller so.",
        Texted::Refused(_) => {
            "This caller may not be sent texts. Say so, and offer something else."
        }
        Texted::NoSuchLink => "There is no such link. Offer something else.",
        Texted::NoPhone => "The caller's number is withheld, so no text can be sent. Say so.",
        Texted::NotSent => FAILED,
    }
}

fn put_through(to: Transferred) -> Answer {
    match to {
        Transferred::To { phone } => Answer {
            text: "The caller is put through when you have said so. Say so in one short sentence."
                .to_owned(),
            transfer_to: Some(phone),
        },
        Transferred::Closed => {
            Answer::text("Nobody is there at this hour. Say so, and offer to take a message.")
        }
        Transferred::NoNumber => {
            Answer::text("There is nobody to put them through to. Offer to take a message.")
        }
    }
}
