//! docs/http.md against the table of routes.

use std::collections::BTreeSet;

use crate::{documents, files};

#[test]
fn every_route_is_in_the_table_and_every_row_is_a_route() {
    let rows = documents::rows("docs/http.md");
    let is_route = |row: &&Vec<String>| row.len() == 4 && row[1].starts_with('/');
    let written: BTreeSet<_> =
        rows.iter().filter(is_route).map(|row| (row[0].as_str(), row[1].as_str())).collect();
    let served: BTreeSet<_> = api::ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(written, served);
}

#[test]
fn the_table_says_of_every_route_who_may_use_it() {
    let rows = documents::rows("docs/http.md");
    for route in api::ROUTES {
        let row = rows.iter().find(|row| row[0] == route.method && row[1] == route.path);
        let who = row.map(|row| row[2].as_str());
        assert_eq!(who, Some(words_for(route.guard)), "{} {}", route.method, route.path);
    }
}

/// As docs/http.md says it.
fn words_for(guard: api::Guard) -> &'static str {
    match guard {
        api::Guard::Open => "anyone",
        api::Guard::PhoneCode => "the code",
        api::Guard::AccessToken => "the access token",
        api::Guard::Password => "the password",
        api::Guard::AnySession => "anyone, with or without a session",
        api::Guard::Session => "a session",
        api::Guard::OwnPassword => "a session with an own password",
        api::Guard::Member => "a session with an own password, or a tenant's key",
        api::Guard::TwilioSignature => "Twilio's signature",
        api::Guard::StripeSignature => "Stripe's signature",
        api::Guard::CronSecret => "the clock's key",
        api::Guard::AdminKey => "the operators' key",
        api::Guard::ConsoleLogin => "the operators' key, by a form",
        api::Guard::ConsoleSession => "an operator who is logged in",
        api::Guard::ConsoleForm => "an operator who is logged in, by a form",
    }
}

/// The codes that the one file that knows them lists: `Name "code" STATUS "title";`.
fn codes() -> BTreeSet<String> {
    let text = files::read("api/src/problem.rs");
    let list = text.split("\ncodes! {").nth(1).and_then(|rest| rest.split("\n}").next());
    let list = list.expect("the list of codes is there");
    list.lines().filter_map(|line| line.split('"').nth(1).map(ToOwned::to_owned)).collect()
}

#[test]
fn every_code_of_a_problem_is_in_the_table_and_every_one_there_exists() {
    let rows = documents::rows("docs/http.md");
    let written: BTreeSet<_> = rows
        .iter()
        .filter(|row| row[0].starts_with(char::is_numeric))
        .flat_map(|row| row[1].split(", ").map(ToOwned::to_owned).collect::<Vec<_>>())
        .filter(|word| !word.contains(' '))
        .collect();
    assert_eq!(written, codes());
}
