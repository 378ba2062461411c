//! Every fault at every boundary of what is done with numbers.

use chrono::TimeDelta;
use crash_matrix::{CrashMatrix, Done};
use domain::{NumberId, TenantId, recovery::Whose};
use engine::Workflow;
use workflows::{
    Trunkline, audit_number_webhooks::AuditNumberWebhooks, buy_number::BuyNumber,
    recover_numbers::RecoverNumbers, refill_pool::RefillPool, release_number::ReleaseNumber,
    release_orphan_numbers::ReleaseOrphanNumbers, return_number::ReturnNumber,
    sync_number_webhooks::SyncNumberWebhooks,
};

use crate::{
    census::SHARED,
    matrix::{Outside, ensure, is_over, next},
    stage::without_clock,
};

/// Demos with all that they have, numbered: more than a full matrix plays. `{status}` is the tenants', `{signup}` the
/// sign-ups'.
const DEMOS: &str = "
    select set_config('trunkline.scope', 'platform', false);
    create function public.nth(n int) returns uuid immutable language sql
        as $$ select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
    insert into product.tenants (tenant_id, company_name, status, demo_expires_at, created_at)
        select public.nth(n), 'Huber', '{status}',
               case when '{status}' <> 'demo_pending' then trunkline.now() - interval '1 hour' end,
               trunkline.now() - interval '30 days' from generate_series(1, 600) n;
    insert into product.demo_signups (tenant_id, bot_id, job_id, company_name, first_name, last_name, email, phone,
                                      locale, status, expires_at)
        select public.nth(n), public.nth(n), public.nth(n), 'Huber', 'Anna', 'Huber', n || '@example.com',
               '+43664' || (2000000 + n), 'de', '{signup}', trunkline.now() from generate_series(1, 600) n;
    insert into product.bots (bot_id, tenant_id, name, system_prompt, locale)
        select public.nth(n), public.nth(n), 'Eva', 'Be kind.', 'de-AT' from generate_series(1, 600) n;
    insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max)
        select public.nth(n), public.nth(n), 'demo', 50, 7200 from generate_series(1, 600) n;
    insert into product.users (user_id, tenant_id, email, first_name, last_name, password_hash, role)
        select public.nth(n), public.nth(n), n || '@example.com', 'Anna', 'Huber', '$argon2id$x', 'customer_admin'
        from generate_series(1, 600) n;";

/// A number of its own for each of them.
pub(crate) const NUMBERS: &str = "
    select set_config('trunkline.scope', 'platform', false);
    insert into product.phone_pool (phone, status, tenant_id, allocated_at, is_placeholder)
        select '+1555020' || lpad(n::text, 4, '0'), 'allocated', public.nth(n), trunkline.now(), true
        from generate_series(1, 600) n;
    insert into product.phone_mappings (mapping_id, tenant_id, phone)
        select public.nth(n), public.nth(n), '+1555020' || lpad(n::text, 4, '0') from generate_series(1, 600) n;";

/// Of which only the first twelve stay.
const TWELVE: &str = "
    select set_config('trunkline.scope', 'platform', false);
    delete from product.phone_mappings where tenant_id > public.nth(12);
    delete from product.phone_pool where tenant_id > public.nth(12);";

/// Everything is as it was before the run.
async fn give_all_again(done: &Done) {
    let statement = "
        update product.phone_pool p set status = 'allocated', tenant_id = m.tenant_id, allocated_at = m.allocated_at,
            quarantined_until = null from product.phone_mappings m where m.phone = p.phone;
        update product.phone_mappings set is_active = true, released_at = null;";
    sqlx::raw_sql(statement).execute(&done.rows).await.unwrap();
}

pub(crate) fn demos(status: &str, signup: &str) -> String {
    DEMOS.replace("{status}", status).replace("{signup}", signup)
}

/// The tenant of the next run.
pub(crate) fn next_demo() -> TenantId {
    format!("00000000-0000-7000-8000-{:012}", next()).parse().unwrap()
}

