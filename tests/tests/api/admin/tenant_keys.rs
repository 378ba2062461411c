//! Keys of tenants, as operators see to them: shown once, rotated with both open for a while, and never too many.

use std::time::Duration;

use domain::{TenantId, scope, tenant_keys};
use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Demo, Guest, Stage};

const DAY: Duration = Duration::from_hours(24);

impl Stage {
    /// A key of a tenant's, made by an operator.
    pub(crate) async fn tenant_key(&self, tenant: &str) -> String {
        let made = self.tenant_order(tenant, "/keys", &json!({ "name": "till" })).await;
        made.is(201)["key"].as_str().unwrap().to_owned()
    }

    async fn tenant_order(&self, tenant: &str, what: &str, body: &Value) -> Answer {
        let path = format!("/v1/admin/businesses/{tenant}{what}");
        self.post(&path).as_operator().json(body).send().await
    }

    async fn rotate_tenant_key(&self, tenant: &str, key: &str, body: &Value) -> Answer {
        self.tenant_order(tenant, &format!("/keys/{}/rotate", id_of(key)), body).await
    }

    async fn tenant_keys(&self, tenant: &str) -> Answer {
        let path = format!("/v1/admin/businesses/{tenant}/keys");
        self.get(&path).as_operator().send().await
    }

