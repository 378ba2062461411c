//! What operators ask and do.

mod billing; // what tenants pay for
mod businesses; // tenants, found and made
mod by_hand; // who may make which kind by its name
mod commands; // the same from the command line
mod create; // a job by the name of its kind
mod erasures; // of people and tenants
mod gateway; // the command line through one that fails
mod keys; // of operators
mod lifecycle; // demos, tenants, numbers
mod list; // many, page by page
mod maintenance; // switches for the whole product
mod once; // what is sent twice is done once
mod operating; // queues, schedules, workers, parked runs
mod operations; // orders about many jobs
mod provider_credentials; // set, exchanged, retired
mod showing; // three tenants to look at
mod steer; // retry, cancel and vouch
mod tags; // what was read is named when it is changed
mod tenant_keys; // of their programs
mod usage; // what tenants used, as files
mod webhooks; // what providers posted
mod wrong_keys; // of strangers, counted by address

use serde_json::{Value, json};

use crate::stage::Stage;

impl Stage {
    /// A job that an operator makes.
    pub(crate) async fn new_job(&self, body: &Value) -> String {
        let answer = self.post("/v1/admin/jobs").as_operator().json(body).send().await;
        answer.is(201)["id"].as_str().unwrap().to_owned()
    }

    /// A job that does nothing.
    pub(crate) async fn noop(&self) -> String {
        self.new_job(&json!({ "kind": "noop" })).await
    }

    /// A job with its story.
    pub(crate) async fn job(&self, id: &str) -> Value {
        self.get(&format!("/v1/admin/jobs/{id}")).as_operator().send().await.is(200)
    }
}