/// A workflow among all others, with all that its clients reach.
pub(crate) fn matrix<W: Workflow<Trunkline>>(
    outside: &Outside,
    of: impl FnOnce(engine::Registry<Trunkline>) -> CrashMatrix<Trunkline>,
) -> CrashMatrix<Trunkline> {
    let phone = outside.phone.clone();
    of(without_clock())
        .named(W::KIND)
        .clients(|_| std::sync::Arc::clone(&outside.config.clients))
        .settings(std::sync::Arc::clone(&outside.config.settings))
        .clock(move |ahead| phone.set_clock_ahead(TimeDelta::from_std(ahead).unwrap()))
        .invariant("it is done or cancelled", is_over)
        .invariant("no number is shared", async |done: &Done| {
            let shared = sqlx::query(SHARED).fetch_all(&done.rows).await.unwrap().len();
            ensure(shared == 0, || format!("{shared} numbers are held by two"))
        })
        .sample(1)
}

/// Whether a statement about the job `$1` gives a row.
pub(crate) async fn holds_of(done: &Done, statement: &'static str) -> bool {
    done.count(statement).await > 0
}

const HAS_ITS_NUMBER: &str = "
    select from trunkline.jobs j join product.phone_pool p on p.tenant_id::text = j.args ->> 'tenant'
    join product.phone_mappings m on m.phone = p.phone and m.tenant_id = p.tenant_id and m.is_active
    where j.job_id = $1";

#[tokio::test]
async fn a_number_rests_or_stays_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix::<ReleaseNumber>(&outside, |all| {
        CrashMatrix::of(all, || ReleaseNumber { tenant: next_demo() })
    })
    .schema(&demos("expired", "expired"))
    .schema(NUMBERS)
    .invariant("its number rests, or is still its own", async |done: &Done| {
        let has = holds_of(done, HAS_ITS_NUMBER).await;
        ensure(has != done.succeeded(), || format!("{}: it has a number: {has}", done.state()))
    })
    .run()
    .await;
}

