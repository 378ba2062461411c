//! Many at once who take numbers, on workers that are cut off in the middle.

use std::collections::BTreeSet;

use domain::TenantId;
use engine::{State, Workflow};
use tests::rest;
use workflows::{allocate_number::AllocateNumber, serve_waitlist::ServeWaitlist};

use crate::{
    census::no_number_is_shared,
    stage::{Props, Stage},
};

/// So many tenants want a number, and so many numbers there are.
const TENANTS: usize = 60;
const NUMBERS: u16 = 40;

#[tokio::test]
async fn of_many_who_want_a_number_while_workers_die_none_shares_one_and_none_is_lost() {
    let stage = Stage::with(Props { numbers: NUMBERS, ..Props::default() }).await;
    let demos = crate::numbers_matrix::demos("demo_pending", "provisioning");
    sqlx::raw_sql(sqlx::AssertSqlSafe(demos)).execute(stage.db.owner()).await.unwrap();
    let mut jobs = Vec::new();
    for _ in 0..TENANTS {
        let take = AllocateNumber { tenant: crate::numbers_matrix::next_demo() };
        jobs.push(stage.engine.enqueue(take.job()).await.unwrap().id());
    }
    // Three workers; again and again one of them is cut off with what it has in hand, and another comes.
    let mut workers = vec![stage.worker().await, stage.worker().await, stage.worker().await];
    for round in 0..6 {
        tests::wait_until("some got on", async || {
            let taken = "select from product.phone_pool where status = 'allocated'";
            tests::holds(stage.db.number(taken).await >= i64::from(NUMBERS).min(5 * (round + 1)))
        })
        .await;
        let killed = workers.remove(0).kill();
        stage.db.end_lease_of(&killed).await;
        workers.push(stage.worker().await);
    }
    // Who was in hand of several comes back after a while, each by itself.
    tests::wait_until("everybody has one or is in line", async || {
        if let Some(pause) = rest::pause_of(&stage.db, &[AllocateNumber::KIND]).await {
            stage.advance(pause).await;
        }
        let unsettled = "select from trunkline.waits where state = 'scheduled'";
        let is_settled = stage.db.number(unsettled).await == 0
            && rest::is_at_rest(&stage.db, &[AllocateNumber::KIND]).await;
        tests::holds(is_settled)
    })
    .await;
    let taken = "select from product.phone_pool where status = 'allocated'";
    assert_eq!(
        stage.db.number(taken).await,
        i64::from(NUMBERS),
        "every number is given to somebody"
    );
    no_number_is_shared(&stage.db).await;
    let in_line = stage.db.number("select from product.number_waitlist").await;
    assert_eq!(in_line, i64::try_from(TENANTS).unwrap() - i64::from(NUMBERS));
    let mut served = BTreeSet::new();
    for job in &jobs {
        let job_is = stage.engine.job(*job).await.unwrap().unwrap().summary.state;
        assert!(matches!(job_is, State::Succeeded | State::Waiting), "{job_is}");
        if job_is == State::Succeeded {
            served.insert(*job);
        }
    }
    assert_eq!(served.len(), usize::from(NUMBERS));
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn a_customer_who_had_no_demo_waits_in_line_for_a_number_and_gets_one() {
    let stage = Stage::with(Props { numbers: 0, ..Props::default() }).await;
    let tenant = TenantId::mint();
    let made = format!(
        "insert into product.tenants (tenant_id, company_name, status) values ('{tenant}', 'Bakery', 'active')"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(made))
        .execute(&mut stage.db.superuser().await)
        .await
        .unwrap();
    let _worker = stage.worker().await;
    stage.engine.enqueue(AllocateNumber { tenant }.job()).await.unwrap();
    tests::wait_until("it is in line", async || {
        tests::holds(stage.db.number("select from product.number_waitlist").await == 1)
    })
    .await;
    let more =
        "insert into product.phone_pool (phone, is_placeholder) values ('+15550100001', true)";
    sqlx::raw_sql(more).execute(&mut stage.db.superuser().await).await.unwrap();
    stage.engine.enqueue(ServeWaitlist {}.job()).await.unwrap();
    let has =
        format!("select from product.phone_mappings where tenant_id = '{tenant}' and is_active");
    // Whoever waits in line is at rest, too, until the news has come to it.
    tests::wait_until("it has its number", async || tests::holds(stage.db.number(&has).await == 1))
        .await;
    rest::at_rest(&stage.db, &["allocate_number", "serve_waitlist"]).await;
    assert_eq!(stage.db.number(&has).await, 1);
}
