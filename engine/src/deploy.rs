//! Before a deploy: what would this version do to the runs that are in flight? It only looks; nothing is registered,
//! declared or claimed.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

use crate::{
    cron::Cron,
    error::Error,
    job::JobId,
    registry::Registry,
    store::{self, in_flight::LiveDeedRow},
    workflow::App,
};

/// Runs looked at; more are a sample.
const RUNS_MAX: i64 = 200_000;

/// How long the look may take.
const WITHIN: Duration = Duration::from_mins(2);

/// What a version can do, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// Of the program.
    pub version: String,
    /// Its kinds, and in which queue each waits.
    pub kinds: BTreeMap<String, String>,
    /// Effects that it can ask about and take back.
    pub effects: Vec<String>,
    /// Changes that it can take back.
    pub changes: Vec<String>,
    /// Its schedules: expression and zone.
    pub schedules: BTreeMap<String, String>,
}

/// What a version would break.
#[derive(Debug, Clone, Serialize)]
pub struct DeployReport {
    /// Whether nothing would break.
    pub ok: bool,
    /// Runs in flight that were looked at.
    pub runs: u64,
    /// Whether those were all.
    pub complete: bool,
    /// What would break, the most runs first.
    pub findings: Vec<Finding>,
}

/// One thing that would break.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What.
    pub breaks: Breaks,
    /// The name of the kind, effect, change or schedule.
    pub name: String,
    /// What is wrong, of the first one found.
    pub why: String,
    /// How many runs or ledger entries it is about.
    pub count: u64,
    /// One of the runs.
    pub example: Option<JobId>,
}

/// In which way a version does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaks {
    /// Runs of a kind that it does not know: they would wait until one comes that does.
    UnknownKind,
    /// Arguments that it cannot read: the runs would be parked as diverged.
    Arguments,
    /// An entry of a ledger that it could not take back or ask about.
    UnknownDeed,
    /// An entry that it knows and cannot read.
    Deed,
    /// A schedule that it cannot make.
    Schedule,
}

impl<A: App> Registry<A> {
    /// What this version can do. `version`: the program's.
    pub fn manifest(&self, version: &str) -> Manifest {
        let owned =
            |names: Vec<&&'static str>| names.into_iter().map(ToString::to_string).collect();
        Manifest {
            version: version.to_owned(),
            kinds: self
                .workflows
                .iter()
                .map(|(kind, workflow)| ((*kind).to_owned(), workflow.queue().to_owned()))
                .collect(),
            effects: owned(self.effects.keys().collect()),
            changes: owned(self.changes.keys().collect()),
            schedules: self
                .schedules
                .iter()
                .map(|it| (it.name.clone(), format!("{} {}", it.cron, it.timezone)))
                .collect(),
        }
    }

    /// Compares this version with the runs in flight in a database.
    pub async fn check_deploy(&self, url: &SecretString) -> Result<DeployReport, Error> {
        match tokio::time::timeout(WITHIN, self.check_runs(url)).await {
            Ok(report) => report,
            Err(_) => Err(Error::TimedOut),
        }
    }

    async fn check_runs(&self, url: &SecretString) -> Result<DeployReport, Error> {
        let mut conn = PgConnection::connect(url.expose_secret()).await?;
        let mut found = Findings::default();
        self.check_schedules(&store::in_flight::schedules_there(&mut conn).await?, &mut found);
        let mut runs = store::in_flight::runs_live(&mut conn, RUNS_MAX);
        let mut count = 0;
        while let Some(run) = runs.try_next().await? {
            count += 1;
            let job = Some(run.job_id.into());
            match self.accepts(&run.kind, &run.args) {
                Some(Ok(())) => {}
                Some(Err(why)) => found.note(Breaks::Arguments, &run.kind, &why, job),
                None => {
                    found.note(
                        Breaks::UnknownKind,
                        &run.kind,
                        "this version does not know it",
                        job,
                    );
                }
            }
        }
        drop(runs);
        let mut deeds = store::in_flight::deeds_live(&mut conn, RUNS_MAX);
        while let Some(deed) = deeds.try_next().await? {
            self.check_deed(&deed, &mut found);
        }
        drop(deeds);
        conn.close().await?;
        let findings = found.sorted();
        let complete = count < RUNS_MAX.unsigned_abs();
        Ok(DeployReport { ok: findings.is_empty(), runs: count, complete, findings })
    }

    fn check_deed(&self, deed: &LiveDeedRow, found: &mut Findings) {
        let (name, input) = (deed.name.as_str(), &deed.input);
        let (fits, gives) = if deed.form == "effect" {
            let known = self.effects.get(name);
            let gives =
                known.zip(deed.output.as_ref()).map(|(it, output)| it.accepts_output(output));
            (known.map(|it| it.accepts(input)), gives)
        } else {
            let known = self.changes.get(name);
            let gives =
                known.zip(deed.output.as_ref()).map(|(it, output)| it.accepts_output(output));
            (known.map(|it| it.accepts(input)), gives)
        };
        let fits = fits.map(|fits| fits.and(gives.unwrap_or(Ok(()))));
        let job = Some(deed.job_id.into());
        match fits {
            Some(Ok(())) => {}
            Some(Err(why)) => found.note(Breaks::Deed, &deed.name, &why, job),
            None => {
                let why = format!("this version does not know the {}", deed.form);
                found.note(Breaks::UnknownDeed, &deed.name, &why, job);
            }
        }
    }

    fn check_schedules(&self, there: &[(String, String, String)], found: &mut Findings) {
        let ours: HashSet<_> = self.schedules.iter().map(|schedule| &schedule.name).collect();
        let declared = self.schedules.iter().map(|it| (&it.name, &it.cron, &it.timezone));
        // An operator may have given them other times, perhaps by another version.
        let changed = there.iter().filter(|(name, ..)| ours.contains(name));
        let times = declared.chain(changed.map(|(name, cron, zone)| (name, cron, zone)));
        for (name, cron, zone) in times {
            if let Err(error) = Cron::parse(cron, zone) {
                found.note(Breaks::Schedule, name, &error.to_string(), None);
            }
        }
        for schedule in &self.schedules {
            match self.accepts(&schedule.kind, &schedule.args) {
                Some(Ok(())) => {}
                Some(Err(why)) => found.note(Breaks::Schedule, &schedule.name, &why, None),
                None => {
                    let why = format!("this version does not know the kind {}", schedule.kind);
                    found.note(Breaks::Schedule, &schedule.name, &why, None);
                }
            }
        }
    }
}

/// What was found so far, by what and name.
#[derive(Default)]
struct Findings(BTreeMap<(Breaks, String), Finding>);

impl Findings {
    fn note(&mut self, breaks: Breaks, name: &str, why: &str, example: Option<JobId>) {
        let finding = || Finding {
            breaks,
            name: name.to_owned(),
            why: why.chars().take(300).collect(),
            count: 0,
            example,
        };
        self.0.entry((breaks, name.to_owned())).or_insert_with(finding).count += 1;
    }

    fn sorted(self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.0.into_values().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.count));
        findings
    }
}
