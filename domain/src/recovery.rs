//! Numbers that stand where they should not, and numbers that are all taken back at once. Needs [`crate::scope::platform`].

use std::time::Duration;

use uuid::Uuid;

use crate::{
    Conn, Error, TenantId,
    error::During,
    id::{MappingId, NumberId},
    numbers::{pool_gate, release},
    word::words,
};

words! {
    /// Which demos' numbers are taken back.
    pub enum Whose ("choice of demos") {
        /// Those of demos whose time is over.
        Expired = "expired",
        /// Those of all demos.
        AllDemos = "all_demos",
    }
}

/// Tenants that should have no number and have one, the first so many: they are gone, or nothing maps what they have.
pub async fn strays(conn: &mut Conn, limit: i64) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!(
        r#"select p.tenant_id as "tenant_id!" from product.phone_pool p
           join product.tenants t using (tenant_id)
           where p.status = 'allocated'
             and (t.status = 'offboarded'
                  or not exists (select from product.phone_mappings m
                                 where m.phone = p.phone and m.tenant_id = p.tenant_id and m.is_active))
           union
           select m.tenant_id from product.phone_mappings m
           join product.tenants t using (tenant_id)
           where m.is_active
             and (t.status = 'offboarded'
                  or exists (select from product.phone_pool p
                             where p.phone = m.phone and p.tenant_id is distinct from m.tenant_id))
           order by 1 limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await
    .during("number: strays")?;
    Ok(rows.into_iter().map(TenantId::from).collect())
}

/// Numbers that were taken back.
pub struct TakenBack {
    /// The times with their tenants that ended, newest knowledge of which number it was.
    pub mapping: MappingId,
    /// Whose it was.
    pub tenant: TenantId,
}

/// Copies the mappings of the first so many demos and takes their numbers back, to rest for `quarantine`. Says whose.
pub async fn take_back(
    conn: &mut Conn,
    whose: Whose,
    job: Uuid,
    quarantine: Duration,
    limit: i64,
) -> Result<Vec<TakenBack>, Error> {
    let statuses: &[&str] = match whose {
        Whose::Expired => &["expired"],
        Whose::AllDemos => &["trial", "expired"],
    };
    let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
    let saved = sqlx::query!(
        "with theirs as (
             select m.mapping_id, m.tenant_id, m.phone, m.allocated_at
             from product.phone_mappings m
             join product.tenants t using (tenant_id)
             where m.is_active and t.status = any($1)
             order by m.mapping_id
             limit $3
             for update of t
         )
         insert into product.phone_mappings_backup (mapping_id, tenant_id, phone, allocated_at, job_id)
         select mapping_id, tenant_id, phone, allocated_at, $2 from theirs
         on conflict (job_id, mapping_id) do nothing
         returning mapping_id, tenant_id",
        &statuses,
        job,
        limit,
    )
    .fetch_all(&mut *conn)
    .await
    .during("number: take back")?;
    let mut taken = Vec::new();
    for row in saved {
        let tenant = row.tenant_id.into();
        release(conn, tenant, quarantine).await?;
        taken.push(TakenBack { mapping: row.mapping_id.into(), tenant });
    }
    Ok(taken)
}

/// The tenant's time with its number that is on now.
pub async fn mapping_of(conn: &mut Conn, tenant: TenantId) -> Result<Option<MappingId>, Error> {
    let row = sqlx::query_scalar!(
        "select mapping_id from product.phone_mappings where tenant_id = $1 and is_active",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("number: mapping of")?;
    Ok(row.map(MappingId::from))
}

/// Gives a tenant back the number that a mapping was about, if it is free and the tenant has none. False: it is not, and
/// the tenant has to wait for another. Twice is once.
pub async fn give_again(conn: &mut Conn, mapping: MappingId) -> Result<bool, Error> {
    let doing = "number: give again";
    let given = sqlx::query!(
        "with ended as (
             select m.tenant_id, m.phone from product.phone_mappings m
             join product.tenants t using (tenant_id)
             where m.mapping_id = $1 and not m.is_active
             for update of t
         )
         update product.phone_pool p
         set status = 'allocated', tenant_id = e.tenant_id, allocated_at = trunkline.now(), quarantined_until = null
         from ended e
         where p.phone = e.phone and p.status in ('available', 'quarantined')
           and not exists (select from product.phone_pool o where o.tenant_id = e.tenant_id)",
        mapping.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    if given.rows_affected() == 1 {
        sqlx::query!(
            "update product.phone_mappings set is_active = true, released_at = null where mapping_id = $1",
            mapping.as_uuid()
        )
        .execute(&mut *conn)
        .await
        .during(doing)?;
    }
    pool_gate(conn).await?;
    let stands = sqlx::query_scalar!(
        r#"select is_active as "is_active!" from product.phone_mappings where mapping_id = $1"#,
        mapping.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during(doing)?;
    Ok(stands.unwrap_or(false))
}

/// The number that a mapping was about, if it is at Twilio, was bought by us and is free now.
pub async fn returnable(conn: &mut Conn, mapping: MappingId) -> Result<Option<NumberId>, Error> {
    let row = sqlx::query_scalar!(
        "select p.number_id from product.phone_mappings m
         join product.phone_pool p using (phone)
         where m.mapping_id = $1 and p.bought_by is not null and p.status in ('available', 'quarantined')",
        mapping.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("number: returnable")?;
    Ok(row.map(NumberId::from))
}
