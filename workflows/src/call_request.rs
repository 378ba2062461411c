//! What a caller leaves for the owner: the deed that a message and the wish to be called back have in common.

use domain::{
    CallId, PhoneNumber, RequestId, TenantId,
    calls::{
        kept::Kept,
        requests::{self, NewRequest, RequestKind},
    },
    scope, urgent,
    voice_settings::{self, OwnerAlerts},
};
use engine::{Change, Context, Failure, Sealed, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    alert::Alert,
    app::{Settings, Trunkline},
    error::of_domain,
    text,
};

/// A name is cut after so many characters, and what else was said after so many more.
const NAME_CHARS_MAX: usize = 100;
const TEXT_CHARS_MAX: usize = 2000;

/// It is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Under which id the owner finds it.
    pub request: RequestId,
}

/// Writes down what was left.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeaveRequest {
    pub(crate) call: CallId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: RequestKind,
    pub(crate) phone: Option<Sealed<PhoneNumber>>,
    pub(crate) name: Option<Sealed<String>>,
    pub(crate) text: Option<Sealed<String>>,
    pub(crate) wanted: Option<Sealed<String>>,
    pub(crate) urgent: bool,
}

/// It is written down, and the owner may want to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    request: RequestId,
    alert: Option<Alert>,
}

impl Written {
    pub(crate) fn taken(&self) -> Taken {
        Taken { request: self.request }
    }
}

/// Leaves it, and tells the owner.
pub(crate) async fn leave(
    ctx: &Context<'_, Trunkline>,
    request: LeaveRequest,
) -> Result<Taken, Failure> {
    let Written { request, alert } = ctx.change(request).await?;
    if let Some(alert) = alert {
        alert.send(ctx).await?;
    }
    Ok(Taken { request })
}

impl Change<Trunkline> for LeaveRequest {
    const NAME: &'static str = "leave_request";
    type Output = Written;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Written, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let open = |tx: &Tx, said: &Option<Sealed<String>>, max: usize| -> Result<_, Failure> {
            let said = said.as_ref().map(|said| tx.open(said)).transpose()?;
            let said = said.map(|said| said.trim().chars().take(max).collect::<String>());
            Ok(said.filter(|said| !said.is_empty()))
        };
        let name = open(tx, &self.name, NAME_CHARS_MAX)?;
        let said = open(tx, &self.text, TEXT_CHARS_MAX)?;
        let wanted = open(tx, &self.wanted, NAME_CHARS_MAX)?;
        let phone = self.phone.as_ref().map(|phone| tx.open(phone)).transpose()?;
        let wishes = voice_settings::get(tx, self.tenant).await.map_err(of_domain)?;
        let is_urgent = self.urgent
            || said.as_ref().is_some_and(|said| urgent::is_in(&wishes.keywords(), said));
        let details = json!({ "name": name, "text": said, "wanted": wanted });
        let details = if wishes.seal_transcripts {
            Kept::Sealed(tx.seal(&details)?.as_bytes().to_vec())
        } else {
            Kept::Open(details)
        };
        let new = NewRequest {
            request: RequestId::mint(),
            tenant: self.tenant,
            call: self.call,
            kind: self.kind,
            phone: phone.as_ref(),
            details,
            is_urgent,
            kept_days: wishes.transcripts_kept_days,
        };
        let reach = requests::put(tx, &new).await.map_err(of_domain)?;
        let reach = reach.ok_or_else(|| Failure::permanent("there is no such call"))?;
        let left = text::Left {
            kind: self.kind,
            phone: reach.0.as_ref(),
            name: name.as_deref(),
            text: said.as_deref(),
            wanted: wanted.as_deref(),
            is_urgent,
        };
        let alert = match wishes.owner_alerts {
            OwnerAlerts::None => None,
            OwnerAlerts::EveryCall | OwnerAlerts::Urgent => {
                Alert::draft(tx, self.tenant, |locale| text::a_request(locale, &left)).await?
            }
        };
        Ok(Written { request: new.request, alert })
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, written: &Written) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        requests::delete(tx, self.tenant, written.request).await.map_err(of_domain)
    }
}
