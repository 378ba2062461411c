//! What is posted to us: kept once and made one job of, however often, and whoever else is posted at the same time.

use std::collections::BTreeMap;

use engine::{Delivery, Engine, InboxEntry, JobId, Workflow};
use serde_json::json;
use tests::{Proxy, holds, wait_until};

use crate::toy::{Act, Rig, Script, registry};

fn post(number: usize) -> InboxEntry {
    InboxEntry {
        provider: "acme",
        dedupe_key: format!("evt-{number}"),
        object_key: "o".to_owned(),
        payload: json!({ "number": number }),
    }
}

async fn receive(engine: &Engine, number: usize) -> Result<Delivery, engine::Error> {
    engine.receive(post(number), Script(vec![Act::step("a")]).job()).await
}

#[tokio::test]
async fn posts_that_come_at_once_are_each_kept_once_and_make_one_job_each() {
    let rig = Rig::new().await;
    let other = Engine::connect(rig.db.engine_config(), &registry()).await.unwrap();
    let numbers = || (0..5).flat_map(|_| 0..60_usize);
    let here = numbers().map(async |number| (number, receive(&rig.engine, number).await.unwrap()));
    let there = numbers().map(async |number| (number, receive(&other, number).await.unwrap()));
    let (here, there) =
        futures::join!(futures::future::join_all(here), futures::future::join_all(there));
    let mut first = 0;
    let mut told: BTreeMap<usize, Option<JobId>> = BTreeMap::new();
    for (number, delivery) in here.into_iter().chain(there) {
        match delivery {
            Delivery::First => first += 1,
            Delivery::Repeat(job) => assert_eq!(*told.entry(number).or_insert(job), job),
        }
    }
    assert_eq!((first, told.len()), (60, 60));
    let all =
        "select from trunkline.inbox i join trunkline.jobs using (job_id) where i.deliveries = 10";
    assert_eq!(rig.db.number(all).await, 60);
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 60);
    for job in told.into_values() {
        let told = rig.job(job.unwrap()).await;
        assert_eq!(told.summary.kind, "script");
    }
    let _worker = rig.worker().await;
    wait_until("all end", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 60)
    })
    .await;
    assert_eq!(rig.world.count("step:a"), 60);
}

#[tokio::test]
async fn a_post_whose_commit_was_not_confirmed_is_its_own_first_and_not_a_repeat() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let engine =
        Engine::connect(rig.db.engine_config_at(proxy.url().clone()), &registry()).await.unwrap();
    for (number, lost) in
        ["insert into trunkline.inbox", "insert into trunkline.jobs"].into_iter().enumerate()
    {
        proxy.lose_replies(lost, 1);
        assert_eq!(receive(&engine, number).await.unwrap(), Delivery::First, "{lost}");
        wait_until("a lost reply", async || holds(usize::try_from(proxy.lost()).unwrap() > number))
            .await;
        assert!(matches!(receive(&engine, number).await.unwrap(), Delivery::Repeat(Some(_))));
    }
    let twice = "select from trunkline.inbox where deliveries = 2";
    assert_eq!(rig.db.number(twice).await, 2);
    let _worker = rig.worker().await;
    wait_until("both end", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 2)
    })
    .await;
    assert_eq!(rig.world.count("step:a"), 2);
}

#[tokio::test]
async fn a_post_that_cannot_be_kept_makes_no_job_and_harms_none_beside_it() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let unstorable = InboxEntry { dedupe_key: "a\0b".to_owned(), ..post(0) };
    let job = Script(vec![Act::step("a")]).job();
    let posts = (0..20).map(|number| receive(&rig.engine, number));
    let (refused, kept) =
        futures::join!(rig.engine.receive(unstorable, job), futures::future::join_all(posts));
    refused.unwrap_err();
    assert!(kept.into_iter().all(|one| one.unwrap() == Delivery::First));
    assert_eq!(rig.db.number("select from trunkline.inbox").await, 20);
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 20);
}
