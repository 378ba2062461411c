//! Every fault at every boundary of what becomes of a demo after its time.

use crash_matrix::{CrashMatrix, Done};
use workflows::{
    cancel_tenant_jobs::CancelTenantJobs, demo_cleanup::DemoCleanup, demo_code::DemoCode,
    demo_convert::DemoConvert, demo_expire::DemoExpire, demo_restore::DemoRestore,
};

use crate::{
    matrix::{Outside, ensure},
    numbers_matrix::{NUMBERS, demos, holds_of, matrix, next_demo},
};

/// Numbers that are free.
const FREE: &str = "
    select set_config('trunkline.scope', 'platform', false);
    insert into product.phone_pool (phone, is_placeholder)
        select '+1555030' || lpad(n::text, 4, '0'), true from generate_series(1, 900) n;";

/// Where the tenant of the job `$1` stands.
const IS_TRIAL: &str =
    "select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    where j.job_id = $1 and t.status = 'trial'";
const IS_EXPIRED: &str =
    "select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    where j.job_id = $1 and t.status = 'expired'";
const IS_ACTIVE: &str =
    "select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    where j.job_id = $1 and t.status = 'active'";

/// Whether the demo of the job `$1` is all there, with one number and one login.
const IS_WHOLE: &str = "
    select from trunkline.jobs j
    join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    join product.phone_pool p on p.tenant_id = t.tenant_id
    join product.phone_mappings m on m.tenant_id = t.tenant_id and m.phone = p.phone
    join product.users u on u.tenant_id = t.tenant_id
    join product.bots b on b.tenant_id = t.tenant_id
    join product.subscriptions s on s.tenant_id = t.tenant_id
    where j.job_id = $1 and m.is_active and p.status = 'allocated' and s.status = 'active'";

#[tokio::test]
async fn a_demo_ends_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let expire = || DemoExpire { tenant: Some(next_demo()), early: false };
    matrix::<DemoExpire>(&outside, |all| CrashMatrix::of(all, expire))
        .schema(&demos("trial", "active"))
        .invariant("it has ended, and its sign-up with it", async |done: &Done| {
            let ended = holds_of(
                done,
                "select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
                 join product.demo_signups s on s.tenant_id = t.tenant_id
                 where j.job_id = $1 and t.status = 'expired' and s.status = 'expired'
                   and (select count(*) from product.tenant_status_history h where h.tenant_id = t.tenant_id) = 1",
            )
            .await;
            let runs = holds_of(done, IS_TRIAL).await;
            ensure(ended != runs && (ended || !done.succeeded()), || format!("{}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_demo_is_removed_whole_or_stays_whole_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let cleanup = || DemoCleanup { tenant: Some(next_demo()) };
    matrix::<DemoCleanup>(&outside, |all| CrashMatrix::of(all, cleanup))
        .schema(&demos("expired", "expired"))
        .schema(NUMBERS)
        .invariant("removed and archived, or whole", async |done: &Done| {
            let archived = holds_of(
                done,
                "select from product.demo_archive a where a.job_id = $1 and a.removed_at is not null
                   and jsonb_array_length(a.bots) = 1 and jsonb_array_length(a.numbers) = 1",
            )
            .await;
            let kept = holds_of(done, "select from product.demo_archive where job_id = $1").await;
            let (expired, whole) =
                (holds_of(done, IS_EXPIRED).await, holds_of(done, IS_WHOLE).await);
            let is_gone = archived && !expired;
            let is_there = !kept && expired && whole;
            ensure(if done.succeeded() { is_gone } else { is_there }, || {
                format!("{}: archived {archived}, there {expired}, whole {whole}", done.state())
            })
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_demo_becomes_a_customer_or_stays_one_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let convert = || DemoConvert { tenant: next_demo(), subscription: None };
    matrix::<DemoConvert>(&outside, |all| CrashMatrix::of(all, convert))
        .schema(&demos("expired", "expired"))
        .invariant("active, or as it was", async |done: &Done| {
            let (active, expired) =
                (holds_of(done, IS_ACTIVE).await, holds_of(done, IS_EXPIRED).await);
            ensure(active == done.succeeded() && expired != active, || format!("{}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_demo_that_is_over_comes_back_or_stays_over_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let restore = || DemoRestore { tenant: next_demo() };
    matrix::<DemoRestore>(&outside, |all| CrashMatrix::of(all, restore))
        .schema(&demos("expired", "expired"))
        .schema(FREE)
        .invariant("it runs with a number, or is over without", async |done: &Done| {
            let (runs, whole) = (holds_of(done, IS_TRIAL).await, holds_of(done, IS_WHOLE).await);
            let over = holds_of(done, IS_EXPIRED).await;
            let is_so = if done.succeeded() { runs && whole } else { over && !whole };
            ensure(is_so, || format!("{}: runs {runs}, whole {whole}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_demo_that_was_removed_comes_back_whole_or_not_at_all_whatever_goes_wrong() {
    let archive = "
        select set_config('trunkline.scope', 'platform', false);
        insert into product.demo_archive (tenant_id, job_id, company_name, bots, numbers, usage, history, created_at, removed_at)
            select tenant_id, tenant_id, company_name,
                   jsonb_build_array(jsonb_build_object('bot_id', tenant_id, 'name', 'Eva', 'locale', 'de-AT',
                                                        'system_prompt', 'Be kind.')),
                   '[]', '{}', '[]', created_at, trunkline.now()
            from product.tenants;
        delete from product.tenants;";
    let outside = Outside::new().await;
    let restore = || DemoRestore { tenant: next_demo() };
    matrix::<DemoRestore>(&outside, |all| CrashMatrix::of(all, restore))
        .named("demo_restore, removed")
        .schema(&demos("expired", "expired"))
        .schema(archive)
        .schema(FREE)
        .invariant("it runs whole, or is still in the archive", async |done: &Done| {
            let (runs, whole) = (holds_of(done, IS_TRIAL).await, holds_of(done, IS_WHOLE).await);
            let open = holds_of(
                done,
                "select from trunkline.jobs j join product.demo_archive a on a.tenant_id::text = j.args ->> 'tenant'
                 where j.job_id = $1 and a.restored_at is null",
            )
            .await;
            let is_so = if done.succeeded() { runs && whole && !open } else { !runs && !whole && open };
            ensure(is_so, || format!("{}: runs {runs}, whole {whole}, open {open}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn one_code_works_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    let code = || DemoCode { tenant: next_demo() };
    matrix::<DemoCode>(&outside, |all| CrashMatrix::of(all, code))
        .schema(&demos("demo_pending", "pending_verification"))
        .invariant("one code, and one text for it", async move |done: &Done| {
            let codes = done
                .count(
                    "select from trunkline.jobs j
                     join product.demo_verification_codes c on c.tenant_id::text = j.args ->> 'tenant'
                     where j.job_id = $1",
                )
                .await;
            let texts = phone.messages();
            let doubled = texts.iter().any(|one| texts.iter().filter(|it| it.to == one.to).count() > 1);
            let is_so = !doubled && codes <= 1 && (codes == 1 || !done.succeeded());
            ensure(is_so, || format!("{}: {codes} codes, doubled: {doubled}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn what_is_planned_is_cancelled_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let cancel = || CancelTenantJobs {
        tenant: next_demo(),
        by: "operator:x".to_owned(),
        reason: "suspended".to_owned(),
    };
    matrix::<CancelTenantJobs>(&outside, |all| CrashMatrix::of(all, cancel)).run().await;
}
