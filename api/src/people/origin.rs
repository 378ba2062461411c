//! Is it our own page that asks, or one of a site that the configuration names? A cookie goes along with whatever page makes the browser ask; the `Origin` header says which
//! page it was. Programs send none, and have no cookie that somebody else could use.

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap,
        header::{HOST, ORIGIN},
        request::Parts,
    },
};
use url::Url;

use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// The request does not come from another site's page.
pub(crate) struct OwnOrigin;

impl FromRequestParts<ApiState> for OwnOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<OwnOrigin, Problem> {
        let config = state.config();
        if is_own(&parts.headers, &config.public_base_url, &config.edge.cors_origins) {
            return Ok(OwnOrigin);
        }
        Err(Problem::new(Code::ForeignOrigin, "the Origin header names another site"))
    }
}

fn is_own(headers: &HeaderMap, public_base_url: &str, friends: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if friends.iter().any(|friend| friend == origin) {
        return true;
    }
    let Ok(origin) = Url::parse(origin) else { return false };
    if Url::parse(public_base_url).is_ok_and(|own| own.origin() == origin.origin()) {
        return true;
    }
    // Reached under another name of its own, such as localhost: then the page came from there, too.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| {
        format!("{}://{host}", origin.scheme()) == origin.origin().ascii_serialization()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        is_own(&headers, "https://api.example.com", &["https://app.example.com".to_owned()])
    }

    #[test]
    fn our_own_pages_and_programs_may_ask_and_other_sites_may_not() {
        assert!(own(None, "api.example.com"));
        assert!(own(Some("https://api.example.com"), "internal:8080"));
        assert!(own(Some("http://localhost:8080"), "localhost:8080"));
        assert!(own(Some("https://app.example.com"), "internal:8080"));
        for origin in [
            "http://app.example.com",
            "https://evil.example",
            "null",
            "http://api.example.com",
            "https://api.example.com.evil",
        ] {
            assert!(!own(Some(origin), "internal:8080"), "{origin}");
        }
    }
}
