//! What changes by itself.

use std::time::Duration;

use super::browser::Browser;
use crate::stage::Stage;

/// Far longer than the stream waits between two looks.
const SOON: Duration = Duration::from_secs(30);

/// A stream that is read as it comes.
pub(super) struct Stream {
    pub(super) response: reqwest::Response,
    pub(super) text: String,
}

impl Browser<'_> {
    pub(super) async fn follow_page(&self, page: &str) -> Stream {
        let address = self.stage.api.address();
        let url = format!("http://{address}/console/live?page={}", page.replace('&', "%26"));
        let client = clients::http::client(SOON).unwrap();
        let response = client.get(url).header("cookie", &self.cookie).send().await.unwrap();
        Stream { response, text: String::new() }
    }
}

impl Stream {
    /// Reads until these words have come.
    pub(super) async fn says(&mut self, words: &str) {
        while !self.text.contains(words) {
            let more = self.response.chunk().await.unwrap();
            let more = more.unwrap_or_else(|| panic!("no {words:?} in {}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

#[tokio::test]
async fn a_page_that_is_followed_hears_what_has_changed_and_when_its_session_is_over() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let mut stream = browser.follow_page("/console/jobs?kind=noop").await;
    assert_eq!(stream.response.status(), 200);
    let kind = stream.response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "text/event-stream");
    stream.says("No job fits.").await;
    assert!(stream.text.starts_with("event: fragment\ndata: "), "{}", stream.text);
    assert!(!stream.text.contains("<html") && !stream.text.contains("<form"), "{}", stream.text);
    let id = stage.noop().await;
    stream.says(&id).await;
    stage.db.advance(Duration::from_hours(13)).await;
    stream.says("event: over").await;
    let nobody = stage.get("/console/live?page=/console").send().await;
    assert_eq!(nobody.status, 303, "{nobody:?}");
}

#[tokio::test]
async fn a_stream_ends_when_its_process_stops() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let other = stage.another_api().await;
    let url = format!("http://{}/console/live?page=/console/workers", other.address());
    let client = clients::http::client(SOON).unwrap();
    let mut response = client.get(url).header("cookie", &browser.cookie).send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    let stopped = tokio::time::timeout(SOON, other.stop());
    let (stopped, ()) =
        tokio::join!(stopped, async { while response.chunk().await.unwrap().is_some() {} });
    stopped.expect("it ends, though somebody follows a page");
}
