//! The pool of numbers: what is in it, whom each number serves, and how full it is.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use domain::pool::NumberStatus;
use serde::Deserialize;

use super::{
    door::{Refused, query},
    page::{self, Page},
    session::Session,
    when::When,
};

const LIMIT: &str = "50";

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Number {
    id: String,
    phone: String,
    status: String,
    tenant_id: Option<String>,
    allocated_at: Option<DateTime<Utc>>,
    quarantined_until: Option<DateTime<Utc>>,
    is_placeholder: bool,
    note: Option<String>,
}

/// How many there are of each sort.
#[derive(Debug, Deserialize)]
struct Pool {
    available: i64,
    allocated: i64,
    quarantined: i64,
    maintenance: i64,
}

#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Number>,
    next_cursor: Option<String>,
    pool: Pool,
}

#[derive(Template)]
#[template(path = "numbers_filter.html")]
struct Filter<'a> {
    status: &'a str,
    statuses: &'a [NumberStatus],
}

#[derive(Template)]
#[template(path = "numbers.html")]
struct Shown<'a> {
    numbers: &'a [Number],
    pool: &'a Pool,
    session: &'a Session,
    next: Option<String>,
}

impl Shown<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/numbers`.
pub(crate) async fn numbers(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let asked: Vec<_> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let of = |name: &str| asked.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value);
    let status = of("status").trim();
    let parts = [("status", status), ("cursor", of("cursor")), ("limit", LIMIT)];
    let found: Found = session.visit.get(&format!("/v1/admin/numbers?{}", query(&parts))).await?;
    let next = found.next_cursor.as_deref();
    let next = next.map(|cursor| {
        format!("/console/numbers?{}", query(&[("status", status), ("cursor", cursor)]))
    });
    let live = Shown { numbers: &found.items, pool: &found.pool, session: &session, next };
    Ok(session.page(&Page {
        title: "Numbers".to_owned(),
        section: "/console/numbers",
        head: page::text(&Filter { status, statuses: NumberStatus::ALL })?,
        live: page::text(&live)?,
        rest: String::new(),
    }))
}
