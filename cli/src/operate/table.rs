//! Every operation of the operators' API that has a noun and a verb here. A test holds this table to the routes, so that
//! nothing that can be done over HTTP needs a hand-made request.

use super::{
    input::{Input, flag, json, nullable, number, text},
    product,
};

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// `job`, `queue`.
    pub(crate) noun: &'static str,
    /// `list`, `pause`.
    pub(crate) verb: &'static str,
    /// `GET`, `POST` or `PATCH`.
    pub(crate) method: &'static str,
    /// As the route has it; each parameter in braces is an argument.
    pub(crate) path: &'static str,
    /// For the help.
    pub(crate) about: &'static str,
    /// What goes into the query or the body.
    pub(crate) inputs: &'static [Input],
    /// Columns of a list; of a member, what is inside is named by dots.
    pub(crate) shows: &'static [&'static str],
}

/// What the nouns are, for the help.
pub(super) const NOUNS: [(&str, &str); 20] = [
    ("health", "How the system is, in one look. (`doctor` says only what is wrong.)"),
    ("job", "Jobs and runs: find, explain, retry, cancel, redrive, fork."),
    ("operation", "Orders about many jobs: preview, start, watch, cancel, undo."),
    ("parked", "Runs that wait for a person's decision, and the answers to them."),
    ("dead-letter", "Jobs that failed."),
    ("queue", "Queues: depth and age, pause, limits, latency targets."),
    ("schedule", "Schedules: next times, pause, run, change, backfill."),
    ("fleet", "The workers that are running: who has what, drain. (`worker` starts one.)"),
    ("audit", "Who did what, and why."),
    ("key", "Keys of operators: what each is for, and until when."),
    ("credential", "What providers know us by: set and exchanged without a restart."),
    ("webhook", "What providers post."),
    ("demo", "Demos: vouch, end, convert, bring back."),
    ("tenant", "Tenants: find, make, shut out, let in, what they use and pay for, their calls."),
    ("tenant-key", "Keys of tenants' programs: what each is for, and until when."),
    ("plan", "What can be bought, and how our books agree with Stripe's."),
    ("usage", "Use that Stripe was not told of: list, settle."),
    ("erasure", "People and tenants who are erased: count, order, list."),
    ("number", "The pool of numbers."),
    ("switch", "What is switched for everybody: sign-ups, texts, codes, calls."),
];

const LIST: &str = "Newest first.";

pub(super) const fn get(
    noun: &'static str,
    verb: &'static str,
    path: &'static str,
    about: &'static str,
) -> Operation {
    Operation { noun, verb, method: "GET", path, about, inputs: &[], shows: &[] }
}

pub(super) const fn post(
    noun: &'static str,
    verb: &'static str,
    path: &'static str,
    about: &'static str,
) -> Operation {
    Operation { method: "POST", ..get(noun, verb, path, about) }
}

pub(super) const fn patch(
    noun: &'static str,
    verb: &'static str,
    path: &'static str,
    about: &'static str,
) -> Operation {
    Operation { method: "PATCH", ..get(noun, verb, path, about) }
}

impl Operation {
    pub(super) const fn with(self, inputs: &'static [Input]) -> Operation {
        Operation { inputs, ..self }
    }

    pub(super) const fn shows(self, shows: &'static [&'static str]) -> Operation {
        Operation { shows, ..self }
    }

    /// Whether its answer comes in pages.
    pub(super) fn is_paged(&self) -> bool {
        self.about.ends_with(LIST)
    }

    /// The names in braces, in order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().chain(product::OPERATIONS)
}

