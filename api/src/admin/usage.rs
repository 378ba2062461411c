//! What tenants used, as files for spreadsheets: what was metered, by day or by tenant, and no person's number.

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use chrono::{Datelike, NaiveDate};
use domain::{
    TenantId,
    billing::usage_report::{self, OfTenant, Used},
    tenants,
};
use engine::Tx;
use futures::{Stream, stream};
use tracing::warn;

use super::{
    csv,
    key::Operator,
    order::{business_of, no_such_business},
};
use crate::{
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// A year, also a leap year: what is longer is two files.
const DAYS_MAX: i64 = 366;

/// Tenants that are read at once: a statement of milliseconds, and some tens of kilobytes on their way.
const TENANTS_AT_ONCE: usize = 500;

const DAY_FORM: &str = "%Y-%m-%d";

const BY_DAY: [&str; 7] =
    ["tenant_id", "day", "calls", "talk_secs", "messages_in", "messages_out", "settled"];

const BY_TENANT: [&str; 10] = [
    "tenant_id",
    "name",
    "status",
    "from",
    "to",
    "calls",
    "talk_secs",
    "messages_in",
    "messages_out",
    "settled",
];

/// Days of UTC, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: NaiveDate,
    to: NaiveDate,
}

/// `GET /v1/admin/businesses/{tenant}/usage.csv`: a line for each day.
pub(crate) async fn of_tenant(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let asked = read(query)?;
    let tenant = business_of(&id)?;
    let mut tx = state.begin().await?;
    tenants::get(&mut tx, tenant).await?.ok_or_else(no_such_business)?;
    let span = Span::of(asked, &mut tx).await?;
    let days = usage_report::by_day(&mut tx, tenant, span.from, span.to).await?;
    let id = tenant.to_string();
    let mut file = csv::line(BY_DAY);
    for day in days {
        let [calls, talk_secs, messages_in, messages_out] = told(day.used);
        let (date, settled) = (day.day.to_string(), word(day.is_settled));
        file += &csv::line([&id, &date, &calls, &talk_secs, &messages_in, &messages_out, settled]);
    }
    Ok(csv::file(&format!("usage-{id}-{}-{}.csv", span.from, span.to), Body::from(file)))
}

/// `GET /v1/admin/businesses/usage.csv`: a line for each tenant.
pub(crate) async fn of_all(
    State(state): State<ApiState>,
    _: Operator,
    Query(query): Query,
) -> Result<Response, Problem> {
    let asked = read(query)?;
    let span = Span::of(asked, &mut state.begin().await?).await?;
    // What fails at once is told as every problem is; what fails later cuts the file off.
    let first = page(&state, span, None).await?;
    let head = csv::line(BY_TENANT);
    let body = Body::from_stream(pages(state, span, head, first));
    Ok(csv::file(&format!("usage-{}-{}.csv", span.from, span.to), body))
}

/// The file, piece by piece. Between two of them nothing is held in the database, however slowly they are taken; each line is
/// of the moment at which it was read.
fn pages(
    state: ApiState,
    span: Span,
    head: String,
    first: Vec<OfTenant>,
) -> impl Stream<Item = Result<String, std::io::Error>> {
    stream::try_unfold(Some((head, first)), move |at| {
        let state = state.clone();
        async move {
            let Some((mut piece, found)) = at else { return Ok(None) };
            for tenant in &found {
                piece += &of(tenant, span);
            }
            let after = found.last().filter(|_| found.len() == TENANTS_AT_ONCE);
            let Some(after) = after.map(|last| last.tenant) else {
                return Ok(Some((piece, None)));
            };
            let next = page(&state, span, Some(after)).await.map_err(|problem| {
                warn!(code = problem.code().as_str(), "a file of usage was cut off");
                std::io::Error::other("the rest could not be read")
            })?;
            Ok(Some((piece, Some((String::new(), next)))))
        }
    })
}

async fn page(
    state: &ApiState,
    span: Span,
    after: Option<TenantId>,
) -> Result<Vec<OfTenant>, Problem> {
    let mut tx = state.begin().await?;
    let rows_max = i64::try_from(TENANTS_AT_ONCE).unwrap_or(i64::MAX);
    Ok(usage_report::by_tenant(&mut tx, span.from, span.to, after, rows_max).await?)
}

fn of(tenant: &OfTenant, span: Span) -> String {
    let (id, from, to) = (tenant.tenant.to_string(), span.from.to_string(), span.to.to_string());
    let [calls, talk_secs, messages_in, messages_out] = told(tenant.used);
    csv::line([
        &id,
        &tenant.name,
        tenant.status.as_str(),
        &from,
        &to,
        &calls,
        &talk_secs,
        &messages_in,
        &messages_out,
        word(tenant.is_settled),
    ])
}

fn told(used: Used) -> [String; 4] {
    [used.calls, used.talk_secs, used.messages_in, used.messages_out].map(|it| it.to_string())
}

const fn word(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// `from` and `to`, where they are said.
fn read(mut query: Fields) -> Result<(Option<NaiveDate>, Option<NaiveDate>), Problem> {
    let (from, to) = (query.optional("from", day), query.optional("to", day));
    query.refuse_others();
    query.finish(Some((from, to)))
}

/// A day as `2026-11-22`.
fn day(text: &str) -> Result<NaiveDate, &'static str> {
    let read = NaiveDate::parse_from_str(text, DAY_FORM).ok();
    // The same text again, so that 2026-1-1 and years of five digits are none.
    read.filter(|day| day.to_string() == text && day.year() > 0)
        .ok_or("must be a day such as 2026-11-22")
}

impl Span {
    /// What is not said is this month until today.
    async fn of(
        (from, to): (Option<NaiveDate>, Option<NaiveDate>),
        tx: &mut Tx,
    ) -> Result<Span, Problem> {
        let (first, today) = usage_report::this_month(tx).await?;
        let to = to.unwrap_or(today);
        let from =
            from.unwrap_or_else(|| if to == today { first } else { to.with_day(1).unwrap_or(to) });
        Span { from, to }.checked()
    }

    fn checked(self) -> Result<Span, Problem> {
        let days = (self.to - self.from).num_days() + 1;
        if (1..=DAYS_MAX).contains(&days) {
            return Ok(self);
        }
        let why = format!("from {} to {} must be 1 to {DAYS_MAX} days", self.from, self.to);
        Err(Problem::new(Code::InvalidFields, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        assert!(day("2026-02-28").is_ok() && day("2028-02-29").is_ok());
        for bad in [
            "",
            "2026-2-28",
            "2026-02-29",
            "28.02.2026",
            "12026-02-28",
            "0000-01-01",
            " 2026-02-28",
        ] {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_span_has_a_day_and_not_more_than_a_year() {
        let span = |from, to| Span { from: day(from).unwrap(), to: day(to).unwrap() }.checked();
        assert!(span("2026-11-22", "2026-11-22").is_ok());
        assert!(span("2028-01-01", "2028-12-31").is_ok());
        assert!(span("2028-01-01", "2029-01-01").is_err());
        assert!(span("2026-11-23", "2026-11-22").is_err());
    }
}
