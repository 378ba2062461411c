//! What a run did when, as bars beside each other. A wait of three days beside steps of three milliseconds would leave
//! nothing to see of them, so the scale is bent: each stretch between two instants is as wide as the logarithm of its length.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    job::Deed,
    when::{When, length},
};

/// The whole width.
const WIDTH: f64 = 1000.0;

/// What lasted no time can still be seen.
const BAR_MIN: f64 = 5.0;

/// What is longer is for the API.
pub(super) const ROWS_MAX: usize = 300;

/// As the API tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    name: String,
    kind: String,
    state: String,
    attempt: i16,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    error: Option<String>,
}

impl Step {
    /// Whether the same run can be sent back to it. A deed cannot be done anew, and what stands in a branch has no place in
    /// the order of the others.
    fn is_repeatable(&self) -> bool {
        let is_form = ["step", "transaction", "wait", "sleep"].contains(&&*self.kind);
        self.state == "succeeded" && is_form && !self.name.contains('/')
    }

    /// Whether another run can begin at it, which does its own deeds.
    fn is_forkable(&self) -> bool {
        let is_deed = ["effect", "change", "child"].contains(&&*self.kind);
        self.is_repeatable() || self.state == "done" && is_deed && !self.name.contains('/')
    }
}

/// Names of the steps that a run can be sent back to, each once, in their order.
pub(super) fn repeatable(steps: &[Step]) -> Vec<String> {
    names(steps, Step::is_repeatable)
}

/// Names of the steps that another run can begin at.
pub(super) fn forkable(steps: &[Step]) -> Vec<String> {
    names(steps, Step::is_forkable)
}

fn names(steps: &[Step], is_meant: impl Fn(&Step) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in steps.iter().take(ROWS_MAX).filter(|step| is_meant(step)) {
        if !names.contains(&step.name) {
            names.push(step.name.clone());
        }
    }
    names
}

/// One thing that happened.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) attempt: i16,
    pub(super) error: String,
    pub(super) at: Option<When>,
    pub(super) lasted: String,
    pub(super) bars: Vec<Bar>,
}

/// A stretch of time, in thousandths of the width.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) class: &'static str,
}

/// A run's time, bent.
struct Scale {
    instants: Vec<i64>,
    places: Vec<f64>,
}

impl Scale {
    fn of(mut instants: Vec<i64>) -> Scale {
        instants.sort_unstable();
        instants.dedup();
        let mut places = vec![0.0];
        for pair in instants.windows(2) {
            let last = places.last().copied().unwrap_or(0.0);
            places.push(last + log(pair[1] - pair[0]));
        }
        let whole = places.last().copied().filter(|whole| *whole > 0.0).unwrap_or(1.0);
        for place in &mut places {
            *place *= WIDTH / whole;
        }
        Scale { instants, places }
    }

    fn place(&self, instant: i64) -> f64 {
        let index = self.instants.binary_search(&instant).unwrap_or_else(|index| index);
        self.places.get(index).copied().unwrap_or(WIDTH)
    }

