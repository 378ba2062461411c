//! The pool, and the line before it when it is empty.

use std::time::Duration;

use domain::{PhoneNumber, TenantId, numbers, scope};
use engine::{JobId, State, Workflow};
use serde_json::json;
use tests::{holds, rest, wait_until};
use workflows::allocate_number::AllocateNumber;

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

/// A customer who had no demo.
async fn a_customer(stage: &Stage) -> TenantId {
    let tenant = TenantId::mint();
    let made = "insert into product.tenants (tenant_id, company_name, status) values ($1, 'Bakery', 'active')";
    let mut superuser = stage.db.superuser().await;
    sqlx::query(made).bind(tenant.as_uuid()).execute(&mut superuser).await.unwrap();
    tenant
}

/// The number that a tenant has.
async fn has(stage: &Stage, tenant: TenantId) -> Option<PhoneNumber> {
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::of_tenant(&mut tx, tenant).await.unwrap()
}

#[tokio::test]
async fn a_run_that_only_waited_leaves_alone_what_another_run_got_for_its_tenant() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let (tenant, next) = (a_customer(&stage).await, a_customer(&stage).await);
    let _worker = stage.worker().await;
    let line = "select from product.number_waitlist";
    let waits = stage.engine.enqueue(AllocateNumber { tenant }.job()).await.unwrap().id();
    wait_until("it is in line", async || holds(stage.db.number(line).await == 1)).await;
    stage.engine.enqueue(AllocateNumber { tenant: next }.job()).await.unwrap();
    wait_until("so is the next", async || holds(stage.db.number(line).await == 2)).await;
    // A number is there, and an operator's order is quicker than the next look.
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::pool_seed(&mut tx, 1).await.unwrap();
    tx.commit().await.unwrap();
    let ordered = stage.run(AllocateNumber { tenant }).await;
    assert_eq!(ordered.summary.state, State::Succeeded);
    let number = has(&stage, tenant).await;
    assert!(number.is_some());

    let (status, answer) = stage.post(&format!("/v1/admin/jobs/{waits}/cancel"), &json!({})).await;
    assert_eq!(status, 202, "{answer}");
    wait_until("the superfluous run is cancelled", async || {
        let job = stage.engine.job(waits).await.ok()??;
        holds(job.summary.state == State::Cancelled)
    })
    .await;
    rest::at_rest(&stage.db, &["allocate_number"]).await;
    assert_eq!(has(&stage, tenant).await, number, "it is in use");
    assert_eq!(has(&stage, next).await, None);
    assert_eq!(stage.db.number(line).await, 1, "and the next is still in line");
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn a_number_goes_back_for_the_run_that_took_it_and_for_no_other() {
    let stage = Stage::with(Props { numbers: 2, ..Props::default() }).await;
    let tenant = a_customer(&stage).await;
    let (one, other) = (JobId::mint().as_uuid(), JobId::mint().as_uuid());
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let taken = numbers::allocate(&mut tx, tenant, Some(one)).await.unwrap();
    assert!(taken.is_some());
    let again = numbers::allocate(&mut tx, tenant, Some(other)).await.unwrap();
    assert_eq!(again, taken, "who asks for a second one takes none");
    assert_eq!(numbers::give_back(&mut tx, tenant, other).await.unwrap(), None);
    assert_eq!(numbers::of_tenant(&mut tx, tenant).await.unwrap(), taken);
    assert_eq!(numbers::give_back(&mut tx, tenant, one).await.unwrap(), taken);
    assert_eq!(numbers::give_back(&mut tx, tenant, one).await.unwrap(), None, "twice is once");

    // Another run has taken one since: that is not the one that this run took.
    let later = numbers::allocate(&mut tx, tenant, Some(other)).await.unwrap();
    assert_eq!(numbers::give_back(&mut tx, tenant, one).await.unwrap(), None);
    assert_eq!(numbers::of_tenant(&mut tx, tenant).await.unwrap(), later);
    let level = numbers::pool_count(&mut tx).await.unwrap();
    assert_eq!((level.allocated, level.available), (1, 1));
}

#[tokio::test]
async fn a_run_that_waited_and_then_got_a_number_gives_the_number_back_when_it_is_undone() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let (undone, next) = (stage.sign_up().await, stage.sign_up().await);
    for signup in [&undone, &next] {
        stage.verify(signup).await;
        stage.becomes(signup, "waitlisted").await;
    }
    // The login of the first is refused for good.
    let seam = format!(
        "create function public.refuse() returns trigger language plpgsql as 'begin
             if new.tenant_id = ''{}'' then
                 raise exception ''refused'' using errcode = ''check_violation'', constraint = ''first_name_fits'';
             end if;
             return new; end';
         create trigger refuse before insert on product.users for each row execute function refuse();",
        undone.tenant
    );
    let mut superuser = stage.db.superuser().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(seam)).execute(&mut superuser).await.unwrap();
    rest::at_rest(&stage.db, &SIGN_UP).await;
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::pool_seed(&mut tx, 1).await.unwrap();
    tx.enqueue(workflows::serve_waitlist::ServeWaitlist {}.job()).await.unwrap();
    tx.commit().await.unwrap();
    stage.run_becomes(&undone, State::Failed).await;
    stage.becomes(&next, "active").await;
    assert_eq!(Census::of(&stage.db, undone.tenant).await, Census::nothing("failed"));
    assert_eq!(Census::of(&stage.db, next.tenant).await, Census::whole());
    no_number_is_shared(&stage.db).await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_that_runs_without_its_number_gets_another_one_by_an_operator_s_order() {
    let stage = Stage::with(Props { numbers: 1, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let demo = stage.sign_up().await;
    stage.verify(&demo).await;
    stage.becomes(&demo, "active").await;
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::release(&mut tx, demo.tenant, Duration::ZERO).await.unwrap().expect("it had one");
    tx.commit().await.unwrap();
    assert_eq!(has(&stage, demo.tenant).await, None);

    let ordered = stage.run(AllocateNumber { tenant: demo.tenant }).await;
    assert_eq!(ordered.summary.state, State::Succeeded, "{:?}", ordered.summary.error);
    assert!(has(&stage, demo.tenant).await.is_some());
    assert_eq!(stage.status(&demo).await, "active", "it ran all the time");
    stage.comes_to_rest().await;
}
