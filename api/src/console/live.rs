//! Pages that follow what happens. A stream makes the part of a page that changes every few seconds, and sends it when it is
//! another one than before; a page that nobody looks at closes its stream.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use domain::Digest;
use futures::{Stream, stream};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval},
};

use super::{
    door::{Door, Refused, Visit, waits},
    login::{self, own_page},
    session::{Absent, Session},
};
use crate::{problem::Code, state::ApiState};

/// Fast enough for a person, ten times slower than anything that costs.
const EVERY: Duration = Duration::from_secs(3);

/// Then the browser asks anew: a stream outlives neither its session nor a deploy by more.
const LASTS: Duration = Duration::from_mins(5);

/// A list of a hundred rows is a tenth of it.
const FRAGMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Refused for now, and nobody said for how long.
const SOON: Duration = Duration::from_secs(5);

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
    rests_until: Option<Instant>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

/// `GET /console/live?page=…`: server-sent events, each the new text of what changes on that page.
pub(crate) async fn live(State(state): State<ApiState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match Session::of(&parts, &state).await {
        Ok(session) => follow(state, &parts, session),
        Err(Absent::LoggedOut) => login::again("/console"),
        Err(Absent::Problem(problem)) => {
            let refused = Refused::from(problem);
            match later(refused.status, refused.waits) {
                Some(pause) => events(stream::iter([Ok::<_, Infallible>(pause.event())])),
                None => refused.into_response(),
            }
        }
    }
}

fn follow(state: ApiState, parts: &Parts, session: Session) -> Response {
    let asked = parts.uri.query().unwrap_or_default();
    let page = form_urlencoded::parse(asked.as_bytes()).find(|(name, _)| name == "page");
    let page = followed(&page.map(|(_, page)| page).unwrap_or_default()).to_owned();
    let place = session.visit.door().stream();
    let (Some(place), Some(cookie)) = (place, parts.headers.get(header::COOKIE)) else {
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
        rests_until: None,
        is_over: false,
        _place: place,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    self::events(events)
}

fn events(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    // A proxy that collected answers would hold them back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(events)).into_response()
}

/// What a page would show now.
enum Seen {
    Shown(String),
    Later(Pause),
    /// It cannot be shown any more: the session is over, or the thing has gone.
    Over,
}

/// It cannot be shown for now.
struct Pause {
    why: &'static str,
    time: Duration,
}

impl Pause {
    /// Says so, with when it goes on. A browser whose stream ends meanwhile comes back then.
    fn event(&self) -> Event {
        let text = format!("{} {}", self.time.as_secs(), self.why);
        Event::default().event("later").data(text).retry(self.time)
    }
}

/// Whether an answer with this status is another one later.
fn later(status: StatusCode, waits: Option<Duration>) -> Option<Pause> {
    let why = if status == Code::RateLimited.status() {
        "Refused for now: this key has asked too often."
    } else if status == Code::Unavailable.status() {
        "The database does not answer."
    } else {
        return None;
    };
    Some(Pause { why, time: waits.unwrap_or(SOON).max(EVERY) })
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
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Some(Event::default().comment(""));
        }
        let text = match self.seen().await {
            Seen::Shown(text) => text,
            Seen::Later(pause) => {
                self.rests_until = Some(Instant::now() + pause.time);
                // What is shown then is news, even if it is the same.
                self.sent = None;
                return Some(pause.event());
            }
            Seen::Over => {
                self.is_over = true;
                return Some(Event::default().event("over").data(""));
            }
        };
        let digest = Digest::of(text.as_bytes());
        if self.sent.as_ref() == Some(&digest) {
            // Says that we are there, and notices when nobody is.
            return Some(Event::default().comment(""));
        }
        self.sent = Some(digest);
        // A pause may have told the browser to take more time than this.
        Some(Event::default().event("fragment").data(text.replace('\r', "")).retry(EVERY))
    }

    async fn seen(&self) -> Seen {
        let Some(response) = self.fragment().await else { return Seen::Over };
        let status = response.status();
        if let Some(pause) = later(status, waits(response.headers())) {
            return Seen::Later(pause);
        }
        let bytes = to_bytes(response.into_body(), FRAGMENT_BYTES_MAX).await;
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        text.filter(|_| status == StatusCode::OK).map_or(Seen::Over, Seen::Shown)
    }

    async fn fragment(&self) -> Option<Response> {
        let request = Request::get(&self.page).header(header::COOKIE, &self.cookie);
        let request = request.extension(Fragment).body(Body::empty()).ok()?;
        let door: &Door = self.visit.door();
        Some(door.ask(request, self.visit.caller()).await)
    }
}
