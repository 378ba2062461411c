//! One job: where it stands and why, what it did when, what it was given and yielded, and what can be done about it.

use askama::Template;
use axum::{extract::Path, response::Response};
use chrono::{DateTime, Utc};
use engine::State;
use serde::Deserialize;
use serde_json::Value;

use super::{
    actions::{self, Action, Asks, Of},
    audit::Deed as Recorded,
    door::{List, Refused, read, segment},
    jobs::Job,
    mask,
    page::{self, Page},
    session::Session,
    tree::{self, Line},
    waterfall::{self, ROWS_MAX, Row, Step},
    when::When,
};

/// What operators did to it lately.
const RECORDED_SHOWN: usize = 20;

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(flatten)]
    job: Job,
    args: Value,
    output: Option<Value>,
    tenant_id: Option<String>,
    parent_id: Option<String>,
    origin_id: Option<String>,
    origin: Option<String>,
    due: Option<DateTime<Utc>>,
    parked: Option<Parked>,
    progress: Option<Progress>,
    steps: Vec<Step>,
    effects: Vec<Deed>,
    says: Option<Vec<String>>,
}

/// How far it says it is.
#[derive(Debug, Deserialize)]
struct Progress {
    done: i64,
    total: Option<i64>,
    note: String,
}

/// One entry of its undo ledger.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Deed {
    pub(super) key: String,
    pub(super) form: String,
    name: String,
    state: String,
    input: Value,
    output: Option<Value>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) undone_at: Option<DateTime<Utc>>,
}

impl Deed {
    fn input(&self) -> Vec<Line> {
        tree::lines(&self.input)
    }

    fn output(&self) -> Vec<Line> {
        self.output.as_ref().map(tree::lines).unwrap_or_default()
    }
}

/// What a parked run waits for.
#[derive(Debug, Deserialize)]
struct Parked {
    cause: Option<String>,
    entry: Option<String>,
    reason: String,
    claim: i32,
}

#[derive(Template)]
#[template(path = "job.html")]
struct Shown<'a> {
    detail: &'a Detail,
    job: &'a Job,
    due: Option<When>,
    finished: Option<When>,
    parked: Option<&'a Parked>,
    rows: &'a [Row],
    is_cut: bool,
    args: Vec<Line>,
    output: Vec<Line>,
    recorded: &'a [Recorded],
}

/// `GET /console/jobs/{id}`.
pub(crate) async fn job(session: Session, Path(id): Path<String>) -> Result<Response, Refused> {
    let id = segment(&id);
    let (whole, tag) = session.visit.get_tagged(&format!("/v1/admin/jobs/{id}")).await?;
    let editable = (editable(&whole["args"]), &*tag);
    let mut detail: Detail = read(whole)?;
    detail.job.seen(session.now);
    let job = &detail.job;
    let path = format!("/v1/admin/audit/engine?job={id}&limit={RECORDED_SHOWN}");
    let recorded: List<Recorded> = session.visit.get(&path).await?;
    let recorded: Vec<_> = recorded.items.into_iter().map(|it| it.at(session.now)).collect();
    let ended = job.finished_at.unwrap_or(session.now);
    let began = job.created_at;
    let rows = waterfall::rows(&detail.steps, &detail.effects, began, ended, session.now);
    let when = |at: Option<DateTime<Utc>>| at.map(|at| When::new(at, session.now));
    let live = Shown {
        due: when(detail.due),
        finished: when(job.finished_at),
        parked: detail.parked.as_ref(),
        rows: &rows,
        is_cut: detail.steps.len() > ROWS_MAX,
        args: tree::lines(&detail.args),
        output: detail.output.as_ref().map(tree::lines).unwrap_or_default(),
        recorded: &recorded,
        job,
        detail: &detail,
    };
    let actions = actions_of(&session, &detail, editable)?;
    Ok(session.page(&Page {
        title: format!("{} {}", job.kind, job.short()),
        section: "/console/jobs",
        head: String::new(),
        live: page::text(&live)?,
        rest: actions::text("What can be done", &actions)?,
    }))
}

/// The arguments as a text to be changed; none where something in them is shown otherwise than it is: it would be lost.
fn editable(args: &Value) -> String {
    let mut shown = args.clone();
    mask::clean(&mut shown);
    if shown != *args || mask::hides(args) {
        return String::new();
    }
    serde_json::to_string_pretty(args).unwrap_or_default()
}

/// What can be done to a job that stands there.
fn actions_of(
    session: &Session,
    detail: &Detail,
    (args, tag): (String, &str),
) -> Result<Vec<Action>, Refused> {
    let (job, parked) = (&detail.job, detail.parked.as_ref());
    let back = format!("/console/jobs/{}", job.id);
    // A run goes on while somebody decides about it: what it is to do then is not about how far it was.
    let of = Of { session, id: &job.id, back: &back, tag: "" };
    let mut actions = Vec::new();
    if let Some(parked) = parked {
        actions.push(of.action(
            "job.answer",
            "Answer",
            "What you have found out and decided. It counts for this parking only, and is written down.",
            Asks::Answer(parked.claim),
        )?);
    }
    if matches!(job.state, State::Scheduled | State::Parked | State::Failed | State::Cancelled) {
        actions.push(of.action(
            "job.retry",
            "Retry",
            "Tries it again now. A job that is over goes on where it stopped.",
            Asks::Nothing,
        )?);
    }
    if job.state == State::Scheduled {
        let about = "Does not wait for its time.";
        actions.push(of.action("job.run-now", "Run now", about, Asks::Nothing)?);
    }
    if matches!(job.state, State::Scheduled | State::Ready) {
        let about = "While no worker has seen it. The first arguments stay in the record.";
        let of = Of { tag, ..of };
        actions.push(of.action("job.args", "Edit arguments", about, Asks::Args(args))?);
    }
    if matches!(job.state, State::Failed | State::Cancelled) {
        actions.push(of.action(
            "job.redrive",
            "Redrive",
            "From where it stopped, from one of its steps, or from scratch as a new job. From a step on, what was recorded is set aside and done anew; deeds never are.",
            Asks::From(waterfall::repeatable(&detail.steps)),
        )?);
    }
    let steps = waterfall::forkable(&detail.steps);
    if job.state.is_final() && !steps.is_empty() {
        actions.push(of.action(
            "job.fork",
            "Fork",
            "A new job that is lent what this one had recorded before a step, and does everything from there on anew, deeds too: what was charged or sent after it is charged or sent again. This one stays as it is.",
            Asks::Step(steps),
        )?);
    }
    if !job.state.is_final() {
        actions.push(of.action(
            "job.cancel",
            "Cancel",
            "At once if it has never run, else at its next boundary.",
            Asks::CancelMode,
        )?);
    }
    Ok(actions)
}
