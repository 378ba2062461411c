//! Two tenants with the same people's phones, and each route that one of them may call: what the other has is not told, not
//! found and not touched. A route without a row here fails the first test.

mod rows; // what is asked at each route
mod tenant; // one of two

use std::collections::{BTreeMap, BTreeSet};

use api::{Guard, ROUTES, Route};
use reqwest::Method;
use sqlx::AssertSqlSafe;
use tests::{
    Answer, Ask, TestDb,
    shapes::{BODIES, QUERIES},
};

use self::{
    rows::{Row, table},
    tenant::{OWN_PASSWORD, Tenant, text},
};
use crate::stage::{Guest, Stage};

/// Both tenants know both of them.
const PEOPLE: [&str; 2] = ["+436607654321", "+436607654322"];

/// Nobody's, in the form of keys' ids and of all others.
const NOBODYS: [&str; 2] = ["0123456789ab", "0190a0a0-0000-7000-8000-000000000001"];

/// Whether a tenant's session, key or token opens it. The others are for strangers, machines and operators, whose tests are
/// elsewhere.
fn is_of_tenants(route: &Route) -> bool {
    match route.guard {
        Guard::AccessToken
        | Guard::AnySession
        | Guard::Session
        | Guard::OwnPassword
        | Guard::Member => true,
        Guard::Open
        | Guard::PhoneCode
        | Guard::Password
        | Guard::TwilioSignature
        | Guard::StripeSignature
        | Guard::CronSecret
        | Guard::AdminKey
        | Guard::ConsoleLogin
        | Guard::ConsoleSession
        | Guard::ConsoleForm => false,
    }
}

/// The path with this in place of what it names.
fn path_of(route: &Route, id: &str) -> String {
    let Some((before, rest)) = route.path.split_once('{') else { return route.path.to_owned() };
    let (_, after) = rest.split_once('}').unwrap();
    assert!(!after.contains('{'), "{} names two things", route.path);
    format!("{before}{id}{after}")
}

/// What is written of a tenant in each table that says whose a row is, as a hash: the engine's tables and the product's.
async fn digests(db: &TestDb, tenant: &str) -> BTreeMap<String, String> {
    let mut connection = db.superuser().await;
    let tables = "select n.nspname || '.' || quote_ident(c.relname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('trunkline', 'product') and c.relkind in ('r', 'p') and not c.relispartition
          and exists (select from pg_attribute a
                      where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let one = |table: &String| {
        format!(
            "select '{table}', coalesce(md5(string_agg(t::text, '|' order by t::text)), '')
             from {table} t where tenant_id = '{tenant}'"
        )
    };
    let all = tables.iter().map(one).collect::<Vec<_>>().join(" union all ");
    let digests = sqlx::query_as(AssertSqlSafe(all)).fetch_all(&mut connection).await;
    digests.unwrap().into_iter().collect()
}

#[test]
fn every_route_that_a_tenant_may_call_has_a_row_and_names_things_in_its_path_alone() {
    let rows: Vec<_> = table().iter().map(|row| row.route).collect();
    let of_tenants: Vec<_> = ROUTES.iter().filter(|route| is_of_tenants(route)).collect();
    let routes: BTreeSet<_> = of_tenants.iter().map(|it| (it.method, it.path)).collect();
    assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), routes);
    assert_eq!(rows.len(), routes.len());
    for row in table() {
        assert_eq!(row.named.is_some(), row.route.1.contains('{'), "{:?}", row.route);
    }
    // An id in a body or a query would need a try of its own below: cursors have one.
    for shape in BODIES.iter().chain(QUERIES).filter(|it| routes.contains(&(it.method, it.path))) {
        for field in shape.fields {
            let is_id =
                field.schema()["format"] == "uuid" || field.name.to_lowercase().ends_with("id");
            assert!(!is_id, "{} {} asks for {}", shape.method, shape.path, field.name);
        }
    }
}

