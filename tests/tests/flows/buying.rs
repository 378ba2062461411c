//! Numbers from Twilio and back: bought once, configured, compared, given back.

use std::time::Duration;

use domain::{NumberId, pool, scope};
use engine::{State, Workflow};
use sandbox::twilio::{Mood, Spell};
use serde_json::json;
use tests::rest;
use workflows::{
    Trunkline, audit_number_webhooks::AuditNumberWebhooks, buy_number::BuyNumber,
    refill_pool::RefillPool, release_number::ReleaseNumber,
    release_orphan_numbers::ReleaseOrphanNumbers, return_number::ReturnNumber,
    sync_number_webhooks::SyncNumberWebhooks,
};

use crate::{
    census::{Census, no_number_is_shared},
    stage::{Props, SIGN_UP, Stage},
};

/// Buys what is missing, up to one that is free.
const BUYS: [(&str, &str); 2] =
    [("TRUNKLINE_NUMBERS_BUY", "1"), ("TRUNKLINE_NUMBERS_FREE_MIN", "1")];

async fn an_empty_pool(variables: &[(&'static str, &'static str)]) -> Stage {
    Stage::with(Props { numbers: 0, variables: variables.to_vec(), ..Props::default() }).await
}

impl Stage {
    /// Runs something to its end, past its pauses.
    pub(crate) async fn run<W: Workflow<Trunkline>>(&self, work: W) -> engine::JobDetail {
        let id = self.engine.enqueue(work.job()).await.unwrap().id();
        tests::wait_until(&format!("{} is over", W::KIND), async || {
            let job = self.engine.job(id).await.ok()??;
            if job.summary.state.is_final() || job.summary.state == State::Parked {
                return Some(job);
            }
            let pause = rest::pause_of(&self.db, &[W::KIND]).await;
            if let Some(pause) = pause {
                self.advance(pause).await;
            }
            None
        })
        .await
    }

    /// Numbers of the pool that are at Twilio.
    async fn pooled(&self) -> i64 {
        self.db.number("select from product.phone_pool where twilio_sid is not null").await
    }
}

