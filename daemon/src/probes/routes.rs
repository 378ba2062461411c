//! The three routes, and a listener for processes that have no other.

use std::{io, time::Instant};

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Probes;
use crate::telemetry::Metrics;

/// The format of Prometheus' text exposition.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Probes {
    /// `/livez`, `/readyz` and `/metrics`, to be merged into a process's router.
    pub fn router<S: Clone + Send + Sync + 'static>(&self, metrics: Metrics) -> Router<S> {
        let started = Instant::now();
        let probes = self.clone();
        Router::new()
            .route("/livez", get(async move || live(started)))
            .route("/readyz", get(async move || ready(&probes)))
            .route(
                "/metrics",
                get(async move || ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.render())),
            )
    }
}

/// Serves a router until `closing`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    closing: CancellationToken,
) -> io::Result<()> {
    crate::http::serve(listener, router, closing).await
}

/// The process answers, so it lives. Anything more would let a database outage restart the fleet.
fn live(started: Instant) -> Response {
    Json(json!({ "live": true, "uptime_secs": started.elapsed().as_secs() })).into_response()
}

fn ready(probes: &Probes) -> Response {
    let states = probes.states();
    let failing: Vec<_> = states
        .iter()
        .filter_map(|state| Some(json!({ "check": state.name, "reason": state.failing.as_ref()? })))
        .collect();
    let passing: Vec<_> =
        states.iter().filter(|state| state.failing.is_none()).map(|state| state.name).collect();
    let draining = probes.draining();
    let ready = failing.is_empty() && !draining;
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body =
        json!({ "ready": ready, "draining": draining, "failing": failing, "passing": passing });
    (code, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get(probes: &Probes, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = probes.router(Metrics::detached()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_names_what_fails_and_liveness_does_not_care() {
        let probes = Probes::new(CancellationToken::new());
        probes.check("schema").fail("2 migrations behind");
        let (status, body) = get(&probes, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(r#"{"check":"schema","reason":"2 migrations behind"}"#), "{body}");
        assert_eq!(get(&probes, "/livez").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_draining_process_is_not_ready_though_every_check_passes() {
        let drain = CancellationToken::new();
        let probes = Probes::new(drain.clone());
        probes.check("database").pass();
        assert_eq!(get(&probes, "/readyz").await.0, StatusCode::OK);
        drain.cancel();
        let (status, body) = get(&probes, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(r#""draining":true"#), "{body}");
    }

    #[tokio::test]
    async fn metrics_are_served_as_text() {
        let probes = Probes::new(CancellationToken::new());
        assert_eq!(get(&probes, "/metrics").await.0, StatusCode::OK);
    }
}
