//! What can go wrong with a statement, told without the values that were in it.

use std::fmt;

/// A failure of a statement or of a rule. Neither `Display` nor `Debug` ever shows a stored value: Postgres puts whole rows
/// into the details of its errors, so those are left out.
#[derive(thiserror::Error)]
pub enum Error {
    /// The database did not do it. Usually worth another try: the connection was lost, a deadlock was broken up.
    #[error("{doing}: the database failed")]
    Database {
        /// The operation, as `noun: verb`.
        doing: &'static str,
        /// The driver's error; its `Debug` may hold stored values.
        source: sqlx::Error,
    },
    /// A constraint forbids it; another try would end the same way.
    #[error("{doing}: forbidden by {constraint}")]
    Constraint {
        /// The operation, as `noun: verb`.
        doing: &'static str,
        /// The constraint's name in the schema.
        constraint: String,
    },
    /// The row is not there, or not visible in this scope.
    #[error("no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The record cannot go from where it is to where it was told to go.
    #[error("a {what} does not go from {from} to {to}")]
    IllegalMove {
        /// The kind of record.
        what: &'static str,
        /// Its present state.
        from: &'static str,
        /// The state asked for.
        to: &'static str,
    },
    /// Someone else changed the record in between.
    #[error("the {what} was changed in the meantime")]
    Outdated {
        /// The kind of record.
        what: &'static str,
    },
    /// A stored value breaks a rule that the schema should have held.
    #[error("the stored {what} is not one")]
    Unreadable {
        /// What the value should have been.
        what: &'static str,
    },
    /// The transaction has not said that it works for this tenant: a mistake of ours, see [`crate::scope`].
    #[error("the transaction does not work for this tenant")]
    OutOfScope,
    /// Argon2 refused its input or its task was torn down.
    #[error("a password could not be hashed")]
    Hashing,
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { source, .. } => write!(f, "{self}: {source}"),
            Self::Constraint { .. }
            | Self::NotFound { .. }
            | Self::IllegalMove { .. }
            | Self::Outdated { .. }
            | Self::Unreadable { .. }
            | Self::OutOfScope
            | Self::Hashing => write!(f, "{self}"),
        }
    }
}

/// Names the operation in which a statement failed.
pub(crate) trait During<T> {
    /// Turns the driver's error into ours.
    fn during(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| {
            match source.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
                Some(name) => Error::Constraint { doing, constraint: name.to_owned() },
                None => Error::Database { doing, source },
            }
        })
    }
}
