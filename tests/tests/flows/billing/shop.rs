//! Tenants, plans, Stripe's sandbox and workers. No front door: a job is enqueued as the API would.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use domain::TenantId;
use engine::{Engine, JobDetail, JobId, Registry, State, Workflow};
use sandbox::stripe::{Handle, Options, Subscription};
use secrecy::SecretString;
use sqlx::AssertSqlSafe;
use tests::{TestDb, TestWorker, WorkerOptions, rest, wait_until};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::Trunkline;

use crate::stage::{
    STRIPE_KEY, STRIPE_WEBHOOK_SECRET, a_phone, of_stripe, variables, without_clock, worker_config,
};

/// Plans with their prices, as an operator has set them.
pub(super) const PLANS: &str = "
    insert into product.subscription_plans (plan, daily_calls_max, talk_secs_max, stripe_price_id, meter_event_name)
    values ('starter', 100, 36000, 'price_starter', null), ('pro', 500, 360000, 'price_pro', null),
           ('flexible', 500, 360000, 'price_flexible', 'messages_out');";

/// The kinds whose pauses are skipped.
const KINDS: [&str; 9] = [
    "buys_and_fails",
    "demo_convert",
    "create_subscription",
    "cancel_subscription",
    "change_plan",
    "apply_stripe_event",
    "reconcile_stripe",
    "reconcile_pages",
    "meter_usage",
];

pub(super) struct Shop {
    pub(super) engine: Engine,
    pub(super) stripe: Handle,
    pub(super) config: workers::Config,
    /// What another process would be told.
    pub(super) variables: BTreeMap<&'static str, String>,
    pub(super) db: TestDb,
    _stop: DropGuard,
}

/// The n-th tenant, and the one that the n-th seeded subscription says it is of.
pub(super) fn tenant(n: u64) -> TenantId {
    format!("00000000-0000-7000-8000-{n:012x}").parse().unwrap()
}

/// So many tenants who could pay.
pub(super) fn tenants(count: u64) -> String {
    format!(
        "select set_config('trunkline.scope', 'platform', true);
         insert into product.tenants (tenant_id, company_name, status)
         select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Company ' || n, 'active'
         from generate_series(1, {count}) n;"
    )
}

/// The sandbox's Stripe with its prices.
pub(super) async fn a_stripe(stop: &CancellationToken, secret_key: &str) -> Handle {
    let options = Options {
        webhook_delay: Duration::from_millis(5),
        seed: Some(7),
        ..Options::new(secret_key, STRIPE_WEBHOOK_SECRET)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stripe, serving) = sandbox::Stripe::serve(listener, options, stop.child_token()).unwrap();
    tokio::spawn(serving);
    stripe.put_price("price_starter", 4_900);
    stripe.put_price("price_pro", 9_900);
    stripe.put_price("price_flexible", 0);
    stripe
}

/// What a worker is told.
pub(super) async fn a_config(
    stop: &CancellationToken,
    database: &SecretString,
    stripe: &Handle,
) -> workers::Config {
    worker_config(&a_workers_variables(stop, database, stripe).await)
}

async fn a_workers_variables(
    stop: &CancellationToken,
    database: &SecretString,
    stripe: &Handle,
) -> BTreeMap<&'static str, String> {
    let phone = a_phone(stop).await;
    let mut variables = variables(database, "http://127.0.0.1:1", &phone, false);
    variables.extend(of_stripe(stripe));
    variables
}

impl Shop {
    /// With so many tenants who could pay.
    pub(super) async fn open(count: u64) -> Shop {
        let db = TestDb::new().await;
        let stop = CancellationToken::new();
        let stripe = a_stripe(&stop, STRIPE_KEY).await;
        let variables = a_workers_variables(&stop, db.app_url(), &stripe).await;
        let config = worker_config(&variables);
        let engine = Engine::connect(config.engine.clone(), &without_clock()).await.unwrap();
        let it = Shop { engine, stripe, config, variables, db, _stop: stop.drop_guard() };
        it.arrange(PLANS).await;
        it.arrange(&tenants(count)).await;
        it
    }

