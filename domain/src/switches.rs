//! What operators switch for the whole product, in every process at once. Nothing is cached: whoever acts on a switch reads it
//! in the transaction in which it acts, so a switch counts from its commit on. Every change belongs into the audit; the caller
//! writes that entry.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Conn, Error, error::During, word::words};

words! {
    /// What can be switched. Off is how things should be.
    pub enum Switch ("switch") {
        /// Nobody can sign up for a demo. Those that run go on.
        DemoDisabled = "demo_disabled",
        /// Text messages are not handed to the provider; people are verified by an operator's word.
        SmsBypass = "sms_bypass",
        /// Codes are spoken on the phone instead of sent by text.
        VoiceCodes = "voice_codes",
        /// No call is answered; callers are told, and those that are being spoken go on.
        CallsDisabled = "calls_disabled",
    }
}

/// How a switch stands, and who put it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Which.
    #[serde(rename = "mode")]
    pub switch: Switch,
    /// Whether it is on now, by the database's clock.
    #[serde(rename = "enabled")]
    pub is_on: bool,
    /// Why, in an operator's words.
    pub reason: Option<String>,
    /// Who; none if nobody ever touched it.
    pub set_by: Option<String>,
    /// When.
    pub set_at: Option<DateTime<Utc>>,
    /// When it goes off by itself.
    pub until: Option<DateTime<Utc>>,
}

/// A switch that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// How much longer, where somebody said so.
    pub left: Option<Duration>,
}

/// Whether a switch is on now, and for how much longer.
pub async fn is_on(conn: &mut Conn, switch: Switch) -> Result<Option<On>, Error> {
    let row = sqlx::query!(
        r#"select extract(epoch from until - trunkline.now())::float8 as secs_left
           from product.switches
           where switch = $1 and is_on and (until is null or until > trunkline.now())"#,
        switch.as_str()
    )
    .fetch_optional(conn)
    .await
    .during("switch: read")?;
    Ok(row.map(|r| On {
        left: r.secs_left.map(|secs| Duration::try_from_secs_f64(secs).unwrap_or_default()),
    }))
}

/// A switch that is on, with who left it so and why.
#[derive(Debug, Clone, Deserialize)]
pub struct LeftOn {
    /// Which: a word of [`Switch`].
    pub switch: String,
    /// Why, in an operator's words.
    pub reason: Option<String>,
    /// When it was set last.
    pub set_at: DateTime<Utc>,
    /// When it goes off by itself.
    pub until: Option<DateTime<Utc>>,
}

/// For how long each switch has been on since somebody set it last, by the database's clock; zero: it is off.
pub async fn on_for(conn: &mut Conn) -> Result<Vec<(Switch, Duration)>, Error> {
    let rows = sqlx::query!(
        r#"select switch, extract(epoch from trunkline.now() - set_at)::float8 as "on_secs!"
           from product.switches
           where is_on and (until is null or until > trunkline.now())"#
    )
    .fetch_all(conn)
    .await
    .during("switch: on for")?;
    let time = |switch: &Switch| {
        let row = rows.iter().find(|r| r.switch == switch.as_str());
        row.and_then(|r| Duration::try_from_secs_f64(r.on_secs).ok()).unwrap_or_default()
    };
    Ok(Switch::ALL.iter().map(|switch| (*switch, time(switch))).collect())
}

/// How all of them stand.
pub async fn all(conn: &mut Conn) -> Result<Vec<Position>, Error> {
    let rows = sqlx::query!(
        r#"select switch, is_on and (until is null or until > trunkline.now()) as "is_on!",
                  reason, set_by, set_at, until
           from product.switches"#
    )
    .fetch_all(conn)
    .await
    .during("switch: list")?;
    let position = |switch: &Switch| {
        let row = rows.iter().find(|r| r.switch == switch.as_str());
        Position {
            switch: *switch,
            is_on: row.is_some_and(|r| r.is_on),
            reason: row.and_then(|r| r.reason.clone()),
            set_by: row.map(|r| r.set_by.clone()),
            set_at: row.map(|r| r.set_at),
            until: row.and_then(|r| r.until),
        }
    };
    Ok(Switch::ALL.iter().map(position).collect())
}

/// Locks all switches until the transaction ends, also those that nobody has ever touched. Whoever only reads them goes on.
pub async fn lock(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!("lock table product.switches in share row exclusive mode")
        .execute(conn)
        .await
        .during("switch: lock")?;
    Ok(())
}

/// Turns a switch on; one that is on already gets the new reason and end. `until` none: until it is turned off.
pub async fn turn_on(
    conn: &mut Conn,
    switch: Switch,
    reason: &str,
    set_by: &str,
    until: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    put(conn, switch, true, Some(reason), set_by, until).await
}

/// Turns a switch off. Twice is once.
pub async fn turn_off(
    conn: &mut Conn,
    switch: Switch,
    reason: Option<&str>,
    set_by: &str,
) -> Result<(), Error> {
    put(conn, switch, false, reason, set_by, None).await
}

async fn put(
    conn: &mut Conn,
    switch: Switch,
    is_on: bool,
    reason: Option<&str>,
    set_by: &str,
    until: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.switches (switch, is_on, reason, set_by, set_at, until)
         values ($1, $2, $3, $4, trunkline.now(), $5)
         on conflict (switch) do update
             set is_on = excluded.is_on, reason = excluded.reason, set_by = excluded.set_by,
                 set_at = excluded.set_at, until = excluded.until",
        switch.as_str(),
        is_on,
        reason,
        set_by,
        until,
    )
    .execute(conn)
    .await
    .during("switch: set")?;
    Ok(())
}
