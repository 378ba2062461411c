//! How the next requests are treated.

use std::{str::FromStr, time::Duration};

use serde::Serialize;

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
}

impl Mood {
    /// Every mood.
    pub const ALL: [Self; 6] = [
        Self::Accepts,
        Self::Slow,
        Self::RateLimited,
        Self::ServerError,
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
            Self::LosesReply => "loses_reply",
            Self::Down => "down",
        }
    }

    const fn touches(self, writes: bool) -> bool {
        match self {
            Self::LosesReply => writes,
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

/// A mood, for how many requests, and for which share of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spell {
    /// How touched requests are treated.
    pub mood: Mood,
    /// After so many touched requests everything works again; `None` lasts until the next spell.
    pub for_requests: Option<u64>,
    /// The share of requests that is touched, 0 to 1; `None` means all of them.
    pub ratio: Option<f64>,
    /// How long [`Mood::Slow`] holds an answer back.
    #[serde(skip)]
    pub delay: Option<Duration>,
}

impl From<Mood> for Spell {
    fn from(mood: Mood) -> Self {
        Self { mood, ..Self::default() }
    }
}

impl Spell {
    /// How the next request is treated. `coin` is uniform in 0..1; `writes` tells whether the
    /// request could have an effect.
    pub(super) fn treat(&mut self, writes: bool, coin: f64) -> Mood {
        if !self.mood.touches(writes) || self.ratio.is_some_and(|ratio| coin >= ratio) {
            return Mood::Accepts;
        }
        let mood = self.mood;
        if let Some(left) = &mut self.for_requests {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *self = Self::default();
            }
        }
        mood
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_ends_after_its_requests() {
        let mut spell = Spell { for_requests: Some(2), ..Mood::Down.into() };
        let treated: Vec<_> = (0..3).map(|_| spell.treat(true, 0.5)).collect();
        assert_eq!(treated, [Mood::Down, Mood::Down, Mood::Accepts]);
    }

    #[test]
    fn a_ratio_touches_its_share_and_counts_only_that() {
        let mut spell =
            Spell { for_requests: Some(1), ratio: Some(0.25), ..Mood::ServerError.into() };
        assert_eq!(spell.treat(true, 0.25), Mood::Accepts);
        assert_eq!(spell.treat(true, 0.24), Mood::ServerError);
        assert_eq!(spell.treat(true, 0.0), Mood::Accepts);
    }

    #[test]
    fn a_reply_to_a_read_is_never_lost() {
        let mut spell = Spell { for_requests: Some(1), ..Mood::LosesReply.into() };
        assert_eq!(spell.treat(false, 0.0), Mood::Accepts);
        assert_eq!(spell.treat(true, 0.0), Mood::LosesReply);
    }

    #[test]
    fn every_mood_is_read_back_from_its_name() {
        for mood in Mood::ALL {
            assert_eq!(mood.as_str().parse(), Ok(mood));
        }
    }
}
