//! What must hold of this repository as a text: which crate may know which, where SQL may stand, how big a file may grow, and
//! that the documents speak of what is there. Needs no database.

mod documents; // Markdown, as far as it matters here
mod files; // the files of this repository
mod source; // Rust, as far as it matters here

mod arrows; // who may depend on whom
mod commands; // the commands that the documents name
mod coverage; // docs/coverage.md against the tests it names
mod deployment; // what deploys us
mod events; // docs/logs.md against what is logged
mod example; // .env.example against docs/configuration.md
mod excerpts; // the code that the documents show
mod habits; // what no source file does
mod metrics; // docs/metrics.md against what is emitted
mod migrations; // the history of the schema
mod names; // how tests are called
mod openapi; // docs/openapi.json against routes, words and shapes
mod ops; // alerts, dashboards and runbooks against what they speak of
mod paths; // the files and items that the documents name
mod promises; // docs/promises.md against the tests it names
mod restore; // what is done with live jobs after a restore
mod routes; // docs/http.md against the table of routes
mod runbooks; // what the runbooks tell people to type
mod sizes; // how long a file may be
mod sql; // where statements may stand
mod variables; // docs/configuration.md against what is read
mod watched; // docs/alerts.md: alerts with their tests, panels with their questions
mod workflows; // how a workflow's file begins
