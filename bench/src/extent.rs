//! How much is measured, and that somebody is told how far that is.

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rounds of ours and of the floor, by turns; at least 1.
    pub rounds: usize,
    /// Thousandths of the usual number of jobs; 1,000 is the usual one.
    pub per_mille: usize,
    /// Is told of each round before it begins: between two rounds nothing is measured.
    pub began: fn(Round),
}

/// A round that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// What it is a round of: a benchmark, or a part of one.
    pub part: &'static str,
    /// From 1.
    pub number: usize,
    /// How many there are of this part.
    pub of: usize,
}

impl Extent {
    /// So many of what is usually so many; at least 16, since less says nothing.
    pub(crate) fn of(self, usual: usize) -> usize {
        (usual * self.per_mille / 1000).max(16)
    }

    /// The rounds of a part.
    pub(crate) fn rounds_of(self, part: &'static str) -> impl Iterator<Item = Round> {
        let round = move |number| Round { part, number, of: self.rounds };
        (1..=self.rounds).map(round).inspect(move |round| (self.began)(*round))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static TOLD: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn each_round_is_told_of_before_it_begins_and_there_are_as_many_as_were_wanted() {
        let began = |round: Round| TOLD.store(round.number, Ordering::Relaxed);
        let extent = Extent { rounds: 3, per_mille: 1000, began };
        let mut seen = 0;
        for round in extent.rounds_of("drain") {
            seen += 1;
            assert_eq!(round, Round { part: "drain", number: seen, of: 3 });
            assert_eq!(TOLD.load(Ordering::Relaxed), seen);
        }
        assert_eq!(seen, 3);
    }
}
