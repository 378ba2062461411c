//! Messages that the network did not deliver this time: said once more after a while, a few times, each as a message of its
//! own that asks for leave like any other. What is of no use later is not.

use std::time::Duration;

use domain::{MessageId, messages, messages::Message, sending::Occasion};
use engine::{Failure, Start, Tx, Workflow};

use crate::{
    error::of_domain,
    send_sms::{SendSms, Sender},
};

/// Twilio: the phone is off or out of reach. A later try can succeed ("Error 30003").
const UNREACHABLE: i32 = 30_003;

/// Twilio: nobody knows why ("Error 30008").
const UNKNOWN: i32 = 30_008;

/// In Twilio's queue for no longer than half a working day.
const VALIDITY_SECS: u32 = 4 * 3600;

/// After how long a message is said again that has failed with this code, as the so-many-th. None: not again. Pure.
fn after(code: Option<i32>, resends: i16) -> Option<Duration> {
    let pauses: &[Duration] = match code {
        Some(UNREACHABLE) => &[Duration::from_mins(10), Duration::from_hours(1)],
        Some(UNKNOWN) => &[Duration::from_mins(10)],
        Some(_) | None => &[],
    };
    usize::try_from(resends).ok().and_then(|number| pauses.get(number)).copied()
}

/// Whether it still helps an hour later. A code is followed by a call, the assistant's answer has a minute, and what an owner
/// is told at once is not kept. Pure.
fn helps_later(occasion: Occasion) -> bool {
    match occasion {
        Occasion::Answer | Occasion::MissedCall | Occasion::Notice => true,
        Occasion::Code | Occasion::Alert | Occasion::AiAnswer => false,
    }
}

/// Plans the next one, in the transaction that learns of the failure: so it follows once. True: there is one.
pub(crate) async fn plan(
    tx: &mut Tx,
    of: &Message,
    code: Option<i32>,
    every_ms: u32,
) -> Result<bool, Failure> {
    let Some(pause) = after(code, of.resends) else { return Ok(false) };
    let Some(occasion) = of.occasion.filter(|it| helps_later(*it)) else { return Ok(false) };
    let body = messages::said_in(tx, of.message).await.map_err(of_domain)?;
    let (Some(body), Some(tenant)) = (body, of.tenant) else { return Ok(false) };
    let message = MessageId::mint();
    messages::create_again(tx, message, of.message).await.map_err(of_domain)?;
    let again = SendSms {
        message,
        for_tenant: Some(tenant),
        purpose: of.purpose.clone(),
        to: tx.seal(&of.to)?,
        body: tx.seal(&body)?,
        validity_secs: VALIDITY_SECS,
        occasion,
        sender: Sender::Tenant,
        every_ms,
        patience_secs: None,
    };
    tx.enqueue(again.job().tenant(tenant.as_uuid()).start(Start::After(pause))).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_out_of_reach_is_tried_twice_more_and_who_may_have_been_once() {
        let mins = |code, resends| after(Some(code), resends).map(|it| it.as_secs() / 60);
        assert_eq!([0, 1, 2].map(|n| mins(30_003, n)), [Some(10), Some(60), None]);
        assert_eq!([0, 1].map(|n| mins(30_008, n)), [Some(10), None]);
        for never in [30_004, 30_005, 30_006, 30_007, 21_610, 30_034] {
            assert_eq!(mins(never, 0), None, "{never}");
        }
        assert_eq!(after(None, 0), None);
    }

    #[test]
    fn what_is_of_no_use_later_is_not_said_again() {
        let later: Vec<_> = Occasion::ALL.iter().filter(|it| helps_later(**it)).collect();
        assert_eq!(later, [&Occasion::Answer, &Occasion::MissedCall, &Occasion::Notice]);
    }
}
