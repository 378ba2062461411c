//! What a tenant wants of its calls.

use std::{collections::BTreeMap, fmt};

use crate::{
    Conn, Error, PhoneNumber, TenantId,
    error::During,
    hours::{Hours, Span},
    line::Line,
    scope,
    urgent::{self, Keyword},
    word::words,
};

/// What is said before the assistant listens, or instead of the usual.
pub type Greeting = Line<500>;

/// Links that the assistant may send by text.
pub const LINKS_MAX: usize = 10;

/// A text message with more than this costs another.
const LINK_CHARS_MAX: usize = 120;

/// How long a transcript may be kept, in days.
pub const KEPT_DAYS_MAX: u16 = 3650;

words! {
    /// When the assistant picks up.
    pub enum VoiceMode ("voice mode") {
        /// Always.
        Always = "always",
        /// When nobody else is there; in business hours a person picks up.
        AfterHours = "after_hours",
        /// In business hours only.
        BusinessHours = "business_hours",
        /// Never; a person does, where there is one.
        Off = "off",
    }
}

words! {
    /// After which calls the owner gets a text.
    pub enum OwnerAlerts ("owner alerts") {
        /// Each of them.
        EveryCall = "every_call",
        /// Those in which an emergency keyword was said, and what callers left for the owner.
        Urgent = "urgent",
        /// None.
        None = "none",
    }
}

/// A link's name and address, for the assistant to choose from.
#[derive(Clone, PartialEq, Eq)]
pub struct Links(BTreeMap<String, String>);

/// Not links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be up to 10 names such as booking, each with an address that begins with https:// and has up to 120 characters"
)]
pub struct BadLinks;

impl Links {
    /// Reads them.
    pub fn new(links: BTreeMap<String, String>) -> Result<Links, BadLinks> {
        let is_name = |name: &str| {
            (1..=32).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        let is_address = |address: &str| {
            address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
                && address.len() <= LINK_CHARS_MAX
                && address.bytes().all(|b| b.is_ascii_graphic())
        };
        let fit = links.len() <= LINKS_MAX
            && links.iter().all(|(name, address)| is_name(name) && is_address(address));
        if fit { Ok(Links(links)) } else { Err(BadLinks) }
    }

    /// The address behind a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Name and address of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, address)| (name.as_str(), address.as_str()))
    }
}

/// A tenant's wishes.
#[derive(Clone, PartialEq, Eq)]
pub struct VoiceSettings {
    /// When the assistant picks up.
    pub mode: VoiceMode,
    /// What it says first; none for the usual.
    pub greeting: Option<Greeting>,
    /// Where a person picks up.
    pub transfer_phone: Option<PhoneNumber>,
    /// By which words a caller says that it cannot wait; none for the usual.
    pub emergency_keywords: Option<Vec<Keyword>>,
    /// After which calls the owner gets a text.
    pub owner_alerts: OwnerAlerts,
    /// Whether what was said is kept encrypted.
    pub seal_transcripts: bool,
    /// How long it is kept.
    pub transcripts_kept_days: u16,
    /// Links that the assistant may send.
    pub links: Links,
    /// When somebody is there.
    pub hours: Hours,
}

impl VoiceSettings {
    /// By which words a caller says that it cannot wait.
    pub fn keywords(&self) -> Vec<Keyword> {
        self.emergency_keywords.clone().unwrap_or_else(urgent::usual)
    }
}

/// Of a tenant that has said nothing.
impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            mode: VoiceMode::Always,
            greeting: None,
            transfer_phone: None,
            emergency_keywords: None,
            owner_alerts: OwnerAlerts::Urgent,
            seal_transcripts: false,
            transcripts_kept_days: 90,
            links: Links(BTreeMap::new()),
            hours: Hours::default(),
        }
    }
}

