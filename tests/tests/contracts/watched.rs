//! docs/alerts.md: every alert with its runbook and its tests, every panel with its question. Made from the rules, promtool's
//! tests and the dashboards, so that each is described in one place.

use std::{collections::BTreeSet, fs};

use daemon::config::Env;
use serde_json::Value;

use crate::{
    files,
    ops::{self, Alert},
};

const DOCUMENT: &str = "docs/alerts.md";

/// Writes it anew instead of comparing it.
const WRITE: &str = "TRUNKLINE_WRITE_SCHEMA";

/// The alerts that were asked for, by the numbers of the inventory.
const ASKED_FOR: [u16; 25] = [
    55, 56, 57, 58, 61, 62, 63, 64, 142, 143, 144, 145, 147, 148, 237, 238, 239, 241, 242, 243,
    244, 245, 246, 253, 282,
];

/// The units that panels have, as Grafana names them, and in words.
const UNITS: [(&str, &str); 7] = [
    ("bytes", "bytes"),
    ("cps", "per second"),
    ("none", "number"),
    ("ops", "per second"),
    ("percentunit", "share"),
    ("reqps", "per second"),
    ("s", "time"),
];

const PER_SECOND: &[&str] = &["cps", "ops", "reqps"];

const HEAD: &str = "\
# Alerts and panels

What is watched, and what is shown. Made from `ops/prometheus/rules/`, `ops/prometheus/tests/` and `grafana/dashboards/` by `tests/tests/contracts/watched.rs`, which compares it with them; `TRUNKLINE_WRITE_SCHEMA=1 cargo nextest run -p tests --test contracts watched` writes it anew.

## Alerts

`page` calls somebody, `ticket` is for the day, `none` for the monitoring itself. *Item* is the number in the inventory of what was asked for; an alert without one is ours. The tests are promtool's, and `tests/tests/ops/main.rs::every_alert_fires_when_it_should_and_is_quiet_otherwise` runs them.

| alert | severity | says | item | runbook | fires in | stays quiet in |
| --- | --- | --- | --- | --- | --- | --- |";

fn document() -> String {
    let mut lines = vec![HEAD.to_owned()];
    let trials = trials();
    let mut alerts: Vec<_> = ops::alerts().into_iter().collect();
    alerts.sort_by(|(one, left), (two, right)| (&left.file, one).cmp(&(&right.file, two)));
    lines.extend(alerts.iter().map(|(name, alert)| alert_row(name, alert, &trials)));
    let documented = ops::documented();
    for (path, dashboard) in ops::dashboards() {
        let title = word(&dashboard, "title").trim_start_matches("Trunkline: ");
        let question = word(&dashboard, "description");
        lines.push(format!("\n## Dashboard: {title}\n\n{question} (`{path}`)\n"));
        lines.push("| panel | question | unit | metrics |\n| --- | --- | --- | --- |".to_owned());
        lines.extend(ops::panels(&dashboard).iter().map(|panel| panel_row(panel, &documented)));
    }
    lines.join("\n") + "\n"
}

