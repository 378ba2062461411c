//! The URLs under which Twilio may have signed a request to one URL.

use url::Url;

/// The URL as it is and as a browser would write it, each as it is, without its port, and with the
/// scheme's port where it names none. No duplicates.
pub(super) fn of(url: &str) -> Vec<String> {
    let mut found = Vec::with_capacity(6);
    let normalised = Url::parse(url).map(String::from).ok();
    for form in [Some(url.to_owned()), normalised].into_iter().flatten() {
        for candidate in [without_port(&form), with_port(&form), Some(form)].into_iter().flatten() {
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    found
}

fn without_port(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    parts.port.map(|_| format!("{}{}{}", parts.before, parts.host, parts.after))
}

/// Twilio's libraries add 443 to `https` and 80 to everything else, `wss` included; a signature
/// over `wss://host:443` is refused by them.
fn with_port(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    let port = if parts.scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let added = || format!("{}{}:{port}{}", parts.before, parts.host, parts.after);
    parts.port.is_none().then(added)
}

/// A URL cut around its port, byte for byte: taking it apart by a parser would rewrite the rest.
struct Parts<'a> {
    scheme: &'a str,
    /// Scheme and user information.
    before: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    /// Path and query.
    after: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let host_start = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
        let before = &url[..scheme.len() + "://".len() + host_start];
        let (authority, after) = (&rest[host_start..authority_end], &rest[authority_end..]);
        // The colons of an IPv6 address stand inside its brackets and end no host.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (authority, None),
        };
        Some(Self { scheme, before, host, port, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_port_is_also_tried_with_the_port_of_its_scheme() {
        assert_eq!(of("https://a.b/c?d"), ["https://a.b:443/c?d", "https://a.b/c?d"]);
        assert_eq!(of("http://a.b/c"), ["http://a.b:80/c", "http://a.b/c"]);
        assert_eq!(of("wss://a.b/c"), ["wss://a.b:80/c", "wss://a.b/c"]);
    }

    #[test]
    fn a_url_with_a_port_is_also_tried_without_it() {
        assert_eq!(of("https://u:p@a.b:12/c"), ["https://u:p@a.b/c", "https://u:p@a.b:12/c"]);
        assert_eq!(of("https://[::1]:12/c"), ["https://[::1]/c", "https://[::1]:12/c"]);
        assert_eq!(of("https://[::1]/c"), ["https://[::1]:443/c", "https://[::1]/c"]);
    }

    #[test]
    fn a_colon_in_path_or_query_is_no_port() {
        assert_eq!(of("http://a.b/c:1?d=e:2")[0], "http://a.b:80/c:1?d=e:2");
    }

    #[test]
    fn the_form_a_browser_would_send_is_tried_too() {
        assert!(of("https://A.b/?c='").contains(&"https://a.b/?c=%27".to_owned()));
    }

    #[test]
    fn what_is_no_url_is_tried_as_it_is() {
        assert_eq!(of("nonsense"), ["nonsense"]);
    }
}
