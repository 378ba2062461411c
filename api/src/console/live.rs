//! Pages that follow what happens. A stream makes the part of a page that changes every few seconds, and sends it when it is
//! another one than before; a page that nobody looks at closes its stream.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use domain::Digest;
use futures::stream;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval},
};

use super::{
    door::{Door, Refused, Visit},
    login::own_page,
    session::Session,
};
use crate::{problem::Code, state::ApiState};

/// Fast enough for a person, ten times slower than anything that costs.
const EVERY: Duration = Duration::from_secs(3);

/// Then the browser asks anew: a stream outlives neither its session nor a deploy by more.
const LASTS: Duration = Duration::from_mins(5);

/// A list of a hundred rows is a tenth of it.
const FRAGMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Only the part of a page that changes is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment;

/// What one stream follows.
struct Following {
    state: ApiState,
    visit: Visit,
    cookie: HeaderValue,
    page: String,
    sent: Option<Digest>,
    tick: Interval,
    ends: Instant,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

/// `GET /console/live?page=…`: server-sent events, each the new text of what changes on that page.
pub(crate) async fn live(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    session: Session,
) -> Response {
    let asked = uri.query().unwrap_or_default();
    let page = form_urlencoded::parse(asked.as_bytes()).find(|(name, _)| name == "page");
    let page = followed(&page.map(|(_, page)| page).unwrap_or_default()).to_owned();
    let place = session.visit.door().stream();
    let (Some(place), Some(cookie)) = (place, headers.get(header::COOKIE)) else {
        let detail = "Too many pages are followed already; this one stands still.";
        return Refused::said(Code::Unavailable, "No place", detail).into_response();
    };
    let following = Following {
        state,
        visit: session.visit,
        cookie: cookie.clone(),
        page,
        sent: None,
        tick: tokio::time::interval(EVERY),
        ends: Instant::now() + LASTS,
        is_over: false,
        _place: place,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    // A proxy that collected answers would hold them back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(events)).into_response()
}

/// A page that can be followed; a stream itself is none.
fn followed(page: &str) -> &str {
    let page = own_page(page);
    if page.starts_with("/console/live") { "/console" } else { page }
}

impl Following {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        self.tick.tick().await;
        if self.is_over || Instant::now() >= self.ends || self.state.probes().draining() {
            return None;
        }
        let Some(text) = self.fragment().await else {
            self.is_over = true;
            return Some(Event::default().event("over").data(""));
        };
        let digest = Digest::of(text.as_bytes());
        if self.sent.as_ref() == Some(&digest) {
            // Says that we are there, and notices when nobody is.
            return Some(Event::default().comment(""));
        }
        self.sent = Some(digest);
        Some(Event::default().event("fragment").data(text.replace('\r', "")))
    }

    /// What the page would show now; none if it cannot be shown (any more).
    async fn fragment(&self) -> Option<String> {
        let request = Request::get(&self.page).header(header::COOKIE, &self.cookie);
        let request = request.extension(Fragment).body(Body::empty()).ok()?;
        let door: &Door = self.visit.door();
        let response = door.ask(request, self.visit.caller()).await;
        if response.status() != StatusCode::OK {
            return None;
        }
        let bytes = to_bytes(response.into_body(), FRAGMENT_BYTES_MAX).await.ok()?;
        String::from_utf8(bytes.to_vec()).ok()
    }
}
