//! A demo after its time: over, removed, brought back, converted.

use std::time::Duration;

use domain::recovery::Whose;
use engine::{Start, State, Workflow};
use serde_json::{Value, json};
use tests::rest;
use workflows::{
    demo_cleanup::DemoCleanup, demo_expire::DemoExpire, recover_numbers::RecoverNumbers,
};

use crate::{
    census::{Census, no_number_is_shared},
    stage::{SIGN_UP, SignUp, Stage},
};

/// A moment longer than a demo lasts.
const OVER: Duration = Duration::from_secs(72 * 3600 + 1);
const A_WEEK: Duration = Duration::from_hours(7 * 24);

impl Stage {
    /// A demo that runs.
    pub(crate) async fn demo(&self) -> SignUp {
        let signup = self.sign_up().await;
        self.verify(&signup).await;
        self.becomes(&signup, "active").await;
        rest::at_rest(&self.db, &SIGN_UP).await;
        signup
    }

    /// A demo whose time is over.
    async fn expired_demo(&self) -> SignUp {
        let signup = self.demo().await;
        self.advance(OVER).await;
        self.run(DemoExpire::default()).await;
        signup
    }

    /// Orders something about a demo as an operator, and waits for its end.
    pub(crate) async fn order(&self, signup: &SignUp, verb: &str) -> engine::JobDetail {
        let path = format!("/v1/admin/demo/{}/{verb}", signup.tenant);
        let (status, answer) = self.post(&path, &json!({ "reason": "they called" })).await;
        assert_eq!(status, 202, "{verb}: {answer}");
        let id = answer["id"].as_str().unwrap().parse().unwrap();
        tests::wait_until(&format!("{verb} is over"), async || {
            let job = self.engine.job(id).await.ok()??;
            job.summary.state.is_final().then_some(job)
        })
        .await
    }

    async fn tenant_is(&self, signup: &SignUp, status: &str) -> bool {
        let row = format!(
            "select from product.tenants where tenant_id = '{}' and status = '{status}'",
            signup.tenant
        );
        self.db.number(&row).await == 1
    }
}

#[tokio::test]
async fn after_72_hours_a_demo_is_over_and_keeps_what_it_has() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.demo().await;
    assert_eq!(stage.run(DemoExpire::default()).await.output, Some(json!(0)));
    stage.advance(OVER).await;
    assert_eq!(stage.run(DemoExpire::default()).await.output, Some(json!(1)));
    assert_eq!(stage.run(DemoExpire::default()).await.output, Some(json!(0)));
    assert!(stage.tenant_is(&signup, "expired").await);
    let census = Census::of(&stage.db, signup.tenant).await;
    let over = Census { trials: 0, signup: "expired".to_owned(), ..Census::whole() };
    assert_eq!(census, over, "its number and its people are still there");
    let history = "select from product.tenant_status_history where status = 'expired' and previous_status = 'trial'";
    assert_eq!(stage.db.number(history).await, 1);
    assert_eq!(
        stage.db.number("select from product.audit_log where action = 'demo.expired'").await,
        1
    );
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_that_nobody_used_for_a_week_is_archived_and_removed() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.expired_demo().await;
    let early = stage.run(DemoCleanup::default()).await;
    assert_eq!(early.output, Some(json!({ "removed": 0, "kept": 0 })));
    stage.advance(A_WEEK).await;
    let done = stage.run(DemoCleanup::default()).await;
    assert_eq!(done.output, Some(json!({ "removed": 1, "kept": 0 })));
    let census = Census::of(&stage.db, signup.tenant).await;
    let gone = Census { remembers: true, ..Census::nothing("expired") };
    assert_eq!(census, gone, "the person is kept for a while, in case they come back");
    let archive = "select from product.demo_archive where removed_at is not null
        and (usage ->> 'messages_out')::int = 1 and jsonb_array_length(history) = 3";
    assert_eq!(stage.db.number(archive).await, 1);
    let rests = "select from product.phone_pool where status = 'quarantined'";
    assert_eq!(stage.db.number(rests).await, 1);
    assert_eq!(
        stage.db.number("select from product.audit_log where action = 'demo.removed'").await,
        1
    );
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_that_is_in_use_or_is_to_be_paid_for_is_not_removed() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (used, billed, talks) = (stage.demo().await, stage.demo().await, stage.demo().await);
    stage.advance(OVER).await;
    stage.run(DemoExpire::default()).await;
    stage.advance(A_WEEK).await;
    let mut connection = stage.db.superuser().await;
    let rows = "insert into product.messages (message_id, tenant_id, direction, purpose, to_phone, created_at)
        values (gen_random_uuid(), $1, 'inbound', 'conversation', '+15005550006', trunkline.now() - interval '6 days')";
    sqlx::query(rows).bind(used.tenant.as_uuid()).execute(&mut connection).await.unwrap();
    sqlx::query("update product.tenants set stripe_customer_id = 'cus_1' where tenant_id = $1")
        .bind(billed.tenant.as_uuid())
        .execute(&mut connection)
        .await
        .unwrap();
    a_call(&stage, &talks, "in-progress", 0, "1 minute").await;
    for (signup, why) in [(&used, "in_use"), (&billed, "unpaid"), (&talks, "in_a_call")] {
        let kept = stage.run(DemoCleanup { tenant: Some(signup.tenant) }).await;
        assert_eq!(kept.output, Some(json!({ "removed": 0, "kept": 1, "why": why })));
    }
    let night = stage.run(DemoCleanup::default()).await;
    assert_eq!(night.output, Some(json!({ "removed": 0, "kept": 2 })));
    assert_eq!(stage.db.number("select from product.demo_archive").await, 0);
    stage.comes_to_rest().await;
}

