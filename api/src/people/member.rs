//! Who acts for a tenant: a person who is logged in, or a program with a key of the tenant's.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use domain::{
    Digest, TenantId,
    audit::Entry,
    limits,
    tenant_keys::{self, TenantKey},
};
use serde_json::Value;
use tracing::warn;

use super::{
    origin::OwnOrigin,
    session::{OwnPassword, admit},
};
use crate::{
    bearer,
    caller::Caller,
    problem::{Code, Problem},
    rate::{Limit, Standing},
    state::ApiState,
};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Wrong keys of one address, as with operators' keys: a script with yesterday's key, and not a program that tries. A right
/// one is let in however many others somebody behind the same router tries.
const WRONG_KEYS: Limit = Limit {
    scope: "tenant.wrong_keys_per_ip",
    policy: "wrong-keys",
    max: 20,
    window: Duration::from_mins(15),
};

/// Somebody acts for a tenant, which may use the product now. Of a person, the password is their own, and what changes
/// something comes from our own page: a cookie goes along with any page's request, a key does not.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// For which.
    pub(crate) tenant: TenantId,
    /// For the record: `user:…`, `tenant-key:…`.
    pub(crate) actor: String,
}

impl Member {
    /// What the record says of what they did.
    pub(crate) fn entry<'a>(
        &'a self,
        action: &'a str,
        ip: &'a Digest,
        details: Value,
    ) -> Entry<'a> {
        Entry {
            action,
            tenant: Some(self.tenant),
            actor: &self.actor,
            phone: None,
            ip: Some(ip),
            details,
        }
    }
}

impl FromRequestParts<ApiState> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Member, Problem> {
        if let Some(key) = key_of(&parts.headers).map(ToOwned::to_owned) {
            // Whoever shows a key is nobody else: a session beside it does not help a wrong one.
            let Ok(caller) = Caller::from_request_parts(parts, state).await;
            return program(&key, state, &caller).await;
        }
        let OwnPassword(session) = OwnPassword::from_request_parts(parts, state).await?;
        if !parts.method.is_safe() {
            OwnOrigin::from_request_parts(parts, state).await?;
        }
        Ok(Member { tenant: session.tenant, actor: format!("user:{}", session.user) })
    }
}

/// Whether a program asks, rightly or wrongly.
pub(crate) fn has_key(headers: &HeaderMap) -> bool {
    key_of(headers).is_some()
}

/// What was given for a key. What is no text is a wrong one, and not none.
fn key_of(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(X_API_KEY).map(|value| value.to_str().unwrap_or_default());
    own.or_else(|| bearer::token(headers))
}

async fn program(text: &str, state: &ApiState, caller: &Caller) -> Result<Member, Problem> {
    if let Some(member) = holder(text, state, &caller.standing).await? {
        return Ok(member);
    }
    warn!("a wrong tenant's key was tried");
    state.strangers().count(state, caller, WRONG_KEYS).await?;
    Err(Problem::new(Code::TenantContextRequired, "this is no key of a tenant"))
}

/// Whose program it is; counted, over all instances.
async fn holder(
    text: &str,
    state: &ApiState,
    standing: &Standing,
) -> Result<Option<Member>, Problem> {
    // What we never made costs no look at the database.
    let Ok(key) = TenantKey::parse(text) else { return Ok(None) };
    let mut tx = state.begin().await?;
    let Some(holder) = tenant_keys::find(&mut tx, &key).await? else { return Ok(None) };
    let limit = Limit {
        scope: "tenant.per_key",
        policy: "per-key",
        max: holder.per_minute,
        window: Duration::from_mins(1),
    };
    let hit = limits::hit(&mut tx, limit.scope, &holder.hash, limit.max, limit.window).await?;
    tx.commit().await?;
    standing.judge(limit, hit)?;
    admit(holder.admission)?;
    Ok(Some(Member { tenant: holder.tenant, actor: format!("tenant-key:{}", key.id()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        key_of(&headers).map(ToOwned::to_owned)
    }

    #[test]
    fn a_key_stands_in_its_own_header_or_is_a_bearer_token_and_what_is_no_text_is_a_wrong_one() {
        assert_eq!(
            read(&[("x-api-key", "a"), ("authorization", "Bearer b")]).as_deref(),
            Some("a")
        );
        assert_eq!(read(&[("authorization", "Bearer b")]).as_deref(), Some("b"));
        assert_eq!(read(&[("x-api-key", "ä")]).as_deref(), Some(""));
        assert_eq!(read(&[("authorization", "Basic b"), ("cookie", "a=b")]), None);
    }
}
