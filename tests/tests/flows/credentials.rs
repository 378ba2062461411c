//! What providers know us by, exchanged while workers run: the sandbox's Twilio has one token, and refuses every other.

use std::{sync::Arc, time::Duration};

use clients::{Secrets, twilio::signature};
use domain::provider_credentials::Credential;
use engine::{Engine, JobFilter, RewrapReport};
use secrecy::ExposeSecret;
use serde_json::json;
use tests::{TestWorker, WorkerOptions, holds, wait_until};
use tokio_util::task::AbortOnDropHandle;
use workflows::{
    Trunkline,
    credentials::{self, Keeper},
};

use crate::{
    secrets::found_in,
    stage::{Props, SignUp, Stage, TOKEN, worker_config},
};

const PATH: &str = "/v1/admin/provider-credentials/twilio_auth_token";
const REVOKED: &str = "a-token-that-was-revoked-long-ago";
const MISTYPED: &str = "a-token-that-somebody-mistyped-1";

/// A worker as its process has it: with somebody who keeps its credentials.
struct Keeping {
    secrets: Secrets,
    _worker: TestWorker<Trunkline>,
    _keeper: AbortOnDropHandle<()>,
}

impl Keeping {
    async fn start(stage: &Stage) -> Keeping {
        let workers::Config { engine, clients, settings, .. } = worker_config(&stage.variables);
        let uses = clients.credentials();
        let secrets =
            uses.iter().find(|(credential, _)| *credential == Credential::TwilioAuthToken);
        let secrets = secrets.unwrap().1.clone();
        let keeper = Keeper::begin(stage.engine.clone(), uses).await;
        let keeper = AbortOnDropHandle::new(tokio::spawn(keeper.keep()));
        let options = WorkerOptions { lease: Duration::from_secs(30), ..WorkerOptions::default() };
        let registry = Arc::clone(&stage.registry);
        let worker = TestWorker::start(engine, registry, clients, settings, options).await;
        Keeping { secrets, _worker: worker, _keeper: keeper }
    }

    async fn comes_to_call_with(&self, token: &str) {
        wait_until("the worker has taken it up", async || {
            let newest = self.secrets.newest();
            holds(newest.is_some_and(|it| it.expose_secret() == token))
        })
        .await;
    }
}

/// The API takes what is signed with the sandbox's token: what is signed and makes no sense is malformed, and not refused.
async fn is_heard(stage: &Stage) {
    let url = stage.url("/telephony/sms-status");
    let form = [("Nothing".to_owned(), "1".to_owned())];
    let signature = signature::sign(&url, &form, &TOKEN.into());
    wait_until("the API has taken it up", async || {
        let ask = stage.http().post(&url).header("x-twilio-signature", &signature).form(&form);
        holds(ask.send().await.ok()?.status().as_u16() == 400)
    })
    .await;
}

/// Twilio has refused the text, and the run says so.
async fn is_refused(stage: &Stage, signup: &SignUp) {
    wait_until("Twilio has refused the text", async || {
        let jobs = stage.engine.jobs(&JobFilter::default(), 100).await.ok()?;
        let id = jobs.iter().find(|job| job.kind == "send_sms")?.id;
        let job = stage.engine.job(id).await.ok()??;
        let steps = job.steps.iter().filter_map(|step| step.error.as_ref());
        let mut errors = steps.chain(job.summary.error.as_ref());
        holds(errors.any(|error| error.contains("status 401")))
    })
    .await;
    assert!(stage.phone.messages_to(&signup.phone).is_empty());
}

/// The text goes out after all, once, and the sign-up goes on to its end.
async fn goes_on(stage: &Stage, signup: &SignUp) {
    wait_until("the code arrives", async || {
        stage.skip_pause().await;
        stage.code_now(signup)
    })
    .await;
    stage.verify(signup).await;
    stage.becomes(signup, "active").await;
    stage.comes_to_rest().await;
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 1, "it is sent once");
}

#[tokio::test]
async fn a_token_that_was_revoked_is_exchanged_while_a_text_waits_and_without_a_restart() {
    let variables = vec![("TWILIO_AUTH_TOKEN", REVOKED)];
    let stage = Stage::with(Props { variables, ..Props::default() }).await;
    let worker = Keeping::start(&stage).await;
    let signup = stage.sign_up().await;
    is_refused(&stage, &signup).await;
    let body = json!({ "secret": TOKEN, "reason": "Twilio's first one was revoked" });
    assert_eq!(stage.post(PATH, &body).await.0, 201);
    worker.comes_to_call_with(TOKEN).await;
    is_heard(&stage).await;
    goes_on(&stage, &signup).await;
    let delivered = "select from product.messages where status = 'delivered'";
    assert_eq!(stage.db.number(delivered).await, 1, "its reports are signed with the same token");
    assert_eq!(found_in(&stage, &["trunkline", "product"], &[TOKEN]).await, [""; 0]);
}

#[tokio::test]
async fn nothing_steps_in_for_a_newest_token_that_is_refused_until_it_is_retired() {
    let stage = Stage::new().await;
    let worker = Keeping::start(&stage).await;
    let body = json!({ "secret": MISTYPED, "reason": "in turn" });
    assert_eq!(stage.post(PATH, &body).await.0, 201);
    worker.comes_to_call_with(MISTYPED).await;
    let signup = stage.sign_up().await;
    is_refused(&stage, &signup).await;
    let body = json!({ "reason": "it was mistyped" });
    assert_eq!(stage.post(&format!("{PATH}/retire"), &body).await.0, 200);
    worker.comes_to_call_with(TOKEN).await;
    goes_on(&stage, &signup).await;
}

#[tokio::test]
async fn a_credential_is_sealed_anew_when_the_key_of_what_is_sealed_is_exchanged() {
    const NEW: &str = "new:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let stage = Stage::new().await;
    let body = json!({ "secret": MISTYPED, "reason": "in turn" });
    assert_eq!(stage.post(PATH, &body).await.0, 201);
    let with_keys = async |keys: String| {
        let mut variables = stage.variables.clone();
        variables.insert("TRUNKLINE_SEAL_KEYS", keys);
        let config = worker_config(&variables);
        let engine = Engine::connect(config.engine, &stage.registry).await.unwrap();
        (engine, config.clients.credentials())
    };
    // Who has another key only can do nothing with it, and nothing steps in.
    let (engine, uses) = with_keys(NEW.to_owned()).await;
    Keeper::begin(engine.clone(), uses.clone()).await;
    assert!(uses[0].1.newest().is_none(), "it is closed to this process");
    let (both, _) = with_keys(format!("{NEW},{}", stage.variables["TRUNKLINE_SEAL_KEYS"])).await;
    let mut report = RewrapReport::default();
    credentials::rewrap(&both, &mut report).await.unwrap();
    assert_eq!((report.rows, report.rewrapped, report.missed), (1, 1, 0));
    let mut again = RewrapReport::default();
    credentials::rewrap(&both, &mut again).await.unwrap();
    assert!(again.found_nothing(), "{again:?}");
    Keeper::begin(engine.clone(), uses.clone()).await;
    assert_eq!(uses[0].1.newest().unwrap().expose_secret(), MISTYPED);
    both.close().await;
    engine.close().await;
}
