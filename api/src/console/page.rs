//! What all pages have around them, and what every answer of the console carries.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Digest;

use super::{assets, door::Refused, orders, session::Session};
use crate::problem::Problem;

/// Nothing but our own stylesheet and script, no frames, no other site as a form's target.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// With `no-referrer`, as our other answers have it, a browser says `Origin: null` with a form, and no form would be ours.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Name, path and key of each section.
static SECTIONS: [Section; 13] = [
    Section { name: "Overview", path: "/console", key: "o" },
    Section { name: "Jobs", path: "/console/jobs", key: "j" },
    Section { name: "Queues", path: "/console/queues", key: "q" },
    Section { name: "Errors", path: "/console/errors", key: "e" },
    Section { name: "Operations", path: "/console/operations", key: "b" },
    Section { name: "Schedules", path: "/console/schedules", key: "s" },
    Section { name: "Workers", path: "/console/workers", key: "w" },
    Section { name: "Calls", path: "/console/jobs?kind=voice_session&state=running", key: "c" },
    Section { name: "Webhooks", path: "/console/webhooks", key: "h" },
    Section { name: "Tenants", path: "/console/tenants", key: "t" },
    Section { name: "Numbers", path: "/console/numbers", key: "n" },
    Section { name: "Switches", path: "/console/switches", key: "x" },
    Section { name: "Audit", path: "/console/audit", key: "a" },
];

struct Section {
    name: &'static str,
    path: &'static str,
    key: &'static str,
}

/// A page.
pub(super) struct Page {
    /// Its heading, and the window's.
    pub(super) title: String,
    /// The section that it belongs to, by its path.
    pub(super) section: &'static str,
    /// What stands first and does not change by itself, such as a filter.
    pub(super) head: String,
    /// What changes by itself.
    pub(super) live: String,
    /// What stands below: forms, which nobody wants to change while they type.
    pub(super) rest: String,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    stamp: &'static str,
    sections: &'a [Section],
    page: &'a Page,
    csrf: &'a str,
    here: &'a str,
    note: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    stamp: &'static str,
    refused: &'a Refused,
    secs: Option<u64>,
}

impl Session {
    /// The page, or of it what changes by itself if only that is asked for.
    pub(super) fn page(&self, page: &Page) -> Response {
        if self.is_fragment {
            return respond(StatusCode::OK, page.live.clone());
        }
        let (path, asked) = self.here.split_once('?').unwrap_or((&self.here, ""));
        let mut asked = form_urlencoded::parse(asked.as_bytes());
        let note = asked.find(|(name, _)| name == "done");
        let note = note.and_then(|(_, order)| orders::done(&order));
        // The word about what was done is for once.
        let here = if note.is_some() { path } else { &self.here };
        let (stamp, sections) = (stamp(), &SECTIONS[..]);
        html(StatusCode::OK, &Layout { stamp, sections, page, csrf: &self.csrf, here, note })
    }
}

/// The words that a template makes.
pub(super) fn text(template: &impl Template) -> Result<String, Refused> {
    template.render().map_err(|error| Refused::from(Problem::internal(error)))
}

pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => respond(status, text),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// Why it was not done, with the way back.
pub(super) fn refused(refused: &Refused) -> Response {
    let secs = refused.waits.map(|time| time.as_secs().max(1));
    let mut response = html(refused.status, &RefusedPage { stamp: stamp(), refused, secs });
    if let Some(secs) = secs {
        response.headers_mut().insert(RETRY_AFTER, secs.into());
    }
    response
}

fn respond(status: StatusCode, text: String) -> Response {
    let headers =
        [(CONTENT_TYPE, HTML), (CONTENT_SECURITY_POLICY, POLICY), (REFERRER_POLICY, REFERRER)];
    (status, headers, text).into_response()
}

/// Look there; what was sent is not sent again.
pub(super) fn see(address: &str) -> Response {
    let address = HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("/console"));
    let headers = [(LOCATION, address), (CONTENT_SECURITY_POLICY, POLICY)];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Names the stylesheet and the script of this build, so that a browser keeps no older ones.
pub(super) fn stamp() -> &'static str {
    static STAMP: LazyLock<String> = LazyLock::new(|| {
        let both = Digest::of(&[assets::STYLE.as_bytes(), assets::SCRIPT.as_bytes()].concat());
        URL_SAFE_NO_PAD.encode(&both.as_bytes()[..6])
    });
    &STAMP
}
