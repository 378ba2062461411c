//! Claiming past gates: looks at the next lanes, locks what their heads have to pass, decides, and takes those that may run
//! together with their permits. One transaction, so that a limit is never exceeded, whoever dies where.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    gate::{Breaker, Candidate, Gate, Gates, News, Plan, Standing, decide},
    store::{
        self,
        gates::GateChange,
        lanes::{HeadRow, Look},
        loops::Planned,
        ready::ClaimedRow,
    },
};

/// Lanes of one look. Others come next time: lanes take turns.
const LANES_MAX: i64 = 64;

/// Heads of one look, of all lanes together.
const HEADS_MAX: i64 = 512;

/// Looks in a row that brought nothing, after which the poll is waited for: a worker does not turn round and round among
/// lanes that are all shut.
const BARREN_MAX: u32 = 32;

/// News of breakers read at once.
const NEWS_MAX: i64 = 1000;

/// Where the last look ended, so that the next begins there.
#[derive(Debug)]
pub(super) struct Rounds {
    after: Uuid,
    lanes_max: i64,
    barren: u32,
}

/// For whom a look is.
pub(super) struct Asker<'a> {
    pub(super) planned: Planned,
    pub(super) worker_id: i32,
    pub(super) queue_ids: &'a [i16],
    pub(super) kind_ids: &'a [i16],
    pub(super) limited: &'a [i16],
    pub(super) room: usize,
}

/// What a look brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<ClaimedRow>,
    /// Whether it is worth looking again at once: there are lanes that were not looked at, or that were busy.
    pub(super) again: bool,
    /// When something may run that could not now.
    pub(super) next: Option<Duration>,
    /// Whether anything waits before gates at all.
    pub(super) any: bool,
}

impl Default for Rounds {
    fn default() -> Rounds {
        // Workers begin in different places, so that they do not all look at the same lanes.
        Rounds { after: Uuid::from_u128(rand::random()), lanes_max: LANES_MAX, barren: 0 }
    }
}

impl Rounds {
    /// Looks once. A failed look has changed nothing.
    pub(super) async fn look(
        &mut self,
        conn: &mut PgConnection,
        asker: &Asker<'_>,
    ) -> Result<Found, sqlx::Error> {
        let mut tx = sqlx::Connection::begin_with(conn, asker.planned.begin()).await?;
        let mut rooms: HashMap<i16, usize> = store::queues::queue_rooms(&mut tx, asker.limited)
            .await?
            .into_iter()
            .map(|(queue_id, room)| (queue_id, usize::try_from(room).unwrap_or(0)))
            .collect();
        // A limited queue that somebody else has in hand is left to them this time.
        let shut =
            |id: &i16| asker.limited.contains(id) && rooms.get(id).copied().unwrap_or(0) == 0;
        let open: Vec<i16> = asker.queue_ids.iter().copied().filter(|id| !shut(id)).collect();
        let heads = self.heads(&mut tx, asker, &open).await?;
        let mut found = Found { any: !heads.is_empty(), ..Found::default() };
        let lanes: HashSet<_> = heads.iter().map(|head| (head.queue_id, head.lane)).collect();
        let is_busy = heads.iter().any(|head| !head.mine);
        // Whoever is in another worker's hand comes back in a moment: their turns are not given to who happens to be here.
        let is_waited_for = heads.iter().any(|head| head.fair && !head.mine);
        let turns =
            if is_waited_for { asker.room.div_ceil(lanes.len().max(1)) } else { asker.room };
        let is_full = i64::try_from(lanes.len()).unwrap_or(i64::MAX) >= self.lanes_max;
        let lane_of: HashMap<_, _> =
            heads.iter().filter_map(|head| Some((head.job_id?, head.lane))).collect();
        let candidates: Vec<_> = heads.into_iter().filter_map(candidate).collect();
        if !candidates.is_empty() {
            let (plan, now) = ask(&mut tx, asker.room, turns, candidates, &mut rooms).await?;
            found.next = plan.next_at.and_then(|at| (at - now).to_std().ok());
            found.again = plan.is_busy;
            if !plan.run.is_empty() {
                found.rows =
                    store::lanes::lanes_claim(&mut tx, asker.worker_id, &plan.run, &plan.permits)
                        .await?;
            }
            // The next look begins behind whoever had the last turn.
            if plan.run.len() == asker.room
                && let Some(lane) = plan.run.last().and_then(|job| lane_of.get(job))
            {
                self.after = *lane;
            }
        }
        tx.commit().await?;
        self.barren = if found.rows.is_empty() { self.barren + 1 } else { 0 };
        found.again |= is_busy || (is_full && found.rows.len() < asker.room);
        if self.barren >= BARREN_MAX {
            (self.barren, found.again) = (0, false);
        }
        // Nothing to be had in a few lanes: look at more.
        let few = i64::try_from(asker.room * 2).unwrap_or(LANES_MAX).clamp(4, LANES_MAX);
        self.lanes_max = if found.rows.is_empty() { LANES_MAX } else { few };
        Ok(found)
    }

