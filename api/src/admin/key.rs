//! Who is an operator: whoever has a key, as a bearer token or in a header of its own. The configured key may do everything and
//! is for making the others. Those have scopes, an end and a limit, and can be revoked.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, HeaderName, request::Parts},
};
use domain::{
    api_keys::{self, ApiKey, Scope},
    limits,
};
use tracing::{error, warn};

use super::{tags, wrong_keys};
use crate::{
    bearer,
    caller::Caller,
    metrics::Door,
    problem::{Code, Problem},
    rate::{Limit, Standing},
    routes::Route,
    state::ApiState,
};

const X_ADMIN_API_KEY: HeaderName = HeaderName::from_static("x-admin-api-key");

/// An operator asks, and their key is for this route. Whoever takes this need not check it again; who it is stands in the
/// [`Caller`].
pub(crate) struct Operator;

/// Who asks is known already: the console has asked, and counted, once for the whole page. Only a door inside of this process
/// can put this to a request.
#[derive(Debug, Clone)]
pub(crate) struct Vouched(pub(crate) Identity);

/// Who an operator is, and what their key may do.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// For the record: `operator:ada (0123456789ab)`.
    pub(crate) actor: Arc<str>,
    /// For the log, where no names stand.
    key: Arc<str>,
    /// What the key may do.
    pub(crate) scopes: Arc<[Scope]>,
}

impl Identity {
    /// Whose key it is, if it is good now. Each time counts against the key's limit.
    pub(crate) async fn of_key(
        key: &str,
        state: &ApiState,
        standing: &Standing,
    ) -> Result<Identity, Problem> {
        if state.is_admin_key(key) {
            return Ok(Identity::configured());
        }
        holder(key, state, standing).await
    }

    /// Whoever has the configured key. There is one such key, so there is one name.
    fn configured() -> Identity {
        let key = "admin-key".into();
        Identity { actor: "operator:admin-key".into(), key, scopes: Scope::ALL.into() }
    }

    /// Nobody has shown a key.
    pub(crate) fn nobody() -> Identity {
        Identity { actor: "operator:unknown".into(), key: "none".into(), scopes: [].into() }
    }

    /// What of these they cannot hand on, because they do not have it.
    pub(super) fn lacks(&self, scopes: &[Scope]) -> Option<Scope> {
        scopes.iter().copied().find(|scope| !self.scopes.contains(scope))
    }
}

impl FromRequestParts<ApiState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Operator, Problem> {
        let Ok(mut caller) = Caller::from_request_parts(parts, state).await;
        let identity = match parts.extensions.get::<Vouched>() {
            Some(Vouched(identity)) => identity.clone(),
            None => shown(parts, state, &caller).await?,
        };
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let Some(needed) = Route::find(&parts.method, path).and_then(|route| route.scope) else {
            // The table does not compile without one; but a door whose lock is missing stays shut.
            error!("a route of operators has no scope");
            return Err(Problem::new(Code::ScopeRequired, ""));
        };
        if !identity.scopes.contains(&needed) {
            let key = &*identity.key;
            warn!(key, scope = needed.as_str(), "a key was used for what it is not for");
            return Err(not_for(needed));
        }
        tags::refuse_elsewhere(parts, path)?;
        caller.operator = identity;
        parts.extensions.insert(caller);
        Ok(Operator)
    }
}

/// Whoever the key names that came with the request. A wrong one counts against the address.
async fn shown(parts: &Parts, state: &ApiState, caller: &Caller) -> Result<Identity, Problem> {
    let key = given(&parts.headers).ok_or_else(|| Problem::new(Code::AdminKeyRequired, ""))?;
    let found = Identity::of_key(key, state, &caller.standing).await;
    if found.as_ref().is_err_and(|problem| problem.code() == Code::AdminKeyRequired) {
        wrong_keys::count(state, caller, Door::Api).await?;
    }
    found
}

/// The key is good, but not for this.
pub(super) fn not_for(needed: Scope) -> Problem {
    let problem = Problem::new(Code::ScopeRequired, format!("this needs the scope {needed}"));
    problem.with("scope", needed.as_str())
}

/// Whose key it is; counted, over all instances.
async fn holder(text: &str, state: &ApiState, standing: &Standing) -> Result<Identity, Problem> {
    let wrong = || {
        warn!("a wrong operator's key was tried");
        Problem::new(Code::AdminKeyRequired, "this is not the key")
    };
    // What we never made costs no look at the database.
    let key = ApiKey::parse(text).map_err(|_| wrong())?;
    let mut tx = state.begin().await?;
    let holder = api_keys::find(&mut tx, &key).await?.ok_or_else(wrong)?;
    let limit = Limit {
        scope: "admin.per_key",
        policy: "per-key",
        max: holder.per_minute,
        window: Duration::from_mins(1),
    };
    let hit = limits::hit(&mut tx, limit.scope, &holder.hash, limit.max, limit.window).await?;
    tx.commit().await?;
    standing.judge(limit, hit)?;
    let actor = format!("operator:{} ({})", holder.name, key.id());
    let scopes = holder.scopes.into();
    Ok(Identity { actor: actor.into(), key: key.id().into(), scopes })
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(X_ADMIN_API_KEY).and_then(|value| value.to_str().ok());
    own.or_else(|| bearer::token(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_nothing_and_the_configured_key_everything() {
        assert_eq!(Identity::configured().lacks(Scope::ALL), None);
        assert_eq!(Identity::nobody().lacks(&[Scope::Read]), Some(Scope::Read));
        assert_eq!(Identity::nobody().lacks(&[]), None);
    }
}
