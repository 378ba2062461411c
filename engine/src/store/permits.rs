//! Who has passed which gate. Given out under the gate's lock; taken back by the statement that ends or suspends the job.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{Fence, checkpoints::CheckpointRow, db::BEGIN_OWN, signals::signals_wake};

/// What is out of a gate.
#[derive(Debug)]
pub(crate) struct PermitsOut {
    pub(crate) gate_id: Uuid,
    pub(crate) running: i64,
    pub(crate) canaries: i64,
    pub(crate) has: Vec<Uuid>,
}

/// Counts the permits of locked gates, and says which of these jobs have one.
pub(crate) async fn permits_out(
    conn: &mut PgConnection,
    gate_ids: &[Uuid],
    job_ids: &[Uuid],
) -> Result<Vec<PermitsOut>, sqlx::Error> {
    sqlx::query_as!(
        PermitsOut,
        r#"select gate_id, count(*) as "running!" -- who waits to hold one comes first
                 ,
                  count(*) filter (where form = 'canary') as "canaries!",
                  coalesce(array_agg(job_id) filter (where granted_at is not null and job_id = any ($2)), '{}') as "has!"
           from trunkline.permits where gate_id = any ($1) group by gate_id"#,
        gate_ids,
        job_ids,
    )
    .fetch_all(conn)
    .await
}

/// What a run asks for that wants to hold a permit.
#[derive(Debug, Clone)]
pub(crate) struct HoldRow {
    pub(crate) fence: Fence,
    pub(crate) gate_id: Uuid,
    pub(crate) scope: String,
    pub(crate) max: i32,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It holds one.
    Granted,
    /// Others hold all of them.
    Waits,
    /// Its lease is not ours.
    Fenced,
}

/// What wakes a run that waits for a permit of this gate.
pub(crate) fn wake_of(gate_id: Uuid) -> String {
    format!("permit:{gate_id}")
}

/// Asks for a permit to hold. Asking twice is asking once.
pub(crate) async fn hold_ask(conn: &mut PgConnection, row: &HoldRow) -> Result<Asked, sqlx::Error> {
    let mut tx = conn.begin_with(BEGIN_OWN).await?;
    // From here on the run has a lane: it comes back before its gates, and its end gives back what it holds.
    let lane = sqlx::query!(
        "update trunkline.leases set lane = coalesce(lane, $3) where job_id = $1 and epoch = $2",
        row.fence.job_id,
        row.fence.epoch,
        row.gate_id,
    )
    .execute(&mut *tx)
    .await?;
    if lane.rows_affected() == 0 {
        return Ok(Asked::Fenced);
    }
    sqlx::query!(
        "insert into trunkline.permits (gate_id, job_id, form, granted_at, hold_max)
         values ($1, $2, 'hold', null, $3)
         on conflict (job_id, gate_id) do update
             set form = 'hold', hold_max = excluded.hold_max -- it has passed this very gate: now it keeps the permit
             where permits.form <> 'hold'",
        row.gate_id,
        row.fence.job_id,
        row.max,
    )
    .execute(&mut *tx)
    .await?;
    super::gates::gate_keep(&mut tx, row.gate_id, "at_once", &row.scope).await?;
    let granted = holds_grant(&mut tx, row.gate_id).await?.unwrap_or_default();
    let has_one = sqlx::query_scalar!(
        r#"select granted_at is not null as "granted!" from trunkline.permits where job_id = $1 and gate_id = $2"#,
        row.fence.job_id,
        row.gate_id,
    )
    .fetch_one(&mut *tx)
    .await?;
    signals_wake(&mut tx, &granted).await?;
    tx.commit().await?;
    Ok(if has_one { Asked::Granted } else { Asked::Waits })
}

