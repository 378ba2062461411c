//! What there is of a sign-up, counted in the database itself.

use domain::TenantId;
use serde::Deserialize;
use sqlx::{Connection, PgConnection};
use tests::TestDb;

/// How many rows of each kind a tenant has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Census {
    pub(crate) tenants: i64,
    pub(crate) trials: i64,
    pub(crate) users: i64,
    pub(crate) bots: i64,
    pub(crate) subscriptions: i64,
    pub(crate) numbers: i64,
    pub(crate) mappings: i64,
    pub(crate) passwords: i64,
    pub(crate) in_line: i64,
    pub(crate) codes: i64,
    /// Codes whose hash is still kept.
    pub(crate) live_codes: i64,
    /// The sign-up's word.
    pub(crate) signup: String,
    /// Whether the sign-up's row still holds anything of the person.
    pub(crate) remembers: bool,
}

const COUNT: &str = "
    select json_build_object(
        'tenants', (select count(*) from product.tenants where tenant_id = $1),
        'trials', (select count(*) from product.tenants where tenant_id = $1 and status = 'trial'),
        'users', (select count(*) from product.users where tenant_id = $1),
        'bots', (select count(*) from product.bots where tenant_id = $1),
        'subscriptions', (select count(*) from product.subscriptions where tenant_id = $1),
        'numbers', (select count(*) from product.phone_pool where tenant_id = $1 and status = 'allocated'),
        'mappings', (select count(*) from product.phone_mappings m join product.phone_pool p using (phone)
                     where m.tenant_id = $1 and m.is_active and p.tenant_id = $1),
        'passwords', (select count(*) from product.demo_access where tenant_id = $1 and password_sealed is not null),
        'in_line', (select count(*) from product.number_waitlist where tenant_id = $1),
        'codes', (select count(*) from product.demo_verification_codes where tenant_id = $1),
        'live_codes', (select count(*) from product.demo_verification_codes where tenant_id = $1 and code_hmac is not null
                       and used_at is null),
        'signup', (select status from product.demo_signups where tenant_id = $1),
        'remembers', (select num_nonnulls(company_name, first_name, last_name, email, phone, industry, use_case,
                                          access_token_hash, ip_hash) > 0
                      from product.demo_signups where tenant_id = $1))::text";

/// Numbers that two tenants hold, whichever way one looks.
pub(crate) const SHARED: &str = "
    select phone from product.phone_mappings where is_active group by phone having count(*) > 1
    union all
    select tenant_id::text from product.phone_pool where status = 'allocated' group by tenant_id having count(*) > 1
    union all
    select phone from product.phone_pool p where status = 'allocated'
        and not exists (select from product.phone_mappings m where m.phone = p.phone and m.is_active and m.tenant_id = p.tenant_id)";

impl Census {
    /// Counts.
    pub(crate) async fn of(db: &TestDb, tenant: TenantId) -> Census {
        let mut connection = db.superuser().await;
        let census = Census::with(&mut connection, tenant).await;
        connection.close().await.ok();
        census
    }

    async fn with(connection: &mut PgConnection, tenant: TenantId) -> Census {
        let counted: String =
            sqlx::query_scalar(COUNT).bind(tenant.as_uuid()).fetch_one(connection).await.unwrap();
        serde_json::from_str(&counted).unwrap()
    }

    /// What a sign-up that succeeded has.
    pub(crate) fn whole() -> Census {
        Census {
            tenants: 1,
            trials: 1,
            users: 1,
            bots: 1,
            subscriptions: 1,
            numbers: 1,
            mappings: 1,
            passwords: 1,
            in_line: 0,
            codes: 1,
            live_codes: 0,
            signup: "active".to_owned(),
            remembers: true,
        }
    }

    /// What is left of one that was undone.
    pub(crate) fn nothing(word: &str) -> Census {
        Census {
            tenants: 0,
            trials: 0,
            users: 0,
            bots: 0,
            subscriptions: 0,
            numbers: 0,
            mappings: 0,
            passwords: 0,
            in_line: 0,
            codes: 0,
            live_codes: 0,
            signup: word.to_owned(),
            remembers: false,
        }
    }
}

/// No number is held by two, and no tenant holds two.
pub(crate) async fn no_number_is_shared(db: &TestDb) {
    assert_eq!(db.number(SHARED).await, 0, "a number is held by two");
}
