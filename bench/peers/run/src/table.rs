//! One table a figure: everyone's median with the spread, and ours by theirs.

use crate::line::Line;

/// Figures in the order of the table, with what they are.
const FIGURES: &[(&str, &str)] = &[
    ("drain_per_s", "Drain: jobs that do nothing, per second, one worker process"),
    ("wal_bytes_per_job", "Write-ahead log of a job, from its enqueue to its end, bytes"),
    ("enqueue_per_s_1", "Enqueue: one caller, one job at a time, per second"),
    ("enqueue_per_s_16", "Enqueue: 16 callers, one job at a time each, per second"),
    ("bulk_per_s", "Enqueue in bulk, jobs per second"),
    ("workflows_per_s", "Workflows of five checkpointed steps from the queue, per second"),
    ("workflow_p50_ms", "One such workflow when idle, from the enqueue to its end, median, ms"),
    ("wal_bytes_per_workflow", "Write-ahead log of such a workflow, bytes"),
    ("pickup_p50_ms", "Pickup when idle, from the return of the enqueue, median, ms"),
    ("pickup_p99_ms", "Pickup when idle, 99th percentile, ms"),
];

/// Everything of one contestant for one figure.
struct Row<'a> {
    line: &'a Line,
    /// By round.
    values: Vec<(usize, f64)>,
}

impl Row<'_> {
    fn is_ours(&self) -> bool {
        self.line.peer == "trunkline"
    }
}

#[expect(clippy::print_stdout, reason = "the table is what stdout is for")]
pub(crate) fn print(lines: &[Line]) {
    if let Some(line) = lines.first() {
        println!("Server: {}.", line.server);
    }
    for (metric, title) in FIGURES {
        let mut rows = rows(lines, metric);
        let ours = rows.iter().position(Row::is_ours).map(|at| rows.remove(at));
        let Some(ours) = ours.or_else(|| rows.pop()) else { continue };
        println!("\n### {title}\n");
        println!("| who | version | set | history | median | min–max | runs | ours / theirs |");
        println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
        println!("{}", shown(&ours, None));
        rows.sort_by(|one, two| median(&values(two)).total_cmp(&median(&values(one))));
        for row in &rows {
            println!("{}", shown(row, Some(&ours)));
        }
    }
}

fn rows<'a>(lines: &'a [Line], metric: &str) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for line in lines.iter().filter(|line| line.metric == metric) {
        let same =
            |row: &&mut Row<'_>| row.line.peer == line.peer && row.line.setting == line.setting;
        match rows.iter_mut().find(same) {
            Some(row) => row.values.push((line.round, line.value)),
            None => rows.push(Row { line, values: vec![(line.round, line.value)] }),
        }
    }
    rows
}

fn shown(row: &Row<'_>, ours: Option<&Row<'_>>) -> String {
    let Line { peer, version, setting, settings, keeps_history, .. } = row.line;
    let all = values(row);
    let (min, max) = all
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(min, max), value| (min.min(*value), max.max(*value)));
    let ratio = ours.map_or_else(|| "1".to_owned(), |ours| number(median(&ratios(ours, row))));
    let kept = if *keeps_history { "kept" } else { "none" };
    format!(
        "| {peer} | {version} | {setting}: {settings} | {kept} | {} | {}–{} | {} | {ratio} |",
        number(median(&all)),
        number(min),
        number(max),
        all.len(),
    )
}

fn values(row: &Row<'_>) -> Vec<f64> {
    row.values.iter().map(|(_, value)| *value).collect()
}

/// Ours by theirs in the rounds that have both.
fn ratios(ours: &Row<'_>, theirs: &Row<'_>) -> Vec<f64> {
    let in_round = |round| ours.values.iter().find(|(at, _)| *at == round);
    let pairs = theirs
        .values
        .iter()
        .filter_map(|(round, value)| in_round(*round).map(|(_, ours)| ours / value));
    pairs.collect()
}

/// The middle one, or the mean of the two middle ones. NaN of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// As many digits as mean something, thousands apart.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value < 10.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut apart = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        assert_eq!(number(0.746), "0.75");
        assert_eq!(number(34_012.4), "34,012");
        assert_eq!(number(f64::NAN), "–");
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(median(&[4.0, 1.0]).total_cmp(&2.5), std::cmp::Ordering::Equal);
        assert!(median(&[]).is_nan());
    }
}
