//! Entity tags (RFC 9110, 8.8.3): whoever changes what they have read says so with `If-Match`, and is refused if somebody else
//! was faster; whoever asks again says with `If-None-Match` what they have. A tag is of what can be changed of a thing. What
//! changes by itself, such as ages and counts, has no part in it.

use std::convert::Infallible;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ETAG, IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use engine::Version;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// Something with a tag, and what changes it.
#[derive(Debug, Clone, Copy)]
pub struct Tagged {
    /// Where it is read, with its `ETag`.
    pub read_at: &'static str,
    /// Where it is changed, by whatever is no GET there, which honours `If-Match`.
    pub changed_at: &'static [&'static str],
}

/// All that has a tag.
pub const TAGGED: &[Tagged] = &[
    Tagged {
        read_at: "/v1/admin/jobs/{id}",
        changed_at: &[
            "/v1/admin/jobs/{id}/retry",
            "/v1/admin/jobs/{id}/cancel",
            "/v1/admin/jobs/{id}/redrive",
            "/v1/admin/jobs/{id}/run-now",
            "/v1/admin/jobs/{id}/args",
            "/v1/admin/jobs/{id}/fork",
        ],
    },
    // A parked run is a job: it has the same tag.
    Tagged { read_at: "/v1/admin/parked/{id}", changed_at: &["/v1/admin/jobs/{id}/answer"] },
    Tagged {
        read_at: "/v1/admin/operations/{id}",
        changed_at: &[
            "/v1/admin/operations/{id}/start",
            "/v1/admin/operations/{id}/cancel",
            "/v1/admin/operations/{id}/undo",
        ],
    },
    Tagged {
        read_at: "/v1/admin/queues/{name}",
        changed_at: &[
            "/v1/admin/queues/{name}/pause",
            "/v1/admin/queues/{name}/resume",
            "/v1/admin/queues/{name}/settings",
        ],
    },
    Tagged {
        read_at: "/v1/admin/schedules/{name}",
        changed_at: &[
            "/v1/admin/schedules/{name}/pause",
            "/v1/admin/schedules/{name}/resume",
            "/v1/admin/schedules/{name}/run",
            "/v1/admin/schedules/{name}/change",
            "/v1/admin/schedules/{name}/backfill",
            "/v1/admin/schedules/{name}/stop-backfill",
        ],
    },
    Tagged {
        read_at: "/v1/admin/workers/{id}",
        changed_at: &["/v1/admin/workers/{id}/drain", "/v1/admin/workers/{id}/resume"],
    },
    Tagged { read_at: "/api/admin/maintenance", changed_at: &["/api/admin/maintenance"] },
    Tagged { read_at: "/v1/admin/businesses/{id}", changed_at: &["/v1/admin/businesses/{id}"] },
    Tagged {
        read_at: "/v1/admin/businesses/{tenant}/voice",
        changed_at: &["/v1/admin/businesses/{tenant}/voice"],
    },
    Tagged { read_at: "/api/voice", changed_at: &["/api/voice"] },
];

/// An order that names what it is about, where that has no tag: whoever sends it believes to be safe, and is not.
pub(super) fn refuse_elsewhere(parts: &Parts, path: &str) -> Result<(), Problem> {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let is_known = TAGGED.iter().any(|it| it.changed_at.contains(&path));
    if is_read || is_known || !parts.headers.contains_key(IF_MATCH) {
        return Ok(());
    }
    Err(Problem::new(Code::BadRequest, "nothing that this changes has an ETag: leave If-Match out"))
}

/// What a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// `*`: whatever is there.
    Any,
    /// Some of these.
    Tags(Vec<Given>),
}

/// One tag as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    is_weak: bool,
    /// What stands between the quotes.
    text: String,
}

/// `If-Match`: what whoever asks believes to stand there.
#[derive(Debug, Clone, Default)]
pub(crate) struct IfMatch(Option<Named>);

