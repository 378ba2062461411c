//! What is kept in the clear or in a box, as its tenant's people read it.

use domain::calls::kept::Kept;
use engine::{Sealed, Tx};
use serde_json::Value;

/// Opened, if it must be. What was sealed with a key that nobody has any more is null: the rest can still be read.
pub(super) fn read(tx: &Tx, kept: Kept) -> Value {
    let bytes = match kept {
        Kept::Open(value) => return value,
        Kept::Sealed(bytes) => bytes,
    };
    let opened = Sealed::<Value>::from_bytes(bytes).ok().and_then(|sealed| tx.open(&sealed).ok());
    if opened.is_none() {
        tracing::warn!("what was said in a call cannot be opened: its key is gone");
    }
    opened.unwrap_or_default()
}
