//! Who asks: the request's id, the trace that it belongs to, and its address.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderName, request::Parts},
};
use domain::{Digest, Pepper};

use crate::{admin::Identity, client_ip, rate::Standing, state::ApiState};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longer ids than any proxy makes would only fill our logs.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Names the request in the log and in every problem.
    pub(crate) request_id: String,
    /// The W3C trace context, for the jobs that come of it.
    pub(crate) traceparent: Option<String>,
    /// The address.
    pub(crate) ip: IpAddr,
    /// Whether a proxy of ours was reached in the clear.
    pub(crate) came_in_clear: bool,
    /// Which operator it is, once their key was seen.
    pub(crate) operator: Identity,
    /// How the limit stands that the request is counted against.
    pub(crate) standing: Standing,
}

impl Caller {
    pub(crate) fn of(request: &Request, state: &ApiState) -> Caller {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        let trusted = &state.config().trusted_proxies;
        Caller {
            request_id: header(&X_REQUEST_ID)
                .filter(|id| is_sane(id))
                .map_or_else(mint, ToOwned::to_owned),
            traceparent: header(&TRACEPARENT)
                .filter(|it| engine::trace::parse(it).is_some())
                .map(ToOwned::to_owned),
            ip: client_ip::of(peer, request.headers(), trusted),
            came_in_clear: client_ip::came_in_clear(peer, request.headers(), trusted),
            operator: Identity::nobody(),
            standing: Standing::default(),
        }
    }

    /// What is kept of the address.
    pub(crate) fn ip_digest(&self, pepper: &Pepper) -> Digest {
        pepper.hash("ip", &[&client_ip::counted(self.ip)])
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        Ok(parts.extensions.get::<Caller>().cloned().expect("`observe` stands around every route"))
    }
}

/// An id that can stand in a log line and a header.
fn is_sane(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
}

fn mint() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_not_taken_over() {
        assert!(is_sane("01JD-abc_1.2:3/4+5="));
        for id in ["", "a b", "a\nb", "ü", "a\"b", &"a".repeat(129)] {
            assert!(!is_sane(id), "{id:?}");
        }
        assert!(is_sane(&mint()));
        assert_ne!(mint(), mint());
    }
}
