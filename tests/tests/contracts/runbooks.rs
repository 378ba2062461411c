//! What the runbooks tell people to type at three in the morning: every route and every script is there.

use crate::{
    documents,
    files::{self, File},
};

/// Where routes begin that a runbook may name.
const ROOMS: [&str; 6] = ["/v1/", "/api/", "/telephony/", "/webhooks/", "/health", "/readyz"];

/// What a route may not stand behind: a letter would make it a part of a longer path.
fn begins_here(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "/._-".contains(c))
        || line[..at].ends_with("BASE_URL")
}

/// The routes in a line of code.
fn routes_in(line: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/_-{}".contains(c);
    let of = |room: &&str| -> Vec<&str> {
        line.match_indices(*room)
            .filter(|(at, _)| begins_here(line, *at))
            .map(|(at, _)| line[at..].split(|c| !is_part(c)).next().unwrap_or_default())
            .map(|path| path.trim_end_matches('/'))
            .collect()
    };
    ROOMS.iter().flat_map(of).collect()
}

/// Whether a path as a runbook writes it (`/v1/admin/jobs/ID`) is this route (`/v1/admin/jobs/{id}`).
fn is_route(path: &str, route: &str) -> bool {
    let (path, route): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    let same = |(ours, theirs): (&&str, &&str)| ours == theirs || theirs.starts_with('{');
    path.len() == route.len() && path.iter().zip(&route).all(same)
}

fn runbooks() -> Vec<File> {
    documents::all().into_iter().filter(|document| document.room() == "ops").collect()
}

/// Code of a document, with where it stands.
fn code(document: &File) -> Vec<(String, String)> {
    let spans = documents::spans(document).into_iter().map(|found| (found.place, found.text));
    let blocks = documents::blocks(document);
    let lines = blocks.iter().flat_map(|block| block.text.lines());
    spans.chain(lines.map(|line| (document.path.clone(), line.to_owned()))).collect()
}

/// What operators ask by hand although there is a noun for it.
#[test]
fn no_runbook_asks_by_hand_what_the_command_line_has_a_noun_for() {
    let mut nouns = 0;
    for document in runbooks() {
        for (place, line) in code(&document) {
            let by_hand = line.contains("curl") || line.contains("trunkline api ");
            let has_noun = ["/v1/admin", "/api/admin", "/api/cron"];
            let asks = by_hand && has_noun.iter().any(|room| line.contains(room));
            assert!(!asks, "{place}: {line}");
            nouns += line.matches("trunkline ").count();
        }
    }
    assert!(nouns > 70, "{nouns} commands in all runbooks");
}

#[test]
fn every_route_that_a_runbook_names_is_served() {
    let mut seen = 0;
    for document in runbooks() {
        for (place, line) in code(&document) {
            for path in routes_in(&line) {
                seen += 1;
                let served = api::ROUTES.iter().any(|route| is_route(path, route.path));
                assert!(served, "{place}: nobody serves {path}");
            }
        }
    }
    assert!(seen > 10, "runbooks name {seen} routes");
}

#[test]
fn every_script_that_a_runbook_names_is_there() {
    for document in runbooks() {
        for (place, line) in code(&document) {
            for word in line.split_whitespace().filter(|word| word.starts_with("ops/")) {
                let path = word.trim_end_matches([',', ';', ')']);
                let exists = path.contains('*') || files::root().join(path).exists();
                assert!(exists, "{place}: there is no {path}");
            }
        }
    }
}

#[test]
fn routes_are_found_in_commands() {
    let line =
        r#"curl "$PUBLIC_BASE_URL/api/cron/x" ; admin "/v1/admin/jobs?state=parked" /opt/api/y"#;
    assert_eq!(routes_in(line), ["/v1/admin/jobs", "/api/cron/x"]);
    assert!(is_route("/v1/admin/jobs/ID", "/v1/admin/jobs/{id}"));
    assert!(!is_route("/v1/admin/jobs", "/v1/admin/jobs/{id}"));
}