/// A row of a table. What is in its cells has no bars.
fn row<const N: usize>(cells: [&str; N]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn alert_row(name: &str, alert: &Alert, trials: &[Trial]) -> String {
    let items: Vec<_> = alert.items.iter().map(ToString::to_string).collect();
    let page = alert.runbook.rsplit('/').next().unwrap_or_default();
    let page = page.split('#').next().unwrap_or_default();
    let tried = |is_kind: fn(&Trial) -> bool| -> String {
        let of_it = trials.iter().filter(|trial| trial.alert() == name && is_kind(trial));
        let links: Vec<_> =
            of_it.map(|trial| format!("[{}](../{})", trial.name, trial.path)).collect();
        or_dash(links.join(", "))
    };
    row([
        name,
        &alert.severity,
        &plain(&alert.summary),
        &or_dash(items.join(", ")),
        &format!("[{page}](../{})", alert.runbook),
        &tried(Trial::fires),
        &tried(Trial::is_quiet),
    ])
}

fn panel_row(panel: &Value, documented: &BTreeSet<String>) -> String {
    let mut metrics = BTreeSet::new();
    for expression in expressions(panel) {
        let named = ops::metrics_in(expression);
        metrics.extend(named.into_iter().map(|name| ops::base(&name, documented)));
        // Prometheus' own, in capitals.
        metrics.extend(expression.contains("ALERTS{").then(|| "ALERTS".to_owned()));
    }
    let metrics: Vec<_> = metrics.iter().map(|name| format!("`{name}`")).collect();
    let unit = UNITS.iter().find(|(unit, _)| *unit == unit_of(panel)).map_or("?", |(_, it)| it);
    row([word(panel, "title"), word(panel, "description"), unit, &metrics.join(", ")])
}

fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn unit_of(panel: &Value) -> &str {
    word(&panel["fieldConfig"]["defaults"], "unit")
}

fn expressions(panel: &Value) -> impl Iterator<Item = &str> {
    panel["targets"].as_array().into_iter().flatten().map(|target| word(target, "expr"))
}

fn or_dash(cell: String) -> String {
    if cell.is_empty() { "–".to_owned() } else { cell }
}

/// A summary as the runbooks write it: what differs from case to case in capitals.
fn plain(summary: &str) -> String {
    let mut parts = summary.trim_matches('"').split("{{ $labels.");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (label, rest) = part.split_once(" }}").unwrap_or((part, ""));
        text.extend([&*label.to_uppercase(), rest]);
    }
    text
}

/// A test of promtool's.
#[derive(Debug)]
struct Trial {
    path: String,
    name: String,
    text: String,
}

impl Trial {
    fn read(path: &str, text: &str) -> Vec<Trial> {
        let of = |part: &str| {
            let (name, text) = part.split_once('\n').unwrap_or((part, ""));
            Trial { path: path.to_owned(), name: name.to_owned(), text: text.to_owned() }
        };
        text.split("\n  - name: ").skip(1).map(of).collect()
    }

    /// The alert that it is named after.
    fn alert(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    /// Whether it is about the alert that it is named after.
    fn asks(&self) -> bool {
        let line = format!("alertname: {}", self.alert());
        self.text.lines().any(|it| it.trim() == line)
    }

    /// Whether it expects it at some instant.
    fn fires(&self) -> bool {
        self.asks() && self.text.contains("exp_labels:")
    }

    /// Whether it expects it never.
    fn is_quiet(&self) -> bool {
        self.asks() && !self.text.contains("exp_labels:") && self.text.contains("exp_alerts: []")
    }
}

fn trials() -> Vec<Trial> {
    files::with_extension("yml")
        .into_iter()
        .filter(|file| file.path.starts_with("ops/prometheus/tests/"))
        .flat_map(|file| Trial::read(&file.path, &file.text))
        .collect()
}

/// The units that an expression can have, where the name of its one metric says so.
fn units_by_name(expression: &str) -> Option<&'static [&'static str]> {
    let names = ops::metrics_in(expression);
    let name = names.first().filter(|_| names.len() == 1)?;
    let is_rate = expression.contains("rate(");
    let is_share = expression.contains(" / ") || name.contains("_ratio");
    if is_share || is_rate && name.ends_with("_seconds_total") {
        Some(&["percentunit"])
    } else if name.ends_with("_seconds") || name.ends_with("_seconds_bucket") {
        Some(&["s"])
    } else if name.ends_with("_bytes") {
        Some(&["bytes"])
    } else if is_rate && (name.ends_with("_total") || name.ends_with("_count")) {
        Some(PER_SECOND)
    } else {
        None
    }
}

#[test]
fn the_tables_of_alerts_and_panels_are_what_rules_tests_and_dashboards_say() {
    let made = document();
    if Env::of_process().is_set(WRITE) {
        fs::write(files::root().join(DOCUMENT), &made).expect("written");
    }
    assert!(
        made == files::read(DOCUMENT),
        "{DOCUMENT} is not what the rules say: {WRITE}=1 cargo nextest run -p tests --test contracts watched"
    );
}

