//! What is decided about a request before its route sees it: whether it is meant for us, whether it came over https, whose page
//! asks, and how often. None of that is about a person; who may use a route is the handler's to say.

mod cors; // pages of other sites
mod hosts; // the name that was asked for
mod https; // never in the clear
mod visitors; // how often one address asks

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};

pub(crate) use self::visitors::Visitors;
use crate::{
    caller::Caller,
    people,
    problem::{Code, Problem},
    rate::Limit,
    routes::{Guard, ROUTES, Route},
    state::ApiState,
};

/// In which what people ask is counted.
const WINDOW: Duration = Duration::from_mins(1);

/// The layer, directly inside of `observe`.
pub(crate) async fn admit(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let is_probe = path.as_deref().is_some_and(is_probe);
    if let Some(refusal) = refusal(&state, &request).filter(|_| !is_probe) {
        return refusal;
    }
    let is_for_people = path.as_deref().is_some_and(has_people);
    let origin = is_for_people
        .then(|| cors::origin_of(&request, &state.config().edge.cors_origins))
        .flatten();
    if let (Some(origin), Some(path)) = (&origin, &path)
        && let Some(answer) = cors::preflight(&request, origin, path)
    {
        return answer;
    }
    let route = path.as_deref().and_then(|path| Route::find(request.method(), path));
    let route = route.filter(|route| is_visit(route, request.headers()));
    let caller = request.extensions().get::<Caller>().cloned();
    let mut response = match visit(&state, caller, route).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if is_for_people && !state.config().edge.cors_origins.is_empty() {
        cors::tell(response.headers_mut(), origin);
    }
    response
}

/// What is answered to a request that is not meant for us, or came in the clear.
fn refusal(state: &ApiState, request: &Request) -> Option<Response> {
    let config = state.config();
    if !hosts::is_ours(request, &config.edge.hosts) {
        return Some(Problem::new(Code::UnknownHost, "").into_response());
    }
    let came_in_clear = request.extensions().get::<Caller>().is_some_and(|it| it.came_in_clear);
    let is_wrong = came_in_clear && config.is_https();
    is_wrong.then(|| https::instead(request, &config.public_base_url))
}

/// Whether it counts against the address. A program with a key has a limit of its own, and wrong keys have one.
fn is_visit(route: &Route, headers: &HeaderMap) -> bool {
    is_for_people(route) && !(route.guard == Guard::Member && people::has_key(headers))
}

/// Counts a visit, where it is one.
async fn visit(
    state: &ApiState,
    caller: Option<Caller>,
    route: Option<&Route>,
) -> Result<(), Problem> {
    match caller.filter(|_| route.is_some()) {
        Some(caller) if state.config().edge.per_minute_max > 0 => {
            let max = state.config().edge.per_minute_max;
            let limit = Limit { scope: "http.per_ip", policy: "per-ip", max, window: WINDOW };
            state.visitors().count(state, &caller, limit).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Asked by machines of ours, by address and in the clear.
fn is_probe(path: &str) -> bool {
    ["/health", "/livez", "/readyz", "/metrics"].contains(&path)
}

/// Whether people use it, with a browser: anybody, or whoever has a code, a password or a session. Providers sign, and must not
/// be kept waiting; operators have keys with limits of their own.
fn is_for_people(route: &Route) -> bool {
    match route.guard {
        Guard::Open => route.path.starts_with("/api/"),
        Guard::PhoneCode
        | Guard::AccessToken
        | Guard::Password
        | Guard::AnySession
        | Guard::Session
        | Guard::OwnPassword
        | Guard::Member => true,
        Guard::TwilioSignature
        | Guard::StripeSignature
        | Guard::CronSecret
        | Guard::AdminKey
        | Guard::ConsoleLogin
        | Guard::ConsoleSession
        | Guard::ConsoleForm => false,
    }
}

fn has_people(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path && is_for_people(route))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_use_is_all_below_api_and_nothing_of_it_is_for_operators() {
        for route in ROUTES.iter().filter(|route| is_for_people(route)) {
            assert!(route.path.starts_with("/api/"), "{}", route.path);
            assert!(!route.path.contains("/admin/"), "{}", route.path);
        }
        assert!(has_people("/api/me") && !has_people("/api/cron") && !has_people("/health"));
    }
}
