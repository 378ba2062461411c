//! The links of the record of what operators did (`chain.rs`).

use sqlx::PgConnection;

use crate::chain::{Head, LinkedRow, Unlinked};

/// Waits until no other chainer is at work, for the rest of the transaction.
pub(crate) async fn lock(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('trunkline.audit_links', 0))")
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// The last link.
pub(crate) async fn head(conn: &mut PgConnection) -> Result<Option<Head>, sqlx::Error> {
    sqlx::query_as!(
        Head,
        "select link, audit_id as id, hash from trunkline.audit_links order by link desc limit 1"
    )
    .fetch_optional(conn)
    .await
}

/// A link by its number.
pub(crate) async fn at(conn: &mut PgConnection, link: i64) -> Result<Option<Head>, sqlx::Error> {
    sqlx::query_as!(
        Head,
        "select link, audit_id as id, hash from trunkline.audit_links where link = $1",
        link
    )
    .fetch_optional(conn)
    .await
}

/// Rows that have no link, in the order of their ids: those behind the highest that has one, and with `late` those that
/// committed up to an hour later than others. What pretends to be older than that is left out: it shows as inserted.
pub(crate) async fn unlinked(
    conn: &mut PgConnection,
    late: bool,
    rows_max: i64,
) -> Result<Vec<Unlinked>, sqlx::Error> {
    sqlx::query_as!(
        Unlinked,
        r#"select a.audit_id as id,
                  sha256(convert_to(jsonb_build_array(
                      a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.actor, a.action, a.job_id, a.subject,
                      a.reason, a.details)::text, 'UTF8')) as "digest!"
           from trunkline.audit a
           where a.audit_id > coalesce(
                     case when $1 then
                         (select s.audit_id from trunkline.audit_links s
                          where s.chained_at < (select max(chained_at) from trunkline.audit_links) - interval '1 hour'
                          order by s.chained_at desc, s.link desc limit 1)
                     else (select max(audit_id) from trunkline.audit_links) end, 0)
             and a.at >= coalesce(
                     (select n.at from trunkline.audit_links s join trunkline.audit n using (audit_id)
                      order by s.link desc limit 1) - interval '1 hour', '-infinity')
             and not exists (select from trunkline.audit_links s where s.audit_id = a.audit_id)
           order by a.audit_id limit $2"#,
        late,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Writes links. One whose number is taken, or whose row has one, is refused.
pub(crate) async fn insert(conn: &mut PgConnection, links: &[Head]) -> Result<(), sqlx::Error> {
    let numbers: Vec<_> = links.iter().map(|link| link.link).collect();
    let ids: Vec<_> = links.iter().map(|link| link.id).collect();
    let hashes: Vec<_> = links.iter().map(|link| link.hash.clone()).collect();
    sqlx::query!(
        "insert into trunkline.audit_links (link, audit_id, hash) select * from unnest($1::int8[], $2::int8[], $3::bytea[])",
        &numbers,
        &ids,
        &hashes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Links behind this one, with their rows as they are today.
pub(crate) async fn page(
    conn: &mut PgConnection,
    after: i64,
    rows_max: i64,
) -> Result<Vec<LinkedRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.link, s.audit_id as id, s.hash,
                  case when a.audit_id is not null then
                      sha256(convert_to(jsonb_build_array(
                          a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.actor, a.action, a.job_id, a.subject,
                          a.reason, a.details)::text, 'UTF8')) end as digest
           from trunkline.audit_links s
           left join trunkline.audit a using (audit_id)
           where s.link > $1 order by s.link limit $2"#,
        after,
        rows_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LinkedRow {
            link: Head { link: row.link, id: row.id, hash: row.hash },
            digest: row.digest,
        })
        .collect())
}

/// The first row of these ids that has no link, though rows that are an hour younger have theirs.
pub(crate) async fn inserted(
    conn: &mut PgConnection,
    after: i64,
    until: Option<i64>,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select min(a.audit_id) from trunkline.audit a
         where a.audit_id > $1 and a.audit_id <= coalesce($2, 9223372036854775807)
           and a.at < (select n.at from trunkline.audit_links s join trunkline.audit n using (audit_id)
                       order by s.link desc limit 1) - interval '1 hour'
           and not exists (select from trunkline.audit_links s where s.audit_id = a.audit_id)",
        after,
        until,
    )
    .fetch_one(conn)
    .await
}

/// Rows behind the highest that has a link, at most so many.
pub(crate) async fn waiting(conn: &mut PgConnection, rows_max: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from trunkline.audit
               where audit_id > (select coalesce(max(audit_id), 0) from trunkline.audit_links) limit $1) as t"#,
        rows_max,
    )
    .fetch_one(conn)
    .await
}
