//! What a tenant wants of its messages.

use crate::{
    Conn, Error, PhoneNumber, TenantId,
    error::During,
    quiet::{QuietHours, Zone},
    scope,
};

/// A tenant's wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingSettings {
    /// Whose clock quiet hours and months go by.
    pub zone: Zone,
    /// When nobody is to be written to unasked.
    pub quiet: Option<QuietHours>,
    /// Whether texts are sent at all.
    pub sms_enabled: bool,
    /// Whether the assistant answers texts.
    pub ai_response_enabled: bool,
    /// Whether a missed call is answered by a text.
    pub missed_call_sms_enabled: bool,
    /// Whom alerts go to; none for the phone of the sign-up.
    pub owner_phone: Option<PhoneNumber>,
}

/// Of a tenant that has said nothing: at night only what was asked for.
impl Default for MessagingSettings {
    fn default() -> Self {
        Self {
            zone: Zone::VIENNA,
            quiet: QuietHours::new(21 * 60, 8 * 60),
            sms_enabled: true,
            ai_response_enabled: true,
            missed_call_sms_enabled: true,
            owner_phone: None,
        }
    }
}

/// A tenant's wishes, or the usual ones.
pub async fn get(conn: &mut Conn, tenant: TenantId) -> Result<MessagingSettings, Error> {
    let row = sqlx::query!(
        r#"select time_zone, quiet_from_min, quiet_until_min, sms_enabled, ai_response_enabled,
                  missed_call_sms_enabled, owner_phone::text as owner_phone
           from product.messaging_settings where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("messaging settings: get")?;
    let Some(row) = row else { return Ok(MessagingSettings::default()) };
    let minute = |stored: Option<i16>| stored.and_then(|minute| u16::try_from(minute).ok());
    Ok(MessagingSettings {
        zone: row.time_zone.parse().map_err(|_| Error::Unreadable { what: "time zone" })?,
        quiet: minute(row.quiet_from_min)
            .zip(minute(row.quiet_until_min))
            .and_then(|(from, until)| QuietHours::new(from, until)),
        sms_enabled: row.sms_enabled,
        ai_response_enabled: row.ai_response_enabled,
        missed_call_sms_enabled: row.missed_call_sms_enabled,
        owner_phone: row.owner_phone.as_deref().map(PhoneNumber::stored).transpose()?,
    })
}

/// Writes a tenant's wishes down.
pub async fn put(
    conn: &mut Conn,
    tenant: TenantId,
    settings: &MessagingSettings,
) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    let minute = |minute: u16| i16::try_from(minute).unwrap_or_default();
    sqlx::query!(
        "insert into product.messaging_settings as s
             (tenant_id, time_zone, quiet_from_min, quiet_until_min, sms_enabled, ai_response_enabled,
              missed_call_sms_enabled, owner_phone)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text)
         on conflict (tenant_id) do update set
             time_zone = excluded.time_zone, quiet_from_min = excluded.quiet_from_min,
             quiet_until_min = excluded.quiet_until_min, sms_enabled = excluded.sms_enabled,
             ai_response_enabled = excluded.ai_response_enabled,
             missed_call_sms_enabled = excluded.missed_call_sms_enabled,
             owner_phone = excluded.owner_phone, updated_at = trunkline.now()",
        tenant.as_uuid(),
        settings.zone.name(),
        settings.quiet.map(|quiet| minute(quiet.from_min())),
        settings.quiet.map(|quiet| minute(quiet.until_min())),
        settings.sms_enabled,
        settings.ai_response_enabled,
        settings.missed_call_sms_enabled,
        settings.owner_phone.as_ref().map(PhoneNumber::as_e164),
    )
    .execute(conn)
    .await
    .during("messaging settings: put")?;
    Ok(())
}