    fn bar(&self, from: i64, to: i64, class: &'static str) -> Bar {
        let (from, to) = (self.place(from), self.place(to));
        let width = (to - from).max(BAR_MIN);
        let x = from.min(WIDTH - width).max(0.0);
        Bar { x: format!("{x:.1}"), width: format!("{width:.1}"), class }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bar is a thousand pixels wide")]
fn log(ms: i64) -> f64 {
    (ms.max(0) as f64).ln_1p()
}

/// The rows of a run that began and ended, or goes on now, at these instants.
pub(super) fn rows(
    steps: &[Step],
    deeds: &[Deed],
    began: DateTime<Utc>,
    ended: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Row> {
    let steps = &steps[..steps.len().min(ROWS_MAX)];
    let stretches: Vec<_> = steps.iter().map(|step| stretches(step, deeds, ended)).collect();
    let all = stretches.iter().flatten().flat_map(|&(from, to, _)| [from, to]);
    let scale = Scale::of(all.chain([began, ended]).map(|it| it.timestamp_millis()).collect());
    let row = |(step, stretches): (&Step, &Vec<Stretch>)| {
        let bars = stretches
            .iter()
            .map(|&(from, to, class)| {
                scale.bar(from.timestamp_millis(), to.timestamp_millis(), class)
            })
            .collect();
        let (from, to) = (step.started_at, step.finished_at);
        Row {
            name: step.name.clone(),
            kind: step.kind.clone(),
            state: step.state.clone(),
            attempt: step.attempt,
            error: step.error.clone().unwrap_or_default(),
            at: from.or(to).map(|at| When::new(at, now)),
            lasted: from.map_or_else(String::new, |from| length(to.unwrap_or(ended) - from)),
            bars,
        }
    };
    steps.iter().zip(&stretches).map(row).collect()
}

type Stretch = (DateTime<Utc>, DateTime<Utc>, &'static str);

/// When it was at work, and when it was taken back.
fn stretches(step: &Step, deeds: &[Deed], ended: DateTime<Utc>) -> Vec<Stretch> {
    let from = step.started_at.or(step.finished_at).unwrap_or(ended);
    let deed = deeds.iter().find(|deed| deed.key == step.name && deed.form == step.kind);
    let to = match deed {
        Some(deed) => deed.finished_at,
        None => step.finished_at,
    };
    let class = match (step.state.as_str(), step.kind.as_str()) {
        ("failed" | "unknown", _) => "bad",
        (_, "wait" | "sleep") => "wait",
        _ => "work",
    };
    let mut stretches = vec![(from, to.unwrap_or(ended).max(from), class)];
    if let Some(undone) = deed.and_then(|deed| deed.undone_at) {
        stretches.push((undone, undone, "undo"));
    }
    stretches
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn named(name: &str, kind: &str, state: &str) -> Step {
        let (name, kind, state) = (name.to_owned(), kind.to_owned(), state.to_owned());
        Step { name, kind, state, attempt: 1, started_at: None, finished_at: None, error: None }
    }

    #[test]
    fn a_run_goes_back_to_its_steps_and_another_begins_at_its_deeds_too() {
        let steps = [
            named("a", "do", "failed"),
            named("a", "step", "succeeded"),
            named("x", "effect", "done"),
            named("y", "change", "undone"),
            named("each[0]/b", "step", "succeeded"),
            named("c", "transaction", "succeeded"),
            named("c", "transaction", "succeeded"),
        ];
        assert_eq!(repeatable(&steps), ["a", "c"]);
        assert_eq!(forkable(&steps), ["a", "x", "c"]);
    }

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    fn step(name: &str, kind: &str, state: &str, from: Option<i64>, to: Option<i64>) -> Step {
        Step {
            name: name.to_owned(),
            kind: kind.to_owned(),
            state: state.to_owned(),
            attempt: 1,
            started_at: from.map(at),
            finished_at: to.map(at),
            error: None,
        }
    }

    #[test]
    fn a_short_step_can_be_seen_beside_a_wait_of_days() {
        let days = 3 * 24 * 3600 * 1000;
        let steps = [
            step("a", "step", "succeeded", Some(0), Some(10)),
            step("wait:x", "wait", "succeeded", Some(10), Some(days)),
            step("b", "step", "failed", None, Some(days)),
        ];
        let rows = rows(&steps, &[], at(0), at(days), at(days));
        let width = |row: &Row| row.bars[0].width.parse::<f64>().unwrap();
        assert!(width(&rows[0]) > 50.0 && width(&rows[1]) > 500.0, "{rows:?}");
        assert_eq!(
            rows.iter().map(|row| row.bars[0].class).collect::<Vec<_>>(),
            ["work", "wait", "bad"]
        );
        for bar in rows.iter().flat_map(|row| &row.bars) {
            let end = bar.x.parse::<f64>().unwrap() + bar.width.parse::<f64>().unwrap();
            assert!(end <= WIDTH + 0.2, "{bar:?}");
        }
        assert_eq!((rows[0].lasted.as_str(), rows[2].lasted.as_str()), ("10 ms", ""));
    }

    #[test]
    fn a_run_without_time_is_shown_too() {
        let rows = rows(&[step("a", "step", "done", Some(5), None)], &[], at(5), at(5), at(5));
        assert_eq!(rows[0].bars.len(), 1);
        assert!(super::rows(&[], &[], at(0), at(0), at(0)).is_empty());
    }
}