    /// The ids of those that work, the newest first.
    async fn working(&self, tenant: &str) -> Vec<String> {
        let items = self.tenant_keys(tenant).await.is(200)["items"].clone();
        let items = items.as_array().unwrap().iter();
        items.filter(|it| it["works"] == true).map(|it| text(&it["id"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

fn key_in(answer: &Answer) -> String {
    text(&answer.is(201)["key"])
}

async fn stage_with_tenant() -> (Stage, Demo) {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    (stage, demo)
}

#[tokio::test]
async fn a_tenant_s_key_is_shown_once_and_the_record_has_its_id_and_not_its_name() {
    let (stage, demo) = stage_with_tenant().await;
    let path = format!("/v1/admin/businesses/{}/keys", demo.tenant);
    let make = async || {
        let ask = stage.post(&path).as_operator().header("idempotency-key", "k");
        let body = json!({ "name": "Zoë's till", "reason": "a new shop" });
        let bad = ask.json(&body).send().await;
        bad.problem(422, "invalid_fields");
        let ask = stage.post(&path).as_operator().header("idempotency-key", "k");
        let body = json!({ "name": "Zoë till", "expires_in_days": 2, "reason": "a new shop" });
        ask.json(&body).send().await
    };
    let first = make().await;
    let key = key_in(&first);
    assert_eq!(first.json()["tenant_id"], json!(demo.tenant));
    assert!(key.starts_with("tlt_"), "scanners know it by this");
    let again = make().await;
    assert_eq!(again.problem(409, "told_once")["id"], json!(id_of(&key)));
    let listed = stage.tenant_keys(&demo.tenant).await;
    let shown = &listed.is(200)["items"][0];
    assert_eq!((&shown["id"], &shown["name"]), (&json!(id_of(&key)), &json!("Zoë till")));
    assert_eq!((&shown["made_by"], &shown["works"]), (&json!("operator:admin-key"), &json!(true)));
    let mut kept = String::new();
    for table in ["product.tenant_keys", "product.kept_answers", "product.audit_log"] {
        let rows = format!("select coalesce(string_agg(t::text, ''), '') from {table} t");
        kept += &stage.db.text(&rows).await;
    }
    let secret = key.rsplit('_').next().unwrap();
    for text in [&kept, &listed.text, &again.text] {
        assert!(!text.contains(secret), "only a hash is kept: {text}");
    }
    let recorded = stage.get("/v1/admin/audit?action=tenant_key.created").as_operator();
    let recorded = recorded.send().await.is(200)["items"][0].clone();
    assert_eq!(
        (&recorded["tenant"], &recorded["details"]["key"]),
        (&json!(demo.tenant), &json!(id_of(&key)))
    );
    assert!(!recorded.to_string().contains("Zoë"), "{recorded}");
    stage.db.advance(2 * DAY + Duration::from_secs(1)).await;
    assert_eq!(stage.working(&demo.tenant).await, [""; 0], "it ends by itself");
}

#[tokio::test]
async fn a_rotated_tenant_s_key_works_for_a_while_beside_its_successor_and_never_are_there_three() {
    let (stage, demo) = stage_with_tenant().await;
    let old = stage.tenant_key(&demo.tenant).await;
    let minute = json!({ "grace_secs": 60 });
    let rotate = async |key: &str| stage.rotate_tenant_key(&demo.tenant, key, &minute).await;
    let (one, two) = tokio::join!(rotate(&old), rotate(&old));
    let (won, lost) = if one.status == 201 { (&one, &two) } else { (&two, &one) };
    lost.problem(409, "wrong_state");
    let new = key_in(won);
    assert_eq!(won.json()["replaces"], json!(id_of(&old)));
    assert_eq!(stage.working(&demo.tenant).await.len(), 2);
    for key in [&old, &new] {
        rotate(key).await.problem(409, "wrong_state");
    }
    stage.db.advance(Duration::from_secs(61)).await;
    assert_eq!(stage.working(&demo.tenant).await, [id_of(&new)]);
    rotate(&old).await.problem(404, "not_found");
    // A day, where nobody says otherwise.
    stage.rotate_tenant_key(&demo.tenant, &new, &json!({})).await.is(201);
    stage.db.advance(DAY.saturating_sub(Duration::from_secs(9))).await;
    assert_eq!(stage.working(&demo.tenant).await.len(), 2);
    stage.db.advance(Duration::from_secs(9)).await;
    assert_eq!(stage.working(&demo.tenant).await.len(), 1);
}

#[tokio::test]
async fn the_order_of_the_documents_makes_the_first_key_and_then_one_in_place_of_the_newest() {
    let (stage, demo) = stage_with_tenant().await;
    let rotate = async |body: Value| stage.tenant_order(&demo.tenant, "/rotate-key", &body).await;
    let first = rotate(json!({ "reason": "they begin" })).await;
    assert_eq!(first.is(201)["replaces"], Value::Null);
    let other = stage.tenant_key(&demo.tenant).await;
    let leaked = rotate(json!({ "reason": "others have seen it" })).await;
    assert_eq!(leaked.is(201)["replaces"], json!(id_of(&other)));
    let new = id_of(&key_in(&leaked));
    assert_eq!(stage.working(&demo.tenant).await, [new.clone(), id_of(&key_in(&first))]);
    let gently = rotate(json!({ "grace_secs": 60 })).await;
    assert_eq!(gently.is(201)["replaces"], json!(new));
    assert_eq!(stage.working(&demo.tenant).await.len(), 3);
    rotate(json!({})).await.problem(409, "wrong_state");
    // Two such orders at once, where there is none yet.
    let other = stage.active(Guest(2)).await;
    let order = async || stage.tenant_order(&other.tenant, "/rotate-key", &json!({})).await;
    let (one, two) = tokio::join!(order(), order());
    let (one, two) = (one.is(201), two.is(201));
    assert!(one["replaces"] == two["id"] || two["replaces"] == one["id"], "{one} {two}");
    assert_eq!(stage.working(&other.tenant).await.len(), 1);
}

#[tokio::test]
async fn a_revoked_key_and_another_tenant_s_are_not_there() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.active(Guest(2)).await;
    let key = stage.tenant_key(&demo.tenant).await;
    let revoke = format!("/keys/{}/revoke", id_of(&key));
    for tenant in [&other.tenant, &TenantId::mint().to_string(), "b1"] {
        stage.tenant_order(tenant, &revoke, &json!({})).await.problem(404, "not_found");
        stage.rotate_tenant_key(tenant, &key, &json!({})).await.problem(404, "not_found");
    }
    assert_eq!(stage.tenant_keys("b1").await.status, 404);
    assert_eq!(stage.tenant_keys(&other.tenant).await.is(200)["items"], json!([]));
    stage.tenant_order(&demo.tenant, &revoke, &json!({ "reason": "lost" })).await.is(200);
    stage.tenant_order(&demo.tenant, &revoke, &json!({})).await.problem(404, "not_found");
    stage.rotate_tenant_key(&demo.tenant, &key, &json!({})).await.problem(404, "not_found");
    let listed = stage.tenant_keys(&demo.tenant).await.is(200);
    assert_eq!(listed["items"][0]["revoked_by"], "operator:admin-key");
}

#[tokio::test]
async fn a_tenant_has_twenty_keys_at_once_and_one_that_is_over_makes_room() {
    let (stage, demo) = stage_with_tenant().await;
    let make = async || stage.tenant_order(&demo.tenant, "/keys", &json!({ "name": "till" })).await;
    let mut keys = Vec::new();
    for _ in 0..19 {
        keys.push(key_in(&make().await));
    }
    // Two who want the last one at once.
    let (one, two) = tokio::join!(make(), make());
    let lost = if one.status == 201 { &two } else { &one };
    lost.problem(409, "wrong_state");
    assert_eq!(stage.working(&demo.tenant).await.len(), 20);
    // Whoever has all of them can rotate yet.
    stage.rotate_tenant_key(&demo.tenant, &keys[0], &json!({})).await.is(201);
    make().await.problem(409, "wrong_state");
    for key in &keys[1..3] {
        let revoke = format!("/keys/{}/revoke", id_of(key));
        stage.tenant_order(&demo.tenant, &revoke, &json!({})).await.is(200);
    }
    make().await.is(201);
}

#[tokio::test]
async fn a_tenant_that_is_over_gets_no_key_and_one_that_is_removed_leaves_none() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.active(Guest(2)).await;
    for tenant in [&demo.tenant, &other.tenant] {
        let key = stage.tenant_key(tenant).await;
        // One points to the other: neither stands in the way.
        stage.rotate_tenant_key(tenant, &key, &json!({})).await.is(201);
    }
    let mut tx = stage.begin().await;
    assert!(domain::demos::expire(&mut tx, demo.id(), true, "they asked for it").await.unwrap());
    domain::tenants::delete_demo(&mut tx, other.id()).await.unwrap();
    tx.commit().await.unwrap();
    let refused = stage.tenant_order(&demo.tenant, "/keys", &json!({ "name": "till" })).await;
    assert_eq!(refused.problem(409, "wrong_state")["tenantStatus"], "expired");
    let refused = stage.tenant_order(&other.tenant, "/rotate-key", &json!({})).await;
    refused.problem(404, "not_found");
    assert_eq!(stage.db.number("select from product.tenant_keys").await, 2);
}

#[tokio::test]
async fn whoever_works_for_a_tenant_sees_its_keys_and_no_others_and_what_is_over_is_forgotten() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.active(Guest(2)).await;
    let key = stage.tenant_key(&demo.tenant).await;
    stage.tenant_key(&other.tenant).await;
    let mut tx = stage.begin().await;
    scope::tenant(&mut tx, demo.id()).await.unwrap();
    assert_eq!(tenant_keys::list(&mut tx, demo.id()).await.unwrap().len(), 1);
    assert!(tenant_keys::list(&mut tx, other.id()).await.unwrap().is_empty());
    drop(tx);
    let revoke = format!("/keys/{}/revoke", id_of(&key));
    let successor = stage.rotate_tenant_key(&demo.tenant, &key, &json!({})).await;
    let successor = id_of(&key_in(&successor));
    stage.tenant_order(&demo.tenant, &revoke, &json!({})).await.is(200);
    stage.db.advance(8 * DAY).await;
    let mut tx = stage.begin().await;
    assert_eq!(tenant_keys::clean(&mut tx, 9 * DAY).await.unwrap(), 0);
    assert_eq!(tenant_keys::clean(&mut tx, 7 * DAY).await.unwrap(), 1);
    let left = tenant_keys::list(&mut tx, demo.id()).await.unwrap();
    assert_eq!(
        left.iter().map(|it| (&*it.id, it.works)).collect::<Vec<_>>(),
        [(&*successor, true)]
    );
    assert_eq!(tenant_keys::list(&mut tx, other.id()).await.unwrap().len(), 1);
}
