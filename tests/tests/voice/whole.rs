//! A whole call, through the door by which every call comes, to what is left of it when it is over.

use domain::voice::Outcome;
use rustix::process::Signal;
use sandbox::twilio::{Deed, Story, What};
use serde_json::Value;
use tests::{holds, wait_until};

use crate::house::{CALLER, House, OWNER, Ringing, streams};

impl Ringing {
    fn does(&self, deed: &str) {
        assert!(self.live.then(deed.parse::<Deed>().unwrap()));
    }
}

/// Waits until the caller has heard this.
async fn hears_of(house: &House, ringing: &Ringing, what: &str) {
    wait_until(&format!("the caller hears {what:?}"), async || {
        holds(ringing.live.story().heard().iter().any(|heard| heard.contains(what)))
    })
    .await;
    assert!(house.logs().is_empty() || !house.logs().contains("panicked"), "{}", house.logs());
}

/// What happened, in one word each.
fn course(story: &Story) -> Vec<String> {
    let word = |what: &What| match what {
        What::Webhook { path, .. } if path.ends_with("stream-status") => None,
        What::Webhook { path, .. } => Some(path.trim_start_matches("/telephony/").to_owned()),
        What::StreamOpened { .. } => Some("opened".to_owned()),
        What::StreamClosed { .. } => Some("closed".to_owned()),
        What::Cleared { .. } => Some("cleared".to_owned()),
        What::Dialled { .. } => Some("dialled".to_owned()),
        What::Recorded => Some("recorded".to_owned()),
        What::Said { .. } => Some("said".to_owned()),
        What::Heard { cut, .. } => Some(if *cut { "cut" } else { "heard" }.to_owned()),
        What::Announced { .. } => Some("announced".to_owned()),
        What::Repeated { .. }
        | What::StreamRefused { .. }
        | What::FirstAudio { .. }
        | What::Pressed { .. }
        | What::Ended { .. } => None,
    };
    let mut course: Vec<_> = story.moments.iter().filter_map(|it| word(&it.what)).collect();
    course.dedup();
    course
}

/// The output of the one job of a kind, when it has ended.
async fn output_of(house: &House, kind: &str) -> Value {
    let statement = format!(
        "select coalesce(o.output, 'null') from trunkline.outcomes o join trunkline.jobs j using (job_id)
         join trunkline.kinds k using (kind_id) where k.name = '{kind}'"
    );
    wait_until(&format!("{kind} has ended"), async || {
        let mut rows = house.db.superuser().await;
        let found: Option<Value> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement.clone()))
            .fetch_optional(&mut rows)
            .await
            .unwrap();
        found
    })
    .await
}

#[tokio::test]
async fn a_call_that_is_interrupted_takes_a_message_and_loses_its_worker_is_one_conversation() {
    let house = House::open().await;
    let (_clerk, first) = (house.clerk().await, house.worker(4).await);
    let ringing = house.rings_in(&[]).await;
    ringing.says("tell me everything about the opening hours of all your shops in the country");
    ringing.does("interrupt 600");
    ringing.says("please take a message for the owner: es ist ein Notfall");
    hears_of(&house, &ringing, "The message is taken").await;

    let _second = house.worker(4).await;
    first.signal(Signal::KILL);
    hears_of(&house, &ringing, "The line was interrupted").await;
    ringing.says("are you still there");
    hears_of(&house, &ringing, "You said: are you still there").await;
    ringing.live.hang_up();
    let story = house.ended(&ringing).await;
    assert_eq!(house.closed(&ringing).await, Some(Outcome::HungUp));

    let course = course(&story);
    let wanted = [
        "incoming",
        "announced",
        "route",
        "opened",
        "said",
        "cleared",
        "cut",
        "said",
        "heard", // one worker
        "closed",
        "stream-ended",
        "route",
        "opened",
        "heard",
        "said",
        "heard",
        "closed", // the next
        "status",
    ];
    let mut left = course.iter();
    for step in wanted {
        assert!(left.any(|it| it == step), "{step} is missing after what came before: {course:?}");
    }
    assert_eq!(streams(&story), 2);
    let later = &house.model.realtime_sessions()[0];
    for known in
        ["are you still there", "please take a message", "take_message: The message is taken"]
    {
        assert!(
            later.said.iter().any(|said| said.words.contains(known)),
            "{known}: {:?}",
            later.said
        );
    }

    // What is left of it: one message, one transcript, in order, and the owner knows.
    let followed = output_of(&house, "after_call").await;
    assert_eq!((&followed["followed"], &followed["urgent"]), (&"kept".into(), &true.into()));
    assert_eq!(house.db.number("select from product.call_requests where is_urgent").await, 1);
    let mut rows = house.db.superuser().await;
    let said: Value = sqlx::query_scalar("select said from product.call_transcripts")
        .fetch_one(&mut rows)
        .await
        .unwrap();
    let said: Vec<_> =
        said.as_array().unwrap().iter().map(|turn| turn["who"].as_str().unwrap()).collect();
    assert_eq!(said[..4], ["caller", "assistant", "caller", "tool"], "{said:?}");
    assert_eq!(said[said.len() - 2..], ["caller", "assistant"], "{said:?}");
    wait_until("the owner is told of the message and of the call", async || {
        holds(house.texts_to(OWNER).len() == 2)
    })
    .await;
    assert!(house.texts_to(OWNER).iter().all(|text| text.starts_with("URGENT")));
    assert!(house.texts_to(CALLER).is_empty(), "who was spoken with is not apologised to");
}

