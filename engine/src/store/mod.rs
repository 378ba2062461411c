//! Every statement on the engine's tables, one file for each table. Nothing else in the workspace touches them.

pub(crate) mod alike;
pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod audit_links;
pub(crate) mod backfills;
pub(crate) mod boxes;
pub(crate) mod bulk;
pub(crate) mod cancel;
pub(crate) mod checkpoints;
pub(crate) mod claimants;
pub(crate) mod clock;
pub(crate) mod db;
pub(crate) mod dead;
pub(crate) mod depths;
pub(crate) mod effects;
pub(crate) mod explain;
pub(crate) mod failures;
pub(crate) mod gates;
pub(crate) mod health;
pub(crate) mod held;
pub(crate) mod in_flight;
pub(crate) mod in_the_clear;
pub(crate) mod inbox;
pub(crate) mod jobs;
pub(crate) mod lanes;
pub(crate) mod leases;
pub(crate) mod loops;
pub(crate) mod names;
pub(crate) mod nodelay;
pub(crate) mod operation_items;
pub(crate) mod operations;
pub(crate) mod outcomes;
pub(crate) mod paces;
pub(crate) mod parked;
pub(crate) mod partitions;
pub(crate) mod permits;
pub(crate) mod pooler;
pub(crate) mod progress;
pub(crate) mod queues;
pub(crate) mod ready;
pub(crate) mod replay;
pub(crate) mod rescue;
pub(crate) mod schedules;
pub(crate) mod search;
pub(crate) mod signals;
pub(crate) mod timeline;
pub(crate) mod uniques;
pub(crate) mod versions;
pub(crate) mod vitals;
pub(crate) mod waits;
pub(crate) mod wakeups;
pub(crate) mod workers;

use uuid::Uuid;

/// The right to write for a job: only while its lease has this epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    pub(crate) job_id: Uuid,
    pub(crate) retention: i16,
    pub(crate) epoch: i32,
}
