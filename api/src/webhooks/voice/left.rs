//! What a caller has said after the tone, when the assistant could not be had: the owner is told of it like of any message.

use domain::voice::Session;
use engine::{Hold, Tx, Unique, Workflow};
use workflows::{Trunkline, take_message::TakeMessage};

use super::words::Words;
use crate::problem::Problem;

/// Tells the owner, once for a recording, however often the provider says so.
pub(super) async fn tell_owner(
    tx: &mut Tx,
    session: &Session,
    recording: &str,
    words: Words,
) -> Result<(), Problem> {
    let message = TakeMessage {
        call: session.call,
        tenant: session.tenant,
        caller_name: None,
        body: tx.seal(&words.recorded().to_owned())?,
        urgent: false,
    };
    let once = Unique::new(<TakeMessage as Workflow<Trunkline>>::KIND, recording, Hold::ForEver);
    tx.enqueue(message.job().tenant(session.tenant.as_uuid()).unique(once)).await?;
    Ok(())
}
