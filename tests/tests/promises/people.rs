//! People who sign up, read their phone and type the code in; from outside, over HTTP.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::json;
use tests::fleet::{Dev, pause, within};
use uuid::Uuid;

/// People who fill in the form at the same time.
const AT_ONCE: usize = 8;

/// One of every so many never types their code in.
const FORGETFUL: usize = 20;

/// Everybody.
pub(crate) struct People {
    count: usize,
    /// Tenants by phone, as the API acknowledged them.
    acknowledged: Mutex<HashMap<String, Uuid>>,
    verified: Mutex<HashMap<String, Uuid>>,
    poisoned: Mutex<usize>,
}

impl People {
    pub(crate) fn new(count: usize) -> People {
        People {
            count,
            acknowledged: Mutex::default(),
            verified: Mutex::default(),
            poisoned: Mutex::default(),
        }
    }

    /// The phones of those who will verify.
    fn is_forgetful(&self, phone: &str) -> bool {
        (0..self.count).step_by(FORGETFUL).any(|person| phone_of(person) == phone)
    }

    pub(crate) fn forgetful(&self) -> usize {
        (0..self.count).step_by(FORGETFUL).count()
    }

    pub(crate) fn acknowledged(&self) -> HashMap<String, Uuid> {
        self.acknowledged.lock().clone()
    }

    /// All of them sign up.
    pub(crate) async fn sign_up(&self, dev: &Dev) {
        stream::iter(0..self.count)
            .for_each_concurrent(AT_ONCE, async |person| {
                let phone = phone_of(person);
                let body = json!({
                    "companyName": "Baeckerei Huber", "contactEmail": format!("person-{person}@example.com"),
                    "contactPhone": phone, "firstName": "Anna", "lastName": "Huber",
                });
                // Within 198.18.0.0/15, which is for tests: the limit of three an hour for one address is real.
                let from = format!("198.18.{}.{}", person / 250, person % 250 + 1);
                let (status, answer) = dev.post("/api/demo/create-tenant", &from, &body).await.expect("an answer");
                assert_eq!(status, 202, "{answer}");
                let tenant = answer["tenantId"].as_str().unwrap().parse().unwrap();
                self.acknowledged.lock().insert(phone, tenant);
            })
            .await;
    }

    /// All but the forgetful type their codes in as they come.
    pub(crate) async fn verify(&self, dev: &Dev, time: Duration) {
        let expected = self.count - self.forgetful();
        within(time, "everybody has their code", async || {
            for text in dev.texts().await {
                let known = self.acknowledged.lock().get(&text.to).copied();
                let (Some(tenant), Some(code)) = (known, text.code()) else { continue };
                if self.is_forgetful(&text.to) || self.verified.lock().contains_key(&text.to) {
                    continue;
                }
                let body = json!({ "tenantId": tenant, "code": code });
                let answer = dev.post("/api/demo/verify-phone", "198.18.255.1", &body).await;
                match answer {
                    Some((202, _)) => drop(self.verified.lock().insert(text.to.clone(), tenant)),
                    // The API could not reach its database; people try again.
                    Some((503, _)) | None => {}
                    Some((status, answer)) => panic!("{status}: {answer}"),
                }
            }
            pause(Duration::from_millis(200)).await;
            (self.verified.lock().len() == expected).then_some(())
        })
        .await;
    }

    /// Waits until all who verified have their demo.
    pub(crate) async fn become_active(&self, dev: &Dev, time: Duration) {
        within(time, "everybody has a demo", async || {
            let active =
                dev.count("select from product.demo_signups where status = 'active'").await;
            (usize::try_from(active).ok()? == self.verified.lock().len()).then_some(())
        })
        .await;
    }

    /// What a storm makes look like poison, an operator tries again, until this is dropped.
    pub(crate) async fn operate(&self, dev: &Dev) {
        let parked = "select job_id from trunkline.waits where state = 'parked'";
        loop {
            let jobs: Vec<Uuid> =
                sqlx::query_scalar(parked).fetch_all(dev.rows()).await.unwrap_or_default();
            for job in jobs {
                *self.poisoned.lock() += 1;
                let path = format!("/v1/admin/jobs/{job}/retry");
                dev.post(&path, "198.18.255.1", &json!({})).await;
            }
            pause(Duration::from_millis(500)).await;
        }
    }

    /// How many jobs were taken for poison.
    pub(crate) fn poisoned(&self) -> usize {
        *self.poisoned.lock()
    }

    /// An operator cancels the sign-ups of the forgetful, and waits until nothing is left of them.
    pub(crate) async fn forget(&self, dev: &Dev, time: Duration) {
        let open = "select job_id from product.demo_signups where status not in ('active', 'failed', 'expired')";
        let jobs: Vec<Uuid> = sqlx::query_scalar(open).fetch_all(dev.rows()).await.unwrap();
        for job in jobs {
            let (status, answer) = dev
                .post(&format!("/v1/admin/jobs/{job}/cancel"), "198.18.255.1", &json!({}))
                .await
                .unwrap();
            assert_eq!(status, 202, "{answer}");
        }
        within(time, "the forgetful are forgotten", async || {
            (dev.count("select from product.demo_signups where status not in ('active', 'failed')")
                .await
                == 0)
                .then_some(())
        })
        .await;
    }

