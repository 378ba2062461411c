//! Signed webhooks.

use clients::twilio::{signature, twiml::Verb};
use tokio::time::Instant;
use url::Url;

use super::{forms::Form, hand::Live, moment::What, twiml};

/// TwiML of a call has a few kilobytes; Twilio's own limit is 64.
const TWIML_BYTES_MAX: usize = 64 * 1024;

impl Live {
    /// Posts a webhook and reads the TwiML of its answer. None: nobody answered, or what came is none.
    pub(super) async fn ask(
        &self,
        url: &str,
        form: &Form,
        token: &str,
    ) -> Option<(String, Vec<Verb>)> {
        let began = Instant::now();
        let answered = self.post(url, form, token).await;
        let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
        let (status, body) = answered.unwrap_or_default();
        let read = Some(&body).filter(|_| status == 200).map(|body| twiml::read(body));
        let verbs = read.as_ref().and_then(|read| read.as_ref().ok());
        let names = verbs.into_iter().flatten().map(Verb::name).collect();
        let path = Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
        self.keep(What::Webhook { path, status, took_ms, verbs: names });
        read?.ok().map(|verbs| (body, verbs))
    }

    /// Posts a webhook that wants no answer.
    pub(super) async fn tell(&self, url: &str, form: &Form) {
        let began = Instant::now();
        let answered = self.post(url, form, &self.state.new_sid("")).await;
        let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
        let (status, _) = answered.unwrap_or_default();
        let path = Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
        self.keep(What::Webhook { path, status, took_ms, verbs: Vec::new() });
    }

    /// The status and the body of the answer.
    async fn post(&self, url: &str, form: &Form, token: &str) -> Option<(u16, String)> {
        let url = url.split('#').next().unwrap_or_default();
        let request = self
            .state
            .http
            .post(url)
            .header(
                "X-Twilio-Signature",
                signature::sign(url, form, &self.state.options.auth_token),
            )
            .header("I-Twilio-Idempotency-Token", token)
            .form(form);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let body = response.text().await.ok().filter(|body| body.len() <= TWIML_BYTES_MAX)?;
        Some((status, body))
    }
}
