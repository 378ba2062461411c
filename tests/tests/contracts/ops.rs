//! Alerts and dashboards: they speak of metrics that exist, every metric is watched or shown, and every alert has a section in
//! a runbook, a test in which it fires and one in which it stays quiet. What needs Prometheus' own tools is in the suite `ops`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    documents,
    files::{self, File},
};

/// Metrics of others, and those that our scripts leave for the node exporter.
const FOREIGN: [&str; 5] =
    ["alertmanager_", "node_", "prometheus_", "trunkline_backup_", "trunkline_restore_"];

/// A line of a rule file, after its indentation.
fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.trim_start().trim_start_matches("- ").strip_prefix(key).map(str::trim)
}

fn rule_files() -> Vec<File> {
    let is_rule = |file: &File| file.path.starts_with("ops/prometheus/rules/");
    files::with_extension("yml").into_iter().filter(is_rule).collect()
}

pub(crate) fn dashboards() -> Vec<(String, Value)> {
    files::with_extension("json")
        .into_iter()
        .filter(|file| file.path.starts_with("grafana/dashboards/"))
        .map(|file| {
            let read = serde_json::from_str(&file.text);
            (file.path.clone(), read.unwrap_or_else(|error| panic!("{}: {error}", file.path)))
        })
        .collect()
}

#[derive(Debug, Default)]
pub(crate) struct Alert {
    /// The file of its rule.
    pub(crate) file: String,
    /// What it was asked for as, by the numbers of the inventory.
    pub(crate) items: Vec<u16>,
    pub(crate) severity: String,
    pub(crate) summary: String,
    pub(crate) runbook: String,
}

pub(crate) fn alerts() -> BTreeMap<String, Alert> {
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    let mut current = String::new();
    for file in rule_files() {
        for line in file.text.lines() {
            if let Some(name) = after(line, "alert:") {
                name.clone_into(&mut current);
                let new = Alert { file: file.path.clone(), ..Alert::default() };
                let twice = alerts.insert(current.clone(), new);
                assert!(twice.is_none(), "{name} is there twice");
            }
            let Some(alert) = alerts.get_mut(&current) else { continue };
            if let Some(items) = after(line, "# items:") {
                let number = |item: &str| item.trim().parse().ok();
                let read: Option<Vec<u16>> = items.split(',').map(number).collect();
                alert.items = read.unwrap_or_else(|| panic!("{current}: {line}"));
            }
            for (key, field) in [
                ("severity:", &mut alert.severity),
                ("summary:", &mut alert.summary),
                ("runbook_url:", &mut alert.runbook),
            ] {
                if let Some(value) = after(line, key) {
                    value.clone_into(field);
                }
            }
        }
    }
    alerts
}

/// The expressions of the rules: the lines that are deeper than their `expr: |`.
fn rule_expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in rule_files() {
        let mut depth = None;
        for line in file.text.lines() {
            let indent = line.len() - line.trim_start().len();
            match (after(line, "expr:"), depth) {
                (Some(_), _) => depth = Some(indent),
                (None, Some(deep)) if indent > deep => {
                    found.push((file.path.clone(), line.trim().to_owned()));
                }
                _ => depth = None,
            }
        }
    }
    found
}