#[tokio::test]
async fn a_caller_who_asks_for_a_person_is_put_through_and_one_who_asks_for_a_link_gets_it() {
    let house = House::open().await;
    let (_clerk, _worker) = (house.clerk().await, house.worker(4).await);
    let linked = house.rings_in(&["say send me the link", "listen", "hang up"]).await;
    let story = house.ended(&linked).await;
    assert!(story.heard()[0].contains("The text is sent"), "{:?}", story.heard());
    assert!(house.texts_to(CALLER)[0].contains("https://example.com/book"));

    let ringing = house.rings_in(&["say let me talk to a human", "listen", "wait 60000"]).await;
    let story = house.ended(&ringing).await;
    assert!(story.heard()[0].contains("put through"), "{:?}", story.heard());
    let course = course(&story);
    assert!(
        course.ends_with(
            &["closed", "stream-ended", "dialled", "dialed", "status"].map(String::from)
        ),
        "{course:?}"
    );
    assert_eq!(house.closed(&ringing).await, Some(Outcome::Transferred));
}

#[tokio::test]
async fn a_caller_whom_the_assistant_cannot_serve_is_told_so_and_gets_a_text() {
    let house = House::open().await;
    let (_clerk, worker) = (house.clerk().await, house.worker(1).await);
    house.model.set_realtime_mood(sandbox::openai::RealtimeMood::Refuses);
    let story = house.ended(&house.rings_in(&["say hello", "listen"]).await).await;
    let course = course(&story);
    assert!(
        ["opened", "recorded"].iter().all(|it| course.iter().any(|was| was == it)),
        "{course:?}"
    );
    wait_until("the owner is told of the message", async || {
        holds(house.texts_to(OWNER).iter().any(|text| text.contains("aufgesprochen")))
    })
    .await;
    wait_until("the caller gets a text", async || holds(house.texts_to(CALLER).len() == 1)).await;
    assert_eq!(worker.metric("voice_speech_lost_total").await.to_string(), "2", "dialed twice");
    let why = "select from product.call_text_backs where reason = 'ai_failed'";
    assert_eq!(house.db.number(why).await, 1);

    // Nobody at all is free: another who rings is told so, and gets one, too.
    drop(worker);
    let other = "select from product.call_text_backs where reason = 'overflow'";
    house.forgets_the_caller().await;
    let story = house.ended(&house.rings_in(&["say hello", "listen"]).await).await;
    assert_eq!(streams(&story), 0);
    wait_until("it is held for the call", async || holds(house.db.number(other).await == 1)).await;
    wait_until("the caller gets a text", async || holds(house.texts_to(CALLER).len() == 2)).await;
}