#[tokio::test]
async fn what_another_tenant_has_is_not_told_not_found_and_not_touched_at_any_route() {
    let stage = Stage::open().await;
    let mut ours = Tenant::furnish(&stage, Guest(1)).await;
    let theirs = Tenant::furnish(&stage, Guest(2)).await;
    let cursors = cursors(&stage, &theirs).await;
    let before = digests(&stage.db, &theirs.demo.tenant).await;
    let written = before.iter().filter(|(_, digest)| !digest.is_empty());
    let written: BTreeSet<_> = written.map(|(table, _)| table.as_str()).collect();
    for table in [
        "product.audit_log",
        "product.call_requests",
        "product.call_transcripts",
        "product.calls",
        "product.conversations",
        "product.message_bodies",
        "product.messages",
        "product.messaging_settings",
        "product.phone_pool",
        "product.sessions",
        "product.tenant_keys",
        "product.tenants",
        "product.users",
        "product.voice_settings",
        "trunkline.jobs",
    ] {
        assert!(written.contains(table), "the other tenant has nothing in {table}: {written:?}");
    }
    for row in table() {
        if row.ends_session {
            let login = stage.login(&ours.demo.guest.email(), OWN_PASSWORD).await;
            login.is(200);
            ours.cookie = login.cookie();
        }
        walk(&stage, &row, &ours, &theirs).await;
        for query in cursors.iter().filter(|it| it.0 == row.route.1).map(|it| &it.1) {
            let route = route_of(&row);
            let ask = || stage.get(&format!("{}?limit=1&cursor={query}", route.path));
            for ask in ours.asks(route, ask) {
                let answer = ask.send().await;
                answer.is(200);
                tells_nothing(&answer, &theirs, "");
            }
        }
        let now = digests(&stage.db, &theirs.demo.tenant).await;
        assert_eq!(now, before, "{:?} has changed something of the other tenant's", row.route);
    }
}

fn route_of(row: &Row) -> &'static Route {
    ROUTES.iter().find(|it| (it.method, it.path) == row.route).unwrap()
}

/// Where the other tenant's pages go on, by path. Every list that is told in pages has one.
async fn cursors(stage: &Stage, theirs: &Tenant) -> Vec<(&'static str, String)> {
    let mut cursors = Vec::new();
    let has_pages = |path: &str| {
        let query = QUERIES.iter().find(|it| (it.method, it.path) == ("GET", path));
        query.is_some_and(|query| query.fields.iter().any(|field| field.name == "cursor"))
    };
    for row in table().iter().filter(|row| has_pages(row.route.1)) {
        let path = row.route.1;
        let ask = stage.get(&format!("{path}?limit=1")).cookie(&theirs.cookie);
        cursors.push((path, text(&ask.send().await.is(200)["next_cursor"])));
    }
    assert!(cursors.len() >= 3, "{cursors:?}");
    cursors
}

/// First with everything of the others, then with what is the caller's own: so a body that is wrong cannot look like a wall.
async fn walk(stage: &Stage, row: &Row, ours: &Tenant, theirs: &Tenant) {
    let route = route_of(row);
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let body = (row.body)(ours);
    let asks = |id: &str| {
        let path = path_of(route, id);
        ours.asks(route, || {
            let ask = stage.ask(&method, &path);
            if body.is_null() { ask } else { ask.json(&body) }
        })
    };
    if let Some(named) = row.named {
        for id in theirs.ids() {
            let nobodys = NOBODYS[usize::from(id.contains('-'))];
            for (ask, nobodys) in asks(id).into_iter().zip(asks(nobodys)) {
                let (answer, nobodys) = (ask.send().await, nobodys.send().await);
                // Whose token it is not is told no more than that.
                if route.guard == Guard::AccessToken && id.contains('-') {
                    answer.problem(401, "access_token_required");
                } else {
                    answer.problem(404, "not_found");
                }
                let told = |answer: &Answer| answer.text_without_instance();
                assert_eq!(told(&answer), told(&nobodys), "it tells that {id} is there");
                tells_nothing(&answer, theirs, id);
            }
        }
        for answer in send_all(asks(named(ours))).await {
            own(&answer, row, ours, theirs);
        }
    } else {
        for answer in send_all(asks("")).await {
            own(&answer, row, ours, theirs);
        }
    }
}

async fn send_all(asks: Vec<Ask>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.send().await);
    }
    answers
}

#[track_caller]
fn own(answer: &Answer, row: &Row, ours: &Tenant, theirs: &Tenant) {
    answer.is(row.status);
    let shown = (row.shows)(ours);
    assert!(answer.text.contains(shown), "no {shown}: {answer:?}");
    tells_nothing(answer, theirs, "");
}

/// No mark of theirs, but what was asked for by its very name.
#[track_caller]
fn tells_nothing(answer: &Answer, theirs: &Tenant, asked: &str) {
    for mark in theirs.marks().into_iter().filter(|mark| mark != asked) {
        assert!(!answer.text.contains(&mark), "{mark} is the other tenant's: {answer:?}");
    }
}
