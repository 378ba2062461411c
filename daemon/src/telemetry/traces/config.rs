//! The variables of OpenTelemetry's own specification, as far as they make sense here.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::Env;

/// Below the endpoint, as the protocol says.
const PATH: &str = "v1/traces";

/// How long a batch may take to be taken: the specification's.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a span waits for a batch to fill: the specification's.
const DELAY: Duration = Duration::from_secs(5);

/// Ended spans that may wait, of about a kilobyte each. Four times the specification's, for workers that end thousands of jobs
/// a second: what comes while one batch is on its way.
const QUEUE_MAX: usize = 8192;

/// Where spans go, and which.
#[derive(Debug, Clone)]
pub struct TraceConfig {
    /// Whole, with its path.
    pub url: Url,
    /// Sent with every batch; as a rule a key.
    pub headers: Vec<(String, SecretString)>,
    /// For one batch's request.
    pub timeout: Duration,
    /// Instead of `trunkline-` and the role.
    pub service_name: Option<String>,
    /// The share of traces that are kept of those which begin here, from 0 to 1.
    pub ratio: f64,
    /// Ended spans that may wait.
    pub queue_max: usize,
    /// How long a span waits for a batch to fill.
    pub delay: Duration,
}

/// The samplers that heed what a caller has decided; the others would tear traces apart.
#[derive(Clone, Copy)]
enum Share {
    All,
    None,
    Ratio,
}

impl TraceConfig {
    /// Reads `OTEL_EXPORTER_OTLP_ENDPOINT`, without which no spans are made, and what goes with it.
    pub fn read(env: &Env<'_>) -> Option<Self> {
        let endpoint = env
            .var("OTEL_EXPORTER_OTLP_ENDPOINT")
            // Not shown when it is wrong: people put keys into such addresses.
            .secret_url(&["http", "https"])
            .optional();
        let protocols = [("http/protobuf", ())];
        env.var("OTEL_EXPORTER_OTLP_PROTOCOL").choice(&protocols).or_default();
        let headers = env.var("OTEL_EXPORTER_OTLP_HEADERS").secret(1).optional();
        let timeout = env.var("OTEL_EXPORTER_OTLP_TIMEOUT").millis(1..=60_000).or(TIMEOUT);
        let service_name = env.var("OTEL_SERVICE_NAME").text().optional();
        let samplers = [
            ("parentbased_always_on", Share::All),
            ("parentbased_always_off", Share::None),
            ("parentbased_traceidratio", Share::Ratio),
        ];
        let share = env.var("OTEL_TRACES_SAMPLER").choice(&samplers).or(Share::Ratio);
        let ratio = env.var("OTEL_TRACES_SAMPLER_ARG").fraction(0.0..=1.0).or(1.0);
        let queue_max = env.var("OTEL_BSP_MAX_QUEUE_SIZE").number(1..=1_000_000).or(QUEUE_MAX);
        let delay = env.var("OTEL_BSP_SCHEDULE_DELAY").millis(1..=60_000).or(DELAY);
        Some(Self {
            url: url_of(env, &endpoint?)?,
            headers: headers.map_or_else(Vec::new, |headers| headers_of(env, &headers)),
            timeout,
            service_name,
            ratio: match share {
                Share::All => 1.0,
                Share::None => 0.0,
                Share::Ratio => ratio,
            },
            queue_max,
            delay,
        })
    }
}

fn url_of(env: &Env<'_>, endpoint: &SecretString) -> Option<Url> {
    let mistake = |what: &str| env.mistake("OTEL_EXPORTER_OTLP_ENDPOINT", what);
    let Ok(mut url) = Url::parse(endpoint.expose_secret()) else {
        mistake("must be a URL");
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        mistake("must hold no user, password or query: keys belong in OTEL_EXPORTER_OTLP_HEADERS");
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(PATH.split('/'));
    Some(url)
}

/// `name=value,name=value`; values may be percent-encoded.
fn headers_of(env: &Env<'_>, list: &SecretString) -> Vec<(String, SecretString)> {
    let pairs = list.expose_secret().split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let headers: Option<Vec<_>> = pairs.map(header_of).collect();
    headers.unwrap_or_else(|| {
        let what = "must be headers as name=value, separated by commas, values percent-encoded";
        env.mistake("OTEL_EXPORTER_OTLP_HEADERS", what);
        Vec::new()
    })
}

fn header_of(pair: &str) -> Option<(String, SecretString)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), decoded(value.trim())?);
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_token);
    let is_visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (is_name && is_visible).then(|| (name.to_ascii_lowercase(), value.into()))
}

/// `%41` is an A.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<TraceConfig>, String> {
        let env = Env::new(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let config = TraceConfig::read(&env);
        env.finish(config).map_err(|mistakes| mistakes.to_string())
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");

    #[test]
    fn without_an_endpoint_there_are_no_spans() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")]).unwrap().is_none());
    }

    #[test]
    fn an_endpoint_alone_is_enough() {
        let config = read(&[ENDPOINT]).unwrap().unwrap();
        assert_eq!(config.url.as_str(), "http://127.0.0.1:4318/v1/traces");
        assert!(config.headers.is_empty() && config.service_name.is_none());
        assert!((config.ratio - 1.0).abs() < f64::EPSILON);
        let below = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example/otlp");
        let url = read(&[below]).unwrap().unwrap().url;
        assert_eq!(url.as_str(), "https://collector.example/otlp/v1/traces");
    }

    #[test]
    fn a_sampler_says_which_share_is_kept() {
        let ratio = |sampler, share| {
            let pairs =
                [ENDPOINT, ("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", share)];
            read(&pairs).map(|config| (config.unwrap().ratio * 100.0).round())
        };
        assert_eq!(ratio("parentbased_traceidratio", "0.25"), Ok(25.0));
        assert_eq!(ratio("parentbased_always_off", "0.25"), Ok(0.0));
        assert_eq!(ratio("parentbased_always_on", "0.25"), Ok(100.0));
        assert!(ratio("traceidratio", "0.25").unwrap_err().contains("OTEL_TRACES_SAMPLER must be"));
        assert!(ratio("parentbased_always_on", "2").unwrap_err().contains("from 0 to 1"));
    }

    #[test]
    fn headers_are_read_as_the_specification_writes_them_and_never_shown() {
        let headers = |list| read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", list)]);
        let config = headers("Authorization=Basic%20aHVudGVy, x-team = a").unwrap().unwrap();
        let plain: Vec<_> = config
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect();
        assert_eq!(plain, [("authorization", "Basic aHVudGVy"), ("x-team", "a")]);
        assert!(!format!("{config:?}").contains("aHVudGVy"));
        for list in ["hunter2", "a b=hunter2", "a=hunter2%0a", "a=hunter2%", "a=hunter2%é"] {
            let told = headers(list).unwrap_err();
            assert!(told.contains("OTEL_EXPORTER_OTLP_HEADERS must be"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_key_in_the_endpoint_is_refused_without_being_shown() {
        for url in ["http://me:hunter2@h", "http://h/?key=hunter2", "grpc://me:hunter2@h"] {
            let told = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).unwrap_err();
            assert!(told.contains("OTEL_EXPORTER_OTLP_ENDPOINT must"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_a_mistake() {
        let told = read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert!(told.contains("must be one of http/protobuf"), "{told}");
    }
}
