//! Jobs of a kind that a worker does not know wait for one that does, and keep nobody from what it knows.

use engine::{Engine, Failure, Gates, Workflow};
use serde::{Deserialize, Serialize};

use super::gated;
use crate::toy::{Rig, Toy, registry};

/// A kind of the next version.
#[derive(Serialize, Deserialize)]
struct Newer {}

impl Workflow<Toy> for Newer {
    const KIND: &'static str = "newer";
    const QUEUE: &'static str = "toys";
    type Output = ();

    async fn run(&self, _: &engine::Context<'_, Toy>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Many times as many as one look takes in.
const LANES: u32 = 1500;

fn of_key(number: u32) -> Gates {
    Gates::none().at_once("toy", &number.to_string(), 1)
}

#[tokio::test]
async fn a_worker_comes_to_what_it_knows_past_any_number_of_lanes_of_a_kind_that_it_does_not_know()
{
    let rig = Rig::new().await;
    let newer = registry().with::<Newer>();
    let upgraded = Engine::connect(rig.db.engine_config(), &newer).await.unwrap();
    let unknown = (0..LANES).map(|number| Newer {}.job().gates(of_key(number)));
    upgraded.enqueue_all(unknown.collect()).await.unwrap();
    let _worker = rig.worker().await;
    // Each in a lane of its own, somewhere among the others.
    for number in 0..5 {
        let known = rig.enqueue(gated("a", of_key(LANES + number))).await;
        rig.succeeds(known).await;
    }
    let waiting = "select from trunkline.waits where blocked";
    assert_eq!(rig.db.number(waiting).await, i64::from(LANES));
    rig.db.may_leave_jobs();
}
