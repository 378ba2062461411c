//! How far a provider's own list of what has happened was read.

use chrono::{DateTime, Utc};

use crate::{Conn, Error, error::During};

/// Up to when a source was looked through; none before the first time.
pub async fn get(conn: &mut Conn, source: &str) -> Result<Option<DateTime<Utc>>, Error> {
    let row =
        sqlx::query!("select seen_until from product.inbox_watermarks where source = $1", source)
            .fetch_optional(conn)
            .await
            .during("watermark: get")?;
    Ok(row.map(|r| r.seen_until))
}

/// Moves a source's watermark, forward only.
pub async fn advance(
    conn: &mut Conn,
    source: &str,
    seen_until: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.inbox_watermarks as w (source, seen_until) values ($1, $2)
         on conflict (source) do update
         set seen_until = greatest(w.seen_until, excluded.seen_until), updated_at = trunkline.now()",
        source,
        seen_until,
    )
    .execute(conn)
    .await
    .during("watermark: advance")?;
    Ok(())
}