/// A call of a tenant: where it is, how long it lasted, and how long ago it began.
pub(crate) async fn a_call(stage: &Stage, signup: &SignUp, status: &str, secs: i32, ago: &str) {
    let row = "insert into product.calls (call_id, tenant_id, call_sid, direction, status, rank, started_at, answered_at,
                                          ended_at, duration_secs)
        select gen_random_uuid(), $1, 'CA' || md5(random()::text), 'inbound', $2, product.call_rank($2),
               trunkline.now() - $4::interval, trunkline.now() - $4::interval,
               case when $2 = 'completed' then trunkline.now() end, case when $2 = 'completed' then $3 end";
    sqlx::query(row)
        .bind(signup.tenant.as_uuid())
        .bind(status)
        .bind(secs)
        .bind(ago)
        .execute(&mut stage.db.superuser().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn somebody_who_comes_back_while_their_demo_is_removed_keeps_it_with_its_number() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.expired_demo().await;
    stage.advance(A_WEEK).await;
    // When the archive is written, a message comes in.
    let seam = "
        create function come_back() returns trigger language plpgsql as 'begin
            insert into product.messages (message_id, tenant_id, direction, purpose, to_phone)
                values (gen_random_uuid(), new.tenant_id, ''inbound'', ''conversation'', ''+15005550006'');
            return new; end';
        create trigger come_back after insert on product.demo_archive for each row execute function come_back();";
    sqlx::raw_sql(seam).execute(&mut stage.db.superuser().await).await.unwrap();
    let done = stage.run(DemoCleanup { tenant: Some(signup.tenant) }).await;
    assert_eq!(done.summary.state, State::Failed);
    assert!(done.summary.error.unwrap_or_default().contains("in_use"));
    let census = Census::of(&stage.db, signup.tenant).await;
    let over = Census { trials: 0, signup: "expired".to_owned(), codes: 0, ..Census::whole() };
    assert_eq!(Census { codes: 0, ..census }, over);
    assert_eq!(stage.db.number("select from product.demo_archive").await, 0);
    no_number_is_shared(&stage.db).await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_that_was_removed_comes_back_with_a_number_and_a_new_password() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let token = stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    let access = format!("/api/demo/{}/access", signup.tenant);
    let (_, first) = stage.get(&access, &token).await;
    stage.advance(OVER).await;
    stage.run(DemoExpire::default()).await;
    stage.advance(A_WEEK).await;
    stage.run(DemoCleanup::default()).await;
    let done = stage.order(&signup, "restore").await;
    assert_eq!(done.summary.state, State::Succeeded, "{:?}", done.summary.error);
    let census = Census::of(&stage.db, signup.tenant).await;
    assert_eq!(census, Census { codes: 0, ..Census::whole() });
    let (status, second) = stage.get(&access, &token).await;
    assert_eq!(status, 200, "{second}");
    let password =
        |access: &Value| access["access"]["temporaryPassword"].as_str().map(ToOwned::to_owned);
    assert!(password(&second).is_some() && password(&second) != password(&first), "{second}");
    let login = json!({ "email": signup.email, "password": password(&second) });
    assert_eq!(stage.post("/api/auth/login", &login).await.0, 200);
    let restored = "select from product.demo_archive where restored_at is not null";
    assert_eq!(stage.db.number(restored).await, 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_that_is_only_over_comes_back_with_the_number_that_it_had() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.expired_demo().await;
    let done = stage.order(&signup, "restore").await;
    assert_eq!(done.summary.state, State::Succeeded, "{:?}", done.summary.error);
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::whole());
    let mappings = "select from product.phone_mappings";
    assert_eq!(stage.db.number(mappings).await, 1, "it is the same one");
    assert_eq!(stage.status(&signup).await, "active");
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_demo_can_be_ended_early_and_becomes_a_customer_who_keeps_what_they_have() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.demo().await;
    stage.order(&signup, "expire").await;
    assert!(stage.tenant_is(&signup, "expired").await);
    assert_eq!(stage.status(&signup).await, "expired");
    stage.order(&signup, "convert").await;
    assert!(stage.tenant_is(&signup, "active").await);
    stage.advance(OVER).await;
    stage.run(DemoExpire::default()).await;
    stage.advance(A_WEEK).await;
    stage.run(DemoCleanup::default()).await;
    assert!(stage.tenant_is(&signup, "active").await, "a customer has no end");
    let census = Census::of(&stage.db, signup.tenant).await;
    assert_eq!((census.numbers, census.users, census.bots), (1, 1, 1));
    let history = "select from product.tenant_status_history where status = 'active' and previous_status = 'expired'";
    assert_eq!(stage.db.number(history).await, 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_new_code_works_for_as_long_as_a_code_does_and_the_old_one_not_any_more() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let old = stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_mins(8)).await;
    stage.order(&signup, "code").await;
    let new = tests::wait_until("the new code arrives", async || {
        stage.code_now(&signup).filter(|code| *code != old)
    })
    .await;
    assert_eq!(stage.type_in(&signup, &old).await.0, 400);
    // Past the end of the first code the sign-up still waits.
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_mins(5)).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    assert_eq!(stage.status(&signup).await, "pending_verification");
    assert_eq!(stage.type_in(&signup, &new).await.0, 202);
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_new_code_that_nobody_types_in_ends_the_sign_up_too() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_mins(8)).await;
    stage.order(&signup, "code").await;
    stage.comes_to_rest_but_for(&signup).await;
    stage.advance(Duration::from_secs(601)).await;
    stage.run_becomes(&signup, State::Failed).await;
    assert_eq!(stage.status(&signup).await, "expired");
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("expired"));
    stage.comes_to_rest().await;
}