#[test]
fn every_alert_that_was_asked_for_is_there() {
    let items: BTreeSet<u16> = ops::alerts().into_values().flat_map(|alert| alert.items).collect();
    let missing: Vec<_> = ASKED_FOR.iter().filter(|item| !items.contains(item)).collect();
    assert!(missing.is_empty(), "no rule says `# items:` with {missing:?}");
}

#[test]
fn a_test_that_is_said_to_fire_expects_its_alert_and_a_quiet_one_expects_none() {
    let alerts = ops::alerts();
    for trial in trials() {
        let Trial { path, name, .. } = &trial;
        assert!(alerts.contains_key(trial.alert()), "{path}: {name}: there is no such alert");
        match name.split_once(' ').unwrap_or_default().1 {
            "fires" => assert!(trial.fires(), "{path}: {name}: it expects nothing"),
            "stays quiet" => assert!(trial.is_quiet(), "{path}: {name}: it expects an alert"),
            other => panic!("{path}: {name}: neither fires nor stays quiet but {other:?}"),
        }
    }
}

#[test]
fn every_dashboard_and_every_panel_asks_a_question() {
    let mut seen = 0;
    for (path, dashboard) in ops::dashboards() {
        let panels = ops::panels(&dashboard);
        let titles: BTreeSet<_> = panels.iter().map(|panel| word(panel, "title")).collect();
        assert_eq!(titles.len(), panels.len(), "{path}: two panels have one title");
        for asking in panels.iter().chain([&dashboard]) {
            let (title, question) = (word(asking, "title"), word(asking, "description"));
            let is_one = question.len() > 10 && question.contains('?');
            assert!(!title.is_empty() && is_one, "{path}: {title}: {question:?}");
            assert!(!question.contains('|') && !title.contains('|'), "{path}: {title}: a bar");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} panels and dashboards");
}

#[test]
fn every_panel_has_a_unit_and_it_is_that_of_its_metric() {
    for (path, dashboard) in ops::dashboards() {
        for panel in ops::panels(&dashboard) {
            let (title, unit) = (word(&panel, "title"), unit_of(&panel));
            let is_known = UNITS.iter().any(|(known, _)| *known == unit);
            assert!(is_known, "{path}: {title}: the unit {unit:?}");
            for expression in expressions(&panel) {
                let fits = units_by_name(expression).is_none_or(|units| units.contains(&unit));
                assert!(fits, "{path}: {title}: {unit} for {expression}");
            }
        }
    }
}

#[test]
fn what_a_test_expects_is_read_from_its_lines() {
    let text = "tests:\n  - name: A fires\n      - alertname: B\n        exp_labels:\n  - name: A stays quiet\n\
        \x20       alertname: A\n        exp_alerts: []\n  - name: A fires\n        alertname: A\n          - exp_labels:\n";
    let read = Trial::read("x.yml", text);
    let found: Vec<_> = read.iter().map(|it| (it.alert(), it.fires(), it.is_quiet())).collect();
    assert_eq!(found, [("A", false, false), ("A", false, true), ("A", true, false)]);
    assert_eq!(plain("\"{{ $labels.route }} of {{ $labels.x }}.\""), "ROUTE of X.");
}

#[test]
fn a_unit_is_read_from_a_metrics_name() {
    assert_eq!(units_by_name("max(a_age_seconds)"), Some(["s"].as_slice()));
    assert_eq!(units_by_name("rate(a_cpu_seconds_total[1m])"), Some(["percentunit"].as_slice()));
    assert_eq!(units_by_name("sum(rate(a_jobs_total[1m]))"), Some(PER_SECOND));
    assert_eq!(units_by_name("sum(increase(a_jobs_total[1m]))"), None);
    assert_eq!(units_by_name("rate(a_b_sum[1m]) / rate(a_b_count[1m])"), None);
}
