//! The proof: whatever is delivered however often, in whatever order, and whoever forges what, each event has one effect.

use futures::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tests::wait_until;

use crate::{post::Post, stage::Stage};

/// Deliveries of each event.
const REPEATS: usize = 10;

/// Of a hundred deliveries so many are forged.
const FORGED_IN_A_HUNDRED: u32 = 5;

/// Posts under way at once; Twilio would not wait for us.
const AT_ONCE: usize = 32;

/// Of one delivery.
const TRIES: usize = 10;

/// A thousand events: of 250 calls four each. (A report on a message that we never wrote waits for it: that is another test.)
fn events() -> Vec<Post> {
    let calls = (0..250).flat_map(|call| {
        let sid = format!("CA{call:032x}");
        ["initiated", "ringing", "in-progress", "completed"]
            .map(|status| Post::call(&sid, status, "+15550109999"))
    });
    calls.collect()
}

#[tokio::test]
async fn of_ten_thousand_deliveries_a_thousand_events_have_a_thousand_effects() {
    let seed = tests::seed::seed();
    eprintln!("TRUNKLINE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let events = events();
    let mut deliveries: Vec<(usize, bool)> = Vec::new();
    for event in 0..events.len() {
        for repeat in 0..REPEATS {
            // The first of each is genuine: of an event that nobody tells there is no effect.
            let forged = repeat > 0 && random.random_ratio(FORGED_IN_A_HUNDRED, 90);
            deliveries.push((event, forged));
        }
    }
    deliveries.shuffle(&mut random);
    let forged = deliveries.iter().filter(|(_, forged)| *forged).count();
    assert_eq!((events.len(), deliveries.len()), (1_000, 10_000));
    assert!((300..800).contains(&forged), "{forged}");

    let stage = Stage::new().await;
    let _workers = (stage.worker().await, stage.worker().await);
    let answers: Vec<_> = stream::iter(deliveries)
        .map(async |(event, forged)| {
            let post = &events[event];
            // Whoever is too busy says so, and is asked again.
            for _ in 0..TRIES {
                let status =
                    if forged { post.send_forged(&stage).await } else { post.send(&stage).await };
                if status != 503 {
                    return (forged, status);
                }
            }
            (forged, 503)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (forged, status) in answers {
        assert_eq!(status, if forged { 401 } else { 204 });
    }
    wait_until("everything is applied", async || {
        let ended = "select from trunkline.outcomes";
        (stage.db.number(ended).await == 1_000).then_some(())
    })
    .await;

    let count = async |statement: &str| stage.db.number(statement).await;
    assert_eq!(count("select from trunkline.jobs").await, 1_000, "a job for each event");
    assert_eq!(count("select from trunkline.inbox").await, 1_000);
    let told = i64::try_from(10_000 - forged).unwrap();
    let deliveries = "select generate_series(1, deliveries) from trunkline.inbox";
    assert_eq!(count(deliveries).await, told, "and every genuine delivery was counted");
    let ended = "select from product.calls where status = 'completed' and duration_secs = 42";
    assert_eq!(count(ended).await, 250, "every call is where its news lead, in any order");
    stage.comes_to_rest().await;
}
