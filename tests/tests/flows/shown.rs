//! Three tenants to look at: all there with their past, or nothing of them.

use crash_matrix::{CrashMatrix, Done};
use domain::{BotId, CallId, TenantId, shows::Show};
use engine::State;
use workflows::{
    show_demo::ShowDemo,
    show_order::{ShowOrder, Wholesaler},
};

use crate::{
    matrix::{Outside, ensure},
    numbers_matrix::{demos, holds_of, matrix, next_demo},
};

/// Numbers that are free.
const FREE: &str = "
    select set_config('trunkline.scope', 'platform', false);
    insert into product.phone_pool (phone, is_placeholder)
        select '+1555030' || lpad(n::text, 4, '0'), true from generate_series(1, 900) n;";

/// Of the demos that are made beforehand only the sign-ups stay, as the API would have written them.
const SIGNED_UP: &str = "
    select set_config('trunkline.scope', 'platform', false);
    delete from product.tenants;";

/// Whether the tenant of the job `$1` is there with its number, its login, what was written and what was said.
const IS_WHOLE: &str = "
    select from trunkline.jobs j
    join product.tenants t on t.tenant_id::text = j.args ->> 'tenant' and t.status = 'trial'
    join product.phone_pool p on p.tenant_id = t.tenant_id
    join product.users u on u.tenant_id = t.tenant_id
    join product.bots b on b.tenant_id = t.tenant_id
    where j.job_id = $1
      and (select count(*) from product.message_bodies m where m.tenant_id = t.tenant_id) = 5
      and (select count(*) from product.messages m where m.tenant_id = t.tenant_id and m.status = 'failed') = 1
      and (select count(*) from product.calls c where c.tenant_id = t.tenant_id) = 2
      and (select count(*) from product.call_transcripts c where c.tenant_id = t.tenant_id) = 1
      and (select count(*) from trunkline.jobs o join trunkline.kinds k using (kind_id)
           where k.name = 'show_order' and o.tenant_id = t.tenant_id) = 1";

const IS_THERE: &str = "select from trunkline.jobs j join product.tenants t
    on t.tenant_id::text = j.args ->> 'tenant' where j.job_id = $1";

#[tokio::test]
async fn a_tenant_to_show_is_all_there_or_not_at_all_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix::<ShowDemo>(&outside, |all| {
        CrashMatrix::of(all, || {
            let tenant = next_demo();
            ShowDemo { tenant, bot: BotId::mint(), show: Show::Bakery }
        })
    })
    .schema(&demos("trial", "pending_verification"))
    .schema(SIGNED_UP)
    .schema(FREE)
    .invariant("whole, or nothing", async |done: &Done| {
        let (whole, there) = (holds_of(done, IS_WHOLE).await, holds_of(done, IS_THERE).await);
        ensure(whole == done.succeeded() && there == whole, || {
            format!("{}: whole {whole}, there {there}", done.state())
        })
    })
    .run()
    .await;
}

/// A call of the tenant of the next run.
const CALLS: &str = "
    select set_config('trunkline.scope', 'platform', false);
    insert into product.calls (call_id, call_sid, tenant_id, direction, from_phone, status, rank, started_at)
        select tenant_id, 'CA' || replace(tenant_id::text, '-', ''), tenant_id, 'inbound', '+15559900101', 'in-progress', 3, trunkline.now()
        from product.tenants;";

const IS_NOTED: &str = "select from trunkline.jobs j join product.call_requests r
    on r.tenant_id::text = j.args ->> 'tenant' where j.job_id = $1";

fn order(wholesaler: Wholesaler) -> ShowOrder {
    let tenant: TenantId = next_demo();
    ShowOrder { tenant, call: CallId::from(tenant.as_uuid()), wholesaler }
}

#[tokio::test]
async fn an_order_of_which_nobody_can_tell_waits_for_a_person_whatever_goes_wrong() {
    let outside = Outside::new().await;
    CrashMatrix::of(crate::stage::without_clock(), || order(Wholesaler::CutOff))
        .named("show_order, cut off")
        .clients(|_| std::sync::Arc::clone(&outside.config.clients))
        .settings(std::sync::Arc::clone(&outside.config.settings))
        .sample(1)
        .schema(&demos("trial", "active"))
        .schema(CALLS)
        .invariant("it waits with what was noted, or is taken back", async |done: &Done| {
            let is_noted = holds_of(done, IS_NOTED).await;
            let stands = matches!(done.state(), State::Parked | State::Succeeded);
            let is_gone = matches!(done.state(), State::Cancelled | State::Failed);
            let fits = if is_noted { stands } else { is_gone };
            ensure(fits, || format!("{}: noted {is_noted}", done.state()))
        })
        .run()
        .await;
}

#[tokio::test]
async fn an_order_that_is_refused_is_a_dead_letter_with_nothing_left_whatever_goes_wrong() {
    let outside = Outside::new().await;
    CrashMatrix::of(crate::stage::without_clock(), || order(Wholesaler::SoldOut))
        .named("show_order, sold out")
        .clients(|_| std::sync::Arc::clone(&outside.config.clients))
        .settings(std::sync::Arc::clone(&outside.config.settings))
        .sample(1)
        .schema(&demos("trial", "active"))
        .schema(CALLS)
        .invariant("nothing is left of it, unless a person has to look", async |done: &Done| {
            let is_noted = holds_of(done, IS_NOTED).await;
            let is_gone = matches!(done.state(), State::Failed | State::Cancelled);
            // Nobody can tell whether an order that a crash cut off was placed.
            let fits = if is_noted { done.state() == State::Parked } else { is_gone };
            ensure(fits, || format!("{}: noted {is_noted}", done.state()))
        })
        .run()
        .await;
}
