//! The run of a live call, whatever goes wrong at any of its boundaries. Its line is a script: what speaks on it is outside of
//! the run, and has a suite of its own (`voice`).

use std::{collections::HashSet, sync::Arc};

use crash_matrix::Done;
use domain::{
    CallId, VoiceSessionId,
    voice::{Outcome, Speaker, Spoken},
};
use engine::Failure;
use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::sync::Notify;
use workflows::{
    after_call::AfterCall,
    missed_call_textback::MissedCallTextback,
    send_sms::SendSms,
    take_message::TakeMessage,
    voice_session::{
        Asked, Heard, Then, VoiceSession,
        desk::{Attending, VoiceDesk},
        tools::LineAnswer,
    },
};

use crate::{
    after_calls::SWITCHBOARD,
    matrix::{Outside, ensure, next},
};

/// Sessions, the nth of the nth call.
const SESSIONS: &str = "
    select set_config('trunkline.scope', 'platform', true);
    insert into product.voice_sessions (session_id, tenant_id, call_id, call_sid, job_id)
        select ('00000000-0000-7000-9000-' || right(call_id::text, 12))::uuid, tenant_id, call_id, call_sid, gen_random_uuid()
        from product.calls;";

/// A line on which the same is said whoever attends: something, a wish, its answer, an end.
#[derive(Default)]
struct Script {
    /// Questions that were answered, by session.
    answered: parking_lot::Mutex<HashSet<VoiceSessionId>>,
    changed: Notify,
}

impl VoiceDesk for Script {
    fn next<'a>(&'a self, attending: Attending<'a>) -> BoxFuture<'a, Result<Heard, Failure>> {
        let said = |who, text: &str| Spoken { who, text: text.to_owned(), at_ms: 1 };
        let asked = Asked {
            id: "1".to_owned(),
            name: "take_message".to_owned(),
            arguments: json!({ "message": "It drips.", "caller_name": "Anna" }).to_string(),
        };
        let (said, then) = match attending.talk.upto() {
            0 => (vec![said(Speaker::Caller, "Good day")], Then::More),
            1 => (vec![said(Speaker::Assistant, "Good day")], Then::Asks(asked)),
            _ => (vec![said(Speaker::Caller, "Bye")], Then::Over(Outcome::HungUp)),
        };
        let heard = Heard { upto: attending.talk.upto() + 1, said, then };
        async move { Ok(heard) }.boxed()
    }

    fn hold<'a>(
        &'a self,
        attending: Attending<'a>,
        _: &'a Asked,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            loop {
                let changed = self.changed.notified();
                if self.answered.lock().contains(&attending.session) {
                    return Ok(());
                }
                changed.await;
            }
        }
        .boxed()
    }

    fn answer(&self, attending: Attending<'_>, _: &Asked, _: &LineAnswer) {
        self.answered.lock().insert(attending.session);
        self.changed.notify_waiters();
    }

    fn hang_up(&self, _: VoiceSessionId) {}
}

#[tokio::test]
async fn a_call_is_written_down_once_and_has_one_end_whatever_goes_wrong() {
    let outside = Outside::new().await;
    outside.config.clients.voice.set(Arc::new(Script::default())).ok().unwrap();
    let make = || {
        let n = next();
        VoiceSession {
            session: format!("00000000-0000-7000-9000-{n:012}").parse().unwrap(),
            call: format!("00000000-0000-7000-b000-{n:012}").parse().unwrap(),
            call_sid: format!("CA{n:032x}"),
            tenant: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            talk_max_secs: 60,
        }
    };
    // CrashMatrix::of(VoiceSession), with what its assistant asks for and what follows the call.
    let registry = engine::Registry::default()
        .with::<VoiceSession>()
        .with::<TakeMessage>()
        .with::<AfterCall>()
        .with::<MissedCallTextback>()
        .with::<SendSms>();
    outside
        .matrix_of(registry, make)
        .schema(SWITCHBOARD)
        .schema(SESSIONS)
        .invariant("one end", async |done: &Done| {
            let ended = done
                .count(
                    "select from product.voice_sessions s join trunkline.jobs j on j.args ->> 'session' = s.session_id::text
                     where j.job_id = $1 and s.outcome = 'hung_up' and s.closed_at is not null",
                )
                .await;
            let said = done.job.output == Some(json!("hung_up"));
            ensure(!done.succeeded() || said && ended == 1, || {
                format!("{ended} ended, {:?}", done.job.output)
            })
        })
        .invariant("one message, which stays", async |done: &Done| {
            let asked = done
                .count(
                    "select from trunkline.jobs j join trunkline.kinds k using (kind_id)
                     where j.parent_id = $1 and k.name = 'take_message'",
                )
                .await;
            let left = done
                .count(
                    "select from product.call_requests r join trunkline.jobs j on j.args ->> 'call' = r.call_id::text
                     where j.job_id = $1",
                )
                .await;
            ensure(left <= asked && asked <= 1 && (asked == 1 || !done.succeeded()), || {
                format!("{asked} asked for, {left} left")
            })
        })
        .invariant("what follows a call follows once", async |done: &Done| {
            let follows = done
                .count(
                    "select from trunkline.jobs f join trunkline.kinds k using (kind_id)
                     join trunkline.jobs j on j.args ->> 'session' = f.args ->> 'session'
                     where j.job_id = $1 and k.name = 'after_call'",
                )
                .await;
            let closed = done
                .count(
                    "select from product.voice_sessions s join trunkline.jobs j on j.args ->> 'session' = s.session_id::text
                     where j.job_id = $1 and s.outcome is not null",
                )
                .await;
            ensure(follows == closed && (closed == 1 || !done.succeeded()), || {
                format!("{follows} follow {closed}")
            })
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_session_that_is_over_before_it_begins_keeps_nobody() {
    let outside = Outside::new().await;
    let make = || VoiceSession {
        session: VoiceSessionId::mint(),
        call: CallId::mint(),
        call_sid: format!("CA{:032x}", next()),
        tenant: domain::TenantId::mint(),
        talk_max_secs: 60,
    };
    outside
        .matrix::<VoiceSession>(make)
        .invariant("nobody spoke", async |done: &Done| {
            let abandoned = done.job.output == Some(json!("abandoned"));
            ensure(abandoned || !done.succeeded(), || format!("{:?}", done.job.output))
        })
        .run()
        .await;
}
