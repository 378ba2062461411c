//! Wrong keys of operators, counted by address over all instances. Only those are refused: a right key from the same address
//! is let in however many others somebody behind the same router tries. A key of ours has 256 bits of chance; what is kept
//! down here is the noise, in the log and before the database, and operators are told of it.

use std::time::Duration;

use crate::{caller::Caller, metrics, problem::Problem, rate::Limit, state::ApiState};

/// A person who has mistyped, and a script with yesterday's key: not a program that tries.
const LIMIT: Limit = Limit {
    scope: "admin.wrong_keys_per_ip",
    policy: "wrong-keys",
    max: 20,
    window: Duration::from_mins(15),
};

/// Counts a wrong key. An error: there were too many from this address, or it cannot be told at the moment.
pub(crate) async fn count(
    state: &ApiState,
    caller: &Caller,
    door: metrics::Door,
) -> Result<(), Problem> {
    metrics::wrong_key(door);
    state.strangers().count(state, caller, LIMIT).await
}
