//! The address of who asks, and behind which proxies it is believed.
//!
//! Anybody can write an `X-Forwarded-For`. Each proxy appends the address that it saw, so the list is read from its end: as
//! long as the one who says it is a proxy of ours, the next one counts.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The right-most address that is none of our proxies'; the peer's own, if that is not trusted.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    // Several headers are one list, in their order (RFC 9110, 5.3).
    let values: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok()).collect();
    for element in values.iter().flat_map(|value| value.split(',')).rev() {
        if !trusted.iter().any(|net| net.contains(&client)) {
            break;
        }
        // What is no address ends the chain: whatever stands to its left was said by nobody we know.
        let Some(said) = address(element.trim()) else { break };
        client = said;
    }
    client
}

/// Whether a proxy of ours says that the client came to it in the clear. Of several, the first one knows: the others were
/// reached by ours.
pub(crate) fn came_in_clear(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    if !trusted.iter().any(|net| net.contains(&peer)) {
        return false;
    }
    let said = headers.get(X_FORWARDED_PROTO).and_then(|value| value.to_str().ok());
    let first = said.and_then(|said| said.split(',').next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case("http"))
}

/// What is counted for limits: an IPv6 customer has a whole /64, so one address of it says nothing.
pub(crate) fn counted(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

/// `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` or `[::1]:567`.
fn address(text: &str) -> Option<IpAddr> {
    let bare =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(ip, _)| ip);
    let ip =
        bare.parse().ok().or_else(|| bare.rsplit_once(':').and_then(|(ip, _)| ip.parse().ok()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        of(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(client("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["203.0.113.9", "10.0.0.7"]), "203.0.113.9");
        assert_eq!(client("::ffff:127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["10.0.0.8, 10.0.0.7"]), "10.0.0.8");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9, unknown"]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn ports_and_brackets_are_read() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn only_a_proxy_of_ours_knows_how_a_client_came() {
        let in_clear = |peer: &str, said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_FORWARDED_PROTO, said.parse().unwrap());
            came_in_clear(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()])
        };
        assert!(in_clear("10.0.0.1", "http") && in_clear("10.0.0.1", "HTTP , https"));
        assert!(!in_clear("10.0.0.1", "https") && !in_clear("10.0.0.1", "https, http"));
        assert!(!in_clear("203.0.113.9", "http") && !in_clear("10.0.0.1", ""));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let counted = |ip: &str| counted(ip.parse().unwrap());
        assert_eq!(counted("2001:db8::1"), counted("2001:db8::ffff"));
        assert_ne!(counted("2001:db8::1"), counted("2001:db8:0:1::1"));
        assert_eq!(counted("::ffff:1.2.3.4"), counted("1.2.3.4"));
    }
}
