//! What a new version would do to the runs in flight, and what it does to those that it does not know.

use engine::{
    Breaks, Effect, EffectCall, Failure, Missed, Registrar, Registry, Schedule, State, Workflow,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::toy::{Act, Rig, Toy, World, registry};

/// The same kind as the toy's script; this version wants its arguments otherwise.
#[derive(Debug, Serialize, Deserialize)]
struct Script {
    acts: Vec<String>,
}

impl Workflow<Toy> for Script {
    const KIND: &'static str = "script";
    const QUEUE: &'static str = "toys";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Toy>) {
        ledger.effect::<Deed>();
    }

    async fn run(&self, _: &engine::Context<'_, Toy>) -> Result<(), Failure> {
        Ok(())
    }
}

/// The same effect, with another input.
#[derive(Debug, Serialize, Deserialize)]
struct Deed {
    title: String,
}

impl Effect<Toy> for Deed {
    const NAME: &'static str = "deed";
    type Output = ();

    async fn apply(&self, _: &World, _: &EffectCall) -> Result<(), Failure> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_new_version_would_break_is_said_before_it_takes_over() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let _worker = rig.worker().await;
    for _ in 0..2 {
        let run = rig.play([Act::deed("one"), Act::entry("two"), Act::wait("go")]).await;
        rig.becomes(run, State::Waiting).await;
    }
    let url = rig.db.app_url();
    let fits = registry().check_deploy(url).await.unwrap();
    assert!(fits.ok && fits.complete && fits.runs == 2, "{fits:?}");

    let newer = Registry::<Toy>::default().with::<Script>().scheduled(Schedule {
        name: "nightly".to_owned(),
        cron: "0 0 1--100000000 * *".to_owned(),
        timezone: "UTC".to_owned(),
        kind: "script".to_owned(),
        queue: "toys".to_owned(),
        args: json!({ "acts": [] }),
        missed: Missed::default(),
    });
    let report = newer.check_deploy(url).await.unwrap();
    assert!(!report.ok);
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.breaks, finding.name.as_str(), finding.count))
        .collect();
    found.sort();
    let expected = [
        (Breaks::Arguments, "script", 2),
        (Breaks::UnknownDeed, "entry", 2),
        (Breaks::Deed, "deed", 2),
        (Breaks::Schedule, "nightly", 1),
    ];
    assert_eq!(found, expected);
    let nobody = Registry::<Toy>::default().check_deploy(url).await.unwrap();
    assert!(nobody.findings.iter().any(|it| it.breaks == Breaks::UnknownKind && it.count == 2));
    // A look is a look: nothing was declared.
    assert_eq!(rig.db.number("select from trunkline.schedules").await, 0);
}

#[test]
fn a_manifest_names_all_that_a_version_can_do() {
    let manifest = serde_json::to_value(registry().manifest("1.2.3")).unwrap();
    assert_eq!(manifest["kinds"]["script"], "toys");
    assert_eq!(manifest["effects"], json!(["deed", "keyed"]));
    assert_eq!(manifest["version"], "1.2.3");
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_waits_for_a_version_that_knows_it() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("one")]).await;
    let older = std::sync::Arc::new(Registry::<Toy>::default().with::<crate::toy::Secret>());
    let options = tests::WorkerOptions { queues: vec!["toys".to_owned()], ..Default::default() };
    let world = std::sync::Arc::clone(&rig.world);
    let older = tests::TestWorker::start(
        rig.db.engine_config(),
        older,
        world,
        std::sync::Arc::new(()),
        options,
    )
    .await;
    // The older one has looked: a job of its own kind, later in the same queue, is done.
    let sealed = rig.engine.sealer().seal(&"x".to_owned()).unwrap();
    let mut known = crate::toy::Secret { code: sealed }.job();
    known.queue = "toys".to_owned();
    let known = rig.enqueue(known).await;
    rig.becomes(known, State::Waiting).await;
    rig.signal(known, "go", 1.into(), None).await;
    rig.becomes(known, State::Succeeded).await;
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    assert_eq!(rig.epoch(id).await, 0, "nobody has touched it");
    drop(older);
    let _newer = rig.worker().await;
    rig.succeeds(id).await;
}
