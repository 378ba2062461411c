//! Did the request leave before it failed? That alone decides whether a repetition is safe.

/// What is known about a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// No connection was made (refused, name not found, TLS failed, connect timeout), or the request
    /// could not even be built. The provider has seen nothing.
    NotSent,
    /// A connection stood. The provider may have acted on the request, or not.
    Unknown,
}

/// Judges a failed request. In doubt it says [`Departure::Unknown`]: to ask once more is cheaper
/// than to send twice.
pub fn departure(error: &reqwest::Error) -> Departure {
    if error.is_connect() || error.is_builder() { Departure::NotSent } else { Departure::Unknown }
}
