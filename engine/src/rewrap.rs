//! Exchanging the key: everything that is sealed under another key than the primary is sealed anew, while runs go on.
//!
//! Safe at any time and by several at once: a box is replaced only where it still is what was read, its content stays the
//! same, and every process opens with all keys of its list. Begun again after a stop, a pass finds what is left.

use std::{collections::BTreeMap, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    error::Error,
    sealed::{Sealed, Sealer, is_sealed},
    store::{
        self,
        boxes::{Cursor, Place},
    },
    wakeups::pause,
};

/// Rows read by one statement.
const PAGE: i64 = 1000;

/// Between two pages: whoever exchanges a key is in no hurry, and the disk has other work.
const REST: Duration = Duration::from_millis(5);

/// What a pass did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RewrapReport {
    /// Rows that were looked at.
    pub rows: u64,
    /// Boxes that are under the primary key now.
    pub rewrapped: u64,
    /// Rows that somebody changed at the same moment: another pass sees to them.
    pub missed: u64,
    /// Boxes that cannot be opened, by the key that they name: it is not in the list, or they were tampered with.
    pub unopenable: BTreeMap<String, u64>,
}

impl RewrapReport {
    /// Whether nothing was found under any other key than the primary.
    pub fn found_nothing(&self) -> bool {
        self.rewrapped == 0 && self.missed == 0 && self.unopenable.is_empty()
    }
}

/// Goes through all that the engine keeps, once. The old key may leave the list when every process seals with the new one,
/// the runs that were in hand before have ended or moved on (they may copy a box they have read), and a pass finds nothing.
pub async fn rewrap(url: &SecretString, sealer: &Sealer) -> Result<RewrapReport, Error> {
    let mut conn = PgConnection::connect(url.expose_secret()).await?;
    let mut report = RewrapReport::default();
    for place in Place::ALL {
        let mut after = Cursor { id: Uuid::nil(), key: String::new() };
        loop {
            let rows =
                store::boxes::boxes_page(&mut conn, place, &after, sealer.primary(), PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Cursor { id: last.id, key: last.key.clone() };
            report.rows += rows.len() as u64;
            for row in rows {
                let Some(old) = row.content else { continue };
                let (new, boxes) = anew(&old, sealer, &mut report.unopenable);
                if boxes == 0 {
                    continue;
                }
                let at = Cursor { id: row.id, key: row.key };
                if store::boxes::box_replace(&mut conn, place, &at, &old, &new).await? {
                    report.rewrapped += boxes;
                } else {
                    report.missed += 1;
                }
            }
            pause(REST).await;
        }
    }
    conn.close().await?;
    Ok(report)
}

/// A copy with every box under the primary key, and how many were not. What cannot be opened stays as it is.
fn anew(value: &Value, sealer: &Sealer, unopenable: &mut BTreeMap<String, u64>) -> (Value, u64) {
    let mut copy = value.clone();
    let mut boxes = 0;
    let mut open = vec![&mut copy];
    while let Some(value) = open.pop() {
        if is_sealed(value) {
            // Looks like a box, but need not be one: then it is data, and stays.
            let Ok(old) = Sealed::<()>::deserialize(&*value) else { continue };
            if !sealer.needs_rewrap(&old) {
                continue;
            }
            match sealer.rewrap(&old).ok().and_then(|new| serde_json::to_value(new).ok()) {
                Some(new) => {
                    *value = new;
                    boxes += 1;
                }
                None => *unopenable.entry(old.key_id().to_owned()).or_default() += 1,
            }
            continue;
        }
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    (copy, boxes)
}