/// Gives a held permit back, together with the checkpoint that says so, and passes it on. `None`: the lease is not ours; else
/// the queues of those who were woken.
pub(crate) async fn hold_release(
    conn: &mut PgConnection,
    gate_id: Uuid,
    row: &CheckpointRow,
) -> Result<Option<Vec<i16>>, sqlx::Error> {
    let mut tx = conn.begin_with(BEGIN_OWN).await?;
    if !super::leases::lease_hold(&mut tx, row.fence).await? {
        return Ok(None);
    }
    super::checkpoints::checkpoints_insert(&mut tx, std::slice::from_ref(row)).await?;
    sqlx::query!(
        "delete from trunkline.permits where gate_id = $1 and job_id = $2",
        gate_id,
        row.fence.job_id,
    )
    .execute(&mut *tx)
    .await?;
    let granted = holds_grant(&mut tx, gate_id).await?.unwrap_or_default();
    let queues = signals_wake(&mut tx, &granted).await?;
    tx.commit().await?;
    Ok(Some(queues))
}

/// A gate of which somebody waits for a permit.
#[derive(Debug)]
pub(crate) struct WantedGate {
    pub(crate) gate_id: Uuid,
    /// Fewer hold it than whoever asks for the most lets.
    pub(crate) has_room: bool,
    /// Its row is gone, without which nobody can give its permits.
    pub(crate) lost: bool,
}

/// The next gates after this one of which somebody waits for a permit.
pub(crate) async fn holds_wanted(
    conn: &mut PgConnection,
    after: Uuid,
    rows_max: i64,
) -> Result<Vec<WantedGate>, sqlx::Error> {
    sqlx::query_as!(
        WantedGate,
        r#"
        select w.gate_id as "gate_id!",
               w.most > (select count(*) from trunkline.permits p
                         where p.gate_id = w.gate_id and p.granted_at is not null) as "has_room!",
               not exists (select from trunkline.gates g where g.gate_id = w.gate_id) as "lost!"
        from (select gate_id, max(hold_max) as most from trunkline.permits
              where granted_at is null and gate_id > $1
              group by gate_id order by gate_id limit $2) w
        order by w.gate_id
        "#,
        after,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// What a gate is called whose row was lost, and with it the scope.
const LOST: &str = "lost";

/// Gives free permits of a gate of which somebody waits for one, as [`holds_grant`].
pub(crate) async fn holds_pass_on(
    conn: &mut PgConnection,
    gate: &WantedGate,
) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
    let mut tx = conn.begin_with(BEGIN_OWN).await?;
    if gate.lost {
        super::gates::gate_keep(&mut tx, gate.gate_id, "at_once", LOST).await?;
    }
    let granted = holds_grant(&mut tx, gate.gate_id).await?;
    tx.commit().await?;
    Ok(granted)
}

/// Gives free permits of a gate to those who have waited for them the longest. Returns the jobs; `None` if somebody else has the
/// gate in hand: then a later look gives them.
pub(crate) async fn holds_grant(
    conn: &mut PgConnection,
    gate_id: Uuid,
) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
    let locked = super::gates::gates_lock(conn, &[gate_id]).await?;
    if locked.is_empty() {
        return Ok(None);
    }
    let granted = sqlx::query_scalar!(
        r#"
        with running as (
            select count(*) as many from trunkline.permits where gate_id = $1 and granted_at is not null
        ), asked as (
            select job_id, hold_max, row_number() over (order by asked_at, job_id) as place
            from trunkline.permits where gate_id = $1 and granted_at is null
        )
        update trunkline.permits p set granted_at = trunkline.now()
        from asked a, running r
        where p.gate_id = $1 and p.job_id = a.job_id and r.many + a.place <= a.hold_max
        returning p.job_id
        "#,
        gate_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(granted))
}

/// Jobs that wait although their permit is there: whoever gave it died before it could say so.
pub(crate) async fn holds_sweep(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select p.job_id from trunkline.permits p
         join trunkline.waits w on w.job_id = p.job_id and w.state = 'waiting' and not w.blocked
              and 'permit:' || p.gate_id = any (w.wakes)
         where p.form = 'hold' and p.granted_at is not null
         limit $1",
        rows_max,
    )
    .fetch_all(conn)
    .await
}
