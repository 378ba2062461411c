//! A workflow is changed while runs of it are in flight: each run knows whether it is an old one.

use std::sync::Arc;

use engine::{Context, Failure, RedriveFrom, Registry, State, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::{TestWorker, WorkerOptions};

use crate::toy::{Plan, Rig, Toy, World, operator, registry};

/// As it was.
#[derive(Serialize, Deserialize)]
struct Old;

/// As it is now.
#[derive(Serialize, Deserialize)]
struct New;

const KIND: &str = "evolving";

async fn step(ctx: &Context<'_, Toy>, name: &'static str) -> Result<usize, Failure> {
    ctx.step(name, async |world: &World, _| {
        world.pass(&format!("step:{name}")).await?;
        Ok(1_usize)
    })
    .await
}

impl Workflow<Toy> for Old {
    const KIND: &'static str = KIND;
    const QUEUE: &'static str = "toys";
    type Output = Vec<bool>;

    async fn run(&self, ctx: &Context<'_, Toy>) -> Result<Vec<bool>, Failure> {
        step(ctx, "a").await?;
        step(ctx, "b").await?;
        ctx.wait_for::<Value>("go").for_ever().await?;
        step(ctx, "c").await?;
        Ok(Vec::new())
    }
}

impl Workflow<Toy> for New {
    const KIND: &'static str = KIND;
    const QUEUE: &'static str = "toys";
    type Output = Vec<bool>;

    async fn run(&self, ctx: &Context<'_, Toy>) -> Result<Vec<bool>, Failure> {
        step(ctx, "a").await?;
        let early = ctx.patched("audit").await?;
        if early {
            step(ctx, "audit").await?;
        }
        step(ctx, "b").await?;
        ctx.wait_for::<Value>("go").for_ever().await?;
        let late = ctx.patched("receipt").await?;
        if late {
            step(ctx, "receipt").await?;
        }
        ctx.wait_for::<Value>("end").for_ever().await?;
        step(ctx, "c").await?;
        Ok(vec![early, late, ctx.patched("audit").await?])
    }
}

async fn worker(rig: &Rig, registry: Registry<Toy>) -> TestWorker<Toy> {
    let world = Arc::clone(&rig.world);
    let config = rig.db.engine_config();
    TestWorker::start(config, Arc::new(registry), world, Arc::new(()), WorkerOptions::default())
        .await
}

#[tokio::test]
async fn an_old_run_does_what_was_added_only_where_it_had_not_been() {
    let rig = Rig::with(registry().with::<Old>()).await;
    let old = worker(&rig, registry().with::<Old>()).await;
    let id = rig.enqueue(Old.job()).await;
    rig.becomes(id, State::Waiting).await;
    drop(old);
    let new = worker(&rig, registry().with::<New>()).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.world.reached("step:receipt", 1).await;
    rig.becomes(id, State::Waiting).await;
    // The answers outlive a crash and what has happened since.
    rig.bury(new).await;
    let _again = worker(&rig, registry().with::<New>()).await;
    rig.signal(id, "end", json!(1), None).await;
    let output = rig.becomes(id, State::Succeeded).await.output;
    assert_eq!(output, Some(json!([false, true, false])));
    assert_eq!(rig.world.story("step:"), ["a", "b", "receipt", "c"]);
}

#[tokio::test]
async fn a_new_run_does_all_of_it() {
    let rig = Rig::with(registry().with::<New>()).await;
    let first = worker(&rig, registry().with::<New>()).await;
    let id = rig.enqueue(New.job()).await;
    rig.becomes(id, State::Waiting).await;
    rig.bury(first).await;
    let _second = worker(&rig, registry().with::<New>()).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.signal(id, "end", json!(1), None).await;
    let output = rig.becomes(id, State::Succeeded).await.output;
    assert_eq!(output, Some(json!([true, true, true])));
    assert_eq!(rig.world.story("step:"), ["a", "audit", "b", "receipt", "c"]);
}

/// What it writes down once comes after what was added.
#[derive(Serialize, Deserialize)]
struct Writer;

impl Workflow<Toy> for Writer {
    const KIND: &'static str = KIND;
    const QUEUE: &'static str = "toys";
    type Output = bool;

    async fn run(&self, ctx: &Context<'_, Toy>) -> Result<bool, Failure> {
        step(ctx, "a").await?;
        let is_new = ctx.patched("stamp").await?;
        ctx.transaction("write", async |_| Ok(())).await?;
        step(ctx, "c").await?;
        Ok(is_new)
    }
}

#[tokio::test]
async fn a_new_run_that_is_redriven_from_a_step_stays_a_new_one() {
    let rig = Rig::with(registry().with::<Writer>()).await;
    rig.world.plan("step:c", [Plan::Permanent]);
    let _worker = worker(&rig, registry().with::<Writer>()).await;
    let id = rig.enqueue(Writer.job()).await;
    rig.becomes(id, State::Failed).await;
    let mut tx = rig.engine.begin().await.unwrap();
    let from = RedriveFrom::Step { name: "a".to_owned(), despite_deeds: true };
    assert_eq!(tx.redrive(id, &from, &operator()).await.unwrap(), id);
    tx.commit().await.unwrap();
    let output = rig.becomes(id, State::Succeeded).await.output;
    assert_eq!(output, Some(json!(true)));
    assert_eq!(rig.world.story("step:"), ["a", "c", "a", "c"]);
}
