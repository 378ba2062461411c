//! What was said, in the clear or in a box, as the tenant wants it.

use serde_json::Value;

use crate::Error;

/// One of the two columns in which something may stand.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// Readable, under row-level security.
    Open(Value),
    /// Encrypted by the caller.
    Sealed(Vec<u8>),
}

impl Kept {
    pub(super) fn open(&self) -> Option<&Value> {
        match self {
            Kept::Open(value) => Some(value),
            Kept::Sealed(_) => None,
        }
    }

    pub(super) fn sealed(&self) -> Option<&[u8]> {
        match self {
            Kept::Open(_) => None,
            Kept::Sealed(bytes) => Some(bytes),
        }
    }

    /// From the two columns, of which the schema lets one have a value.
    pub(super) fn of(
        open: Option<Value>,
        sealed: Option<Vec<u8>>,
        what: &'static str,
    ) -> Result<Kept, Error> {
        match (open, sealed) {
            (Some(value), None) => Ok(Kept::Open(value)),
            (None, Some(bytes)) => Ok(Kept::Sealed(bytes)),
            (Some(_), Some(_)) | (None, None) => Err(Error::Unreadable { what }),
        }
    }
}