fn panel_expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                found.push((path.clone(), target["expr"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    found
}

pub(crate) fn panels(dashboard: &Value) -> Vec<Value> {
    dashboard["panels"].as_array().cloned().unwrap_or_default()
}

/// The metrics in an expression: words with an underscore or a colon that are no function, no label's value and no variable.
pub(crate) fn metrics_in(expression: &str) -> BTreeSet<String> {
    let bare: String = expression.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '$';
    let mut found = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(start) = rest.find(is_part) {
        let word = rest[start..].split(|c| !is_part(c)).next().unwrap_or_default();
        rest = &rest[start + word.len()..];
        let is_call = rest.trim_start().starts_with('(');
        let is_name = word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.contains(['_', ':'])
            && !word.starts_with("__");
        if is_name && !is_call {
            found.insert(word.to_owned());
        }
    }
    found
}

pub(crate) fn documented() -> BTreeSet<String> {
    documents::rows("docs/metrics.md").into_iter().map(|row| row[0].clone()).collect()
}

/// A histogram's name without what its series add.
pub(crate) fn base(name: &str, documented: &BTreeSet<String>) -> String {
    let cut = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    cut.filter(|cut| documented.contains(*cut)).unwrap_or(name).to_owned()
}

#[test]
fn every_metric_in_a_rule_or_on_a_panel_is_documented() {
    let documented = documented();
    let recorded: BTreeSet<String> = rule_files()
        .iter()
        .flat_map(|file| file.text.lines().map(ToOwned::to_owned).collect::<Vec<_>>())
        .filter_map(|line| after(&line, "record:").map(ToOwned::to_owned))
        .collect();
    for (path, expression) in rule_expressions().into_iter().chain(panel_expressions()) {
        for name in metrics_in(&expression) {
            let known = documented.contains(&base(&name, &documented))
                || recorded.contains(&name)
                || FOREIGN.iter().any(|prefix| name.starts_with(prefix));
            assert!(known, "{path}: docs/metrics.md does not know {name}");
        }
    }
}

#[test]
fn every_documented_metric_is_in_a_rule_or_on_a_panel() {
    let documented = documented();
    let used: BTreeSet<String> = rule_expressions()
        .into_iter()
        .chain(panel_expressions())
        .flat_map(|(_, expression)| metrics_in(&expression))
        .map(|name| base(&name, &documented))
        .collect();
    let missing: Vec<_> = documented.difference(&used).collect();
    assert!(missing.is_empty(), "neither shown nor watched: {missing:?}");
}

#[test]
fn every_alert_says_what_it_is_and_where_its_runbook_stands() {
    for (name, alert) in alerts() {
        assert!(
            ["page", "ticket", "none"].contains(&&*alert.severity),
            "{name}: {}",
            alert.severity
        );
        assert!(alert.summary.len() > 10, "{name} has no summary");
        let (path, section) = alert.runbook.split_once('#').unwrap_or_default();
        assert_eq!(section, name.to_lowercase(), "{name}: {}", alert.runbook);
        let heading = format!("## {name}");
        let has = files::read(path).lines().any(|line| line == heading);
        assert!(has, "{path} has no section {name}");
    }
}

#[test]
fn every_section_that_is_called_like_an_alert_is_one() {
    let alerts = alerts();
    for page in files::with_extension("md").iter().filter(|it| it.path.starts_with("ops/runbooks/"))
    {
        for heading in page.text.lines().filter_map(|line| line.strip_prefix("## ")) {
            let capitals = heading.chars().filter(char::is_ascii_uppercase).count();
            let is_one_word = heading.chars().all(|c| c.is_ascii_alphanumeric());
            if is_one_word && capitals > 1 && heading.chars().any(|c| c.is_ascii_lowercase()) {
                let known = alerts.contains_key(heading) || heading == "OpenAI";
                assert!(known, "{}: there is no alert {heading}", page.path);
            }
        }
    }
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_stays_quiet() {
    let tests: String = files::with_extension("yml")
        .into_iter()
        .filter(|file| file.path.starts_with("ops/prometheus/tests/"))
        .map(|file| file.text)
        .collect();
    for name in alerts().keys() {
        let has = |what: &str| tests.lines().any(|line| line == format!("  - name: {name} {what}"));
        assert!(has("fires"), "no test in which {name} fires");
        // The one that says that alerts arrive at all.
        assert!(has("stays quiet") || name == "Watchdog", "no test in which {name} stays quiet");
    }
}

#[test]
fn metrics_are_told_from_functions_labels_and_values() {
    let expression = r#"sum by (le) (rate(a_seconds_bucket{kind="send_sms",queue=~"$queue"}[$__rate_interval])) / on (queue) group_left (x) b:c"#;
    let found: Vec<_> = metrics_in(expression).into_iter().collect();
    assert_eq!(found, ["a_seconds_bucket", "b:c"]);
    let documented = BTreeSet::from(["a_seconds".to_owned()]);
    assert_eq!(base("a_seconds_bucket", &documented), "a_seconds");
    assert_eq!(base("a_calls_count", &documented), "a_calls_count");
}
