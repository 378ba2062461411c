//! Whether what stands between us and the database keeps prepared statements: an old pooler in transaction mode gives each
//! transaction to whichever session is free, and a statement that was prepared on one is unknown on the next.

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// How often it is tried. The first round shows it as a rule; other clients of the pooler can hide it.
const ROUNDS: usize = 3;

/// What an old pooler answers: a statement of this name is there already, or is not.
const CONFUSED: [&str; 2] = ["42P05", "26000"];

/// Tries two connections in turns. `Some`: statements get lost, and these were the database's words.
pub(crate) async fn statements_get_lost(
    options: &PgConnectOptions,
) -> Result<Option<String>, sqlx::Error> {
    let connect = async || PgConnection::connect_with(options).await;
    let mut pair = match (connect().await, connect().await) {
        (Ok(one), Ok(two)) => [one, two],
        (Err(error), _) | (_, Err(error)) => return lost(error),
    };
    for _ in 0..ROUNDS {
        for conn in &mut pair {
            if let Err(error) = both_ways(conn).await {
                return lost(error);
            }
        }
    }
    for conn in pair {
        conn.close().await.ok();
    }
    Ok(None)
}

/// Alone and in a transaction, with statements that stay prepared.
async fn both_ways(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!("select 1 as one").fetch_one(&mut *conn).await?;
    let mut tx = conn.begin().await?;
    sqlx::query_scalar!("select 2 as two").fetch_one(&mut *tx).await?;
    tx.commit().await
}

fn lost(error: sqlx::Error) -> Result<Option<String>, sqlx::Error> {
    let words = error.as_database_error().filter(|error| {
        let code = error.code().unwrap_or_default();
        CONFUSED.contains(&&*code) || error.message().contains("unsupported startup parameter")
    });
    match words.map(|error| error.message().to_owned()) {
        Some(words) => Ok(Some(words)),
        None => Err(error),
    }
}