impl fmt::Debug for VoiceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceSettings").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// A tenant's wishes, or the usual ones.
pub async fn get(conn: &mut Conn, tenant: TenantId) -> Result<VoiceSettings, Error> {
    let row = sqlx::query!(
        r#"select voice_mode, greeting, transfer_phone::text as transfer_phone, emergency_keywords, owner_alerts,
                  seal_transcripts, transcripts_kept_days, links
           from product.voice_settings where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during("voice settings: get")?;
    let hours = hours(conn, tenant).await?;
    let Some(row) = row else { return Ok(VoiceSettings { hours, ..VoiceSettings::default() }) };
    let keywords = |stored: Vec<String>| stored.iter().map(|word| Keyword::parse(word)).collect();
    let links: BTreeMap<String, String> = serde_json::from_value(row.links).unwrap_or_default();
    let unreadable = |what| Error::Unreadable { what };
    Ok(VoiceSettings {
        mode: row.voice_mode.parse()?,
        greeting: row
            .greeting
            .map(|text| Greeting::parse(&text).map_err(|_| unreadable("greeting")))
            .transpose()?,
        transfer_phone: row.transfer_phone.as_deref().map(PhoneNumber::stored).transpose()?,
        emergency_keywords: row
            .emergency_keywords
            .map(keywords)
            .transpose()
            .map_err(|_| unreadable("emergency keyword"))?,
        owner_alerts: row.owner_alerts.parse()?,
        seal_transcripts: row.seal_transcripts,
        transcripts_kept_days: u16::try_from(row.transcripts_kept_days).unwrap_or(1),
        links: Links::new(links).map_err(|_| unreadable("link"))?,
        hours,
    })
}

async fn hours(conn: &mut Conn, tenant: TenantId) -> Result<Hours, Error> {
    let rows = sqlx::query!(
        "select weekday, from_min, until_min from product.business_hours where tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_all(conn)
    .await
    .during("business hours: get")?;
    let unreadable = Error::Unreadable { what: "business hours" };
    let mut days = <[Vec<Span>; 7]>::default();
    let minute = |stored: i16| u16::try_from(stored).unwrap_or(u16::MAX);
    for row in rows {
        let span = Span::new(minute(row.from_min), minute(row.until_min));
        let day = usize::try_from(row.weekday - 1).ok().and_then(|day| days.get_mut(day));
        if let (Ok(span), Some(day)) = (span, day) {
            day.push(span);
        }
    }
    Hours::new(days).map_err(|_| unreadable)
}

/// Writes a tenant's wishes down.
pub async fn put(conn: &mut Conn, tenant: TenantId, wanted: &VoiceSettings) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    let keywords: Option<Vec<String>> = wanted
        .emergency_keywords
        .as_ref()
        .map(|words| words.iter().map(|word| word.as_str().to_owned()).collect());
    sqlx::query!(
        "insert into product.voice_settings
             (tenant_id, voice_mode, greeting, transfer_phone, emergency_keywords, owner_alerts, seal_transcripts,
              transcripts_kept_days, links)
         values ($1, $2, $3, $4::text, $5, $6, $7, $8, $9)
         on conflict (tenant_id) do update set
             voice_mode = excluded.voice_mode, greeting = excluded.greeting,
             transfer_phone = excluded.transfer_phone, emergency_keywords = excluded.emergency_keywords,
             owner_alerts = excluded.owner_alerts, seal_transcripts = excluded.seal_transcripts,
             transcripts_kept_days = excluded.transcripts_kept_days, links = excluded.links,
             updated_at = trunkline.now()",
        tenant.as_uuid(),
        wanted.mode.as_str(),
        wanted.greeting.as_ref().map(Greeting::as_str),
        wanted.transfer_phone.as_ref().map(PhoneNumber::as_e164),
        keywords.as_deref(),
        wanted.owner_alerts.as_str(),
        wanted.seal_transcripts,
        i16::try_from(wanted.transcripts_kept_days).unwrap_or(i16::MAX),
        serde_json::json!(wanted.links.0),
    )
    .execute(&mut *conn)
    .await
    .during("voice settings: put")?;
    put_hours(conn, tenant, &wanted.hours).await
}

/// Two who write at once wait for each other at the row of the settings.
async fn put_hours(conn: &mut Conn, tenant: TenantId, hours: &Hours) -> Result<(), Error> {
    sqlx::query!("delete from product.business_hours where tenant_id = $1", tenant.as_uuid())
        .execute(&mut *conn)
        .await
        .during("business hours: clear")?;
    let minute = |minute: u16| i16::try_from(minute).unwrap_or(i16::MAX);
    let (mut weekdays, mut from, mut until) = (Vec::new(), Vec::new(), Vec::new());
    for (weekday, spans) in (1_i16..).zip(hours.days()) {
        for span in spans {
            weekdays.push(weekday);
            from.push(minute(span.from_min()));
            until.push(minute(span.until_min()));
        }
    }
    sqlx::query!(
        "insert into product.business_hours (tenant_id, weekday, from_min, until_min)
         select $1, weekday, from_min, until_min
         from unnest($2::int2[], $3::int2[], $4::int2[]) as hours (weekday, from_min, until_min)",
        tenant.as_uuid(),
        &weekdays,
        &from,
        &until,
    )
    .execute(conn)
    .await
    .during("business hours: put")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_few_have_names_and_are_safe() {
        let links = |pairs: &[(&str, &str)]| {
            Links::new(pairs.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect())
        };
        let good = links(&[("booking", "https://example.com/book?x=1")]).unwrap();
        assert_eq!(good.get("booking"), Some("https://example.com/book?x=1"));
        assert_eq!(good.get("menu"), None);
        let long = format!("https://{}", "a".repeat(LINK_CHARS_MAX));
        for (name, address) in [
            ("Booking", "https://example.com"),
            ("", "https://example.com"),
            ("a b", "https://example.com"),
            ("a", "http://example.com"),
            ("a", "https://"),
            ("a", "https://example.com/ a"),
            ("a", "javascript:alert(1)"),
            ("a", &long),
        ] {
            assert!(links(&[(name, address)]).is_err(), "{name} {address}");
        }
    }
}
