//! Every fault at every boundary of an erasure.

use std::fmt::Write as _;

use crash_matrix::{CrashMatrix, Done};
use domain::{ErasureId, PhoneNumber, erasures::hash_to_hex};
use workflows::erase::Erase;

use crate::{
    matrix::{Outside, ensure},
    numbers_matrix::{NUMBERS, demos, holds_of, matrix, next_demo},
};

/// The demos that are made beforehand, by the census of `numbers_matrix.rs`.
const DEMOS: u32 = 600;

/// To each of the demos' people, a text in a conversation, and a call that was recorded and written down.
const WROTE_AND_CALLED: &str = "
    select set_config('trunkline.scope', 'platform', false);
    create function public.phone(n int) returns text immutable language sql as $$ select '+43664' || (2000000 + n) $$;
    insert into product.conversations (conversation_id, tenant_id, phone)
        select public.nth(n), public.nth(n), public.phone(n) from generate_series(1, 600) n;
    insert into product.messages (message_id, tenant_id, direction, purpose, from_phone, to_phone, status, rank,
                                  conversation_id)
        select public.nth(n), public.nth(n), 'inbound', 'conversation', public.phone(n), '+15550100000', 'received',
               product.message_rank('received'), public.nth(n) from generate_series(1, 600) n;
    insert into product.message_bodies (message_id, tenant_id, body)
        select public.nth(n), public.nth(n), 'my knee hurts' from generate_series(1, 600) n;
    insert into product.calls (call_id, tenant_id, call_sid, direction, from_phone, to_phone, status, rank, started_at,
                               ended_at, updated_at)
        select public.nth(n), public.nth(n), 'CA' || lpad(to_hex(n), 32, '0'), 'inbound', public.phone(n), '+15550100000',
               'completed', product.call_rank('completed'), trunkline.now() - interval '2 hours',
               trunkline.now() - interval '1 hour', trunkline.now() - interval '1 hour' from generate_series(1, 600) n;
    insert into product.call_transcripts (call_id, tenant_id, locale, ended, turns, said, is_urgent, forget_at)
        select public.nth(n), public.nth(n), 'de-AT', 'hung_up', 0, '[]', false, trunkline.now() + interval '90 days'
        from generate_series(1, 600) n;
    insert into product.call_recordings (recording_sid, call_sid, tenant_id, status, rank)
        select 'RE' || lpad(to_hex(n), 32, '0'), 'CA' || lpad(to_hex(n), 32, '0'), public.nth(n), 'completed',
               product.recording_rank('completed') from generate_series(1, 600) n;";

/// Whether everything is there of the person, or the tenant, of the job `$1`.
const IS_WHOLE: &str = "
    select from trunkline.jobs j
    join product.erasures e on e.erasure_id::text = j.args ->> 'erasure' and e.finished_at is null
    join product.conversations c on c.conversation_id = e.erasure_id
    join product.message_bodies b on b.message_id = e.erasure_id
    join product.messages m on m.message_id = e.erasure_id and m.from_phone is not null
    join product.calls l on l.call_id = e.erasure_id and l.from_phone is not null
    join product.call_transcripts t on t.call_id = e.erasure_id
    join product.call_recordings r on r.call_sid = l.call_sid and r.status = 'completed'
    join product.demo_signups s on s.tenant_id = e.erasure_id and s.phone is not null
    where j.job_id = $1";

/// Whether facts are all that is left of them.
const IS_GONE: &str = "
    select from trunkline.jobs j
    join product.erasures e on e.erasure_id::text = j.args ->> 'erasure' and e.finished_at is not null
    join product.messages m on m.message_id = e.erasure_id and m.from_phone is null
    join product.calls l on l.call_id = e.erasure_id and l.from_phone is null and l.erased_at is not null
    join product.call_recordings r on r.call_sid = l.call_sid and r.status = 'deleted'
    join product.demo_signups s on s.tenant_id = e.erasure_id and num_nonnulls(s.phone, s.email, s.last_name) = 0
    where j.job_id = $1
      and not exists (select from product.conversations where conversation_id = e.erasure_id)
      and not exists (select from product.message_bodies where message_id = e.erasure_id)
      and not exists (select from product.call_transcripts where call_id = e.erasure_id)
      and not exists (select from product.users where tenant_id = e.erasure_id)";

/// Whose turn has not come, or who was cancelled, has lost something.
const OTHERS_LOST: &str = "
    select from product.erasures e
    where e.finished_at is null and $1::uuid is not null
      and not exists (select from product.message_bodies where message_id = e.erasure_id)";

/// An order for each of them: by the hash of a person, or for the whole tenant.
fn orders(outside: &Outside, of_people: bool) -> String {
    let pepper = &outside.config.settings.pepper;
    let mut statement = "select set_config('trunkline.scope', 'platform', false);".to_owned();
    for n in 1..=DEMOS {
        let phone = PhoneNumber::from_e164(&format!("+43664{}", 2_000_000 + n)).unwrap();
        let hash = hash_to_hex(phone.digest(pepper).as_bytes());
        let (tenant, person) = if of_people {
            ("null".to_owned(), format!("'\\x{hash}'"))
        } else {
            (format!("public.nth({n})"), "null".to_owned())
        };
        write!(
            statement,
            "insert into product.erasures (erasure_id, tenant_id, person, asked_by, reason)
             values (public.nth({n}), {tenant}, {person}, 'operator:x', 'they asked');"
        )
        .unwrap();
    }
    statement
}

fn next_order() -> Erase {
    let erasure: ErasureId = next_demo().as_uuid().into();
    Erase { erasure, phone: None }
}

async fn erased_or_whole(done: &Done) -> Result<(), String> {
    let (whole, gone) = (holds_of(done, IS_WHOLE).await, holds_of(done, IS_GONE).await);
    let lost = holds_of(done, OTHERS_LOST).await;
    let is_so = if done.succeeded() { gone && !whole } else { whole && !gone };
    ensure(is_so && !lost, || {
        format!("{}: whole {whole}, gone {gone}, others lost {lost}", done.state())
    })
}

#[tokio::test]
async fn a_person_is_erased_or_whole_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let orders = orders(&outside, true);
    matrix::<Erase>(&outside, |all| CrashMatrix::of(all, next_order))
        .named("erase, a person")
        .schema(&demos("expired", "expired"))
        .schema(WROTE_AND_CALLED)
        .schema(&orders)
        .invariant("erased, or whole", erased_or_whole)
        .run()
        .await;
}

#[tokio::test]
async fn a_tenant_is_erased_or_whole_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let orders = orders(&outside, false);
    matrix::<Erase>(&outside, |all| CrashMatrix::of(all, next_order))
        .named("erase, a tenant")
        .schema(&demos("expired", "expired"))
        .schema(NUMBERS)
        .schema(WROTE_AND_CALLED)
        .schema(&orders)
        .invariant("erased, or whole", erased_or_whole)
        .invariant("its number rests, or is still its own", async |done: &Done| {
            let closed = "
                select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'erasure'
                where j.job_id = $1 and t.status = 'offboarded' and t.company_name = 'erased'
                  and not exists (select from product.phone_pool p where p.tenant_id = t.tenant_id)";
            ensure(holds_of(done, closed).await == done.succeeded(), || format!("{}", done.state()))
        })
        .run()
        .await;
}
