//! A mood, for how many requests, and for which share of them.

use std::time::Duration;

use serde::Serialize;

/// What a provider can be like.
pub trait Temper: Copy + Default + Eq {
    /// Whether a request of this sort is treated by it. `writes`: the request could have an effect.
    fn touches(self, writes: bool) -> bool;
}

/// A mood, for how many requests, and for which share of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spell<M = crate::twilio::Mood> {
    /// How touched requests are treated.
    pub mood: M,
    /// After so many touched requests everything works again; `None` lasts until the next spell.
    pub for_requests: Option<u64>,
    /// The share of requests that is touched, 0 to 1; `None` means all of them.
    pub ratio: Option<f64>,
    /// How long a slow answer is held back.
    #[serde(skip)]
    pub delay: Option<Duration>,
}

impl<M: Temper> From<M> for Spell<M> {
    fn from(mood: M) -> Self {
        Self { mood, ..Self::default() }
    }
}

impl<M: Temper> Spell<M> {
    /// How the next request is treated. `coin` is uniform in 0..1; `writes` tells whether the
    /// request could have an effect.
    pub(crate) fn treat(&mut self, writes: bool, coin: f64) -> M {
        if !self.mood.touches(writes) || self.ratio.is_some_and(|ratio| coin >= ratio) {
            return M::default();
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
    use crate::twilio::Mood;

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
}
