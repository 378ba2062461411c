//! Acts of a script that go on side by side, and smaller calls of a context.

use std::time::Duration;

use engine::{Context, Failure, Jitter, RetryPolicy, StepPolicy};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{
    Act, Script, Toy,
    script::{self, play_all},
};

/// Boxed, since acts hold acts.
pub(super) fn play<'f>(
    act: &'f Act,
    ctx: &'f Context<'_, Toy>,
) -> BoxFuture<'f, Result<Value, Failure>> {
    async move {
        Ok(match act {
            Act::All(branches) => json!(
                ctx.join_all(
                    "all",
                    branches,
                    |ctx, acts| async move { play_all(acts, &ctx).await }
                )
                .await?
            ),
            Act::First(branches) => {
                json!(
                    ctx.race_all("first", branches, |ctx, acts| async move {
                        play_all(acts, &ctx).await
                    })
                    .await?
                )
            }
            Act::Caught(act) => match script::play(act, ctx).await {
                Ok(output) => output,
                Err(failure) => failure.text().into(),
            },
            Act::Any(names, limit) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let wait = ctx.wait_any::<Value>(&names);
                let arrived = match limit {
                    Some(secs) => wait.for_up_to(Duration::from_secs(*secs)).await?,
                    None => Some(wait.for_ever().await?),
                };
                arrived.map_or(Value::Null, |arrived| json!([arrived.name, arrived.payload]))
            }
            Act::Record => json!([ctx.now().await?, ctx.random().await?, ctx.uuid().await?]),
            Act::SleepUntil(instant) => {
                ctx.sleep_until(*instant).await?;
                Value::Null
            }
            Act::FanOut { children, at_once, each } => {
                let children = ctx.fan_out("fan", children, *at_once, |acts| Script(acts.clone()));
                if *each {
                    let ends = children.each().await?;
                    let ends = ends.into_iter().map(|end| match end {
                        Ok(outputs) => json!(outputs),
                        Err(end) => {
                            format!("{}: {}", end.state, end.error.unwrap_or_default()).into()
                        }
                    });
                    ends.collect()
                } else {
                    json!(children.all().await?)
                }
            }
            Act::SpawnWith(acts, when_parent_ends) => {
                ctx.spawn_with(Script(acts.clone()), *when_parent_ends).await?;
                Value::Null
            }
            Act::Pivot(name) => {
                ctx.pivot(name).await?;
                Value::Null
            }
            Act::Progress(done, total) => {
                ctx.progress(*done, Some(*total), &format!("{done} of {total}"));
                Value::Null
            }
            Act::Hasty(name, millis, attempts) => {
                let retry = RetryPolicy::exponential(Duration::from_mins(1), *attempts);
                let policy = StepPolicy::from(retry.jitter(Jitter::None))
                    .timeout(Duration::from_millis(*millis));
                ctx.step_with(name, policy, async |world, _| script::step(world, name).await)
                    .await?
                    .into()
            }
            Act::Deep(depth) => ctx.step("deep", async |_, _| Ok(nested(*depth))).await?,
            Act::Quiet(act) => script::play(act, ctx).await.map(|_| Value::Null)?,
            Act::Step(_)
            | Act::Letters(_)
            | Act::Nul
            | Act::Number(_)
            | Act::Line(_)
            | Act::BadCommit
            | Act::Deed(_)
            | Act::Keyed(_)
            | Act::Entry(_)
            | Act::Wait(..)
            | Act::Sleep(_)
            | Act::Child(_)
            | Act::Spawn(_)
            | Act::Join(..)
            | Act::Held(..)
            | Act::Body(_) => {
                unreachable!("{act:?} is played by the script")
            }
        })
    }
    .boxed()
}

/// Nothing, in so many arrays.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| json!([inner]))
}
