//! What Twilio is like at the moment.

use std::str::FromStr;

use serde::Serialize;

pub use crate::spell::Spell;
use crate::spell::Temper;

/// What Twilio is like at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Everything works.
    #[default]
    Accepts,
    /// Does what it is asked at once, and answers late.
    Slow,
    /// 429 with code 20429 and `Retry-After: 1`; nothing is done.
    RateLimited,
    /// 500; nothing is done.
    ServerError,
    /// Takes the message, fires its callbacks, and cuts the connection instead of answering.
    /// Requests that only read are answered: they have no outcome to be in doubt about.
    LosesReply,
    /// Cuts the connection before anything is done.
    Down,
    /// 401 with code 20003: the token was revoked.
    Unauthorized,
}

impl Mood {
    /// Every mood.
    pub const ALL: [Self; 7] = [
        Self::Accepts,
        Self::Slow,
        Self::RateLimited,
        Self::ServerError,
        Self::LosesReply,
        Self::Down,
        Self::Unauthorized,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Slow => "slow",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::LosesReply => "loses_reply",
            Self::Down => "down",
            Self::Unauthorized => "unauthorized",
        }
    }
}

impl Temper for Mood {
    fn touches(self, writes: bool) -> bool {
        match self {
            Self::LosesReply => writes,
            Self::Accepts
            | Self::Slow
            | Self::RateLimited
            | Self::ServerError
            | Self::Down
            | Self::Unauthorized => true,
        }
    }
}

impl FromStr for Mood {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mood| mood.as_str() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mood_is_read_back_from_its_name() {
        for mood in Mood::ALL {
            assert_eq!(mood.as_str().parse(), Ok(mood));
        }
    }
}