    /// Rows as somebody else has left them.
    pub(super) async fn arrange(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db.every_row()).await.unwrap();
    }

    pub(super) async fn worker(&self) -> TestWorker<Trunkline> {
        self.worker_of(without_clock()).await
    }

    /// A worker that knows other kinds.
    pub(super) async fn worker_of(&self, registry: Registry<Trunkline>) -> TestWorker<Trunkline> {
        let options = WorkerOptions { lease: Duration::from_secs(30), ..WorkerOptions::default() };
        let (config, clients) = (self.config.engine.clone(), Arc::clone(&self.config.clients));
        let settings = Arc::clone(&self.config.settings);
        TestWorker::start(config, Arc::new(registry), clients, settings, options).await
    }

    /// Runs a workflow to its end, over all its pauses.
    pub(super) async fn run<W: Workflow<Trunkline>>(&self, workflow: &W) -> JobDetail {
        let id = self.engine.enqueue(workflow.job()).await.unwrap().id();
        self.ends(id).await
    }

    /// The same, and it ends well.
    pub(super) async fn done<W: Workflow<Trunkline>>(&self, workflow: &W) -> JobDetail {
        let job = self.run(workflow).await;
        assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.error);
        job
    }

    /// Waits for the end of a job, over all its pauses.
    pub(super) async fn ends(&self, id: JobId) -> JobDetail {
        wait_until("the job ends", async || {
            let job = self.engine.job(id).await.ok()??;
            if job.summary.state.is_final() || job.summary.state == State::Parked {
                return Some(job);
            }
            let pause =
                [rest::pause_of(&self.db, &KINDS).await, rest::sleep_of(&self.db, &KINDS).await];
            if let Some(pause) = pause.into_iter().flatten().min() {
                self.advance(pause).await;
            }
            None
        })
        .await
    }

    /// Moves all clocks there are.
    pub(super) async fn advance(&self, by: Duration) {
        self.db.advance(by).await;
        self.stripe.set_clock_ahead(TimeDelta::from_std(self.db.ahead().await).unwrap());
    }

    /// Subscriptions at Stripe that are not over.
    pub(super) fn live(&self) -> Vec<Subscription> {
        let all = self.stripe.subscriptions().into_iter();
        all.filter(|it| it.status != "canceled").collect()
    }

    /// Money that was taken and not given back, in cents.
    pub(super) fn kept_cents(&self) -> i64 {
        let kept = self.stripe.charges().into_iter().filter(|charge| !charge.refunded);
        kept.map(|charge| charge.amount).sum()
    }

    /// How many rows a statement gives.
    pub(super) async fn rows(&self, statement: &str) -> i64 {
        self.db.number(statement).await
    }

    /// Our books as Stripe's are, for every subscription that it has.
    pub(super) async fn books_agree(&self) {
        let all = self.stripe.subscriptions();
        let list = |field: fn(&Subscription) -> String| all.iter().map(field).collect::<Vec<_>>();
        let seconds = |field: fn(&Subscription) -> i64| {
            all.iter().map(|it| f64::from(u32::try_from(field(it)).unwrap())).collect::<Vec<_>>()
        };
        let insert = "
            with theirs as (
                select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[])
                    as t (id, customer, price, tenant, start, stop)),
            payers as (
                update product.tenants t set stripe_customer_id = theirs.customer from theirs
                where t.tenant_id = theirs.tenant::uuid returning 1)
            insert into product.subscriptions
                (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status, stripe_subscription_id,
                 stripe_customer_id, stripe_price_id, stripe_status, livemode, current_period_start,
                 current_period_end, stripe_seen_at, created_at, updated_at)
            select gen_random_uuid(), tenant::uuid, plan, daily_calls_max, talk_secs_max, 'active', id, customer,
                   price, 'active', false, to_timestamp(start), to_timestamp(stop), past, past, past
            from theirs join product.subscription_plans on stripe_price_id = price,
                 (select trunkline.now() - interval '1 day' as past) p";
        sqlx::query(insert)
            .bind(list(|it| it.id.clone()))
            .bind(list(|it| it.customer.clone()))
            .bind(list(|it| it.price.clone()))
            .bind(list(|it| it.metadata["tenant_id"].clone()))
            .bind(seconds(|it| it.current_period_start))
            .bind(seconds(|it| it.current_period_end))
            .execute(&self.db.every_row())
            .await
            .unwrap();
    }

    /// Tenants who have paid for a plan for two days, with us and at Stripe.
    pub(super) async fn subscribed(count: u64) -> Shop {
        let shop = Shop::open(count).await;
        shop.stripe.seed(count, "price_starter", TimeDelta::days(2));
        shop.books_agree().await;
        shop
    }
}
