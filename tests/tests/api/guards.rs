//! Who may use which route. A route without a row here fails the first test.

use std::{collections::BTreeSet, net::Ipv4Addr};

use api::{Guard, ROUTES, Route};
use reqwest::Method;
use serde_json::json;
use tests::Ask;

use crate::stage::{Demo, Guest, Rows, Stage};

/// What a route says to somebody who brings nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    /// It is open to everybody.
    Open,
    /// What it guards is in the body; without it there is nothing to check.
    WrongBody,
    /// 401 with this code.
    Refused(&'static str),
    /// The page on which to log in.
    SentToLogIn,
    /// 403, as a page, and nothing done; a body that is no form, 415.
    RefusedPage,
}

use Nothing::{Open, Refused, RefusedPage, SentToLogIn, WrongBody};

const NO_KEY: Nothing = Refused("admin_key_required");
const NO_SESSION: Nothing = Refused("tenant_context_required");

/// Method, path, guard, and what somebody hears who brings nothing.
const TABLE: &[(&str, &str, Guard, Nothing)] = &[
    ("POST", "/api/demo/create-tenant", Guard::Open, WrongBody),
    ("POST", "/api/demo/setup", Guard::Open, WrongBody),
    ("POST", "/api/demo/verify-phone", Guard::PhoneCode, WrongBody),
    ("GET", "/api/demo/{tenant}/status", Guard::Open, Open),
    ("GET", "/api/demo/{tenant}/access", Guard::AccessToken, Refused("access_token_required")),
    ("POST", "/api/auth/login", Guard::Password, WrongBody),
    ("POST", "/api/auth/logout", Guard::AnySession, Open),
    ("POST", "/api/auth/change-password", Guard::Session, NO_SESSION),
    ("GET", "/api/me", Guard::Session, NO_SESSION),
    ("GET", "/api/keys", Guard::OwnPassword, NO_SESSION),
    ("POST", "/api/keys", Guard::OwnPassword, NO_SESSION),
    ("POST", "/api/keys/{id}/revoke", Guard::OwnPassword, NO_SESSION),
    ("GET", "/api/tenant", Guard::Member, NO_SESSION),
    ("GET", "/api/conversations", Guard::Member, NO_SESSION),
    ("GET", "/api/conversations/{conversation}", Guard::Member, NO_SESSION),
    ("POST", "/api/conversations/{conversation}/mode", Guard::Member, NO_SESSION),
    ("POST", "/api/conversations/{conversation}/messages", Guard::Member, NO_SESSION),
    ("POST", "/api/messages", Guard::Member, NO_SESSION),
    ("GET", "/api/messaging", Guard::Member, NO_SESSION),
    ("POST", "/api/messaging", Guard::Member, NO_SESSION),
    ("GET", "/api/calls", Guard::Member, NO_SESSION),
    ("GET", "/api/calls/{call}", Guard::Member, NO_SESSION),
    ("GET", "/api/call-requests", Guard::Member, NO_SESSION),
    ("POST", "/api/call-requests/{request}", Guard::Member, NO_SESSION),
    ("GET", "/api/voice", Guard::Member, NO_SESSION),
    ("POST", "/api/voice", Guard::Member, NO_SESSION),
    ("GET", "/v1/admin/businesses/{tenant}/voice", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/voice", Guard::AdminKey, NO_KEY),
    ("POST", "/telephony/incoming", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/twilio/voice", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/api/twilio/voice", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/api/webhooks/twilio/voice", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/dialed", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/sms", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/twilio/sms", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/api/twilio/sms", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/sms-status", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/status", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/recording", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/route", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/stream-ended", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/telephony/stream-status", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/twilio/status", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/api/twilio/status", Guard::TwilioSignature, Refused("bad_signature")),
    ("POST", "/webhooks/stripe", Guard::StripeSignature, Refused("bad_signature")),
    ("POST", "/api/webhooks/stripe", Guard::StripeSignature, Refused("bad_signature")),
    ("POST", "/api/cron", Guard::CronSecret, Refused("cron_secret_required")),
    ("POST", "/api/cron/{job}", Guard::CronSecret, Refused("cron_secret_required")),
    ("GET", "/api/cron/{job}", Guard::CronSecret, Refused("cron_secret_required")),
    ("GET", "/v1/admin/jobs", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/jobs/{id}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/retry", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/cancel", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/redrive", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/jobs/{id}/timeline", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/jobs/{id}/explain", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/jobs/{id}/undo-plan", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/run-now", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/args", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/fork", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/jobs/{id}/answer", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/parked", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/parked/counts", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/parked/{id}", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/dead-letters", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/dead-letters/groups", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/dead-letters/counts", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/operations", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/operations", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/operations/{id}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/operations/{id}/start", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/operations/{id}/cancel", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/operations/{id}/undo", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/queues", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/queues/{name}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/queues/{name}/pause", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/queues/{name}/resume", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/queues/{name}/settings", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/schedules", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/schedules/{name}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/pause", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/resume", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/run", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/change", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/backfill", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/schedules/{name}/stop-backfill", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/workers", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/workers/{id}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/workers/{id}/drain", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/workers/{id}/resume", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/keys", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/keys", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/keys/{id}/rotate", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/keys/{id}/revoke", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/provider-credentials", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/provider-credentials/{name}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/provider-credentials/{name}/retire", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/audit", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/audit/verify", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/audit/engine", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/webhooks", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/webhooks/counts", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/webhooks/{id}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/webhooks/{id}/replay", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/erasures", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/erasures", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/erasures/preview", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo-tenants", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo/{tenant}/verify", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses/{tenant}/billing", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/subscription", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/subscription/cancel", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/subscription/change-plan", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/plans", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/billing/reconciliation", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/billing/usage-left", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/usage/settle", Guard::AdminKey, NO_KEY),
    ("GET", "/api/admin/maintenance", Guard::AdminKey, NO_KEY),
    ("POST", "/api/admin/maintenance", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo/{tenant}/code", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo/{tenant}/expire", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo/{tenant}/convert", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/demo/{tenant}/restore", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses/usage.csv", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses/{id}", Guard::AdminKey, NO_KEY),
    ("PATCH", "/v1/admin/businesses/{id}", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/users", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses/{tenant}/keys", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/keys", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/keys/{id}/rotate", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/keys/{id}/revoke", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/businesses/{tenant}/rotate-key", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/businesses/{tenant}/usage.csv", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/admin/numbers", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/numbers", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/numbers/recover", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/numbers/{id}/maintenance", Guard::AdminKey, NO_KEY),
    ("POST", "/v1/admin/numbers/{id}/release", Guard::AdminKey, NO_KEY),
    ("GET", "/v1/openapi.json", Guard::Open, Open),
    ("GET", "/console", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/jobs", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/jobs/{id}", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/queues", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/errors", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/operations", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/operations/{id}", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/schedules", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/workers", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/webhooks", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/webhooks/{id}", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/tenants", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/numbers", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/switches", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/audit", Guard::ConsoleSession, SentToLogIn),
    ("GET", "/console/live", Guard::ConsoleSession, SentToLogIn),
    ("POST", "/console/orders/{order}", Guard::ConsoleForm, RefusedPage),
    ("POST", "/console/logout", Guard::ConsoleForm, RefusedPage),
    ("GET", "/console/login", Guard::Open, Open),
    ("POST", "/console/login", Guard::ConsoleLogin, RefusedPage),
    ("GET", "/console/style.css", Guard::Open, Open),
    ("GET", "/console/script.js", Guard::Open, Open),
    ("GET", "/health", Guard::Open, Open),
    ("GET", "/health/detailed", Guard::AdminKey, NO_KEY),
    ("GET", "/api/health/detailed", Guard::AdminKey, NO_KEY),
    ("GET", "/api/admin/background-jobs/status", Guard::AdminKey, NO_KEY),
    ("GET", "/livez", Guard::Open, Open),
    ("GET", "/readyz", Guard::Open, Open),
    ("GET", "/metrics", Guard::Open, Open),
];

const FORM: &str = "application/x-www-form-urlencoded";

/// A request to a route, with ids that are there.
fn ask(stage: &Stage, route: &Route, demo: &Demo, job: &str) -> Ask {
    let path = route.path.replace("{tenant}", &demo.tenant).replace("{id}", job);
    let path = path.replace("{job}", "win-back").replace("{conversation}", job);
    let path = path.replace("{name}", "try").replace("{order}", "job.retry");
    let path = path.replace("{call}", job).replace("{request}", job);
    assert!(!path.contains('{'), "{path} has a parameter that is not known here");
    stage.ask(&Method::from_bytes(route.method.as_bytes()).unwrap(), &path)
}

/// A demo and a job that stand for all.
async fn targets(stage: &Stage) -> (Demo, String) {
    let demo = stage.active(Guest(1)).await;
    let job = stage.get(&demo.status_path()).send().await.json()["jobId"].clone();
    (demo, job.as_str().unwrap().to_owned())
}

#[test]
fn every_route_has_a_row_with_its_guard() {
    let rows: BTreeSet<_> = TABLE.iter().map(|(method, path, ..)| (*method, *path)).collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(rows, routes);
    assert_eq!(TABLE.len(), ROUTES.len());
    for route in ROUTES {
        let row = TABLE.iter().find(|row| (row.0, row.1) == (route.method, route.path)).unwrap();
        assert_eq!(route.guard, row.2, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn whoever_brings_nothing_is_refused_wherever_it_is_not_open() {
    let stage = Stage::open().await;
    let (demo, job) = targets(&stage).await;
    let before = Rows::count(&stage.db).await;
    for (route, row) in ROUTES.iter().map(|route| {
        (route, TABLE.iter().find(|row| (row.0, row.1) == (route.method, route.path)).unwrap())
    }) {
        let bare = ask(&stage, route, &demo, &job).send_unchecked().await;
        match row.3 {
            Open => assert!(matches!(bare.status, 200 | 503), "{bare:?}"),
            WrongBody => {
                bare.problem(415, "unsupported_media_type");
                let empty = ask(&stage, route, &demo, &job).json(&json!({}));
                empty.send().await.problem(422, "invalid_fields");
            }
            SentToLogIn => {
                assert_eq!(bare.status, 303, "{bare:?}");
                assert!(bare.header("location").starts_with("/console/login"), "{bare:?}");
            }
            RefusedPage => {
                let form = ask(&stage, route, &demo, &job).body(FORM, "reason=x&id=y&key=z");
                let form = form.send_unchecked().await;
                assert!(
                    form.status == 403 && matches!(bare.status, 403 | 415),
                    "{form:?} {bare:?}"
                );
                assert!(form.header("content-type").starts_with("text/html"), "{form:?}");
            }
            Refused(code) => {
                bare.problem(401, code);
                assert!(!bare.header("www-authenticate").is_empty(), "{bare:?}");
                // The guard comes before the body: what is wrong with that is nobody's business.
                let large = ask(&stage, route, &demo, &job);
                large.body("application/json", "{").send().await.problem(401, code);
            }
        }
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn an_operator_s_route_opens_to_the_key_alone() {
    let stage = Stage::open().await;
    let (demo, job) = targets(&stage).await;
    let cookie = stage.session(&demo).await;
    // Wrong keys are counted, and nothing else is written.
    let count = async || Rows::count(&stage.db).await.but_for("product.rate_limits");
    let before = count().await;
    let key = tests::ADMIN_KEY;
    let guarded = ROUTES.iter().filter(|route| route.guard == Guard::AdminKey);
    for (number, route) in (0..).zip(guarded) {
        // An address has twenty wrong keys in a quarter of an hour: each route is tried from another one.
        let ip = Ipv4Addr::new(203, 0, 113, number);
        let ask = || ask(&stage, route, &demo, &job).from_ip(ip);
        let refused = [
            ask().bearer(""),
            ask().bearer("wrong"),
            ask().bearer(&key[1..]),
            ask().bearer(&format!("{key}x")),
            ask().bearer(&key.to_uppercase()),
            ask().bearer(&demo.token),
            ask().cookie(&cookie),
            ask().header("authorization", key),
            ask().header("authorization", &format!("Basic {key}")),
            ask().header("x-admin-api-key", ""),
            ask().header("x-admin-api-key", "wrong"),
            ask().header("x-api-key", key),
            // Of two that contradict each other, no one may choose.
            ask().header("x-admin-api-key", "wrong").bearer(key),
        ];
        for ask in refused {
            ask.send().await.problem(401, "admin_key_required");
        }
    }
    assert_eq!(count().await, before);
    stage.get("/v1/admin/jobs").bearer(key).send().await.is(200);
    stage.get("/v1/admin/jobs").header("x-admin-api-key", key).send().await.is(200);
}

#[tokio::test]
async fn a_person_s_route_opens_to_a_session_alone() {
    let stage = Stage::open().await;
    let (demo, job) = targets(&stage).await;
    let session = [Guard::Session, Guard::OwnPassword];
    let key = stage.tenant_key(&demo.tenant).await;
    for route in ROUTES.iter().filter(|route| session.contains(&route.guard)) {
        let ask = || ask(&stage, route, &demo, &job);
        let keys = [ask().bearer(&key), ask().header("x-api-key", &key)];
        for ask in keys.into_iter().chain([ask().as_operator(), ask().bearer(&demo.token)]) {
            ask.send().await.problem(401, "tenant_context_required");
        }
    }
    let cookie = stage.session(&demo).await;
    let own = [Guard::OwnPassword, Guard::Member];
    for route in ROUTES.iter().filter(|route| own.contains(&route.guard)) {
        let answer = ask(&stage, route, &demo, &job).cookie(&cookie).send().await;
        answer.problem(403, "must_change_password");
    }
}

#[tokio::test]
async fn a_tenant_s_route_opens_to_its_keys_too_and_to_no_others() {
    let stage = Stage::open().await;
    let (demo, job) = targets(&stage).await;
    let cookie = stage.own_session(&demo).await;
    let key = stage.tenant_key(&demo.tenant).await;
    let operators = stage.key(json!(["read", "tenants"])).await;
    let count = async || Rows::count(&stage.db).await.but_for("product.rate_limits");
    let before = count().await;
    let guarded = ROUTES.iter().filter(|route| route.guard == Guard::Member);
    for (number, route) in (0..).zip(guarded) {
        let ip = Ipv4Addr::new(203, 0, 113, number);
        let ask = || ask(&stage, route, &demo, &job).from_ip(ip);
        let refused = [
            ask().as_operator(),
            ask().bearer(&operators),
            ask().bearer(&demo.token),
            ask().bearer(""),
            ask().bearer(&key[1..]),
            ask().header("x-api-key", &format!("{key}0")),
            ask().header("x-admin-api-key", &key),
            ask().header("authorization", &key),
            // Of two that contradict each other, no one may choose.
            ask().header("x-api-key", "wrong").bearer(&key),
            ask().header("x-api-key", "wrong").cookie(&cookie),
        ];
        for ask in refused {
            ask.send().await.problem(401, "tenant_context_required");
        }
        // A field that nobody knows: what opens does nothing all the same.
        for ask in [ask().bearer(&key), ask().header("x-api-key", &key)] {
            let ask = if route.method == "GET" { ask } else { ask.json(&json!({ "x": 1 })) };
            let answer = ask.send().await;
            assert!(!matches!(answer.status, 401 | 403), "{answer:?}");
        }
    }
    assert_eq!(count().await, before);
}

#[tokio::test]
async fn every_table_of_tenants_is_closed_by_the_database_too() {
    let stage = Stage::open().await;
    let open = "select coalesce(string_agg(c.relname, ', ' order by c.relname), '')
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'product' and c.relkind in ('r', 'p') and not c.relispartition
                  and not (c.relrowsecurity and c.relforcerowsecurity)
                  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')";
    assert_eq!(stage.db.text(open).await, "");
    // Keys are no tenant's: whoever works for one sees none.
    stage.key(json!(["read"])).await;
    let mut tx = stage.begin().await;
    assert_eq!(domain::api_keys::list(&mut tx).await.unwrap().len(), 1);
    domain::scope::tenant(&mut tx, domain::TenantId::mint()).await.unwrap();
    assert!(domain::api_keys::list(&mut tx).await.unwrap().is_empty());
}
