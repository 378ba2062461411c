//! A backfill of a schedule, watched until it is over.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

use super::{
    client::{Client, Told},
    sent,
    show::{self, Format},
};
use crate::bar::{self, Bar};

/// Where one is ordered.
pub(super) const PATH: &str = "/v1/admin/schedules/{name}/backfill";

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the record calls its beginning, and its end by somebody's order.
const BEGUN: &str = "schedule.backfilled";
const STOPPED: &str = "schedule.backfill_stopped";

/// What the order has beside that of all orders.
pub(super) fn watch_arg() -> Arg {
    let watch = Arg::new("watch").short('w').long("watch").action(ArgAction::SetTrue);
    watch.help("Wait until it is over, and show how far it is")
}

/// Gives the order, and watches what comes of it if that was asked for.
pub(super) async fn order(path: &str, body: &Value, matches: &ArgMatches) -> anyhow::Result<Told> {
    let answer = match sent("POST", path, body, matches).await? {
        None => return Ok(Told::Done),
        Some(Err(told)) => return Ok(told),
        Some(Ok(answer)) => answer,
    };
    show::value(&Ok(answer.clone()), Format::of(matches))?;
    if !matches.get_flag("watch") {
        return Ok(Told::Done);
    }
    let client = Client::find(matches)?;
    let schedule = path.trim_end_matches("/backfill");
    let name = answer["name"].as_str().unwrap_or_default();
    watch(&client, schedule, name, number(&answer, "ticks")).await
}

async fn watch(client: &Client, path: &str, name: &str, ticks: u64) -> anyhow::Result<Told> {
    let bar = Bar::new(true);
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut first = Value::Null;
    loop {
        look.tick().await;
        let found = match client.get(path, &[]).await? {
            Ok(found) => found,
            // What went away once may come back; what is not there or not allowed does not.
            Err(Told::Unreachable) => continue,
            Err(told) => return Ok(told),
        };
        let now = &found["backfill"];
        if first.is_null() {
            first = now.clone();
        }
        if is_over(&first, now) {
            break;
        }
        let seen = number(now, "made") + number(now, "had_run");
        bar.show(&bar::line(seen, ticks, "ticks"))?;
    }
    // One that is over is gone: how it ended is in the record.
    let [begun, stopped] = [BEGUN, STOPPED].map(|action| {
        [("action", action), ("limit", "100")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    let (begun, stopped) = match (
        client.get("/v1/admin/audit", &begun).await?,
        client.get("/v1/admin/audit", &stopped).await?,
    ) {
        (Ok(begun), Ok(stopped)) => (begun, stopped),
        (Err(told), _) | (_, Err(told)) => return Ok(told),
    };
    if newest(&stopped, name) > newest(&begun, name) {
        bar.leave()?;
        eprintln!("somebody has stopped it: trunkline audit list --action {STOPPED}");
        return Ok(Told::Partly);
    }
    bar.show(&bar::line(ticks, ticks, "ticks"))?;
    bar.leave()?;
    Ok(Told::Done)
}

/// Whether the one that was seen first is over: there is none, or another one.
fn is_over(first: &Value, now: &Value) -> bool {
    now.is_null() || ["from", "to", "by", "reason"].iter().any(|name| first[*name] != now[*name])
}

/// The newest of the records that are about this schedule.
fn newest(records: &Value, schedule: &str) -> Option<i64> {
    let records = records["items"].as_array()?.iter();
    let about = records.filter(|record| record["details"]["schedule"] == schedule);
    about.filter_map(|record| record["id"].as_i64()).max()
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_backfill_is_over_when_it_is_gone_or_another_one_is_there() {
        let one = |to: &str, made: u32| json!({ "from": "1", "to": to, "by": "a", "reason": "r", "made": made });
        assert!(!is_over(&one("2", 0), &one("2", 5)));
        assert!(is_over(&one("2", 5), &Value::Null) && is_over(&Value::Null, &Value::Null));
        assert!(is_over(&one("2", 5), &one("3", 0)));
    }

    #[test]
    fn of_the_records_only_those_of_the_schedule_count() {
        let record = |id: i64, name: &str| json!({ "id": id, "details": { "schedule": name } });
        let begun = json!({ "items": [record(9, "b"), record(5, "a")] });
        let stopped = json!({ "items": [record(7, "b"), record(6, "a")] });
        let was_stopped = |name| newest(&stopped, name) > newest(&begun, name);
        assert_eq!(["a", "b", "c"].map(was_stopped), [true, false, false]);
    }
}