impl IfMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Result<IfMatch, Problem> {
        named(headers, &IF_MATCH).map(IfMatch)
    }

    /// Whether anything has to be looked at.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses if something else stands there now. Weak tags fit nothing (RFC 9110, 13.1.1). Ask while it is locked, in the
    /// transaction of the change.
    pub(crate) fn check(&self, now: Version) -> Result<(), Problem> {
        let fits = match &self.0 {
            None | Some(Named::Any) => true,
            Some(Named::Tags(given)) => {
                given.iter().any(|it| !it.is_weak && it.text == now.to_string())
            }
        };
        if fits {
            return Ok(());
        }
        let why = "nothing was done: it has changed since it was read";
        Err(Problem::new(Code::PreconditionFailed, why).with("etag", tag(now)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Problem> {
        IfMatch::of(&parts.headers)
    }
}

/// `If-None-Match`: what whoever asks has already.
#[derive(Debug, Clone)]
pub(crate) struct Asked(Result<Option<Named>, Problem>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    // What is wrong with it is told after what is wrong with the key.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, Infallible> {
        Ok(Asked(named(&parts.headers, &IF_NONE_MATCH)))
    }
}

impl Asked {
    /// The answer with its tag; without a body, and without asking for one, for whoever has it. `version` is older than
    /// what `show` shows, or as old.
    pub(crate) async fn answer<T, F>(self, version: Version, show: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: AsyncFnOnce() -> Result<T, Problem>,
    {
        let has = match self.0? {
            None => false,
            Some(Named::Any) => true,
            Some(Named::Tags(given)) => given.iter().any(|it| it.text == version.to_string()),
        };
        let mut response = if has {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Json(show().await?).into_response()
        };
        if let Ok(tag) = HeaderValue::try_from(tag(version)) {
            response.headers_mut().insert(ETAG, tag);
        }
        Ok(response)
    }
}

/// A version as a tag. A strong one: it is another one with each change.
fn tag(version: Version) -> String {
    format!("\"{version}\"")
}

fn named(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Named>, Problem> {
    let lines: Option<Vec<_>> =
        headers.get_all(name).iter().map(|line| line.to_str().ok()).collect();
    let wrong = || {
        let what = format!("{name} must be * or tags in quotes, such as \"0123456789abcdef\"");
        Problem::new(Code::BadRequest, what)
    };
    // Several lines are one list (RFC 9110, 5.3).
    let text = lines.ok_or_else(wrong)?;
    if text.is_empty() {
        return Ok(None);
    }
    read(&text.join(",")).map(Some).ok_or_else(wrong)
}

/// `*`, or a list of `"…"` and `W/"…"`. `None`: neither.
fn read(text: &str) -> Option<Named> {
    let mut rest = text.trim_matches([' ', '\t']);
    if rest == "*" {
        return Some(Named::Any);
    }
    let mut tags = Vec::new();
    loop {
        // Empty elements are allowed (RFC 9110, 5.6.1.2).
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            break;
        }
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push(Given { is_weak, text: tag.to_owned() });
        rest = after.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
    }
    (!tags.is_empty()).then_some(Named::Tags(tags))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Guard, ROUTES};

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_condition_is_a_star_or_a_list_of_tags_in_quotes() {
        let strong = |text: &str| Given { is_weak: false, text: text.to_owned() };
        let weak = |text: &str| Given { is_weak: true, text: text.to_owned() };
        assert_eq!(read("*"), Some(Named::Any));
        assert_eq!(read("\"a\""), Some(Named::Tags(vec![strong("a")])));
        let list = Some(Named::Tags(vec![strong("a,b"), weak("c"), strong("")]));
        assert_eq!(read(" \"a,b\" ,, W/\"c\",\"\", "), list);
        for bad in
            ["", ",", "a", "\"a", "a\"", "w/\"a\"", "\"a\" \"b\"", "\"a b\"", "*, \"a\"", "\"a\"*"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_change_goes_through_with_the_tag_that_stands_there_or_with_none() {
        let now = Version::of("queue", &json!(1));
        let check = |lines: &[&str]| {
            let condition = IfMatch::of(&headers(lines)).map_err(|it| it.code())?;
            condition.check(now).map_err(|it| it.code())
        };
        let own = tag(now);
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&["*"]), Ok(()));
        assert_eq!(check(&["\"other\"", &own]), Ok(()));
        assert_eq!(check(&["\"other\""]), Err(Code::PreconditionFailed));
        assert_eq!(check(&[&format!("W/{own}")]), Err(Code::PreconditionFailed));
        assert_eq!(check(&["other"]), Err(Code::BadRequest));
    }

    #[test]
    fn whatever_has_a_tag_is_a_route_and_so_is_whatever_changes_it() {
        let is_route = |reads: bool, path: &str| {
            let mut all = ROUTES
                .iter()
                .filter(|route| route.path == path && (route.method == "GET") == reads);
            all.any(|route| matches!(route.guard, Guard::AdminKey | Guard::Member))
        };
        for it in TAGGED {
            assert!(is_route(true, it.read_at), "{}", it.read_at);
            for path in it.changed_at {
                assert!(is_route(false, path), "{path}");
            }
        }
    }
}
