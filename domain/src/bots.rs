//! Assistants: what answers the phone.

use crate::{BotId, Conn, Error, TenantId, error::During, line::CompanyName, scope};

/// The name of a demo's assistant.
pub const DEMO_NAME: &str = "Demo Voice Assistant";
/// The name of the assistant of a customer who had no demo.
pub const CUSTOMER_NAME: &str = "Voice Assistant";
/// The language in which a demo's assistant answers.
pub const DEMO_LOCALE: &str = "de-AT";
/// What a demo's assistant is told about itself.
pub const DEMO_PROMPT: &str = "You are the telephone assistant of a company that tries out this service. Greet callers \
    politely, answer briefly, find out what they want, and note their name, number and request. Speak the caller's \
    language; begin in German. Say openly that this is a demonstration when you are asked.";

/// A bot that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewBot<'a> {
    /// The id that the API promised.
    pub bot: BotId,
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: &'a str,
    /// What it is told.
    pub system_prompt: &'a str,
    /// A tag such as `de-AT`.
    pub locale: &'a str,
}

impl NewBot<'_> {
    /// The assistant of a demo.
    pub fn demo(bot: BotId, tenant: TenantId) -> Self {
        let (name, system_prompt) = (DEMO_NAME, DEMO_PROMPT);
        Self { bot, tenant, name, system_prompt, locale: DEMO_LOCALE }
    }
}

/// What the assistant of a customer is told, who had no demo.
pub fn prompt_for(company: &CompanyName) -> String {
    format!(
        "You are the telephone assistant of {}. Greet callers politely, answer briefly, find out what they want, and note \
         their name, number and request. Speak the caller's language.",
        company.as_str()
    )
}

/// Makes a bot. Twice is once.
pub async fn create(conn: &mut Conn, new: NewBot<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.bots (bot_id, tenant_id, name, system_prompt, locale)
         values ($1, $2, $3, $4, $5::text)
         on conflict (bot_id) do nothing",
        new.bot.as_uuid(),
        new.tenant.as_uuid(),
        new.name,
        new.system_prompt,
        new.locale,
    )
    .execute(conn)
    .await
    .during("bot: create")?;
    Ok(())
}

/// Takes all of a tenant's bots back. Twice is once.
pub async fn delete_all(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!("delete from product.bots where tenant_id = $1", tenant.as_uuid())
        .execute(conn)
        .await
        .during("bot: delete all")?;
    Ok(())
}

/// Takes a bot back. Twice is once.
pub async fn delete(conn: &mut Conn, tenant: TenantId, bot: BotId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "delete from product.bots where bot_id = $1 and tenant_id = $2",
        bot.as_uuid(),
        tenant.as_uuid(),
    )
    .execute(conn)
    .await
    .during("bot: delete")?;
    Ok(())
}

/// What a tenant's assistant is told; none without one.
pub async fn prompt_of(conn: &mut Conn, tenant: TenantId) -> Result<Option<String>, Error> {
    let row = sqlx::query!(
        "select system_prompt from product.bots where tenant_id = $1 order by created_at, bot_id limit 1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("bot: prompt")?;
    Ok(row.map(|row| row.system_prompt))
}

/// In which language a tenant's assistant speaks, as a tag such as `de-AT`; none without one.
pub async fn locale_of(conn: &mut Conn, tenant: TenantId) -> Result<Option<String>, Error> {
    let row = sqlx::query!(
        r#"select locale::text as "locale!" from product.bots where tenant_id = $1 order by created_at, bot_id limit 1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("bot: locale")?;
    Ok(row.map(|row| row.locale))
}
