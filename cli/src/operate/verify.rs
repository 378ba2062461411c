//! Walking through the records of who did what, to see whether they are what they were.

use clap::ArgMatches;
use serde_json::{Value, json};

use super::{
    client::{Client, Told},
    show::{self, Format},
};

/// Where a stretch of a record is looked at.
pub(super) const PATH: &str = "/v1/admin/audit/verify";

/// Stretches of one record: a billion rows.
const STRETCHES_MAX: usize = 100_000;

/// The records there are.
const RECORDS: [&str; 2] = ["product", "engine"];

/// Looks at one record, or at both, to their ends. Fails at the first place that is not what it was.
pub(super) async fn run(matches: &ArgMatches) -> anyhow::Result<Told> {
    let client = Client::find(matches)?;
    let named = matches.get_one::<String>("record").map(String::as_str);
    let noted = matches.get_one::<String>("noted").map(String::as_str);
    if noted.is_some() && named.is_none() {
        eprintln!("--noted needs --record: each of them has links of its own");
        return Ok(Told::Usage);
    }
    let mut ends = Vec::new();
    for record in named.map_or_else(|| RECORDS.to_vec(), |record| vec![record]) {
        match end(&client, record, noted).await? {
            Ok(found) => ends.push(found),
            Err(told) => return Ok(told),
        }
    }
    let is_broken = ends.iter().any(|it| !it["broken"].is_null());
    match Format::of(matches) {
        Format::Table => {
            let lines: String = ends.iter().map(|it| sentence(it) + "\n").collect();
            show::write(&lines)?;
        }
        Format::Json | Format::Jsonl => show::json(&json!({ "items": ends }))?,
    }
    Ok(if is_broken { Told::Failed } else { Told::Done })
}

/// What stands at the end of a record, or where it is broken.
async fn end(
    client: &Client,
    record: &str,
    noted: Option<&str>,
) -> anyhow::Result<Result<Value, Told>> {
    let mut checked = 0;
    let mut place = noted.map(|noted| ("noted".to_owned(), noted.to_owned()));
    for stretch in 0..STRETCHES_MAX {
        let mut query = vec![("record".to_owned(), record.to_owned())];
        query.extend(place.take());
        let found = if stretch == 0 {
            client.get(PATH, &query).await?
        } else {
            client.get_next(PATH, &query).await?
        };
        let mut found = match found {
            Ok(found) => found,
            Err(told) => return Ok(Err(told)),
        };
        checked += found["checked"].as_u64().unwrap_or(0);
        found["checked"] = checked.into();
        place = found["next_cursor"].as_str().map(|it| ("cursor".to_owned(), it.to_owned()));
        if place.is_none() {
            return Ok(Ok(found));
        }
    }
    anyhow::bail!("the record {record} has no end")
}

fn sentence(found: &Value) -> String {
    let word = |name: &str| found[name].as_str().unwrap_or("-").to_owned();
    let (record, checked, broken) = (word("record"), &found["checked"], &found["broken"]);
    if broken.is_null() {
        let (waiting, last, hash) = (&found["waiting"], &found["last"], word("hash"));
        return format!(
            "{record}: {checked} rows are what they were, {waiting} wait for their link; to be noted: {last}:{hash}"
        );
    }
    let place = |name: &str| broken[name].as_i64().map(|it| format!(" {name} {it}"));
    let at: String = ["link", "id"].into_iter().filter_map(place).collect();
    let what = broken["what"].as_str().unwrap_or("-").replace('_', " ");
    format!("{record}: BROKEN at{at}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_record_says_where() {
        let broken = json!({ "link": 7, "id": 9, "what": "row_gone" });
        let found = json!({ "record": "engine", "checked": 10, "broken": broken, "last": 10 });
        assert_eq!(sentence(&found), "engine: BROKEN at link 7 id 9: row gone");
        let broken = json!({ "link": null, "id": 9, "what": "inserted" });
        let found = json!({ "record": "engine", "checked": 10, "broken": broken, "last": 10 });
        assert_eq!(sentence(&found), "engine: BROKEN at id 9: inserted");
        let found = json!({ "record": "engine", "checked": 2, "broken": null, "last": 2, "waiting": 0, "hash": "ab" });
        assert!(sentence(&found).ends_with("to be noted: 2:ab"));
    }
}
