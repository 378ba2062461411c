//! Orders about many jobs, given from pages. What they do is a workflow's: here its moves are written by hand.

use serde_json::json;

use super::browser::{Browser, Form, Page};
use crate::stage::Stage;

impl Browser<'_> {
    /// The page of the operation that this form makes.
    async fn make(&self, form: &Form) -> Page {
        let page = self.follow(&self.send(form).await).await;
        assert!(page.path.starts_with("/console/operations/"), "{}", page.path);
        page
    }
}

fn id_of(page: &Page) -> String {
    page.path.split(['/', '?']).nth(3).unwrap().to_owned()
}

impl Stage {
    async fn write(&self, statement: String) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(self.db.owner()).await.unwrap();
    }

    /// What the operation's own job would have done.
    async fn freeze(&self, operation: &str, jobs: &[String]) {
        for job in jobs {
            let item = format!(
                "insert into trunkline.operation_items (operation_id, job_id) values ('{operation}', '{job}')"
            );
            self.write(item).await;
        }
        let frozen = format!(
            "update trunkline.operations set state = 'frozen', matched = {}, frozen_at = trunkline.now()
             where operation_id = '{operation}'",
            jobs.len()
        );
        self.write(frozen).await;
    }
}

#[tokio::test]
async fn an_order_about_many_jobs_is_previewed_started_with_their_number_and_taken_back() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let jobs = [stage.noop().await, stage.noop().await];
    // From a list of jobs, with its filter.
    let list = browser.page("/console/jobs?kind=noop&state=ready").await;
    let all = list.links().into_iter().find(|it| it.starts_with("/console/operations?")).unwrap();
    assert_eq!(all, "/console/operations?deed=cancel&kind=noop&state=ready#actions");
    let form = browser.page(all.split('#').next().unwrap()).await;
    let form = form.form("/console/orders/operation.make").with("reason", "a flood");
    assert_eq!(
        [form.get("deed"), form.get("state"), form.get("kind")],
        ["cancel", "ready", "noop"]
    );
    let page = browser.make(&form).await;
    assert!(
        page.words().contains("Nothing is done to any job until you start it."),
        "{}",
        page.words()
    );
    assert!(
        page.words().contains("state freezing what cancel (undo): kind noop, ready"),
        "{}",
        page.words()
    );
    assert_eq!(id_of(&browser.make(&form).await), id_of(&page), "sent twice, made once");
    let id = id_of(&page);
    stage.freeze(&id, &jobs).await;

    let page = browser.page(&page.path).await;
    assert!(
        page.words().contains("jobs 2 done 0 could not be done 0 to come 2"),
        "{}",
        page.words()
    );
    assert!(jobs.iter().all(|job| page.links().contains(&format!("/console/jobs/{job}"))));
    let start = page.form("/console/orders/operation.start").with("reason", "a flood");
    assert_eq!(start.get("expect"), "", "the number is typed by whoever has seen it");
    let blind = browser.send(&start).await;
    assert!(blind.status == 422 && blind.text.contains("expect is missing"), "{blind:?}");
    let other = browser.send(&start.clone().with("expect", "3")).await;
    assert_eq!(other.status, 409, "{other:?}");
    let page = browser.page(&page.path).await;
    let start = page.form("/console/orders/operation.start").with("reason", "a flood");
    let begun = browser.follow(&browser.send(&start.with("expect", "2")).await).await;
    assert!(begun.words().contains("state working"), "{}", begun.words());
    assert!(begun.words().contains("Reason: a flood"), "{}", begun.words());

    let stopped = format!(
        "update trunkline.operation_items set state = case job_id when '{}' then 'done' else 'refused' end,
                why = case job_id when '{}' then 'it runs' end where operation_id = '{id}';
         update trunkline.operations set state = 'stopped', why = '7 of the first 10 jobs fared badly', done = 1,
                refused = 1, finished_at = trunkline.now() where operation_id = '{id}'",
        jobs[0], jobs[1]
    );
    stage.write(stopped).await;
    let page = browser.page(&begun.path).await;
    assert!(
        page.words().contains("stopped: 7 of the first 10 jobs fared badly"),
        "{}",
        page.words()
    );
    assert!(page.words().contains("1 could not be done it runs"), "{}", page.words());
    let undo = page.form("/console/orders/operation.undo").with("reason", "too early");
    let page = browser.follow(&browser.send(&undo).await).await;
    assert!(page.words().contains("state undoing"), "{}", page.words());
    assert!(
        page.words().contains("Taken back by operator:admin-key: too early"),
        "{}",
        page.words()
    );
    for action in ["operation.made", "operation.started", "operation.undone"] {
        assert_eq!(browser.audit(action).await.len(), 1, "{action}");
    }
    let listed = browser.page("/console/operations").await;
    assert!(listed.links().contains(&format!("/console/operations/{id}")));
}