#[tokio::test]
async fn a_pool_that_is_short_is_refilled_and_whoever_waits_in_line_is_served() {
    let stage = an_empty_pool(&BUYS).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "waitlisted").await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    let done = stage.run(RefillPool {}).await;
    assert_eq!(done.output, Some(json!({ "available": 0, "threshold": 2, "bought": 2 })));
    stage.becomes(&signup, "active").await;
    let numbers = stage.phone.numbers();
    assert_eq!(numbers.len(), 2, "one for the line, one to be free");
    for number in &numbers {
        assert!(number.friendly_name.starts_with("va:"), "{}", number.friendly_name);
        assert!(number.voice_url.ends_with("/telephony/incoming"), "{}", number.voice_url);
        assert!(number.status_url.ends_with("/telephony/status"), "{}", number.status_url);
        assert!(number.sms_url.ends_with("/telephony/sms"), "{}", number.sms_url);
    }
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::whole());
    let again = stage.run(RefillPool {}).await;
    assert_eq!(again.output.unwrap()["bought"], 0);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn refills_at_the_same_time_buy_no_more_than_is_missing() {
    let stage =
        an_empty_pool(&[("TRUNKLINE_NUMBERS_BUY", "1"), ("TRUNKLINE_NUMBERS_FREE_MIN", "3")]).await;
    let _workers = (stage.worker().await, stage.worker().await);
    tokio::join!(stage.run(RefillPool {}), stage.run(RefillPool {}), stage.run(RefillPool {}));
    assert_eq!(stage.phone.numbers().len(), 3);
    assert_eq!(stage.pooled().await, 3);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn nothing_is_bought_where_that_is_not_wanted_or_the_pool_is_full() {
    let stage = an_empty_pool(&[("TRUNKLINE_NUMBERS_FREE_MIN", "5")]).await;
    let _worker = stage.worker().await;
    assert_eq!(stage.run(RefillPool {}).await.output.unwrap()["bought"], 0);
    drop(stage);
    let stage = an_empty_pool(&[("TRUNKLINE_NUMBERS_MAX", "1")]).await;
    let _worker = stage.worker().await;
    assert_eq!(stage.run(BuyNumber::default()).await.summary.state, State::Succeeded);
    let refused = stage.run(BuyNumber::default()).await;
    assert_eq!(refused.summary.state, State::Failed);
    assert!(refused.summary.error.unwrap_or_default().contains("as many numbers as it may"));
    assert_eq!(stage.phone.numbers().len(), 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_purchase_whose_reply_was_lost_is_found_and_not_made_twice() {
    for (mood, times) in [(Mood::LosesReply, 1), (Mood::ServerError, 3), (Mood::Down, 4)] {
        let stage = an_empty_pool(&[]).await;
        let _worker = stage.worker().await;
        stage.phone.set_mood(Spell { for_requests: Some(times), ..Spell::from(mood) });
        let done = stage.run(BuyNumber::default()).await;
        assert_eq!(done.summary.state, State::Succeeded, "{mood:?}: {:?}", done.summary.error);
        assert_eq!(stage.phone.numbers().len(), 1, "{mood:?}");
        assert_eq!(stage.pooled().await, 1, "{mood:?}");
        stage.comes_to_rest().await;
    }
}

/// Twilio has sold the number and fails to say so; its list is late by so many looks.
#[tokio::test]
async fn a_number_that_is_taken_because_the_attempt_before_took_it_is_ours() {
    for lists_late in 0..=3 {
        let stage = an_empty_pool(&[]).await;
        let _worker = stage.worker().await;
        stage.phone.fail_next_purchase(lists_late);
        let done = stage.run(BuyNumber::default()).await;
        assert_eq!(done.summary.state, State::Succeeded, "{lists_late}: {:?}", done.summary.error);
        assert_eq!(stage.phone.numbers().len(), 1, "{lists_late}: no second one is bought");
        assert_eq!(stage.pooled().await, 1, "{lists_late}");
        is_pooled_as_bought(&stage).await;
        stage.comes_to_rest().await;
    }
}

#[tokio::test]
async fn a_number_is_never_pooled_under_the_digits_of_another_that_the_same_run_bought() {
    let stage = an_empty_pool(&[]).await;
    let id = stage.engine.enqueue(BuyNumber::default().job()).await.unwrap().id();
    // Bought by this run, which does not know: the list said so too late.
    let desk = crate::stage::worker_config(&stage.variables).clients;
    let desk = desk.numbers.as_ref().unwrap();
    let new = clients::twilio::NewNumber {
        phone: "+43720999999".to_owned(),
        friendly_name: format!("va:{id}"),
        urls: desk.urls.clone(),
        address_sid: None,
        bundle_sid: None,
    };
    desk.twilio.buy_number(&new).await.unwrap();
    stage.phone.take_next_numbers(1);
    let _worker = stage.worker().await;
    tests::wait_until("it is over", async || {
        let job = stage.engine.job(id).await.ok()??;
        tests::holds(job.summary.state == State::Succeeded)
    })
    .await;
    is_pooled_as_bought(&stage).await;
    stage.comes_to_rest().await;
}

/// What the pool calls by some digits has them at Twilio.
async fn is_pooled_as_bought(stage: &Stage) {
    let pooled =
        "select twilio_sid || ' ' || phone from product.phone_pool where twilio_sid is not null";
    let pooled = stage.db.text(pooled).await;
    let bought = stage.phone.numbers();
    let bought: Vec<_> = bought.iter().map(|it| format!("{} {}", it.sid, it.phone)).collect();
    assert!(bought.contains(&pooled), "{pooled}: {bought:?}");
}

#[tokio::test]
async fn numbers_that_somebody_else_was_faster_to_buy_are_passed_over() {
    let stage = an_empty_pool(&[]).await;
    let _worker = stage.worker().await;
    stage.phone.take_next_numbers(3);
    let done = stage.run(BuyNumber::default()).await;
    assert_eq!(done.summary.state, State::Succeeded, "{:?}", done.summary.error);
    let tried = done.effects.iter().filter(|it| it.key.starts_with("buy_at_twilio")).count();
    assert_eq!(tried, 4);
    stage.phone.take_next_numbers(100);
    let none = stage.run(BuyNumber::default()).await;
    assert_eq!(none.summary.state, State::Failed);
    assert_eq!(stage.phone.numbers().len(), 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_purchase_that_cannot_be_pooled_is_given_back_to_twilio() {
    let stage = an_empty_pool(&[]).await;
    let seam = "
        create function refuse() returns trigger language plpgsql as 'begin
            raise exception ''refused'' using errcode = ''check_violation'', constraint = ''phone_is_e164''; end';
        create trigger refuse before insert on product.phone_pool for each row execute function refuse();";
    sqlx::raw_sql(seam).execute(&mut stage.db.superuser().await).await.unwrap();
    let _worker = stage.worker().await;
    let done = stage.run(BuyNumber::default()).await;
    assert_eq!(done.summary.state, State::Failed);
    assert!(done.effects.iter().all(|deed| deed.state == "undone"), "{:#?}", done.effects);
    assert!(stage.phone.numbers().is_empty());
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn numbers_that_lead_elsewhere_are_told_and_put_right() {
    let stage = an_empty_pool(&[]).await;
    let _worker = stage.worker().await;
    for _ in 0..3 {
        stage.run(BuyNumber::default()).await;
    }
    let sid = stage.phone.numbers()[1].sid.clone();
    let leads_to_us =
        || stage.phone.numbers().iter().all(|it| it.voice_url.ends_with("/telephony/incoming"));
    stage.phone.divert_number(&sid, "https://elsewhere.example/voice");
    let told = stage.run(AuditNumberWebhooks { fix: false }).await;
    assert_eq!(told.output, Some(json!({ "numbers": 3, "drifted": 1, "configured": 0 })));
    assert!(!leads_to_us());
    let fixed = stage.run(AuditNumberWebhooks { fix: true }).await;
    assert_eq!(fixed.output, Some(json!({ "numbers": 3, "drifted": 1, "configured": 1 })));
    assert!(leads_to_us());
    stage.phone.divert_number(&sid, "");
    let synced = stage.run(SyncNumberWebhooks {}).await;
    assert_eq!(synced.output, Some(json!({ "numbers": 3, "drifted": 1, "configured": 3 })));
    assert!(leads_to_us());
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_number_rests_before_the_next_tenant_gets_it() {
    let stage = Stage::with(Props { numbers: 1, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let one = stage.sign_up().await;
    stage.verify(&one).await;
    stage.becomes(&one, "active").await;
    stage.run(ReleaseNumber { tenant: one.tenant }).await;
    let two = stage.sign_up().await;
    stage.verify(&two).await;
    stage.becomes(&two, "waitlisted").await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_hours(47)).await;
    stage.run(workflows::serve_waitlist::ServeWaitlist {}).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    assert_eq!(stage.status(&two).await, "waitlisted");
    stage.advance(Duration::from_hours(1)).await;
    stage.run(workflows::serve_waitlist::ServeWaitlist {}).await;
    stage.becomes(&two, "active").await;
    no_number_is_shared(&stage.db).await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn where_it_is_wanted_a_bought_number_goes_back_after_its_rest_if_the_pool_has_enough() {
    let variables = [("TRUNKLINE_NUMBERS_RETURN", "1"), ("TRUNKLINE_NUMBERS_FREE_MIN", "0")];
    let stage = an_empty_pool(&variables).await;
    let _worker = stage.worker().await;
    stage.run(BuyNumber::default()).await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    stage.run(ReleaseNumber { tenant: signup.tenant }).await;
    rest::at_rest(&stage.db, &["return_number"]).await;
    assert_eq!(stage.phone.numbers().len(), 1, "it rests");
    stage.advance(Duration::from_secs(48 * 3600 + 1)).await;
    stage.comes_to_rest().await;
    assert!(stage.phone.numbers().is_empty());
    assert_eq!(stage.pooled().await, 0);
}

#[tokio::test]
async fn a_number_that_a_tenant_has_is_never_given_back() {
    let stage = an_empty_pool(&[]).await;
    let _worker = stage.worker().await;
    stage.run(BuyNumber::default()).await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let number: NumberId = pool::list(&mut tx, None, None, 1).await.unwrap()[0].number;
    drop(tx);
    let kept = stage.run(ReturnNumber { number, rest_secs: 0, in_any_case: true }).await;
    assert_eq!(kept.output, Some(json!("kept")));
    assert_eq!(stage.phone.numbers().len(), 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn numbers_that_nobody_knows_are_given_back_if_we_bought_them_and_reported_if_not() {
    let stage = an_empty_pool(&[]).await;
    let _worker = stage.worker().await;
    for _ in 0..4 {
        stage.run(BuyNumber::default()).await;
    }
    let sids: Vec<_> = stage.phone.numbers().iter().map(|it| it.sid.clone()).collect();
    let mut connection = stage.db.superuser().await;
    // One of ours was forgotten; one was given back at Twilio by hand.
    sqlx::query("delete from product.phone_pool where twilio_sid = $1")
        .bind(&sids[0])
        .execute(&mut connection)
        .await
        .unwrap();
    stage.phone.lose_number(&sids[1]);
    let young = stage.run(ReleaseOrphanNumbers {}).await;
    let found = json!({ "strays": 0, "missing": 1, "released": 0, "unknown": 1 });
    assert_eq!(young.output, Some(found), "what is younger than a day may be on its way");
    stage.advance(Duration::from_hours(25)).await;
    let old = stage.run(ReleaseOrphanNumbers {}).await;
    let found = json!({ "strays": 0, "missing": 1, "released": 1, "unknown": 0 });
    assert_eq!(old.output, Some(found));
    let left: Vec<_> = stage.phone.numbers().iter().map(|it| it.sid.clone()).collect();
    assert_eq!(left, sids[2..]);
    let out = "select from product.phone_pool where status = 'maintenance' and note = 'not at Twilio any more'";
    assert_eq!(stage.db.number(out).await, 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn numbers_of_tenants_that_are_gone_are_taken_back() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (gone, stays) = (stage.sign_up().await, stage.sign_up().await);
    for signup in [&gone, &stays] {
        stage.verify(signup).await;
        stage.becomes(signup, "active").await;
    }
    let mut connection = stage.db.superuser().await;
    sqlx::query("update product.tenants set status = 'offboarded' where tenant_id = $1")
        .bind(gone.tenant.as_uuid())
        .execute(&mut connection)
        .await
        .unwrap();
    let done = stage.run(ReleaseOrphanNumbers {}).await;
    assert_eq!(done.output.unwrap()["strays"], 1);
    assert_eq!(Census::of(&stage.db, gone.tenant).await.numbers, 0);
    assert_eq!(Census::of(&stage.db, stays.tenant).await.numbers, 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn no_job_holds_a_number_in_the_clear() {
    let stage = an_empty_pool(&[]).await;
    let _worker = stage.worker().await;
    stage.run(BuyNumber::default()).await;
    stage.run(ReleaseOrphanNumbers {}).await;
    let phone = stage.phone.numbers()[0].phone.clone();
    let found = crate::secrets::found_in(&stage, &["trunkline"], &[&phone, &phone[1..]]).await;
    assert_eq!(found, [""; 0]);
    stage.comes_to_rest().await;
}
