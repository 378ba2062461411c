//! Which jobs an operation is about: written down page by page, so that nothing that happens later adds one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{super::look::stored, OperationState};
use crate::{
    error::Error,
    job::JobId,
    store::{self, search::Filter},
    tx::Tx,
};

/// Jobs of one operation. Who means more than that means something else: pause the queue, or take a narrower filter.
pub const OPERATION_JOBS_MAX: i64 = 1_000_000;

/// Jobs written down in one transaction: a few dozen milliseconds.
const PAGE: i64 = 5_000;

/// How far the freezing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezePage {
    /// Jobs frozen by this page.
    pub found: i64,
    /// Where the next one begins; none: that was all, or the operation is not being frozen any more.
    pub after: Option<Uuid>,
}

impl Tx {
    /// Freezes the next page of what an operation is about. `except_kinds`: those who carry operations out.
    pub async fn freeze_operation(
        &mut self,
        id: JobId,
        after: Option<Uuid>,
        except_kinds: &[&str],
    ) -> Result<FreezePage, Error> {
        let over = FreezePage { found: 0, after: None };
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Freezing {
            return Ok(over);
        }
        let room = OPERATION_JOBS_MAX - held.row.matched;
        // A filter that cannot be read was written by another version: it matches nothing here.
        let Ok(filter) = serde_json::from_value(held.row.filter) else {
            self.move_operation(
                id,
                OperationState::Cancelled,
                Some("its filter cannot be read here"),
            )
            .await?;
            return Ok(over);
        };
        let filter = stored(&filter);
        let bounds = [filter.older_than, Some(held.row.before_job), after];
        let filter = Filter {
            older_than: bounds.into_iter().flatten().min(),
            except_kinds: except_kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            ..filter
        };
        // One more than there is room for tells that there are too many.
        let rows_max = PAGE.min(room + 1);
        let operation = id.as_uuid();
        let page = match &filter.error {
            Some(error) => {
                store::alike::alike_freeze(self, operation, &filter, error, rows_max).await?
            }
            None => store::search::jobs_freeze(self, operation, &filter, rows_max).await?,
        };
        if page.found > room {
            let why = format!("more than {OPERATION_JOBS_MAX} jobs match");
            self.move_operation(id, OperationState::Cancelled, Some(&why)).await?;
            return Ok(over);
        }
        store::operations::operation_grows(self, id.as_uuid(), page.found).await?;
        let after = page.last.filter(|_| page.looked == rows_max);
        Ok(FreezePage { found: page.found, after })
    }

    /// All that matched is written down: the operation can be looked at, and started. False: somebody has ended it, or
    /// there is nothing to do.
    pub async fn operation_is_frozen(&mut self, id: JobId) -> Result<bool, Error> {
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Freezing {
            return Ok(false);
        }
        if held.row.matched == 0 {
            self.move_operation(id, OperationState::Cancelled, Some("nothing matches")).await?;
            return Ok(false);
        }
        self.move_operation(id, OperationState::Frozen, None).await?;
        Ok(true)
    }
}
