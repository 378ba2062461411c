//! The pool, and the line before it when it is empty.

use std::time::Duration;

use domain::{numbers, scope};
use engine::State;
use tests::{rest, wait_until};

use crate::{
    census::{Census, no_number_is_shared},
    stage::{Props, SIGN_UP, Stage},
};

#[tokio::test]
async fn of_two_who_race_for_the_last_number_one_waits_until_the_other_is_undone() {
    let stage = Stage::with(Props { numbers: 1, ..Props::default() }).await;
    // A login takes until the keeper lets go, and fails for good for those who are refused.
    let seam = "
        create table public.refused (tenant_id uuid);
        grant select on public.refused to trunkline_app;
        create function refuse() returns trigger language plpgsql as 'begin
            perform pg_advisory_xact_lock_shared(4711);
            if exists (select from public.refused r where r.tenant_id = new.tenant_id) then
                raise exception ''refused'' using errcode = ''check_violation'', constraint = ''first_name_fits'';
            end if;
            return new; end';
        create trigger refuse before insert on product.users for each row execute function refuse();";
    sqlx::raw_sql(seam).execute(&mut stage.db.superuser().await).await.unwrap();
    let _worker = stage.worker().await;
    let (one, two) = tokio::join!(stage.sign_up(), stage.sign_up());
    let mut keeper = stage.db.superuser().await;
    sqlx::raw_sql("select pg_advisory_lock(4711)").execute(&mut keeper).await.unwrap();
    tokio::join!(stage.verify(&one), stage.verify(&two));
    let (waits, has) = wait_until("one is waitlisted", async || {
        if stage.status(&one).await == "waitlisted" {
            Some((&one, &two))
        } else if stage.status(&two).await == "waitlisted" {
            Some((&two, &one))
        } else {
            None
        }
    })
    .await;
    assert_eq!(stage.status(has).await, "provisioning");
    no_number_is_shared(&stage.db).await;
    sqlx::query("insert into public.refused values ($1)")
        .bind(has.tenant.as_uuid())
        .execute(&mut keeper)
        .await
        .unwrap();
    sqlx::raw_sql("select pg_advisory_unlock_all()").execute(&mut keeper).await.unwrap();
    stage.run_becomes(has, State::Failed).await;
    stage.becomes(waits, "active").await;
    assert_eq!(Census::of(&stage.db, waits.tenant).await, Census::whole());
    assert_eq!(Census::of(&stage.db, has.tenant).await, Census::nothing("failed"));
    no_number_is_shared(&stage.db).await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn an_empty_pool_is_a_wait_that_ends_when_a_number_is_added() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "waitlisted").await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::pool_seed(&mut tx, 1).await.unwrap();
    let serve = workflows::serve_waitlist::ServeWaitlist {};
    tx.enqueue(engine::Workflow::job(&serve)).await.unwrap();
    tx.commit().await.unwrap();
    stage.becomes(&signup, "active").await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::whole());
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn who_is_called_twice_for_numbers_that_others_took_still_hears_the_next_call() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "waitlisted").await;
    for _ in 0..2 {
        rest::at_rest(&stage.db, &SIGN_UP).await;
        // A call without a number: an operator took it out again.
        let mut tx = stage.engine.begin().await.unwrap();
        let child = stage.newest("allocate_number").await.summary.id;
        tx.signal(child, workflows::allocate_number::NUMBER_FREE, &(), Some("call")).await.unwrap();
        tx.commit().await.unwrap();
    }
    rest::at_rest(&stage.db, &SIGN_UP).await;
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::pool_seed(&mut tx, 1).await.unwrap();
    let serve = workflows::serve_waitlist::ServeWaitlist {};
    tx.enqueue(engine::Workflow::job(&serve)).await.unwrap();
    tx.commit().await.unwrap();
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn who_waits_for_a_number_can_be_cancelled() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "waitlisted").await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_mins(20)).await;
    stage.cancel(&signup).await;
    stage.run_becomes(&signup, State::Cancelled).await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
    stage.comes_to_rest().await;
}
