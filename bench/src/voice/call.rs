//! A call that is placed at the simulated phone company, and what it tells of it.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{crew::Crew, eventually};

/// A call.
pub(super) struct Call {
    sid: String,
}

impl Call {
    /// Somebody rings, and stays on the line.
    pub(super) async fn place(crew: &Crew, speed: u32) -> anyhow::Result<Call> {
        let body = json!({
            "from": "+4366412345678", "to": crew.number(), "speed": speed,
            "url": crew.url("/telephony/incoming"), "status_url": crew.url("/telephony/status"),
        });
        let placed = crew.post(&crew.phone("/_sandbox/calls"), &body).await?;
        let sid = placed["sid"].as_str().context("a call without a name")?.to_owned();
        Ok(Call { sid })
    }

    /// The caller does this next.
    pub(super) async fn does(&self, crew: &Crew, deed: &str) -> anyhow::Result<()> {
        let url = crew.phone(&format!("/_sandbox/calls/{}", self.sid));
        crew.post(&url, &json!({ "then": deed })).await.map(drop)
    }

    pub(super) async fn story(&self, crew: &Crew) -> anyhow::Result<Story> {
        let url = crew.phone(&format!("/_sandbox/calls/{}", self.sid));
        Ok(Story(crew.get(&url).await?))
    }

    /// Waits until its story is so.
    pub(super) async fn until(
        &self,
        crew: &Crew,
        what: &str,
        holds: impl Fn(&Story) -> bool,
    ) -> anyhow::Result<()> {
        eventually(what, async || {
            let story = self.story(crew).await?;
            ensure!(
                !story.is_over() || holds(&story),
                "a call has ended before {what}: {}",
                story.0
            );
            Ok(holds(&story).then_some(()))
        })
        .await
    }
}

/// What has happened in a call.
pub(super) struct Story(Value);

impl Story {
    fn moments(&self) -> impl Iterator<Item = &Value> {
        self.0["moments"].as_array().into_iter().flatten()
    }

    fn of<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a Value> {
        self.moments().filter(move |moment| moment["what"] == what)
    }

    /// In how many milliseconds a webhook was answered, each time.
    pub(super) fn took<'a>(&'a self, path: &'a str) -> impl Iterator<Item = f64> + 'a {
        let asked = self.of("webhook");
        let asked =
            asked.filter(move |it| it["path"].as_str().is_some_and(|at| at.ends_with(path)));
        asked.filter_map(|it| it["took_ms"].as_f64())
    }

    /// Whether the call's first question where to go was answered with a worker.
    pub(super) fn first_route_connects(&self) -> bool {
        let mut routes = self.of("webhook").filter(|it| it["path"] == "/telephony/route");
        let verbs = routes.next().and_then(|it| it["verbs"].as_array());
        verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "Connect"))
    }

    pub(super) fn is_open(&self) -> bool {
        self.of("stream_opened").next().is_some()
    }

    pub(super) fn is_cleared(&self) -> bool {
        self.of("cleared").next().is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        !matches!(self.0["status"].as_str(), Some("ringing" | "in-progress"))
    }

    pub(super) fn heard(&self) -> usize {
        self.of("heard").count()
    }

    /// How late the parts of answers came to the phone, in milliseconds.
    pub(super) fn delay_p99(&self) -> Option<f64> {
        self.0["delay_ms"]["p99"].as_f64()
    }

    /// From the first loss of the audio to the next sound, in milliseconds.
    pub(super) fn silence_ms(&self) -> Option<f64> {
        let at = |moment: &Value| moment["at_ms"].as_f64();
        let mut moments = self.moments();
        let lost = at(moments.find(|it| it["what"] == "stream_closed")?)?;
        Some(at(moments.find(|it| it["what"] == "first_audio" || it["what"] == "heard")?)? - lost)
    }
}