    /// People whose sign-up was acknowledged and is neither a whole demo nor gone without a trace.
    pub(crate) async fn lost(&self, dev: &Dev) -> usize {
        let mut lost = 0;
        for (phone, tenant) in self.acknowledged() {
            let word: Option<String> =
                sqlx::query_scalar("select status from product.demo_signups where tenant_id = $1")
                    .bind(tenant)
                    .fetch_optional(dev.rows())
                    .await
                    .unwrap();
            let expected = if self.is_forgetful(&phone) { "failed" } else { "active" };
            lost += usize::from(word.as_deref() != Some(expected));
        }
        lost
    }
}

/// A mobile number of Austria's.
fn phone_of(person: usize) -> String {
    format!("+43664{}", 1_000_000 + person)
}

/// Messages of which nobody can tell whether they left. The code in one is replaced, never repeated: its successor is a message
/// of its own, with a code of its own.
pub(crate) const UNPROVEN: &str =
    "select to_phone::text from product.messages where status = 'pending' and provider_sid is null";

/// Everything of which a tenant has two, but for codes that were replaced.
pub(crate) const DOUBLED: &[(&str, &str)] = &[
    ("users", "select tenant_id from product.users group by tenant_id having count(*) > 1"),
    ("bots", "select tenant_id from product.bots group by tenant_id having count(*) > 1"),
    (
        "subscriptions",
        "select tenant_id from product.subscriptions group by tenant_id having count(*) > 1",
    ),
    (
        "codes",
        "select c.tenant_id from product.demo_verification_codes c group by c.tenant_id
         having count(*) > (select count(*) from product.messages m where m.tenant_id = c.tenant_id)",
    ),
    (
        "messages",
        // One that was given up before it was handed over is followed by another, with another code.
        "select tenant_id from product.messages
         where tenant_id is not null and not (status = 'failed' and provider_sid is null) group by tenant_id
         having count(*) > 1 + count(*) filter (where status = 'pending' and provider_sid is null)",
    ),
    (
        "runs",
        "select parent_id::text, kind_id from trunkline.jobs join trunkline.kinds k using (kind_id)
         where parent_id is not null and k.name <> 'send_sms' group by parent_id, kind_id having count(*) > 1
         union all
         select args ->> 'message', null from trunkline.jobs join trunkline.kinds k using (kind_id)
         where k.name = 'send_sms' group by args ->> 'message' having count(*) > 1",
    ),
];

/// The messages of those who have several, for whoever has to find out why.
pub(crate) const SEVERAL: &str =
    "select concat_ws(' ', m.tenant_id, m.status, m.reason, m.error_code, m.provider_sid is not null, k.name, f.error)
     from product.messages m
     left join trunkline.jobs j on j.args ->> 'message' = m.message_id::text
     left join trunkline.kinds k using (kind_id) left join trunkline.failures f using (job_id)
     where m.tenant_id in (select tenant_id from product.messages group by tenant_id having count(*) > 1)";

/// A number that two tenants hold.
pub(crate) const SHARED: &str = "
    select phone from product.phone_mappings where is_active group by phone having count(*) > 1
    union all
    select tenant_id::text from product.phone_pool where status = 'allocated' group by tenant_id having count(*) > 1";

/// What a demo lacks, or what was left of one that came to nothing.
pub(crate) const HALF_MADE: &str = "
    select s.tenant_id from product.demo_signups s
    where (s.status = 'active') is distinct from (
              exists (select from product.tenants t where t.tenant_id = s.tenant_id and t.status = 'trial')
              and exists (select from product.users u where u.tenant_id = s.tenant_id)
              and exists (select from product.bots b where b.tenant_id = s.tenant_id)
              and exists (select from product.subscriptions b where b.tenant_id = s.tenant_id)
              and exists (select from product.phone_pool p where p.tenant_id = s.tenant_id))
       or s.status <> 'active' and (
              exists (select from product.tenants t where t.tenant_id = s.tenant_id)
              or exists (select from product.phone_pool p where p.tenant_id = s.tenant_id)
              or exists (select from product.number_waitlist w where w.tenant_id = s.tenant_id)
              or s.phone is not null)";

/// Jobs of sign-ups that are not over.
pub(crate) const UNFINISHED: &str = "
    select t.job_id from (select job_id, kind_id from trunkline.ready union all select job_id, kind_id from trunkline.leases
                          union all select job_id, kind_id from trunkline.waits) t
    join trunkline.kinds k using (kind_id) where k.name in ('demo_signup', 'allocate_number', 'send_sms', 'sms_status')";
