//! What the speech model is like at the moment.

use std::{str::FromStr, time::Duration};

use serde::Serialize;

/// What the speech model is like at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RealtimeMood {
    /// It hears and answers.
    #[default]
    Well,
    /// It thinks for a long time before each answer.
    Slow,
    /// It takes no connection: 503.
    Refuses,
    /// It takes a connection and never answers the handshake.
    Hangs,
    /// It cuts the connection in the middle of an answer.
    Dies,
    /// It tells of things that nobody has heard of.
    Chatters,
    /// It complains before each answer, and goes on.
    Errs,
    /// Each answer fails: `rate_limit_exceeded`.
    Fails,
    /// Before each answer it sends what is no event.
    Garbles,
    /// Before each answer it sends more than anybody can take.
    Floods,
    /// It hears nobody.
    Deaf,
    /// It ends the conversation as if its hour were over.
    Expires,
}

impl RealtimeMood {
    /// Every mood.
    pub const ALL: [Self; 12] = [
        Self::Well,
        Self::Slow,
        Self::Refuses,
        Self::Hangs,
        Self::Dies,
        Self::Chatters,
        Self::Errs,
        Self::Fails,
        Self::Garbles,
        Self::Floods,
        Self::Deaf,
        Self::Expires,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Slow => "slow",
            Self::Refuses => "refuses",
            Self::Hangs => "hangs",
            Self::Dies => "dies",
            Self::Chatters => "chatters",
            Self::Errs => "errs",
            Self::Fails => "fails",
            Self::Garbles => "garbles",
            Self::Floods => "floods",
            Self::Deaf => "deaf",
            Self::Expires => "expires",
        }
    }

    /// Whether it shows when somebody connects, and not later.
    const fn is_of_the_door(self) -> bool {
        matches!(self, Self::Refuses | Self::Hangs)
    }
}

impl FromStr for RealtimeMood {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mood| mood.as_str() == name).ok_or(())
    }
}

/// A mood, and how often it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RealtimeSpell {
    /// The mood.
    pub mood: RealtimeMood,
    /// So many connections, or answers, are touched; then all is well. `None`: all of them.
    pub times: Option<u64>,
    /// How long a slow answer takes.
    #[serde(skip)]
    pub delay: Option<Duration>,
}

impl From<RealtimeMood> for RealtimeSpell {
    fn from(mood: RealtimeMood) -> Self {
        Self { mood, ..Self::default() }
    }
}

impl RealtimeSpell {
    /// How the next connection is treated.
    pub(super) fn at_the_door(&mut self) -> RealtimeMood {
        if self.mood.is_of_the_door() { self.strike() } else { RealtimeMood::Well }
    }

    /// How the next answer is treated.
    pub(super) fn at_an_answer(&mut self) -> RealtimeMood {
        if self.mood.is_of_the_door() { RealtimeMood::Well } else { self.strike() }
    }

    fn strike(&mut self) -> RealtimeMood {
        let mood = self.mood;
        if let Some(left) = &mut self.times {
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
    fn every_mood_is_read_back_from_its_name() {
        for mood in RealtimeMood::ALL {
            assert_eq!(mood.as_str().parse(), Ok(mood));
        }
    }

    #[test]
    fn a_spell_shows_as_often_as_it_should_and_where_it_should() {
        let mut spell = RealtimeSpell { times: Some(1), ..RealtimeMood::Refuses.into() };
        assert_eq!(spell.at_an_answer(), RealtimeMood::Well);
        assert_eq!(spell.at_the_door(), RealtimeMood::Refuses);
        assert_eq!(spell.at_the_door(), RealtimeMood::Well);
    }
}
