//! What was seen while time went on.

use std::{fmt::Write, time::Instant};

use sqlx::{FromRow, PgConnection};

use crate::{
    Figure, Series,
    plot::{Panel, draw},
};

/// Of each third, so much of its beginning is left out: changes take a moment. (The aim gives a minute.)
const SETTLING_MINUTES: f64 = 1.0;

/// The server's counters at one moment.
#[derive(Debug, Clone, Copy, FromRow)]
pub(super) struct Look {
    /// Jobs that came in, since the tables were made.
    came: f64,
    /// Jobs that ended.
    ended: f64,
    /// Deleted rows that still lie in the hot tables.
    dead: f64,
    /// Runs of autovacuum over the hot tables.
    vacuums: f64,
}

impl Look {
    pub(super) async fn now(conn: &mut PgConnection) -> anyhow::Result<Look> {
        Ok(sqlx::query_as(
            "select coalesce(sum(n_tup_ins) filter (where relname like 'jobs\\_%'), 0)::float8 as came,
                    coalesce(sum(n_tup_ins) filter (where relname like 'outcomes\\_%'), 0)::float8 as ended,
                    coalesce(sum(n_dead_tup) filter (where relname in ('ready', 'leases')), 0)::float8 as dead,
                    coalesce(sum(autovacuum_count) filter (where relname in ('ready', 'leases')), 0)::float8 as vacuums
             from pg_stat_user_tables where schemaname = 'trunkline'",
        )
        .fetch_one(conn)
        .await?)
    }
}

/// What happened between two looks.
#[derive(Debug, Clone, Copy)]
struct Row {
    minute: f64,
    came_per_s: f64,
    ended_per_s: f64,
    waiting: f64,
    claim_p50_ms: f64,
    claim_p99_ms: f64,
    dead: f64,
}

/// All of it.
pub(super) struct Record {
    began: Instant,
    first: Look,
    last: (f64, Look),
    /// Rows of each third.
    third: usize,
    rows: Vec<Row>,
}

impl Record {
    pub(super) async fn begin(conn: &mut PgConnection, third: usize) -> anyhow::Result<Record> {
        let first = Look::now(conn).await?;
        Ok(Record { began: Instant::now(), first, last: (0.0, first), third, rows: Vec::new() })
    }

    pub(super) fn add(&mut self, look: Look, claims: &Series) {
        let minute = self.began.elapsed().as_secs_f64() / 60.0;
        let (earlier, before) = self.last;
        let seconds = (minute - earlier) * 60.0;
        self.rows.push(Row {
            minute,
            came_per_s: (look.came - before.came) / seconds,
            ended_per_s: (look.ended - before.ended) / seconds,
            waiting: ((look.came - self.first.came) - (look.ended - self.first.ended)).max(0.0),
            claim_p50_ms: claims.median(),
            claim_p99_ms: claims.percentile(99.0),
            dead: look.dead,
        });
        self.last = (minute, look);
    }

    /// The rows of a third, without its beginning.
    fn rows_of(&self, third: usize) -> impl Iterator<Item = &Row> {
        let rows = self.rows.iter().skip(third * self.third).take(self.third);
        let from = self.rows.get(third * self.third).map_or(0.0, |row| row.minute);
        rows.filter(move |row| row.minute >= from + SETTLING_MINUTES)
    }

    fn series(&self, third: usize, value: impl Fn(&Row) -> f64) -> Series {
        self.rows_of(third).map(value).filter(|it| !it.is_nan()).collect()
    }

    pub(super) fn figures(&self) -> Vec<Figure> {
        let ended = [0, 1, 2].map(|third| self.series(third, |row| row.ended_per_s));
        let claims = [0, 1, 2].map(|third| self.series(third, |row| row.claim_p99_ms));
        let dead: Series = self.rows.iter().map(|row| row.dead).collect();
        let waiting: Series = self.rows.iter().map(|row| row.waiting).collect();
        let vacuums: Series = [self.last.1.vacuums - self.first.vacuums].into_iter().collect();
        vec![
            Figure::new("soak", "per_s_before", "1/s", &ended[0]),
            Figure::new("soak", "per_s_held", "1/s", &ended[1]).beside(&ended[1], &ended[0]),
            Figure::new("soak", "per_s_after", "1/s", &ended[2]).beside(&ended[2], &ended[0]),
            Figure::new("soak", "claim_p99_ms_before", "ms", &claims[0]),
            Figure::new("soak", "claim_p99_ms_held", "ms", &claims[1]),
            Figure::new("soak", "claim_p99_ms_after", "ms", &claims[2]),
            Figure::new("soak", "waiting_jobs", "jobs", &waiting),
            Figure::new("soak", "dead_rows", "rows", &dead),
            Figure::new("soak", "autovacuums", "runs", &vacuums),
        ]
    }

    pub(super) fn csv(&self) -> String {
        let mut csv = "minute,came_per_s,ended_per_s,waiting,claim_p50_ms,claim_p99_ms,dead_rows\n"
            .to_owned();
        for row in &self.rows {
            // Writing to a string cannot fail.
            let _ = writeln!(
                csv,
                "{:.2},{:.0},{:.0},{:.0},{:.2},{:.2},{:.0}",
                row.minute,
                row.came_per_s,
                row.ended_per_s,
                row.waiting,
                row.claim_p50_ms,
                row.claim_p99_ms,
                row.dead
            );
        }
        csv
    }

    pub(super) fn svg(&self) -> String {
        let curve = |value: fn(&Row) -> f64| {
            let points = self.rows.iter().map(|row| (row.minute, value(row)));
            points.filter(|(_, value)| !value.is_nan()).collect()
        };
        let minute = |row: usize| self.rows.get(row).map_or(0.0, |row| row.minute);
        let panels = [
            Panel {
                title: "Jobs a second",
                curves: vec![
                    ("ended", curve(|row| row.ended_per_s)),
                    ("came", curve(|row| row.came_per_s)),
                ],
            },
            Panel {
                title: "Claims, ms",
                curves: vec![
                    ("p50", curve(|row| row.claim_p50_ms)),
                    ("p99", curve(|row| row.claim_p99_ms)),
                ],
            },
            Panel {
                title: "Dead rows of the hot tables",
                curves: vec![("dead", curve(|row| row.dead))],
            },
            Panel { title: "Jobs that wait", curves: vec![("waiting", curve(|row| row.waiting))] },
        ];
        draw(&panels, (minute(self.third), minute(2 * self.third)), "a transaction is held open")
    }
}
