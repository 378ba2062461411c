//! A run that is over, done again from one of its steps: the same one, or another.

use serde_json::json;

use crate::stage::Stage;

/// A job that is over, as if it had done these steps a second apart.
async fn over_after(stage: &Stage, steps: &[(&str, &str)]) -> String {
    let id = stage.new_job(&json!({ "kind": "steps", "args": { "n": 3 } })).await;
    let path = format!("/v1/admin/jobs/{id}/cancel");
    let why = json!({ "mode": "graceful", "reason": "a try" });
    stage.post(&path).as_operator().json(&why).send().await.is(202);
    for (number, (key, form)) in steps.iter().enumerate() {
        let ago = steps.len() - number;
        let done = format!(
            "insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, finished_at)
             select job_id, retention, '{key}', '{form}', '1', 1, trunkline.now() - interval '{ago} s'
             from trunkline.outcomes where job_id = '{id}'"
        );
        sqlx::query(sqlx::AssertSqlSafe(done)).execute(stage.db.owner()).await.unwrap();
    }
    id
}

#[tokio::test]
async fn a_run_goes_on_from_a_step_that_is_chosen_on_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let id = over_after(&stage, &[("add", "step"), ("add#2", "step"), ("add#3", "step")]).await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    for step in ["add", "add#2", "add#3"] {
        let option = format!("<option value=\"step:{step}\">");
        assert!(page.answer.text.contains(&option), "{}", page.answer.text);
    }
    let form = page.form("/console/orders/job.redrive");
    assert_eq!(form.get("from"), "stop", "where nobody chooses");
    let form = form.with("reason", "the sum was wrong");
    let nowhere = browser.send(&form.clone().with("from", "step:nowhere")).await;
    assert!(nowhere.status >= 400 && nowhere.status < 500, "{nowhere:?}");
    let page = browser.follow(&browser.send(&form.with("from", "step:add#2")).await).await;
    assert!(page.words().contains("It is redriven."), "{}", page.words());
    let job = stage.job(&id).await;
    let steps: Vec<_> = job["steps"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!((&job["state"], steps), (&json!("ready"), vec![&json!("add")]));
    let audit = browser.audit("job.redriven").await;
    assert_eq!((audit.len(), &audit[0]["details"]["reason"]), (1, &json!("the sum was wrong")));
}

#[tokio::test]
async fn a_step_with_a_transaction_behind_it_is_gone_back_to_only_by_who_says_that_it_stands() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let id = over_after(&stage, &[("add", "step"), ("book", "transaction")]).await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.redrive").with("reason", "once more");
    let refused = browser.send(&form.clone().with("from", "step:add")).await;
    assert!(refused.status >= 400 && refused.text.contains("book"), "{refused:?}");
    browser.follow(&browser.send(&form.with("from", "despite:add")).await).await;
    assert_eq!(stage.job(&id).await["state"], "ready");
}

#[tokio::test]
async fn a_fork_is_made_from_the_page_of_a_run_that_is_over_and_shown() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let lively = stage.noop().await;
    let page = browser.page(&format!("/console/jobs/{lively}")).await;
    assert!(!page.answer.text.contains("job.fork"), "only of what is over");
    let id = over_after(&stage, &[("add", "step"), ("add#2", "step")]).await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.fork").with("step", "add#2");
    let silent = browser.send(&form).await;
    assert!(silent.status == 422 && silent.text.contains("reason is missing"), "{silent:?}");
    let form = form.with("reason", "to look at it");
    let page = browser.follow(&browser.send(&form).await).await;
    assert!(page.words().contains("This is the new job."), "{}", page.words());
    let new = page.path.split(['/', '?']).nth(3).unwrap().to_owned();
    assert_ne!(new, id);
    let (copy, old) = (stage.job(&new).await, stage.job(&id).await);
    assert_eq!((&copy["origin_id"], &copy["origin"]), (&json!(id), &json!("fork")));
    assert_eq!((&copy["state"], &old["state"]), (&json!("ready"), &json!("cancelled")));
    // Sent again by a nervous finger, it is the same fork.
    let again = browser.send(&form).await;
    assert!(again.header("location").contains(&new), "{again:?}");
    assert_eq!(browser.audit("job.forked").await.len(), 1);
}
