//! What is configured about requests before any route sees them.

use daemon::config::Env;
use url::Url;

/// An address of ours may ask so often; what is more is set as none.
const PER_MINUTE_MAX: u32 = 1_000_000;

/// What is configured about the edge.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// `TRUNKLINE_REQUESTS_PER_MINUTE`: requests that one address may make to what people use; 0: they are not counted.
    pub per_minute_max: u32,
    /// `TRUNKLINE_TRUSTED_HOSTS`: names under which the API answers, in lower case, such as `api.example.com` or
    /// `*.example.com`; empty: under any.
    pub hosts: Vec<String>,
    /// `TRUNKLINE_CORS_ORIGINS`: other sites whose pages may ask with a person's session, such as `https://app.example.com`.
    pub cors_origins: Vec<String>,
}

impl EdgeConfig {
    pub(super) fn read(env: &Env<'_>) -> EdgeConfig {
        EdgeConfig {
            per_minute_max: env
                .var("TRUNKLINE_REQUESTS_PER_MINUTE")
                .number(0..=PER_MINUTE_MAX)
                .or(100),
            hosts: words(env, "TRUNKLINE_TRUSTED_HOSTS", is_host, "names such as api.example.com"),
            cors_origins: words(
                env,
                "TRUNKLINE_CORS_ORIGINS",
                is_origin,
                "origins such as https://app.example.com",
            ),
        }
    }
}

fn words(
    env: &Env<'_>,
    name: &'static str,
    fits: impl Fn(&str) -> bool,
    what: &str,
) -> Vec<String> {
    let words: Vec<String> = env.var(name).list().or_default();
    let words: Vec<_> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    for word in words.iter().filter(|word| !fits(word)) {
        env.mistake(name, format!("must be {what}, not {word:?}"));
    }
    words
}

/// A name or an address without a port; the first label may stand for all of them.
fn is_host(word: &str) -> bool {
    let name = word.strip_prefix("*.").unwrap_or(word);
    !name.is_empty()
        && !name.contains(['*', '/', '@', '?', '#'])
        && Url::parse(&format!("http://{name}"))
            .is_ok_and(|url| url.host_str() == Some(name) && url.port().is_none())
}

/// As a browser says it: neither a path nor a star.
fn is_origin(word: &str) -> bool {
    Url::parse(word).is_ok_and(|url| {
        url.scheme().starts_with("http") && url.origin().ascii_serialization() == word
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_an_origin_what_a_browser_says() {
        for host in ["api.example.com", "*.example.com", "localhost", "127.0.0.1", "[::1]"] {
            assert!(is_host(host), "{host}");
        }
        for word in ["", "*", "*.*.com", "api.example.com:80", "https://api.example.com", "a/b"] {
            assert!(!is_host(word), "{word}");
        }
        for origin in ["https://app.example.com", "http://localhost:3000"] {
            assert!(is_origin(origin), "{origin}");
        }
        for word in
            ["*", "null", "app.example.com", "https://a.com/", "https://a.com:443", "ftp://a.com"]
        {
            assert!(!is_origin(word), "{word}");
        }
    }
}
