//! The history of the schema, and how a database gets it. The history itself is the `.sql` files of this
//! folder, append-only, named `<timestamp>_<verb>_<noun>.sql`; `schema.sql` is what they lead to.

mod connection; // one direct connection, every statement with a limit of time
mod dump; // the schema as text
mod error;
mod lock; // one at a time, across processes
mod migrate; // from any version to this binary's
mod name; // names and texts inside statements
mod provision; // roles and an empty database
mod template; // a migrated database, copied in a moment

pub use self::{
    dump::{dump_schema, normalise},
    error::Error,
    migrate::{Applied, Known, Report, State, current, migrate},
    provision::{APP_ROLE, OWNER_ROLE, Passwords, Urls, provision, urls},
    template::{clone_database, drop_database, template, template_name},
};
