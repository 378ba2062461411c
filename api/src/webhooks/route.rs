//! Whose a webhook is, and whether they may be served: by the tenant's id in its address, else by our number.

use domain::{
    Conn, PhoneNumber, TenantId,
    routing::{self, Served},
    tenants::Admission,
};
use workflows::events;

use super::twilio::{self, Signed};
use crate::{
    metrics::{self, Webhook},
    problem::{Code, Problem},
};

/// Under which a tenant's id may stand in the address that Twilio was given.
const TENANT: &str = "business_id";

/// The tenant, if it is one's. An id that is none of ours leaves it to the number.
pub(super) async fn of(
    conn: &mut Conn,
    signed: &Signed,
    our_number: Option<&PhoneNumber>,
) -> Result<Option<Served>, Problem> {
    if let Some(id) = signed.query(TENANT) {
        let tenant: TenantId =
            id.parse().map_err(|_| twilio::malformed("business_id is no id of a tenant"))?;
        if let Some(served) = routing::by_id(conn, tenant).await? {
            return Ok(Some(served));
        }
    }
    match our_number {
        Some(number) => Ok(routing::by_number(conn, number).await?),
        None => Ok(None),
    }
}

/// What begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    Call,
    Text,
}

/// Refuses what begins for a tenant that may not be served.
pub(super) fn refuse_closed(
    served: Option<Served>,
    begins: Begins,
) -> Result<Option<TenantId>, Problem> {
    let Some(Served { tenant, admission }) = served else { return Ok(None) };
    let code = match admission {
        Admission::Open => return Ok(Some(tenant)),
        Admission::Expired => Code::DemoExpired,
        Admission::Closed => Code::TenantClosed,
    };
    metrics::webhook(twilio::PROVIDER, Webhook::TenantClosed);
    match begins {
        Begins::Call => tracing::warn!(
            target: "twilio.voice",
            event = events::TWILIO_VOICE_BUSINESS_SUSPENDED,
            tenant_id = %tenant,
            why = %admission,
            "a call to a tenant that may not be served was refused"
        ),
        Begins::Text => tracing::warn!(
            target: "twilio.sms",
            event = events::TWILIO_SMS_BUSINESS_SUSPENDED,
            tenant_id = %tenant,
            why = %admission,
            "a text to a tenant that may not be served was refused"
        ),
    }
    Err(Problem::new(code, ""))
}
