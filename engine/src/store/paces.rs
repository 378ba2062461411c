//! How long jobs of each kind take. Written by workers, read by `trunkline.estimated_work`.

use sqlx::PgConnection;

/// What ended of one kind since it was last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PaceRow {
    pub(crate) kind_id: i16,
    pub(crate) attempts: i64,
    pub(crate) busy_ms: i64,
}

/// Adds to the slice of this moment. In the order of kinds, so that two workers lock their rows in the same order.
pub(crate) async fn paces_add(
    conn: &mut PgConnection,
    rows: &[PaceRow],
) -> Result<(), sqlx::Error> {
    let kind_ids: Vec<_> = rows.iter().map(|row| row.kind_id).collect();
    let attempts: Vec<_> = rows.iter().map(|row| row.attempts).collect();
    let busy_ms: Vec<_> = rows.iter().map(|row| row.busy_ms).collect();
    sqlx::query!(
        r#"
        insert into trunkline.paces as p (kind_id, slice_at, attempts, busy_ms)
        select kind_id, date_bin('5 minutes', trunkline.now(), 'epoch'), attempts, busy_ms
        from unnest($1::int2[], $2::int8[], $3::int8[]) t (kind_id, attempts, busy_ms)
        order by kind_id
        on conflict (kind_id, slice_at) do update
            set attempts = p.attempts + excluded.attempts, busy_ms = p.busy_ms + excluded.busy_ms
        "#,
        &kind_ids,
        &attempts,
        &busy_ms,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes what is older than anybody asks for.
pub(crate) async fn paces_forget(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from trunkline.paces p
        using (select kind_id, slice_at from trunkline.paces
               where slice_at <= trunkline.now() - interval '1 day'
               limit $1 for update skip locked) old
        where p.kind_id = old.kind_id and p.slice_at = old.slice_at
        "#,
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(())
}
