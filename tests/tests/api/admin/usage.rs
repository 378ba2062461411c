//! What tenants used, as files for spreadsheets.

use serde_json::json;
use sqlx::AssertSqlSafe;
use tests::Answer;

use crate::stage::Stage;

const HEAD: &str = "tenant_id,day,calls,talk_secs,messages_in,messages_out,settled";
const HEAD_OF_ALL: &str =
    "tenant_id,name,status,from,to,calls,talk_secs,messages_in,messages_out,settled";

impl Stage {
    /// What metering would have counted.
    async fn used(&self, tenant: &str, hour: &str, kind: &str, quantity: i64) {
        let row = format!(
            "insert into product.usage_events (tenant_id, hour, kind, quantity)
             values ('{tenant}', '{hour}', '{kind}', {quantity})"
        );
        sqlx::query(AssertSqlSafe(row)).execute(&mut self.db.superuser().await).await.unwrap();
    }

    /// Up to where everything is counted.
    async fn counted_until(&self, instant: &str) {
        let row =
            format!("insert into product.usage_progress (counted_until) values ('{instant}')");
        sqlx::query(AssertSqlSafe(row)).execute(&mut self.db.superuser().await).await.unwrap();
    }

    async fn usage(&self, of: &str) -> Answer {
        let answer = self.get(&format!("/v1/admin/businesses/{of}")).as_operator().send().await;
        if answer.status == 200 {
            assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
        }
        answer
    }
}

/// The lines of a file, which end as RFC 4180 wants it.
fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = answer.text.strip_suffix("\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    text.split("\r\n").collect()
}

#[tokio::test]
async fn what_a_tenant_used_is_told_by_days_of_utc_and_days_without_use_have_their_line() {
    let stage = Stage::open().await;
    let (mine, theirs) = (stage.business("Bakery").await, stage.business("Butcher").await);
    for (hour, kind, quantity) in [
        ("2026-10-31T23:00Z", "calls", 99),
        ("2026-11-01T00:00Z", "calls", 2),
        ("2026-11-01T23:00Z", "calls", 3),
        ("2026-11-01T23:00Z", "talk_secs", 610),
        ("2026-11-03T00:00Z", "messages_out", 7),
        ("2026-11-03T12:00Z", "messages_in", 5),
        ("2026-11-04T00:00Z", "messages_in", 99),
    ] {
        stage.used(&mine, hour, kind, quantity).await;
    }
    stage.used(&theirs, "2026-11-01T00:00Z", "calls", 50).await;
    // The last hour of the 2nd was counted more than three hours after it began, that of the 3rd was not.
    stage.counted_until("2026-11-04T02:00Z").await;
    let file = stage.usage(&format!("{mine}/usage.csv?from=2026-11-01&to=2026-11-03")).await;
    let wanted = [
        HEAD.to_owned(),
        format!("{mine},2026-11-01,5,610,0,0,yes"),
        format!("{mine},2026-11-02,0,0,0,0,yes"),
        format!("{mine},2026-11-03,0,0,5,7,no"),
    ];
    assert_eq!(lines(&file), wanted);
    let saved_as = format!("attachment; filename=\"usage-{mine}-2026-11-01-2026-11-03.csv\"");
    assert_eq!(file.header("content-disposition"), saved_as);
    let year = stage.usage(&format!("{mine}/usage.csv?from=2028-01-01&to=2028-12-31")).await;
    assert_eq!(lines(&year).len(), 1 + 366);
    for wrong in [
        "?from=2028-01-01&to=2029-01-01",
        "?from=2026-11-02&to=2026-11-01",
        "?from=yesterday",
        "?to=2026-13-01",
        "?month=2026-11",
    ] {
        for of in ["usage.csv", &format!("{mine}/usage.csv")] {
            stage.usage(&format!("{of}{wrong}")).await.problem(422, "invalid_fields");
        }
    }
    for nobody in ["x", "0190a0a0-0000-7000-8000-000000000001"] {
        stage.usage(&format!("{nobody}/usage.csv")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_file_of_all_tenants_is_whole_however_many_there_are() {
    let stage = Stage::open().await;
    // Three pages, the last of which is full.
    let many = "insert into product.tenants (tenant_id, company_name, status)
                select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Company ' || n, 'active'
                from generate_series(1, 1500) n";
    sqlx::query(many).execute(&mut stage.db.superuser().await).await.unwrap();
    stage.used("00000000-0000-7000-8000-000000001500", "2026-11-01T05:00Z", "calls", 4).await;
    stage.counted_until("2026-11-02T03:00Z").await;
    let file = stage.usage("usage.csv?from=2026-11-01&to=2026-11-01").await;
    let lines = lines(&file);
    assert_eq!((lines.len(), lines[0]), (1501, HEAD_OF_ALL));
    let last = "00000000-0000-7000-8000-000000001500,Company 1500,active,2026-11-01,2026-11-01,4,0,0,0,yes";
    assert_eq!(lines[1500], last);
    let mut once: Vec<_> = lines[1..].iter().map(|line| &line[..36]).collect();
    once.dedup();
    assert_eq!(once.len(), 1500, "nobody stands there twice");
}

#[tokio::test]
async fn a_name_is_no_formula_in_the_file_and_who_used_nothing_and_is_no_customer_is_not_in_it() {
    let stage = Stage::open().await;
    let name = "=HYPERLINK(\"http://evil.example\";\"Bakery, open\")";
    let tenant = stage.business(name).await;
    let idle = stage.active(crate::stage::Guest(1)).await;
    let busy = stage.active(crate::stage::Guest(2)).await;
    let today = stage.db.text("select (trunkline.now() at time zone 'UTC')::date::text").await;
    stage.used(&busy.tenant, &format!("{today}T00:00Z"), "calls", 1).await;
    let file = stage.usage("usage.csv").await;
    assert!(!file.text.contains(&idle.tenant) && file.text.contains(&busy.tenant), "{file:?}");
    assert!(!file.text.contains(&busy.guest.phone()[1..]), "{file:?}");
    let line = lines(&file).into_iter().find(|line| line.starts_with(&tenant)).unwrap();
    let quoted = "\"'=HYPERLINK(\"\"http://evil.example\"\";\"\"Bakery, open\"\")\"";
    let begins = format!("{tenant},{quoted},active,{}-01,{today},0,0,0,0,no", &today[..7]);
    assert_eq!(line, begins);
    // Whoever may look may have it, and nobody else.
    let (viewer, other) = (stage.key(json!(["read"])).await, stage.key(json!(["jobs"])).await);
    let path = "/v1/admin/businesses/usage.csv";
    assert_eq!(stage.get(path).bearer(&viewer).send().await.status, 200);
    stage.get(path).bearer(&other).send().await.problem(403, "scope_required");
}
