//! Many children of one kind, so many of them at once.

use futures::FutureExt;

use super::{Branch, ChildEnd, Context, settled::Settled};
use crate::{
    failure::Failure,
    workflow::{App, Workflow},
};

/// Children of one fan-out that are begun and not ended, at the most: the run is woken by each of them.
const AT_ONCE_MAX: usize = 200;

/// A fan-out that can still be told what a failing child means. Nothing happens before it is awaited by one of its methods.
#[must_use = "a fan-out does nothing until it is awaited"]
pub struct FanOut<'c, 'a, A: App, W> {
    ctx: &'c Context<'a, A>,
    name: String,
    children: Vec<W>,
    at_once: usize,
}

impl<'a, A: App> Context<'a, A> {
    /// A child for each item, at most `at_once` of them begun and not ended at any time, over crashes too (at the most 200;
    /// 1,000 items in all). Outputs come in the order of the items. A child is known by its item's place: give the same
    /// items in the same order in every execution.
    pub fn fan_out<I: IntoIterator, W: Workflow<A>>(
        &self,
        name: &str,
        items: I,
        at_once: usize,
        child: impl FnMut(I::Item) -> W,
    ) -> FanOut<'_, 'a, A, W> {
        FanOut {
            ctx: self,
            name: name.to_owned(),
            children: items.into_iter().map(child).collect(),
            at_once: at_once.clamp(1, AT_ONCE_MAX),
        }
    }
}

impl<A: App, W: Workflow<A>> FanOut<'_, '_, A, W> {
    /// All of them or none: when one fails, no more are begun, the living are cancelled, those that have succeeded are taken
    /// back, and then this fails for good.
    pub async fn all(self) -> Result<Vec<W::Output>, Failure> {
        let FanOut { ctx, name, children, at_once } = self;
        let group = ctx.group(&name, children.len(), true)?;
        if let Some(Settled::Failed(failure)) = ctx.settled(&group, "fan_out").await? {
            ctx.take_back_rest(&group.nodes).await;
            return Err(failure.into());
        }
        let runs = ctx.branches(&group).into_iter().zip(children);
        let runs = runs.map(|(ctx, child)| async move { ctx.child(child).await }.boxed());
        match ctx.all(&group, "fan_out", runs, at_once).await {
            Err(failure) if failure.is_permanent() => {
                ctx.take_back(&group.nodes).await;
                Err(failure)
            }
            ended => ended,
        }
    }

    /// Each for itself: how every one of them ended, also those that failed.
    pub async fn each(self) -> Result<Vec<Result<W::Output, ChildEnd>>, Failure> {
        let FanOut { ctx, name, children, at_once } = self;
        let group = ctx.group(&name, children.len(), true)?;
        let runs = ctx.branches(&group).into_iter().zip(children);
        let runs = runs.map(|(ctx, child)| ended(ctx, child).boxed());
        ctx.all(&group, "fan_out", runs, at_once).await
    }
}

async fn ended<A: App, W: Workflow<A>>(
    ctx: Branch<'_, A>,
    child: W,
) -> Result<Result<W::Output, ChildEnd>, Failure> {
    let spawned = ctx.spawn(child).await?;
    match ctx.end_of(W::KIND, spawned.id).await?.into_result() {
        Ok(output) => Ok(Ok(ctx.decoded(&output).await?)),
        Err(end) => Ok(Err(end)),
    }
}
