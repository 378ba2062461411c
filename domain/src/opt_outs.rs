//! Who has said that they want no texts, to whom. What was said to a tenant holds for all its numbers, and what was said to a
//! number holds for everybody who sends from it: the provider keeps to that, too. Of somebody who was erased since, the keyed hash
//! of the phone is left, and it holds as before.

use crate::{Conn, Error, Pepper, PhoneNumber, TenantId, error::During, word::words};

words! {
    /// From where we know it.
    pub enum OptOutSource ("opt-out source") {
        /// They wrote the word.
        Keyword = "keyword",
        /// The provider refused a message for it.
        Provider = "provider",
        /// An operator was told.
        Operator = "operator",
    }
}

/// Between whom.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    /// The tenant, where the sender is one's.
    pub tenant: Option<TenantId>,
    /// Our number.
    pub sender: Option<&'a PhoneNumber>,
    /// The person.
    pub phone: &'a PhoneNumber,
}

/// Whether this person is not to be written to. By the pepper somebody is known again who was erased.
pub async fn is_out(conn: &mut Conn, between: Between<'_>, pepper: &Pepper) -> Result<bool, Error> {
    let hash = between.phone.digest(pepper);
    sqlx::query_scalar!(
        r#"select exists (
               select from product.opt_outs
               where (phone = $1::text or phone_hash = $4::bytea) and ended_at is null
                 and (tenant_id = $2::uuid or sender = $3::text)) as "out!""#,
        between.phone.as_e164(),
        between.tenant.map(TenantId::as_uuid),
        between.sender.map(PhoneNumber::as_e164),
        hash.as_bytes(),
    )
    .fetch_one(conn)
    .await
    .during("opt-out: look")
}

/// Notes that they want no more. Says whether that is new.
pub async fn begin(
    conn: &mut Conn,
    between: Between<'_>,
    source: OptOutSource,
) -> Result<bool, Error> {
    let made = sqlx::query!(
        "insert into product.opt_outs (tenant_id, sender, phone, source)
         select $2::uuid, $3::text, $1::text, $4
         where not exists (
             select from product.opt_outs
             where phone = $1::text and ended_at is null
               and tenant_id is not distinct from $2::uuid and sender is not distinct from $3::text)",
        between.phone.as_e164(),
        between.tenant.map(TenantId::as_uuid),
        between.sender.map(PhoneNumber::as_e164),
        source.as_str(),
    )
    .execute(conn)
    .await
    .during("opt-out: begin")?;
    Ok(made.rows_affected() > 0)
}

/// They want to hear from us again, from this number and from this tenant. Of an opt-out that was said to another tenant at
/// this number, or to this tenant at another number, the other half goes on. Says whether they were out between these two.
pub async fn end(conn: &mut Conn, between: Between<'_>, pepper: &Pepper) -> Result<bool, Error> {
    let hash = between.phone.digest(pepper);
    let ended = sqlx::query!(
        "with heard as (
             select opt_out_id,
                    tenant_id is not null and tenant_id is distinct from $2::uuid as others_tenant,
                    sender is not null and sender is distinct from $3::text as other_number
             from product.opt_outs
             where (phone = $1::text or phone_hash = $4::bytea) and ended_at is null
               and (tenant_id = $2::uuid or sender = $3::text)
             for update -- who comes second looks at what the first has left
         )
         update product.opt_outs o
         set ended_at = case when others_tenant or other_number then null else trunkline.now() end,
             sender = case when others_tenant then null else sender end,
             tenant_id = case when other_number then null else tenant_id end
         from heard h
         where o.opt_out_id = h.opt_out_id",
        between.phone.as_e164(),
        between.tenant.map(TenantId::as_uuid),
        between.sender.map(PhoneNumber::as_e164),
        hash.as_bytes(),
    )
    .execute(conn)
    .await
    .during("opt-out: end")?;
    Ok(ended.rows_affected() > 0)
}
