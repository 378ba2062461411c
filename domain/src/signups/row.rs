//! A sign-up as it is read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::SignupStatus;
use crate::{BotId, Digest, Email, Error, Locale, PhoneNumber, TenantId};

/// A sign-up. What a person told us is none once the sign-up has come to nothing.
#[derive(Clone)]
pub struct Signup {
    /// The tenant's id, whether or not the tenant exists.
    pub tenant: TenantId,
    /// The bot's id, whether or not the bot exists.
    pub bot: BotId,
    /// The run that carries it out.
    pub job: Uuid,
    /// The company.
    pub company_name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The login's name.
    pub email: Option<Email>,
    /// The phone that gets the code.
    pub phone: Option<PhoneNumber>,
    /// What the company does.
    pub industry: Option<String>,
    /// What the demo is for.
    pub use_case: Option<String>,
    /// In which language we write to them.
    pub locale: Locale,
    /// How far it is.
    pub status: SignupStatus,
    /// When it came in.
    pub created_at: DateTime<Utc>,
    /// When the demo ends, or would end.
    pub expires_at: DateTime<Utc>,
    pub(super) access_token_hash: Option<Digest>,
}

/// Without the person.
impl std::fmt::Debug for Signup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signup")
            .field("tenant", &self.tenant)
            .field("bot", &self.bot)
            .field("job", &self.job)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

pub(super) struct SignupRow {
    pub(super) tenant_id: Uuid,
    pub(super) bot_id: Uuid,
    pub(super) job_id: Uuid,
    pub(super) company_name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) industry: Option<String>,
    pub(super) use_case: Option<String>,
    pub(super) locale: String,
    pub(super) status: String,
    pub(super) access_token_hash: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

impl TryFrom<SignupRow> for Signup {
    type Error = Error;

    fn try_from(row: SignupRow) -> Result<Self, Error> {
        Ok(Self {
            tenant: row.tenant_id.into(),
            bot: row.bot_id.into(),
            job: row.job_id,
            company_name: row.company_name,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email.as_deref().map(Email::stored).transpose()?,
            phone: row.phone.as_deref().map(PhoneNumber::stored).transpose()?,
            industry: row.industry,
            use_case: row.use_case,
            locale: row.locale.parse()?,
            status: row.status.parse()?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            access_token_hash: row.access_token_hash.as_deref().map(Digest::stored).transpose()?,
        })
    }
}