#[tokio::test]
async fn a_number_is_bought_once_whatever_goes_wrong() {
    let outside = Outside::with(&[("TRUNKLINE_NUMBERS_MAX", "10000")]).await;
    let phone = outside.phone.clone();
    matrix::<BuyNumber>(&outside, |all| CrashMatrix::of(all, BuyNumber::default))
        .invariant("bought once, or not at all", async move |done: &Done| {
            let name = format!("va:{}", done.job.summary.id);
            let bought = phone.numbers().iter().filter(|it| it.friendly_name == name).count();
            let pooled = done.count("select from product.phone_pool where bought_by = $1").await;
            let wanted = usize::from(done.succeeded());
            let is_so = bought == wanted && usize::try_from(pooled) == Ok(wanted);
            ensure(is_so, || format!("{}: {bought} bought, {pooled} in the pool", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_number_leaves_for_good_or_stays_whatever_goes_wrong() {
    let bought = "
        select set_config('trunkline.scope', 'platform', false);
        insert into product.phone_pool (phone, number_id, twilio_sid, bought_by)
            select '+43720' || lpad(n::text, 6, '0'),
                   ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
                   'PN' || lpad(n::text, 32, '0'), gen_random_uuid() from generate_series(1, 600) n;";
    let outside = Outside::new().await;
    let number =
        || -> NumberId { format!("00000000-0000-7000-8000-{:012}", next()).parse().unwrap() };
    let leave = move || ReturnNumber { number: number(), rest_secs: 0, in_any_case: true };
    matrix::<ReturnNumber>(&outside, |all| CrashMatrix::of(all, leave))
        .schema(bought)
        .invariant("it is gone, or free", async |done: &Done| {
            let free = holds_of(
                done,
                "select from trunkline.jobs j join product.phone_pool p on p.number_id::text = j.args ->> 'number'
                 where j.job_id = $1 and p.status = 'available'",
            )
            .await;
            ensure(free != done.succeeded(), || format!("{}: it is free: {free}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn the_pool_is_looked_after_whatever_goes_wrong() {
    // Purchases that are not allowed: five children that fail, and spoil nothing.
    let variables = [
        ("TRUNKLINE_NUMBERS_BUY", "1"),
        ("TRUNKLINE_NUMBERS_FREE_MIN", "1000"),
        ("TRUNKLINE_NUMBERS_MAX", "0"),
    ];
    let outside = Outside::with(&variables).await;
    let phone = outside.phone.clone();
    matrix::<RefillPool>(&outside, |all| CrashMatrix::of(all, || RefillPool {}))
        .invariant("nothing is bought", async move |_: &Done| {
            ensure(phone.numbers().is_empty(), || "a number was bought".to_owned())
        })
        .run()
        .await;
}

#[tokio::test]
async fn all_numbers_are_taken_back_or_none_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let recover = || RecoverNumbers { whose: Whose::Expired, rest: false };
    matrix::<RecoverNumbers>(&outside, |all| CrashMatrix::of(all, recover))
        .schema(&demos("expired", "expired"))
        .schema(NUMBERS)
        .schema(TWELVE)
        .invariant("all or none", async |done: &Done| {
            let has =
                done.count("select from product.phone_mappings where is_active and $1 = $1").await;
            give_all_again(done).await;
            let wanted = if done.succeeded() { 0 } else { 12 };
            ensure(has == wanted, || format!("{}: {has}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn every_number_leads_to_us_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    three_numbers_that_lead_elsewhere(&outside).await;
    matrix::<SyncNumberWebhooks>(&outside, |all| CrashMatrix::of(all, || SyncNumberWebhooks {}))
        .invariant("they lead to us", async move |done: &Done| {
            let strays = phone.numbers().iter().filter(|it| !leads_to_us(&it.voice_url)).count();
            ensure(!done.succeeded() || strays == 0, || format!("{strays} lead elsewhere"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn what_somebody_changed_is_put_right_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    three_numbers_that_lead_elsewhere(&outside).await;
    let audit = || AuditNumberWebhooks { fix: true };
    matrix::<AuditNumberWebhooks>(&outside, |all| CrashMatrix::of(all, audit))
        .invariant("they lead to us", async move |done: &Done| {
            let strays = phone.numbers().iter().filter(|it| !leads_to_us(&it.voice_url)).count();
            let first = phone.numbers()[0].sid.clone();
            let is_so = !done.succeeded() || strays == 0;
            // Somebody changes one again before the next run.
            phone.divert_number(&first, "https://elsewhere.example/");
            ensure(is_so, || format!("{strays} lead elsewhere"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn numbers_of_nobody_are_put_right_whatever_goes_wrong() {
    let gone = "
        select set_config('trunkline.scope', 'platform', false);
        update product.tenants set status = 'offboarded' where tenant_id = public.nth(1) or tenant_id = public.nth(2);";
    let outside = Outside::new().await;
    three_numbers_that_lead_elsewhere(&outside).await;
    matrix::<ReleaseOrphanNumbers>(&outside, |all| {
        CrashMatrix::of(all, || ReleaseOrphanNumbers {})
    })
    .schema(&demos("expired", "expired"))
    .schema(NUMBERS)
    .schema(TWELVE)
    .schema(gone)
    .invariant("whoever is gone has no number", async |done: &Done| {
        let strays = done
            .count(
                "select from product.phone_pool p join product.tenants t using (tenant_id)
                     where t.status = 'offboarded' and $1 = $1",
            )
            .await;
        give_all_again(done).await;
        ensure(!done.succeeded() || strays == 0, || format!("{strays} of those who are gone"))
    })
    .run()
    .await;
}

fn leads_to_us(url: &str) -> bool {
    url == "http://127.0.0.1:1/telephony/incoming"
}

/// Numbers of the account that somebody bought and pointed elsewhere by hand.
async fn three_numbers_that_lead_elsewhere(outside: &Outside) {
    let desk = outside.config.clients.numbers.as_ref().unwrap();
    for phone in ["+43720000001", "+43720000002", "+43720000003"] {
        let new = clients::twilio::NewNumber {
            phone: phone.to_owned(),
            friendly_name: "Reception".to_owned(),
            urls: desk.urls.clone(),
            address_sid: None,
            bundle_sid: None,
        };
        let bought = desk.twilio.buy_number(&new).await.unwrap();
        outside.phone.divert_number(&bought.sid, "https://elsewhere.example/");
    }
}
