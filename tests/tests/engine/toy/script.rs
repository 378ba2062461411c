//! A workflow that does what its arguments say, one act after the other.

use std::time::Duration;

use engine::{
    Awaited, Change, Context, Effect, EffectCall, Failure, Jitter, Probe, Registrar, RetryPolicy,
    Sealed, Tx, Workflow,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Plan, Toy, World, wide};

/// One thing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Act {
    /// A step; at the place `step:<name>`.
    Step(String),
    /// A step that yields this many letters.
    Letters(usize),
    /// A step that yields a text with a NUL.
    Nul,
    /// A step that expects a number.
    Number(String),
    /// A transaction that writes a line into the ledger table.
    Line(String),
    /// A transaction that only fails when it commits.
    BadCommit,
    /// A deed outside; at `do:`, `undo:` and `probe:`.
    Deed(String),
    /// The same at a provider that honours keys.
    Keyed(String),
    /// A line in the ledger table that can be taken back; undone at `undo-line:`.
    Entry(String),
    /// Waits for a signal for at most so many seconds, if given.
    Wait(String, Option<u64>),
    /// Sleeps so many seconds.
    Sleep(u64),
    /// A child, awaited.
    Child(Vec<Act>),
    /// A child, not awaited.
    Spawn(Vec<Act>),
    /// Two steps at once.
    Join(String, String),
    /// Holds one of so many permits of a scope meanwhile; gives it back, or leaves that to the end.
    Held(String, u32, Vec<Act>, bool),
    /// Somewhere in the body, between steps.
    Body(String),
    /// Branches of which all are needed.
    All(Vec<Vec<Act>>),
    /// Branches of which the first wins.
    First(Vec<Vec<Act>>),
    /// As the one before it, but a failure is an output.
    Caught(Box<Act>),
    /// Waits for the first of these signals, for at most so many seconds, if given.
    Any(Vec<String>, Option<u64>),
    /// A time, a number and an id.
    Record,
    /// Sleeps until an instant.
    SleepUntil(chrono::DateTime<chrono::Utc>),
    /// Children, so many at once; each for itself, or all of them.
    FanOut { children: Vec<Vec<Act>>, at_once: usize, each: bool },
    /// A child, not awaited, and what becomes of it when the script ends.
    SpawnWith(Vec<Act>, engine::WhenParentEnds),
    /// No way back.
    Pivot(String),
    /// So much done, of so much.
    Progress(u64, u64),
    /// A step that may take so many milliseconds and is tried so often.
    Hasty(String, u64, u16),
    /// A step that yields nothing in so many arrays.
    Deep(usize),
    /// As the one before it, but what it yields is not kept.
    Quiet(Box<Act>),
}

/// The workflow. Its output: what its acts yielded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Script(pub(crate) Vec<Act>);

impl Workflow<Toy> for Script {
    const KIND: &'static str = "script";
    const QUEUE: &'static str = "toys";
    const RETRY: RetryPolicy =
        RetryPolicy::exponential(Duration::from_mins(1), 3).jitter(Jitter::None);
    type Output = Vec<Value>;

    fn ledger(ledger: &mut Registrar<'_, Toy>) {
        ledger.effect::<Deed>().effect::<Keyed>().change::<Entry>();
    }

    async fn run(&self, ctx: &Context<'_, Toy>) -> Result<Vec<Value>, Failure> {
        play_all(&self.0, ctx).await
    }
}

/// One after the other.
pub(super) async fn play_all(acts: &[Act], ctx: &Context<'_, Toy>) -> Result<Vec<Value>, Failure> {
    let mut outputs = Vec::new();
    for act in acts {
        outputs.push(play(act, ctx).await?);
    }
    Ok(outputs)
}

pub(super) async fn play(act: &Act, ctx: &Context<'_, Toy>) -> Result<Value, Failure> {
    let value = match act {
        Act::Step(name) => ctx.step(name, async |world, _| step(world, name).await).await?.into(),
        Act::Letters(count) => {
            ctx.step("letters", async |_, _| Ok("x".repeat(*count))).await?.into()
        }
        Act::Held(scope, max, acts, give_back) => {
            let held = ctx.hold(scope, "", *max).await?;
            let outputs = Box::pin(play_all(acts, ctx)).await?;
            if *give_back {
                ctx.release(held).await?;
            }
            outputs.into()
        }
        Act::Nul => ctx.step("nul", async |_, _| Ok("a\0b".to_owned())).await?.into(),
        Act::Number(name) => ctx.step(name, async |_, _| Ok(1_u64)).await?.into(),
        Act::Line(line) => ctx.transaction("line", async |tx| write(tx, line).await).await?.into(),
        Act::BadCommit => {
            ctx.transaction("bad", async |tx| write(tx, "not at commit").await).await?.into()
        }
        Act::Deed(name) => ctx.effect(Deed { name: name.clone() }).await?.into(),
        Act::Keyed(name) => ctx.effect(Keyed(Deed { name: name.clone() })).await?.into(),
        Act::Entry(line) => ctx.change(Entry { line: line.clone() }).await?.into(),
        Act::Wait(name, limit) => {
            let wait = ctx.wait_for::<Value>(name);
            let ended = match limit {
                Some(secs) => wait.for_up_to(Duration::from_secs(*secs)).await?,
                None => wait.for_ever().await?,
            };
            match ended {
                Awaited::Signal(payload) => payload,
                Awaited::TimedOut => "timed out".into(),
                Awaited::Child(_) => "no child was meant".into(),
            }
        }
        Act::Sleep(secs) => {
            ctx.sleep(Duration::from_secs(*secs)).await?;
            Value::Null
        }
        Act::Child(acts) => ctx.child(Script(acts.clone())).await?.into(),
        Act::Spawn(acts) => {
            ctx.spawn(Script(acts.clone())).await?;
            Value::Null
        }
        Act::Join(one, two) => {
            let one = ctx.step(one, async |world: &World, _| step(world, one).await);
            let two = ctx.step(two, async |world: &World, _| step(world, two).await);
            let (one, two) = tokio::join!(one, two);
            vec![one?, two?].into()
        }
        Act::Body(name) => body(name, ctx)?,
        Act::All(_)
        | Act::First(_)
        | Act::Caught(_)
        | Act::Any(..)
        | Act::Record
        | Act::SleepUntil(_)
        | Act::FanOut { .. }
        | Act::SpawnWith(..)
        | Act::Pivot(_)
        | Act::Progress(..)
        | Act::Hasty(..)
        | Act::Deep(_)
        | Act::Quiet(_) => wide::play(act, ctx).await?,
    };
    Ok(value)
}

