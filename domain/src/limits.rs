//! How often something may happen, counted in the database: exact over all processes, and a restart forgets nothing.

use std::time::Duration;

use crate::{Conn, Digest, Error, error::During};

/// Whether a hit is within its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// It is.
    Allowed {
        /// How many more are, in this window.
        remaining: u32,
        /// When the window ends, from now.
        resets_in: Duration,
    },
    /// It is not.
    Refused {
        /// When the next one will be, from now; whole seconds, at least one.
        retry_after: Duration,
    },
}

/// Counts a hit on `key`, at most `max` in a `window` that begins with the first hit. Commit it for it to count; others with
/// the same key wait for that, so keep the transaction short. `key` is a keyed hash, never the address itself.
pub async fn hit(
    conn: &mut Conn,
    scope: &str,
    key: &Digest,
    max: u32,
    window: Duration,
) -> Result<Hit, Error> {
    let row = sqlx::query!(
        r#"insert into product.rate_limits as r (scope, key_hash, window_start, window_end, count)
           values ($1, $2::bytea, trunkline.now(), trunkline.now() + make_interval(secs => $3), 1)
           on conflict (scope, key_hash) do update set
               window_start = case when r.window_end <= trunkline.now() then excluded.window_start
                              else r.window_start end,
               window_end = case when r.window_end <= trunkline.now() then excluded.window_end
                            else r.window_end end,
               count = case when r.window_end <= trunkline.now() then 1
                       else least(r.count, 1000000000) + 1 end
           returning count, extract(epoch from window_end - trunkline.now())::float8 as "left!""#,
        scope,
        key.as_bytes(),
        window.as_secs_f64(),
    )
    .fetch_one(conn)
    .await
    .during("limit: hit")?;
    Ok(judge(u32::try_from(row.count).unwrap_or(u32::MAX), max, row.left, window))
}

/// Deletes counters whose window is over; says how many.
pub async fn clean(conn: &mut Conn) -> Result<u64, Error> {
    let gone = sqlx::query!("delete from product.rate_limits where window_end <= trunkline.now()")
        .execute(conn)
        .await
        .during("limit: clean")?;
    Ok(gone.rows_affected())
}

fn judge(count: u32, max: u32, secs_left: f64, window: Duration) -> Hit {
    // A statement's clock stands from its beginning: one that had to wait for the first hit reads a moment before it.
    let left = Duration::try_from_secs_f64(secs_left).unwrap_or_default().min(window);
    if count <= max {
        return Hit::Allowed { remaining: max - count, resets_in: left };
    }
    // Rounded up: who comes back a moment early would be refused again.
    let whole = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    Hit::Refused { retry_after: Duration::from_secs(whole.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        let left = Duration::from_secs(90);
        assert_eq!(judge(1, 3, 90.0, HOUR), Hit::Allowed { remaining: 2, resets_in: left });
        assert_eq!(judge(3, 3, 90.0, HOUR), Hit::Allowed { remaining: 0, resets_in: left });
        assert_eq!(judge(4, 3, 90.0, HOUR), Hit::Refused { retry_after: left });
        assert!(matches!(judge(1, 0, 90.0, HOUR), Hit::Refused { .. }));
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_and_never_too_short() {
        let secs = |secs_left| match judge(9, 3, secs_left, HOUR) {
            Hit::Refused { retry_after } => retry_after.as_secs(),
            Hit::Allowed { .. } => 0,
        };
        assert_eq!(
            [secs(0.2), secs(59.5), secs(60.0), secs(-1.0), secs(3600.1)],
            [1, 60, 60, 1, 3600]
        );
    }
}