/// Those on what the engine has.
const OPERATIONS: &[Operation] = &[
    get(
        "health",
        "show",
        "/health/detailed",
        "What somebody on call asks first. Exit code 1: something is at fault.",
    ),
    get("job", "list", "/v1/admin/jobs", "Newest first.")
        .with(&[
            text("kind", "Of this kind"),
            text("queue", "Of this queue"),
            text("state", "In this state"),
            text("tenant", "Of this tenant"),
            text("since", "Made since: an instant, or so long ago (15m, 24h, 7d)"),
            text("until", "Made before: the same"),
            text("error", "Failed with an error that reads so; a word with a digit in it is #"),
        ])
        .shows(&["id", "kind", "queue", "state", "attempt", "created_at", "error"]),
    post("job", "enqueue", "/v1/admin/jobs", "Enqueue a job by its kind.").with(&[
        text("kind", "Which kind"),
        json("args", "Its arguments"),
        text("queue", "Another queue than the kind's own"),
        number("priority", "Lower runs first"),
        text("run_at", "Not before this instant"),
        text("unique_key", "One job under this key within a day"),
        text("tenant_id", "Whose work it is"),
    ]),
    get("job", "show", "/v1/admin/jobs/{id}", "One job with its story."),
    get("job", "timeline", "/v1/admin/jobs/{id}/timeline", "What happened in a run, in order.")
        .shows(&["name", "kind", "state", "attempt", "started_at", "finished_at", "error"]),
    get("job", "explain", "/v1/admin/jobs/{id}/explain", "Why a job is not running."),
    get("job", "undo-plan", "/v1/admin/jobs/{id}/undo-plan", "What the undo of a run would do.")
        .shows(&["key", "form", "name", "state", "undo"]),
    post("job", "retry", "/v1/admin/jobs/{id}/retry", "Try a job again now."),
    post("job", "run-now", "/v1/admin/jobs/{id}/run-now", "Run now what is scheduled for later."),
    post("job", "cancel", "/v1/admin/jobs/{id}/cancel", "Cancel a job.").with(&[
        text("mode", "undo (the default), graceful or terminate"),
        flag("force", "With terminate: even one that is being undone"),
    ]),
    post("job", "redrive", "/v1/admin/jobs/{id}/redrive", "Try again a job that is over.").with(&[
        text("from", "stop (the default: where it stopped) or start (a new job)"),
        text("step", "From this step instead"),
        flag("despite_deeds", "With a step: although deeds stand after it, which are kept"),
    ]),
    post("job", "fork", "/v1/admin/jobs/{id}/fork", "A new job from a step of one that is over.")
        .with(&[text("step", "The step's key")]),
    post(
        "job",
        "edit",
        "/v1/admin/jobs/{id}/args",
        "Other arguments for a job that has not begun.",
    )
    .with(&[json("args", "The arguments, all of them")]),
    get("operation", "list", "/v1/admin/operations", "Newest first.")
        .with(&[text("state", "In this state")])
        .shows(&["id", "deed", "state", "matched", "done", "refused", "undone", "reason", "why"]),
    post(
        "operation",
        "preview",
        "/v1/admin/operations",
        "Freeze which jobs match, and show how many. Nothing is done to them.",
    )
    .with(&[
        text("deed", "What is to be done to each: retry, redrive, run_now or cancel"),
        text("kind", "To jobs of this kind"),
        text("queue", "Of this queue"),
        text("state", "In this state: one that the deed fits"),
        text("tenant", "Of this tenant"),
        text("since", "Made since: an instant, or so long ago (15m, 24h, 7d)"),
        text("until", "Made before: the same"),
        text("error", "Failed with an error that reads so; a word with a digit in it is #"),
        text("mode", "With cancel: undo (the default) or graceful"),
        number("canary", "So many first (10; with cancel 0), and the rest if they fare well"),
        number("canary_failed_max", "More of them that fare badly stop it (a fifth)"),
        number("canary_secs", "They have so long to end (600)"),
    ]),
    get("operation", "show", "/v1/admin/operations/{id}", "One of them, with a few of its jobs."),
    post(
        "operation",
        "start",
        "/v1/admin/operations/{id}/start",
        "Do it, to as many jobs as you have seen.",
    )
    .with(&[
        number("expect", "The number of jobs that the preview showed"),
        number("per_second", "So many jobs in a second at the most (100)"),
    ]),
    post(
        "operation",
        "cancel",
        "/v1/admin/operations/{id}/cancel",
        "End it. What was done stands.",
    ),
    post(
        "operation",
        "undo",
        "/v1/admin/operations/{id}/undo",
        "Take back what was done, where the jobs have not gone on.",
    ),
    get("parked", "list", "/v1/admin/parked", "Newest first.")
        .with(&[text("cause", "For this cause"), text("kind", "Of this kind")])
        .shows(&["id", "kind", "cause", "entry", "since", "claim", "reason"]),
    get("parked", "counts", "/v1/admin/parked/counts", "How many, by what is to be decided.")
        .shows(&["cause", "runs"]),
    get("parked", "show", "/v1/admin/parked/{id}", "One of them, with the claim to answer to."),
    post("parked", "answer", "/v1/admin/jobs/{id}/answer", "Decide what becomes of it.").with(&[
        number("claim", "The parking that you looked at (parked show)"),
        text(
            "answer",
            "retry, edit_input, skip, resolve, happened, did_not_happen, resume_forward",
        ),
        json("value", "The input of edit_input, or what happened has yielded"),
    ]),
    get("dead-letter", "list", "/v1/admin/dead-letters", "Newest first.")
        .with(&[
            text("kind", "Of this kind"),
            text("undone", "true: what they did was taken back; false: it was not"),
        ])
        .shows(&["id", "kind", "queue", "attempt", "undone", "finished_at", "error"]),
    get("dead-letter", "groups", "/v1/admin/dead-letters/groups", "By what they say.")
        .shows(&["jobs", "kind", "error", "undone", "last_at", "newest"]),
    get("dead-letter", "counts", "/v1/admin/dead-letters/counts", "How many, by kind.")
        .shows(&["kind", "undone", "jobs"]),
    get("queue", "list", "/v1/admin/queues", "All queues, and how they stand.")
        .with(&[text("kept", "false: without a sample of what keeps them")])
        .shows(&[
            "name",
            "jobs.ready",
            "running",
            "jobs.gates",
            "jobs.time",
            "jobs.parked",
            "next_age_ms",
            "latency_target_ms",
            "at_once_max",
            "pause.reason",
        ]),
    get("queue", "show", "/v1/admin/queues/{name}", "One queue."),
    post("queue", "pause", "/v1/admin/queues/{name}/pause", "Begin none of its jobs any more.")
        .with(&[number("for_secs", "Resume by itself after so many seconds")]),
    post("queue", "resume", "/v1/admin/queues/{name}/resume", "End the pause."),
    post("queue", "set", "/v1/admin/queues/{name}/settings", "Set limits and the latency target.")
        .with(&[
            nullable("at_once_max", "So many at once in the whole fleet, or none"),
            nullable("latency_target_ms", "A ready job may wait so long, or none"),
            text("fair", "true: tenants take turns; false: first come, first served"),
        ]),
    get("schedule", "list", "/v1/admin/schedules", "All schedules, with their next times.").shows(
        &["name", "cron", "timezone", "next.0", "last_at", "last_state", "paused.reason", "fault"],
    ),
    get("schedule", "status", "/api/admin/background-jobs/status", "How each went, for a day.")
        .shows(&[
            "name",
            "when",
            "enabled",
            "last.state",
            "last.at",
            "last.took_ms",
            "next",
            "ticks.made",
            "ticks.failed",
            "late_secs",
        ]),
    get("schedule", "show", "/v1/admin/schedules/{name}", "One schedule."),
    post("schedule", "pause", "/v1/admin/schedules/{name}/pause", "Make no ticks."),
    post("schedule", "resume", "/v1/admin/schedules/{name}/resume", "Make ticks again."),
    post("schedule", "run", "/v1/admin/schedules/{name}/run", "A job now, which is no tick."),
    post("schedule", "change", "/v1/admin/schedules/{name}/change", "Give it other times.").with(
        &[
            text("cron", "Another expression"),
            text("timezone", "Another zone"),
            text("missed", "What becomes of missed ticks: skip, run_once or catch_up"),
            number("catch_up_max", "With catch_up: so many at the most"),
        ],
    ),
    post(
        "schedule",
        "backfill",
        "/v1/admin/schedules/{name}/backfill",
        "Make past ticks after all.",
    )
    .with(&[
        text("from", "From this instant"),
        text("to", "To this one"),
        number("per_minute", "So many jobs a minute (60)"),
    ]),
    post("schedule", "stop-backfill", "/v1/admin/schedules/{name}/stop-backfill", "End that."),
    get("fleet", "list", "/v1/admin/workers", "All workers, by pool.").shows(&[
        "id",
        "name",
        "version",
        "live",
        "running",
        "draining",
        "heartbeat_at",
        "rest.reason",
    ]),
    get("fleet", "show", "/v1/admin/workers/{id}", "One worker."),
    post("fleet", "drain", "/v1/admin/workers/{id}/drain", "Have a worker take nothing new."),
    post("fleet", "resume", "/v1/admin/workers/{id}/resume", "Have it take jobs again."),
    get("audit", "list", "/v1/admin/audit", "Newest first.")
        .with(&[text("action", "Of this deed"), text("tenant", "To this tenant")])
        .shows(&["id", "at", "actor", "action", "tenant", "details.reason"]),
    get("audit", "verify", "/v1/admin/audit/verify", "Whether the records are what they were.")
        .with(&[
            text("record", "product or engine; both if not said"),
            text("noted", "LINK:HASH of an earlier look: whether it stands there yet"),
        ]),
    get("audit", "engine", "/v1/admin/audit/engine", "With what was there before. Newest first.")
        .with(&[text("job", "To this job")])
        .shows(&["id", "at", "actor", "action", "job", "subject", "reason"]),
    get("key", "list", "/v1/admin/keys", "All keys, without what is secret.").shows(&[
        "id",
        "name",
        "role",
        "scopes",
        "per_minute",
        "expires_at",
        "last_used_at",
        "works",
    ]),
    post("key", "create", "/v1/admin/keys", "Make a key. It is shown this once.").with(&[
        text("name", "Whose it is"),
        text("role", "viewer, operator or admin"),
        text("scopes", "Instead of a role: read,jobs,queues,tenants,billing,switches,keys"),
        number("expires_in_days", "It ends by itself after so many days"),
        number("per_minute", "So many requests a minute (600)"),
    ]),
    post("key", "rotate", "/v1/admin/keys/{id}/rotate", "A key that takes the place of another.")
        .with(&[number("grace_secs", "The old one works so long yet (a day)")]),
    post("key", "revoke", "/v1/admin/keys/{id}/revoke", "End a key at once."),
    get("webhook", "list", "/v1/admin/webhooks", "Newest first.")
        .with(&[
            text("provider", "Of this provider"),
            text("object", "About this object"),
            text("state", "Whose job is in this state"),
        ])
        .shows(&["id", "provider", "event", "object", "received_at", "deliveries", "state"]),
    get("webhook", "counts", "/v1/admin/webhooks/counts", "The last 24 hours, by provider.")
        .shows(&["provider", "state", "events", "deliveries"]),
    get("webhook", "show", "/v1/admin/webhooks/{id}", "One of them, as it was kept."),
    post("webhook", "replay", "/v1/admin/webhooks/{id}/replay", "Have one applied again."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_noun_and_a_verb_of_its_own() {
        let names: BTreeSet<_> = all().map(|it| (it.noun, it.verb)).collect();
        assert_eq!(names.len(), all().count());
        let nouns: BTreeSet<_> = all().map(|it| it.noun).collect();
        assert_eq!(nouns, NOUNS.iter().map(|(noun, _)| *noun).collect());
    }

    #[test]
    fn parameters_are_read_from_the_path() {
        let find = |noun: &str, verb: &str| {
            let found = all().find(|it| (it.noun, it.verb) == (noun, verb));
            found.unwrap().parameters().collect::<Vec<_>>()
        };
        assert_eq!(find("job", "cancel"), ["id"]);
        assert_eq!(find("job", "list"), [""; 0]);
    }
}