/// What a body itself does wrong.
fn body(name: &str, ctx: &Context<'_, Toy>) -> Result<Value, Failure> {
    match name {
        "panic" if ctx.attempt() == 1 => panic!("the body exploded"),
        "retry" => Err(Failure::retry("the body failed")),
        "permanent" => Err(Failure::permanent("the body refused")),
        "undo" => Err(Failure::undo("the body thought better of it")),
        _ => Ok(ctx.attempt().into()),
    }
}

pub(super) async fn step(world: &World, name: &str) -> Result<usize, Failure> {
    let place = format!("step:{name}");
    world.pass(&place).await?;
    Ok(world.count(&place))
}

async fn write(tx: &mut Tx, line: &str) -> Result<i64, Failure> {
    let statement = "insert into toy.ledger (line) values ($1) returning id";
    Ok(sqlx::query_scalar(statement).bind(line).fetch_one(&mut **tx).await?)
}

/// A deed outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deed {
    name: String,
}

impl Effect<Toy> for Deed {
    const NAME: &'static str = "deed";
    const RETRY: RetryPolicy =
        RetryPolicy::exponential(Duration::from_mins(1), 3).jitter(Jitter::None);
    type Output = String;

    async fn apply(&self, world: &World, call: &EffectCall) -> Result<String, Failure> {
        let place = format!("do:{}", self.name);
        let plan = world.at(&place).await;
        if matches!(plan, Plan::Fine | Plan::Gate | Plan::Lost) {
            world.done(&call.key);
        }
        plan.into_result(&place)?;
        Ok(call.key.clone())
    }

    async fn undo(&self, world: &World, call: &EffectCall, output: &String) -> Result<(), Failure> {
        assert_eq!(call.key, *output, "the key is the same in every phase");
        let place = format!("undo:{}", self.name);
        let plan = world.at(&place).await;
        if matches!(plan, Plan::Fine | Plan::Gate | Plan::Lost) {
            world.undone(&call.key);
        }
        plan.into_result(&place)
    }

    async fn probe(&self, world: &World, call: &EffectCall) -> Result<Probe<String>, Failure> {
        let place = format!("probe:{}", self.name);
        match world.at(&place).await {
            Plan::NotYet(after) => Ok(Probe::NotYet(after)),
            Plan::CannotTell => Ok(Probe::CannotTell),
            Plan::Fine | Plan::Gate if world.stands(&call.key) => {
                Ok(Probe::Happened(call.key.clone()))
            }
            Plan::Fine | Plan::Gate => Ok(Probe::DidNotHappen),
            plan @ (Plan::Retry
            | Plan::RetryAfter(_)
            | Plan::Permanent
            | Plan::Snooze(_)
            | Plan::Lost
            | Plan::LostBefore
            | Plan::Panic) => plan.into_result(&place).map(|()| Probe::CannotTell),
        }
    }
}

/// A deed at a provider that honours its key, so that it is repeated unasked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Keyed(Deed);

impl Effect<Toy> for Keyed {
    const NAME: &'static str = "keyed";
    const RETRY: RetryPolicy = Deed::RETRY;
    const KEY_IS_HONOURED: bool = true;
    type Output = String;

    async fn apply(&self, world: &World, call: &EffectCall) -> Result<String, Failure> {
        self.0.apply(world, call).await
    }

    async fn undo(&self, world: &World, call: &EffectCall, output: &String) -> Result<(), Failure> {
        self.0.undo(world, call, output).await
    }

    async fn probe(&self, world: &World, call: &EffectCall) -> Result<Probe<String>, Failure> {
        self.0.probe(world, call).await
    }
}

/// A line in the ledger table that can be taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    line: String,
}

impl Change<Toy> for Entry {
    const NAME: &'static str = "entry";
    type Output = i64;

    async fn apply(&self, tx: &mut Tx, (): &()) -> Result<i64, Failure> {
        write(tx, &self.line).await
    }

    async fn undo(&self, tx: &mut Tx, (): &(), id: &i64) -> Result<(), Failure> {
        sqlx::query("update toy.ledger set undone = undone + 1 where id = $1")
            .bind(id)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// A workflow whose argument nobody else may read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) code: Sealed<String>,
}

impl Workflow<Toy> for Secret {
    const KIND: &'static str = "secret";
    const QUEUE: &'static str = "secrets";
    type Output = Sealed<String>;

    async fn run(&self, ctx: &Context<'_, Toy>) -> Result<Sealed<String>, Failure> {
        let code = ctx.open(&self.code)?;
        ctx.step("sealed", async |_, _| Ok(self.code.clone())).await?;
        ctx.wait_for::<Value>("go").for_ever().await?;
        ctx.seal(&format!("{code}!"))
    }
}
