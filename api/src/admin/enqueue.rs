//! `POST /v1/admin/jobs`: a job by the name of its kind.

use std::time::Duration;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use domain::TenantId;
use engine::{ARGS_BYTES_MAX, Enqueued, Hold, NewJob, Start, Unique};
use serde_json::{Value, json};

use super::{
    by_hand::{self, Hand},
    deed::Order,
    order::address,
};
use crate::{
    caller::Caller,
    idempotency::{Done, Stop},
    json::Fields,
    state::ApiState,
};

/// How long a key keeps a second job out. Shorter than any finished job is kept, so the id that a repeat gets still leads
/// somewhere.
const KEY_HOLDS: Duration = Duration::from_hours(24);

/// Longer keys belong into the arguments.
const KEY_CHARS_MAX: usize = 200;

/// What to put in the queue.
struct Wanted {
    kind: String,
    args: Value,
    queue: String,
    priority: i16,
    start: Start,
    unique_key: Option<String>,
    tenant: Option<TenantId>,
}

pub(crate) async fn enqueue(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields, &state);
    let caller = order.caller.clone();
    if let Some(wanted) = &wanted {
        Hand::of(&wanted.kind).check(&caller.operator)?;
    }
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    let mut details =
        json!({ "kind": wanted.kind, "queue": wanted.queue, "tenant": wanted.tenant });
    let tenant = wanted.tenant;
    let enqueued = deed.tx.enqueue(wanted.job(&caller)).await?;
    let id = enqueued.id();
    let body = json!({ "id": id });
    match enqueued {
        Enqueued::New(_) => {
            details["job"] = json!(id);
            let deed = match tenant {
                Some(tenant) => deed.about(tenant),
                None => deed,
            };
            deed.done("job.enqueued", details, Done::created(body).at(address(id))).await
        }
        Enqueued::Duplicate(_) => deed.keep(Done::ok(body).at(address(id))).await,
    }
}

impl Wanted {
    fn read(fields: &mut Fields, state: &ApiState) -> Option<Wanted> {
        let registry = state.registry();
        let kind = fields.required("kind", str::parse::<String>);
        let args = fields.take("args").unwrap_or_else(|| json!({}));
        match kind.as_deref().map(|kind| registry.accepts(kind, &args)) {
            Some(None) => fields.wrong("kind", "is not known here"),
            Some(Some(Err(why))) => fields.wrong("args", misfit(&why)),
            Some(Some(Ok(()))) | None => {}
        }
        let known = kind.as_deref().filter(|kind| registry.queue_of(kind).is_some());
        if let Some(instead) = known.and_then(|kind| Hand::of(kind).instead()) {
            fields.wrong("kind", format!("is not made by its name: {instead}"));
        }
        if let Err(fault) = engine::json::check(&args, ARGS_BYTES_MAX) {
            fields.wrong("args", fault);
        }
        let queue = fields.optional("queue", |queue| {
            if registry.queues().iter().any(|known| known == queue) {
                Ok(queue.to_owned())
            } else {
                Err("is not known here")
            }
        });
        let own_queue =
            kind.as_deref().and_then(|kind| registry.queue_of(kind)).map(ToOwned::to_owned);
        let priority = priority(fields);
        let start = fields.optional("run_at", instant).map_or(Start::Now, Start::At);
        let unique_key = fields.optional("unique_key", |key| match key.chars().count() {
            1..=KEY_CHARS_MAX => Ok(key.to_owned()),
            _ => Err(format!("must have 1 to {KEY_CHARS_MAX} characters")),
        });
        let about = by_hand::tenant_in(&args);
        let tenant = fields.optional("tenant_id", |text| match text.parse::<TenantId>() {
            Ok(tenant) if about.is_none_or(|about| about == tenant) => Ok(tenant),
            Ok(_) => Err("is not the tenant of the arguments"),
            Err(_) => Err("must be a UUID"),
        });
        let tenant = tenant.or(about);
        let (kind, queue) = kind.zip(queue.or(own_queue))?;
        Some(Wanted { kind, args, queue, priority, start, unique_key, tenant })
    }

    fn job(self, caller: &Caller) -> NewJob {
        let unique = self.unique_key.map(|key| Unique::new(&self.kind, &key, Hold::For(KEY_HOLDS)));
        let mut job = NewJob::of_kind(&self.kind, &self.queue, self.args)
            .start(self.start)
            .priority(self.priority);
        job.tenant = self.tenant.map(TenantId::as_uuid);
        job.unique = unique;
        job.traceparent.clone_from(&caller.traceparent);
        job
    }
}

fn priority(fields: &mut Fields) -> i16 {
    let Some(value) = fields.take("priority") else { return 0 };
    let number = value.as_i64().and_then(|number| i16::try_from(number).ok());
    number.unwrap_or_else(|| {
        fields.wrong("priority", "must be a whole number from -32768 to 32767");
        0
    })
}

/// What the reader of a kind's arguments says of them, without the values that it quotes: an argument may be a phone.
fn misfit(why: &str) -> String {
    let what = "do not fit the kind";
    if why.starts_with("missing field `") {
        return format!("{what}: {why}");
    }
    // What was found stands before the last of these words, what was wanted behind it.
    let is_quoting = ["invalid ", "unknown "].iter().any(|prefix| why.starts_with(prefix));
    match why.rsplit_once(", expected ") {
        Some((_, wanted)) if is_quoting => format!("{what}: expected {wanted}"),
        Some(_) | None => what.to_owned(),
    }
}

pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .map_err(|_| "must be an instant such as 2026-01-31T09:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_needs_its_offset() {
        assert!(instant("2026-01-31T09:00:00Z").is_ok());
        assert!(instant("2026-01-31T09:00:00+01:00").is_ok());
        assert!(instant("2026-01-31T09:00:00").is_err());
        assert!(instant("tomorrow").is_err());
    }

    #[test]
    fn what_does_not_fit_is_not_quoted() {
        let what = "do not fit the kind";
        for (why, said) in [
            ("missing field `ms`", ": missing field `ms`"),
            ("invalid type: string \"+43\", expected u64", ": expected u64"),
            ("invalid value: string \"a, expected b\", expected u64", ": expected u64"),
            ("unknown variant `+43`, expected `a` or `b`", ": expected `a` or `b`"),
            ("UUID parsing failed: found `z`", ""),
            ("+43, expected nothing", ""),
        ] {
            assert_eq!(misfit(why), format!("{what}{said}"), "{why}");
        }
    }

    #[test]
    fn a_priority_is_a_small_number() {
        let read = |text: &str| {
            let mut fields = Fields::of_test(text);
            let priority = priority(&mut fields);
            fields.finish(Some(priority)).ok()
        };
        assert_eq!(read("{}"), Some(0));
        assert_eq!(read(r#"{"priority":-3}"#), Some(-3));
        assert_eq!(read(r#"{"priority":40000}"#), None);
        assert_eq!(read(r#"{"priority":"1"}"#), None);
    }
}