    /// The heads of the next lanes, from where the last look ended round to there again.
    async fn heads(
        &mut self,
        tx: &mut PgConnection,
        asker: &Asker<'_>,
        queue_ids: &[i16],
    ) -> Result<Vec<HeadRow>, sqlx::Error> {
        let look = Look {
            queue_ids,
            kind_ids: asker.kind_ids,
            after: self.after,
            up_to: Uuid::max(),
            lanes_max: self.lanes_max,
            heads_max: HEADS_MAX,
        };
        let mut heads = store::lanes::lanes_look(tx, look).await?;
        let seen: HashSet<_> = heads.iter().map(|head| head.lane).collect();
        let left = self.lanes_max - i64::try_from(seen.len()).unwrap_or(0);
        if left > 0 && !self.after.is_nil() {
            let rest = Look { after: Uuid::nil(), up_to: self.after, lanes_max: left, ..look };
            heads.extend(store::lanes::lanes_look(tx, rest).await?);
        }
        // A lane that somebody else has in hand has not had its turn with us. One whose kind we do not know has: were it
        // looked at until it is empty, as many of those in a row would keep us from all behind them.
        if let Some(last) = heads.iter().rev().find(|head| head.mine) {
            self.after = last.lane;
        }
        Ok(heads)
    }
}

fn candidate(head: HeadRow) -> Option<Candidate> {
    let gates = head.gates.map(serde_json::from_value::<Gates>);
    if let Some(Err(error)) = &gates {
        // Written by a version that knows other gates: left to one that does.
        tracing::warn!(%error, "a job's gates are not known here");
        return None;
    }
    Some(Candidate {
        job_id: head.job_id?,
        queue_id: head.queue_id,
        party: if head.fair { head.tenant_id.unwrap_or_default() } else { head.lane },
        gates: gates.and_then(Result::ok).unwrap_or_default().as_slice().to_vec(),
        exempt: head.expired.unwrap_or(false),
    })
}

/// Locks the gates of candidates, decides, and writes what that changes about the gates.
async fn ask(
    tx: &mut PgConnection,
    room: usize,
    turns: usize,
    candidates: Vec<Candidate>,
    rooms: &mut HashMap<i16, usize>,
) -> Result<(Plan, DateTime<Utc>), sqlx::Error> {
    let gates: HashMap<Uuid, Gate> = candidates
        .iter()
        .flat_map(|candidate| candidate.gates.iter().map(|gate| (gate.id(), gate.clone())))
        .collect();
    if gates.is_empty() {
        let now = DateTime::UNIX_EPOCH; // nobody asks for the time
        return Ok((decide(now, room, turns, candidates, rooms, &mut HashMap::new()), now));
    }
    let job_ids: Vec<_> = candidates.iter().map(|candidate| candidate.job_id).collect();
    let (mut standings, now) = standings(tx, &gates, &job_ids).await?;
    let plan = decide(now, room, turns, candidates, rooms, &mut standings);
    let changed: Vec<_> = standings
        .into_iter()
        .filter(|(_, standing)| standing.changed)
        .map(|(id, standing)| {
            let is_breaker = matches!(gates.get(&id), Some(Gate::Breaker { .. }));
            let breaker =
                is_breaker.then(|| serde_json::to_value(&standing.breaker).unwrap_or_default());
            GateChange { gate_id: id, next_at: standing.next_at, breaker }
        })
        .collect();
    if !changed.is_empty() {
        store::gates::gates_write(tx, &changed).await?;
    }
    Ok((plan, now))
}

/// Locks gates and reads where they stand.
async fn standings(
    tx: &mut PgConnection,
    gates: &HashMap<Uuid, Gate>,
    job_ids: &[Uuid],
) -> Result<(HashMap<Uuid, Standing>, DateTime<Utc>), sqlx::Error> {
    let wanted: Vec<_> =
        gates.values().map(|gate| (gate.id(), gate.form(), gate.scope().to_owned())).collect();
    store::gates::gates_ensure(tx, &wanted).await?;
    let ids: Vec<_> = gates.keys().copied().collect();
    let rows = store::gates::gates_lock(tx, &ids).await?;
    let now = rows.iter().map(|row| row.now).max().unwrap_or(DateTime::UNIX_EPOCH);
    let locked: Vec<_> = rows.iter().map(|row| row.gate_id).collect();
    let mut standings: HashMap<Uuid, Standing> = rows
        .into_iter()
        .map(|row| {
            let breaker = row.breaker.map(serde_json::from_value::<Breaker>);
            let breaker = breaker.and_then(Result::ok).unwrap_or_default();
            (row.gate_id, Standing { next_at: row.next_at, breaker, ..Standing::default() })
        })
        .collect();
    for out in store::permits::permits_out(tx, &locked, job_ids).await? {
        if let Some(standing) = standings.get_mut(&out.gate_id) {
            standing.running = u32::try_from(out.running).unwrap_or(u32::MAX);
            standing.canaries = u32::try_from(out.canaries).unwrap_or(u32::MAX);
            standing.has = out.has;
        }
    }
    let breakers: Vec<_> = locked
        .into_iter()
        .filter(|id| matches!(gates.get(id), Some(Gate::Breaker { .. })))
        .collect();
    if !breakers.is_empty() {
        for (gate_id, good, at) in store::gates::news_take(tx, &breakers, NEWS_MAX).await? {
            if let Some(standing) = standings.get_mut(&gate_id) {
                standing.breaker.hear(News { at, good }, now);
                standing.changed = true;
            }
        }
    }
    Ok((standings, now))
}
