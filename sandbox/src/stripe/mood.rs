//! What Stripe is like at the moment.

use std::str::FromStr;

use serde::Serialize;

use crate::spell::Temper;

/// What Stripe is like at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Everything works.
    #[default]
    Accepts,
    /// Does what it is asked at once, and answers late; meanwhile the key is in use.
    Slow,
    /// 429; nothing is done.
    RateLimited,
    /// 500; nothing is done, and nothing is kept under the key.
    ServerError,
    /// 500 once execution has begun: nothing is done, and the 500 is kept under the key.
    Breaks,
    /// 409 `idempotency_key_in_use`; nothing is done.
    Conflict,
    /// Does what it is asked, and cuts the connection instead of answering. Reads are answered.
    LosesReply,
    /// Cuts the connection before anything is done.
    Down,
}

impl Mood {
    /// Every mood.
    pub const ALL: [Self; 8] = [
        Self::Accepts,
        Self::Slow,
        Self::RateLimited,
        Self::ServerError,
        Self::Breaks,
        Self::Conflict,
        Self::LosesReply,
        Self::Down,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Slow => "slow",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Breaks => "breaks",
            Self::Conflict => "conflict",
            Self::LosesReply => "loses_reply",
            Self::Down => "down",
        }
    }
}

impl Temper for Mood {
    fn touches(self, writes: bool) -> bool {
        match self {
            Self::LosesReply | Self::Breaks | Self::Conflict => writes,
            Self::Accepts | Self::Slow | Self::RateLimited | Self::ServerError | Self::Down => true,
        }
    }
}

impl FromStr for Mood {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mood| mood.as_str() == name).ok_or(())
    }
}