#[tokio::test]
async fn all_that_failed_alike_are_previewed_from_the_page_of_errors() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    for error in ["message SM01 was refused", "message  SM2 was refused", "it broke"] {
        let id = stage.noop().await;
        let fail = format!(
            "delete from trunkline.ready where job_id = '{id}';
             insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, error)
             select job_id, retention, 'failed', 1, 3, jsonb_build_object('message', '{error}')
             from trunkline.jobs where job_id = '{id}'"
        );
        stage.write(fail).await;
    }
    let page = browser.page("/console/errors").await;
    assert!(page.words().contains("2 noop message # was refused"), "{}", page.words());
    assert!(page.words().contains("retry all 2 of noop"), "{}", page.words());
    let retry = "/console/errors?kind=noop&error=message+%23+was+refused#actions";
    assert!(page.links().contains(&retry.to_owned()), "{:?}", page.links());
    let alike = "/console/jobs?state=failed&kind=noop&error=message+%23+was+refused";
    assert!(page.links().contains(&alike.to_owned()), "{:?}", page.links());
    let jobs = browser.page(alike).await;
    let links = jobs.links();
    assert_eq!(links.iter().filter(|it| it.starts_with("/console/jobs/")).count(), 2, "{links:?}");

    let page = browser.page(retry.split('#').next().unwrap()).await;
    let form = page.form("/console/orders/operation.make").with("reason", "the carrier is back");
    assert_eq!([form.get("deed"), form.get("state")], ["retry", "failed"]);
    let page = browser.make(&form).await;
    let what = "what retry: error message # was refused, kind noop, failed";
    assert!(page.words().contains(what), "{}", page.words());
    let slip = json!({ "deed": "cancel", "state": "ready", "error": "x" });
    let slip = stage.post("/v1/admin/operations").as_operator().json(&slip).send().await;
    slip.problem(422, "invalid_fields");
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_with_the_reason_and_one_that_waits_can_be_ended() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    stage.noop().await;
    let page = browser.page("/console/operations?deed=cancel&state=ready").await;
    let form = page.form("/console/orders/operation.make").with("reason", "r");
    let odd = browser.send(&form.clone().with("state", "failed")).await;
    assert!(odd.status == 422 && odd.text.contains("state must be one of"), "{odd:?}");
    let vague = browser.send(&form.clone().with("tenant", "somebody")).await;
    assert!(vague.status == 422 && vague.text.contains("tenant must be a UUID"), "{vague:?}");
    let page = browser.make(&form).await;
    let end = page.form("/console/orders/operation.cancel").with("reason", "a slip");
    let page = browser.follow(&browser.send(&end).await).await;
    assert!(page.words().contains("cancelled: somebody ended it"), "{}", page.words());
    assert!(
        page.forms().iter().all(|form| !form.action.contains("operation.")),
        "{:?}",
        page.forms()
    );
    let shown = stage.get(&format!("/v1/admin/operations/{}", id_of(&page))).as_operator();
    assert_eq!(shown.send().await.is(200)["state"], json!("cancelled"));
}
