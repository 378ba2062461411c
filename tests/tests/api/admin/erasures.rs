//! Orders to erase: whom they name, what is refused, what is kept of them.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Guest, Rows, Stage};

const ORDER: &str = "/v1/admin/erasures";
const PREVIEW: &str = "/v1/admin/erasures/preview";
const SOMEBODY: &str = "+436607654321";

async fn ask(stage: &Stage, path: &str, body: &Value) -> Answer {
    stage.post(path).as_operator().json(body).send().await
}

#[tokio::test]
async fn an_order_to_erase_is_kept_by_the_hash_of_the_number_and_given_once_under_one_key() {
    let stage = Stage::open().await;
    let order = async || {
        let ask = stage.post(ORDER).as_operator().header("idempotency-key", "k-1");
        ask.json(&json!({ "phone": SOMEBODY, "reason": "asked by letter" })).send().await
    };
    let first = order().await;
    let body = first.is(202);
    let again = order().await;
    assert_eq!((again.is(202), again.header("idempotent-replayed")), (body.clone(), "true"));
    assert_eq!(stage.db.number("select from product.erasures").await, 1);
    let job = stage.job(body["id"].as_str().unwrap()).await;
    assert_eq!(job["kind"], "erase");
    let listed = stage.get(ORDER).as_operator().send().await;
    let shown = &listed.is(200)["items"][0];
    assert_eq!((&shown["id"], &shown["person"]), (&body["id"], &body["person"]));
    assert_eq!(shown["reason"], "asked by letter");
    let kept = "select string_agg(t::text, ' ') from (
        select row_to_json(j)::text from trunkline.jobs j union all select row_to_json(a)::text from product.audit_log a
        union all select row_to_json(e)::text from product.erasures e
        union all select row_to_json(k)::text from product.kept_answers k) as t";
    let kept = stage.db.text(kept).await;
    assert!(kept.contains("erasure.ordered") && kept.contains("asked by letter"), "{kept}");
    for text in [kept, listed.text, first.text, job.to_string()] {
        assert!(!text.contains(&SOMEBODY[1..]), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_erased_as_things_are_is_refused_and_nothing_is_written() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let number = "select phone::text from product.phone_pool where status = 'allocated'";
    let number = stage.db.text(number).await;
    let before = Rows::count(&stage.db).await;
    let why = "asked by letter";
    let open = json!({ "phone": Guest(1).phone(), "reason": why });
    let refused = ask(&stage, ORDER, &open).await;
    assert_eq!(refused.problem(409, "wrong_state")["tenants"], json!([demo.tenant]));
    let runs = json!({ "tenant": demo.tenant, "whole_tenant": true, "reason": why });
    let refused = ask(&stage, ORDER, &runs).await;
    assert_eq!(refused.problem(409, "wrong_state")["tenantStatus"], "trial");
    let ours = json!({ "phone": number, "reason": why });
    ask(&stage, ORDER, &ours).await.problem(409, "wrong_state");
    let nobody = uuid::Uuid::nil();
    let nobody = json!({ "tenant": nobody, "whole_tenant": true, "reason": why });
    ask(&stage, ORDER, &nobody).await.problem(404, "not_found");
    let told = json!({ "phone": SOMEBODY, "reason": format!("he wrote from {SOMEBODY}") });
    ask(&stage, ORDER, &told).await.problem(422, "invalid_fields");
    for wrong in [
        json!({ "phone": SOMEBODY }),
        json!({ "reason": why }),
        json!({ "tenant": demo.tenant, "reason": why }),
        json!({ "phone": SOMEBODY, "tenant": demo.tenant, "whole_tenant": true, "reason": why }),
        json!({ "person": "ff", "reason": why }),
    ] {
        ask(&stage, ORDER, &wrong).await.problem(422, "invalid_fields");
    }
    ask(&stage, PREVIEW, &json!({ "person": "00".repeat(32) }))
        .await
        .problem(422, "invalid_fields");
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn a_preview_counts_and_writes_nothing_and_orders_are_listed_page_by_page() {
    let stage = Stage::open().await;
    stage.invited(Guest(2)).await;
    let before = Rows::count(&stage.db).await;
    let counted = ask(&stage, PREVIEW, &json!({ "phone": SOMEBODY })).await.is(200);
    assert_eq!(
        (&counted["counts"]["messages"], &counted["counts"]["people"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(Rows::count(&stage.db).await, before);
    for n in 1..=3 {
        let order = json!({ "phone": format!("+43660765432{n}"), "reason": format!("letter {n}") });
        ask(&stage, ORDER, &order).await.is(202);
    }
    let page = stage.get(&format!("{ORDER}?limit=2")).as_operator().send().await.is(200);
    let reasons = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&page), ["letter 3", "letter 2"]);
    let next = format!("{ORDER}?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = stage.get(&next).as_operator().send().await.is(200);
    assert_eq!((reasons(&page), &page["next_cursor"]), (vec!["letter 1".to_owned()], &json!(null)));
}
