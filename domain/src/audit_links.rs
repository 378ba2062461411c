//! The links of the record: after their commit rows get one each, with the hash of the link before. The hashes are made by
//! whoever calls. Needs [`crate::scope::platform`].

use crate::{Conn, Error, error::During};

/// A link: its number, the row, the hash.
#[derive(Debug, Clone)]
pub struct Link {
    /// From 1, without a gap.
    pub link: i64,
    /// Which row.
    pub id: i64,
    /// SHA-256.
    pub hash: Vec<u8>,
}

/// A row that has no link.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub id: i64,
    /// The SHA-256 of all that it says.
    pub digest: Vec<u8>,
}

/// A link with the digest of its row as it is today; none: there is no such row.
#[derive(Debug, Clone)]
pub struct Chained {
    /// The link.
    pub link: Link,
    /// The row's digest.
    pub digest: Option<Vec<u8>>,
}

/// Waits until no other chainer is at work, for the rest of the transaction.
pub async fn lock(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('product.audit_links', 0))")
        .fetch_one(conn)
        .await
        .during("audit links: lock")?;
    Ok(())
}

/// The last link.
pub async fn head(conn: &mut Conn) -> Result<Option<Link>, Error> {
    sqlx::query_as!(
        Link,
        "select link, audit_id as id, hash from product.audit_links order by link desc limit 1"
    )
    .fetch_optional(conn)
    .await
    .during("audit links: head")
}

/// A link by its number.
pub async fn at(conn: &mut Conn, link: i64) -> Result<Option<Link>, Error> {
    sqlx::query_as!(
        Link,
        "select link, audit_id as id, hash from product.audit_links where link = $1",
        link
    )
    .fetch_optional(conn)
    .await
    .during("audit links: at")
}

/// Rows that have no link, in the order of their ids: those behind the highest that has one, and with `late` those that
/// committed up to an hour later than others. What pretends to be older than that is left out: it shows as inserted.
pub async fn unlinked(conn: &mut Conn, late: bool, rows_max: i64) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        r#"select a.audit_id as id,
                  sha256(convert_to(jsonb_build_array(
                      a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.action, a.tenant_id, a.actor,
                      a.phone_masked, encode(a.ip_hash::bytea, 'hex'), a.details)::text, 'UTF8')) as "digest!"
           from product.audit_log a
           where a.audit_id > coalesce(
                     case when $1 then
                         (select s.audit_id from product.audit_links s
                          where s.chained_at < (select max(chained_at) from product.audit_links) - interval '1 hour'
                          order by s.chained_at desc, s.link desc limit 1)
                     else (select max(audit_id) from product.audit_links) end, 0)
             and a.at >= coalesce(
                     (select n.at from product.audit_links s join product.audit_log n using (audit_id)
                      order by s.link desc limit 1) - interval '1 hour', '-infinity')
             and not exists (select from product.audit_links s where s.audit_id = a.audit_id)
           order by a.audit_id limit $2"#,
        late,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("audit links: unlinked")
}

/// Writes links. One whose number is taken, or whose row has one, is refused.
pub async fn insert(conn: &mut Conn, links: &[Link]) -> Result<(), Error> {
    let numbers: Vec<_> = links.iter().map(|it| it.link).collect();
    let ids: Vec<_> = links.iter().map(|it| it.id).collect();
    let hashes: Vec<_> = links.iter().map(|it| it.hash.clone()).collect();
    sqlx::query!(
        "insert into product.audit_links (link, audit_id, hash) select * from unnest($1::int8[], $2::int8[], $3::bytea[])",
        &numbers,
        &ids,
        &hashes,
    )
    .execute(conn)
    .await
    .during("audit links: insert")?;
    Ok(())
}

/// Links behind this one, with their rows as they are today.
pub async fn page(conn: &mut Conn, after: i64, rows_max: i64) -> Result<Vec<Chained>, Error> {
    let rows = sqlx::query!(
        r#"select s.link, s.audit_id as id, s.hash,
                  case when a.audit_id is not null then
                      sha256(convert_to(jsonb_build_array(
                          a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.action, a.tenant_id, a.actor,
                          a.phone_masked, encode(a.ip_hash::bytea, 'hex'), a.details)::text, 'UTF8')) end as digest
           from product.audit_links s
           left join product.audit_log a using (audit_id)
           where s.link > $1 order by s.link limit $2"#,
        after,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("audit links: page")?;
    let chained = rows.into_iter().map(|row| Chained {
        link: Link { link: row.link, id: row.id, hash: row.hash },
        digest: row.digest,
    });
    Ok(chained.collect())
}

/// The first row of these ids that has no link, though rows that are an hour younger have theirs.
pub async fn inserted(
    conn: &mut Conn,
    after: i64,
    until: Option<i64>,
) -> Result<Option<i64>, Error> {
    sqlx::query_scalar!(
        "select min(a.audit_id) from product.audit_log a
         where a.audit_id > $1 and a.audit_id <= coalesce($2, 9223372036854775807)
           and a.at < (select n.at from product.audit_links s join product.audit_log n using (audit_id)
                       order by s.link desc limit 1) - interval '1 hour'
           and not exists (select from product.audit_links s where s.audit_id = a.audit_id)",
        after,
        until,
    )
    .fetch_one(conn)
    .await
    .during("audit links: inserted")
}

/// Rows behind the highest that has a link, at most so many.
pub async fn waiting(conn: &mut Conn, rows_max: i64) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from product.audit_log
               where audit_id > (select coalesce(max(audit_id), 0) from product.audit_links) limit $1) as t"#,
        rows_max,
    )
    .fetch_one(conn)
    .await
    .during("audit links: waiting")
}