impl Stage {
    /// Nothing moves but the sign-up, which waits.
    async fn comes_to_rest_but_for(&self, _: &SignUp) {
        rest::at_rest(&self.db, &SIGN_UP).await;
        rest::at_rest(&self.db, &["demo_code"]).await;
    }
}

#[tokio::test]
async fn all_demos_numbers_are_taken_back_at_once_and_who_had_which_is_kept() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (one, two) = (stage.demo().await, stage.demo().await);
    stage.order(&two, "convert").await;
    let (status, answer) = stage
        .post(
            "/v1/admin/numbers/recover",
            &json!({ "demos": "all", "rest": false, "reason": "in disorder" }),
        )
        .await;
    assert_eq!(status, 202, "{answer}");
    let done = tests::wait_until("the numbers are back", async || {
        let job = stage.newest("recover_numbers").await;
        job.summary.state.is_final().then_some(job)
    })
    .await;
    let output = done.output.unwrap();
    assert_eq!(
        (&output["taken"], &output["available"], &output["allocated"]),
        (&json!(1), &json!(9), &json!(1))
    );
    assert_eq!(Census::of(&stage.db, one.tenant).await.numbers, 0);
    assert_eq!(Census::of(&stage.db, two.tenant).await.numbers, 1, "a customer keeps theirs");
    assert_eq!(stage.db.number("select from product.phone_mappings_backup").await, 1);
    let again = stage.run(RecoverNumbers { whose: Whose::AllDemos, rest: true }).await;
    assert_eq!(again.output.unwrap()["taken"], 0);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn what_is_planned_for_a_tenant_is_cancelled_when_it_is_suspended() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (shut, open) = (stage.demo().await, stage.demo().await);
    let mut planned = Vec::new();
    for signup in [&shut, &shut, &open] {
        let job = DemoExpire { tenant: Some(signup.tenant), early: false }.job();
        let job = job.tenant(signup.tenant.as_uuid()).start(Start::After(Duration::from_hours(1)));
        planned.push(stage.engine.enqueue(job).await.unwrap().id());
    }
    let path = format!("/v1/admin/businesses/{}", shut.tenant);
    let (status, answer) = stage.patch(&path, &json!({ "status": "SUSPENDED" })).await;
    assert_eq!((status, &answer["status"]), (200, &json!("suspended")), "{answer}");
    tests::wait_until("the plans are cancelled", async || {
        let cancelled = stage.newest("cancel_tenant_jobs").await;
        tests::holds(cancelled.summary.state == State::Succeeded)
    })
    .await;
    let stands =
        async |at: usize| stage.engine.job(planned[at]).await.unwrap().unwrap().summary.state;
    assert_eq!(stands(0).await, State::Cancelled);
    assert_eq!(stands(1).await, State::Cancelled);
    assert_eq!(stands(2).await, State::Scheduled, "others are left alone");
    stage.advance(Duration::from_hours(1)).await;
    stage.comes_to_rest().await;
}
