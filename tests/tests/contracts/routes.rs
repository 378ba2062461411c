//! docs/http.md against the table of routes.

use std::collections::BTreeSet;

use crate::documents;

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
        api::Guard::TwilioSignature => "Twilio's signature",
        api::Guard::AdminKey => "the operators' key",
    }
}
