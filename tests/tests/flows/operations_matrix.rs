//! Every fault at every boundary of orders about many jobs.

use crash_matrix::{CrashMatrix, Done};
use engine::{Engine, Hold, JobId, NewJob, Operator, State, Unique, Workflow};
use workflows::{
    Trunkline,
    operate_jobs::{DECIDED, OpenOperation, OperateJobs},
    operate_stretch::OperateStretch,
    try_kinds::Noop,
    undo_operation::{OpenUndo, UndoOperation},
};

use crate::matrix::{Outside, ensure, next};

/// Three jobs of a tenant's for each of more operations than a full matrix plays: `{state}` is theirs.
const JOBS: &str = "
    create function public.nth(n int) returns uuid immutable language sql
        as $$ select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
    insert into trunkline.kinds (name) values ('noop');
    insert into trunkline.queues (name) values ('try');
    create table public.theirs as
        select n, (lpad(to_hex((extract(epoch from trunkline.now()) * 1000)::bigint), 12, '0') || '70008000'
                   || lpad((n * 10 + m)::text, 12, '0'))::uuid as job_id
        from generate_series(1, 600) n, generate_series(1, 3) m;
    insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args, tenant_id)
        select t.job_id, 1, k.kind_id, q.queue_id, '{}', public.nth(t.n)
        from public.theirs t, trunkline.kinds k, trunkline.queues q where k.name = 'noop' and q.name = 'try';
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, error)
        select job_id, 1, '{state}', 1, 1, '{\"message\": \"as asked\"}' from public.theirs;";

/// Orders to try them again, the first of them by itself.
const TO_RETRY: &str = "
    insert into trunkline.operations (operation_id, deed, filter, before_job, canary_jobs, canary_bad_max, canary_secs, made_by)
        select public.nth(n), 'retry', jsonb_build_object('state', 'failed', 'tenant', public.nth(n)),
               'ffffffff-ffff-7fff-bfff-ffffffffffff', 1, 0, 600, 'ada'
        from generate_series(1, 600) n;";

/// Orders that have cancelled them, and are to be taken back.
const TO_UNDO: &str = "
    insert into trunkline.operations (operation_id, deed, mode, filter, before_job, canary_jobs, canary_bad_max, canary_secs,
                                      made_by, state, matched, done, undone_by, per_second, started_by, reason, started_at)
        select public.nth(n), 'cancel', 'undo', '{}', public.nth(n), 0, 0, 600, 'ada', 'undoing', 3, 3, 'ada', 10, 'ada', 'x',
               trunkline.now()
        from generate_series(1, 600) n;
    insert into trunkline.operation_items (operation_id, job_id, state, epoch)
        select public.nth(n), job_id, 'done', 1 from public.theirs;";

fn id(number: u32) -> JobId {
    format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

/// A caller that repeats itself is known by this.
fn once(job: NewJob, number: u32) -> NewJob {
    job.unique(Unique::new("matrix", &number.to_string(), Hold::ForEver))
}

fn matrix<W: Workflow<Trunkline>>(
    outside: &Outside,
    jobs: &str,
    job: impl Fn() -> NewJob + 'static,
) -> CrashMatrix<Trunkline> {
    let registry = engine::Registry::default()
        .with::<OperateJobs>()
        .with::<OperateStretch>()
        .with::<UndoOperation>()
        .with::<Noop>();
    CrashMatrix::of_job(W::KIND, registry, job)
        .clients(|_| std::sync::Arc::clone(&outside.config.clients))
        .settings(std::sync::Arc::clone(&outside.config.settings))
        .schema(jobs)
        .sample(1)
}

/// What an operation says of its jobs is what the record says of them; each is in it once at the most.
async fn agrees(
    done: &Done,
    operation: &'static str,
    recorded: &'static str,
) -> Result<(), String> {
    let (said, found) = (done.count(operation).await, done.count(recorded).await);
    ensure(said == found, || format!("{}: {said} jobs, {found} in the record", done.state()))
}

#[tokio::test]
async fn an_order_about_many_jobs_does_each_once_or_is_stopped_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix::<OperateJobs>(&outside, &JOBS.replace("{state}", "failed"), || {
        let (number, none) = (next(), ());
        let operation = id(number);
        let opened = OpenOperation { operation };
        once(OperateJobs {}.job().id(operation).with_deed(&opened, &none).unwrap(), number)
    })
    .schema(TO_RETRY)
    .nudge(start)
    .invariant("all three are done, or it is stopped", async |done: &Done| {
        let all = "select from trunkline.operations where operation_id = $1 and state = 'done' and done = 3";
        let not = "select from trunkline.operations where operation_id = $1 and state in ('stopped', 'cancelled')";
        let (all, not) = (done.count(all).await, done.count(not).await);
        ensure((all == 1) == done.succeeded() && all + not == 1, || {
            format!("{}: {:?}: done {all}, stopped {not}", done.state(), done.job.summary.error)
        })
    })
    .invariant("the record agrees", async |done: &Done| {
        agrees(
            done,
            "select from trunkline.operation_items where operation_id = $1 and state = 'done'",
            "select from trunkline.audit where action = 'job.retried' and actor = 'ada by operation ' || $1",
        )
        .await
    })
    .run()
    .await;
}

/// Somebody starts what is frozen.
async fn start(engine: &Engine, operation: JobId) {
    let Ok(Some(found)) = engine.operation(operation).await else { return };
    if found.view.state != engine::OperationState::Frozen {
        return;
    }
    let mut tx = engine.begin().await.unwrap();
    let by = Operator::new("ada").because("a test");
    if tx.start_operation(operation, 3, 1_000, &by).await.is_ok() {
        tx.signal(operation, DECIDED, &(), Some(DECIDED)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_an_order_did_is_taken_back_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix::<UndoOperation>(&outside, &JOBS.replace("{state}", "cancelled"), || {
        let (number, none) = (next(), ());
        let operation = id(number);
        let opened = OpenUndo { operation };
        once(UndoOperation { operation }.job().with_deed(&opened, &none).unwrap(), number)
    })
    .schema(TO_UNDO)
    .invariant("all three are taken back, or it is stopped", async |done: &Done| {
        let is_undone = done
            .count(
                "select from trunkline.jobs j join trunkline.operations o on o.operation_id::text = j.args ->> 'operation'
                 where j.job_id = $1 and o.state = 'undone' and o.undone = 3",
            )
            .await;
        let is_stopped = done
            .count(
                "select from trunkline.jobs j join trunkline.operations o on o.operation_id::text = j.args ->> 'operation'
                 where j.job_id = $1 and o.state = 'stopped'",
            )
            .await;
        ensure((is_undone == 1) == (done.state() == State::Succeeded) && is_undone + is_stopped == 1, || {
            format!("{}: undone {is_undone}, stopped {is_stopped}", done.state())
        })
    })
    .invariant("the record agrees", async |done: &Done| {
        agrees(
            done,
            "select from trunkline.jobs j join trunkline.operation_items i on i.operation_id::text = j.args ->> 'operation'
             where j.job_id = $1 and i.state = 'undone'",
            "select from trunkline.jobs j join trunkline.audit a on a.actor = 'ada by operation ' || (j.args ->> 'operation')
             where j.job_id = $1 and a.action = 'job.retried'",
        )
        .await
    })
    .run()
    .await;
}
