//! Kinds and queues: names once, two bytes in every token.

use sqlx::PgConnection;

/// Makes sure that these kinds have ids.
pub(crate) async fn kinds_ensure(
    conn: &mut PgConnection,
    names: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.kinds (name)
         select name from unnest($1::text[]) as t (name)
         where not exists (select from trunkline.kinds k where k.name = t.name) -- spares the sequence
         order by name
         on conflict do nothing",
        names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes sure that these queues have ids.
pub(crate) async fn queues_ensure(
    conn: &mut PgConnection,
    names: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.queues (name)
         select name from unnest($1::text[]) as t (name)
         where not exists (select from trunkline.queues q where q.name = t.name)
         order by name
         on conflict do nothing",
        names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All kinds that were ever registered, by any version.
pub(crate) async fn kinds(conn: &mut PgConnection) -> Result<Vec<(i16, String)>, sqlx::Error> {
    let rows = sqlx::query!("select kind_id, name from trunkline.kinds").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.kind_id, row.name)).collect())
}

/// All queues that were ever registered.
pub(crate) async fn queues(conn: &mut PgConnection) -> Result<Vec<(i16, String)>, sqlx::Error> {
    let rows = sqlx::query!("select queue_id, name from trunkline.queues").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.queue_id, row.name)).collect())
}
