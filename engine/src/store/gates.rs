//! The state of gates. Whoever gives permits or slots of a gate has locked its row first.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::db::BEGIN_OWN;

/// A gate's row.
#[derive(Debug)]
pub(crate) struct GateRow {
    pub(crate) gate_id: Uuid,
    pub(crate) next_at: Option<DateTime<Utc>>,
    pub(crate) breaker: Option<Value>,
    pub(crate) now: DateTime<Utc>,
}

/// Makes the rows that are missing: id, form, scope.
pub(crate) async fn gates_ensure(
    conn: &mut PgConnection,
    gates: &[(Uuid, &'static str, String)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = gates.iter().map(|gate| gate.0).collect();
    let forms: Vec<_> = gates.iter().map(|gate| gate.1.to_owned()).collect();
    let scopes: Vec<_> = gates.iter().map(|gate| gate.2.clone()).collect();
    sqlx::query!(
        "insert into trunkline.gates (gate_id, form, scope)
         select * from unnest($1::uuid[], $2::text[], $3::text[]) as t (gate_id, form, scope)
         where not exists (select from trunkline.gates g where g.gate_id = t.gate_id)
         order by gate_id -- two that make the same rows make them in the same order
         on conflict do nothing",
        &ids,
        &forms,
        &scopes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row that is missing may be made, or forgotten, by somebody else between two looks; more often than this it is not.
const LOOKS_MAX: u32 = 10;

/// Makes a gate's row if it is missing, and keeps it until the transaction ends: whoever forgets gates cannot see a permit
/// that is not committed yet. Claimers are not kept away.
pub(crate) async fn gate_keep(
    conn: &mut PgConnection,
    gate_id: Uuid,
    form: &'static str,
    scope: &str,
) -> Result<(), sqlx::Error> {
    for _ in 0..LOOKS_MAX {
        let kept = sqlx::query_scalar!(
            r#"
            with kept as materialized (
                select gate_id from trunkline.gates where gate_id = $1 for key share
            ), made as (
                insert into trunkline.gates (gate_id, form, scope)
                select $1, $2, $3 where not exists (select from kept)
                on conflict do nothing
                returning gate_id
            )
            select true as "kept!" from kept union all select true from made
            "#,
            gate_id,
            form,
            scope,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if kept.is_some() {
            return Ok(());
        }
    }
    Err(sqlx::Error::Protocol("a gate came and went again and again".to_owned()))
}

/// Locks gates, but for those that somebody else has locked.
pub(crate) async fn gates_lock(
    conn: &mut PgConnection,
    gate_ids: &[Uuid],
) -> Result<Vec<GateRow>, sqlx::Error> {
    sqlx::query_as!(
        GateRow,
        r#"select gate_id, next_at, breaker, trunkline.now() as "now!"
           from trunkline.gates
           where gate_id = any ($1)
           order by gate_id
           for no key update skip locked"#,
        gate_ids,
    )
    .fetch_all(conn)
    .await
}

/// What has changed about a gate.
#[derive(Debug)]
pub(crate) struct GateChange {
    pub(crate) gate_id: Uuid,
    pub(crate) next_at: Option<DateTime<Utc>>,
    pub(crate) breaker: Option<Value>,
}

/// Writes what has changed.
pub(crate) async fn gates_write(
    conn: &mut PgConnection,
    rows: &[GateChange],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.gate_id).collect();
    let next_at: Vec<_> = rows.iter().map(|row| row.next_at).collect();
    let breakers: Vec<_> = rows.iter().map(|row| row.breaker.as_ref()).collect();
    sqlx::query!(
        "update trunkline.gates g set next_at = t.next_at, breaker = t.breaker, touched_at = trunkline.now()
         from unnest($1::uuid[], $2::timestamptz[], $3::jsonb[]) as t (gate_id, next_at, breaker)
         where g.gate_id = t.gate_id",
        &ids,
        &next_at as &[Option<DateTime<Utc>>],
        &breakers as &[Option<&Value>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes what breakers were told, oldest first. To be asked with their rows locked.
pub(crate) async fn news_take(
    conn: &mut PgConnection,
    gate_ids: &[Uuid],
    rows_max: i64,
) -> Result<Vec<(Uuid, bool, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with taken as (
            delete from trunkline.breaker_news
            where news_id = any (array(
                select news_id from trunkline.breaker_news where gate_id = any ($1) order by at limit $2))
            returning gate_id, good, at
        )
        select gate_id as "gate_id!", good as "good!", at as "at!" from taken order by at
        "#,
        gate_ids,
        rows_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.gate_id, row.good, row.at)).collect())
}

/// Forgets gates that say nothing any more, news that nobody asked for, and permits whose jobs have ended in another way
/// than by a worker. At most `rows_max` of each.
pub(crate) async fn gates_forget(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let news = sqlx::query!(
        "delete from trunkline.breaker_news where news_id in (
             select news_id from trunkline.breaker_news where at < trunkline.now() - interval '10 minutes' limit $1)",
        rows_max,
    )
    .execute(&mut *conn)
    .await?;
    let mut tx = conn.begin_with(BEGIN_OWN).await?;
    let idle = sqlx::query_scalar!(
        "select g.gate_id from trunkline.gates g
         where g.touched_at < trunkline.now() - interval '1 hour'
           and (g.next_at is null or g.next_at < trunkline.now())
           and (g.breaker is null or g.breaker -> 'phase' ->> 'phase' = 'closed')
           and not exists (select from trunkline.permits p where p.gate_id = g.gate_id)
         limit $1
         for update skip locked",
        rows_max,
    )
    .fetch_all(&mut *tx)
    .await?;
    // Looked at again, now that nobody else has them: a permit may have come between the look and the lock.
    let gates = sqlx::query!(
        "delete from trunkline.gates g
         where g.gate_id = any ($1) and not exists (select from trunkline.permits p where p.gate_id = g.gate_id)",
        &idle,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let permits = sqlx::query!(
        "delete from trunkline.permits where (job_id, gate_id) in (
             select p.job_id, p.gate_id from trunkline.permits p
             where exists (select from trunkline.outcomes o where o.job_id = p.job_id)
             limit $1)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(news.rows_affected() + gates.rows_affected() + permits.rows_affected())
}
