//! What becomes of children when their parent ends, as it was declared when they were started.

use engine::{State, WhenParentEnds};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Rig};

fn child(name: &str) -> Vec<Act> {
    vec![Act::deed(name), Act::wait("go")]
}

fn all() -> Vec<Act> {
    vec![
        Act::SpawnWith(child("taken back"), WhenParentEnds::TakeBack),
        Act::SpawnWith(child("cancelled"), WhenParentEnds::Cancel),
        Act::SpawnWith(child("left alone"), WhenParentEnds::LeaveAlone),
        Act::SpawnWith(vec![Act::deed("done")], WhenParentEnds::Cancel),
        Act::wait("end"),
    ]
}

async fn states(rig: &Rig) -> Vec<(String, i64)> {
    let statement = "select coalesce(o.state, w.state, 'running'), count(*) from trunkline.jobs j
        left join trunkline.outcomes o using (job_id) left join trunkline.waits w using (job_id)
        where j.parent_id is not null group by 1 order by 1";
    sqlx::query_as(statement).fetch_all(rig.db.owner()).await.unwrap()
}

async fn all_wait(rig: &Rig) {
    wait_until("three wait, one has ended", async || {
        let expected = [("succeeded".to_owned(), 1), ("waiting".to_owned(), 3)];
        holds(states(rig).await == expected && rig.world.deeds() == 4)
    })
    .await;
}

#[tokio::test]
async fn a_parent_that_fails_takes_back_cancels_or_leaves_alone() {
    for cancel in [false, true] {
        let rig = Rig::new().await;
        let first = rig.worker().await;
        let mut acts = all();
        acts.push(Act::body("undo"));
        let id = rig.play(acts).await;
        rig.becomes(id, State::Waiting).await;
        all_wait(&rig).await;
        rig.bury(first).await;
        let _second = rig.worker().await;
        if cancel {
            rig.cancel(id).await;
            rig.becomes(id, State::Cancelled).await;
        } else {
            rig.signal(id, "end", json!(1), None).await;
            rig.becomes(id, State::Failed).await;
        }
        wait_until("the cancelled one ends, too", async || holds(rig.world.deeds() == 2)).await;
        let mut undone = rig.world.story("undo:");
        undone.sort_unstable();
        assert_eq!(undone, ["cancelled", "taken back"]);
        let rest = [("cancelled", 2), ("succeeded", 1), ("waiting", 1)];
        wait_until("all have their states", async || {
            holds(states(&rig).await == rest.map(|(state, count)| (state.to_owned(), count)))
        })
        .await;
        rig.db.may_leave_jobs();
    }
}

#[tokio::test]
async fn when_a_parent_succeeds_its_children_go_on_but_those_that_were_to_end_with_it() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play(all()).await;
    rig.becomes(id, State::Waiting).await;
    all_wait(&rig).await;
    rig.signal(id, "end", json!(1), None).await;
    rig.succeeds(id).await;
    let rest = [("cancelled", 1), ("succeeded", 1), ("waiting", 2)];
    wait_until("one is cancelled", async || {
        holds(states(&rig).await == rest.map(|(state, count)| (state.to_owned(), count)))
    })
    .await;
    assert_eq!(rig.world.story("undo:"), ["cancelled"]);
    let waiting = "select j.job_id from trunkline.jobs j join trunkline.waits using (job_id)";
    let living: Vec<sqlx::types::Uuid> =
        sqlx::query_scalar(waiting).fetch_all(rig.db.owner()).await.unwrap();
    for child in living {
        rig.signal(child.into(), "go", json!(1), None).await;
        rig.becomes(child.into(), State::Succeeded).await;
    }
    assert_eq!(rig.world.deeds(), 3);
}
