//! A process whose files are out of date goes by what the database says of a provider's credential.

use std::time::Duration;

use serde_json::json;
use tests::fleet::{Dev, within};

const PATIENCE: Duration = Duration::from_mins(2);
const REVOKED: &str = "a-token-that-was-revoked-long-ago";

#[tokio::test]
async fn a_worker_process_calls_with_the_token_that_was_set_and_not_with_its_environment_s() {
    let dev = Dev::start(&[]).await;
    let token = dev.ready()["env"]["TWILIO_AUTH_TOKEN"].as_str().unwrap().to_owned();
    let set = json!({ "secret": token, "reason": "the worker's files are out of date" });
    let path = "/v1/admin/provider-credentials/twilio_auth_token";
    assert_eq!(dev.post(path, "198.18.0.1", &set).await.unwrap().0, 201);
    let _worker = dev.worker(8, &[("TWILIO_AUTH_TOKEN", REVOKED)]).await;
    let phone = "+436641234567";
    let form = json!({
        "companyName": "Baeckerei Huber", "contactEmail": "huber@example.com",
        "contactPhone": phone, "firstName": "Anna", "lastName": "Huber",
    });
    let asked = dev.post("/api/demo/create-tenant", "198.18.0.2", &form).await;
    assert_eq!(asked.unwrap().0, 202);
    let text = within(PATIENCE, "the code arrives", async || {
        dev.texts().await.into_iter().find(|text| text.to == phone)
    })
    .await;
    assert!(text.code().is_some());
    dev.stop().await;
}
