//! The name under which somebody asked. One that is not ours is a mistake, or a page that made a name of its own lead here.

use axum::{extract::Request, http::header::HOST};

/// Whether a request is meant for one of these; any is where none is named.
pub(super) fn is_ours(request: &Request, hosts: &[String]) -> bool {
    if hosts.is_empty() {
        return true;
    }
    let said = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    said.or_else(|| request.uri().host()).is_some_and(|said| is_one_of(said, hosts))
}

fn is_one_of(said: &str, hosts: &[String]) -> bool {
    let said = without_port(said).to_ascii_lowercase();
    // A name may end in the root's dot.
    let said = said.strip_suffix('.').unwrap_or(&said);
    hosts.iter().any(|host| match host.strip_prefix('*') {
        // `*.example.com` is every name below it, and not the name itself.
        Some(end) => said.len() > end.len() && said.ends_with(end),
        None => said == host,
    })
}

fn without_port(said: &str) -> &str {
    match said.rsplit_once(':') {
        // `[::1]:80` has one, `[::1]` has none.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) | None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_ports_and_case() {
        let hosts = ["api.example.com", "*.example.org", "[::1]"].map(ToOwned::to_owned);
        for said in [
            "api.example.com",
            "API.example.com:8443",
            "api.example.com.",
            "a.example.org",
            "a.b.example.org:80",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(is_one_of(said, &hosts), "{said}");
        }
        for said in [
            "",
            "example.com",
            "example.org",
            ".example.org.evil",
            "api.example.com.evil",
            "evil-api.example.com",
            "api.example.com@evil",
            "api.example.com:80:evil",
        ] {
            assert!(!is_one_of(said, &hosts), "{said}");
        }
    }
}
