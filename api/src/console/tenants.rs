//! Tenants: who they are, where each stands, and what serves it.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use domain::tenants::TenantStatus;
use serde::Deserialize;

use super::{
    door::{List, Refused, query},
    page::{self, Page},
    session::Session,
    when::When,
};

const LIMIT: &str = "50";

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Tenant {
    id: String,
    name: String,
    status: String,
    number: Option<String>,
    plan: Option<String>,
    created_at: DateTime<Utc>,
    demo_expires_at: Option<DateTime<Utc>>,
}

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    status: String,
    name: String,
    cursor: String,
}

impl Wanted {
    fn of(asked: Option<&str>) -> Wanted {
        let mut wanted = Wanted::default();
        for (name, value) in form_urlencoded::parse(asked.unwrap_or_default().as_bytes()) {
            match &*name {
                "status" => value.trim().clone_into(&mut wanted.status),
                "name" => value.trim().clone_into(&mut wanted.name),
                "cursor" => value.trim().clone_into(&mut wanted.cursor),
                _ => {}
            }
        }
        wanted
    }

    fn text(&self, cursor: &str, limit: &str) -> String {
        query(&[
            ("status", &self.status),
            ("name", &self.name),
            ("cursor", cursor),
            ("limit", limit),
        ])
    }
}

#[derive(Template)]
#[template(path = "tenants_filter.html")]
struct Filter<'a> {
    wanted: &'a Wanted,
    statuses: &'a [TenantStatus],
}

#[derive(Template)]
#[template(path = "tenants.html")]
struct Shown<'a> {
    tenants: &'a [Tenant],
    session: &'a Session,
    next: Option<String>,
}

impl Shown<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/tenants`.
pub(crate) async fn tenants(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let wanted = Wanted::of(uri.query());
    let path = format!("/v1/admin/businesses?{}", wanted.text(&wanted.cursor, LIMIT));
    let found: List<Tenant> = session.visit.get(&path).await?;
    let next = found.next_cursor.as_deref();
    let next = next.map(|cursor| format!("/console/tenants?{}", wanted.text(cursor, "")));
    let live = Shown { tenants: &found.items, session: &session, next };
    Ok(session.page(&Page {
        title: "Tenants".to_owned(),
        section: "/console/tenants",
        head: page::text(&Filter { wanted: &wanted, statuses: TenantStatus::ALL })?,
        live: page::text(&live)?,
        rest: String::new(),
    }))
}
