//! Words by which a caller says that it cannot wait. Pure.

use std::fmt;

/// So many of one tenant's.
pub const KEYWORDS_MAX: usize = 50;

/// Characters of one.
pub const KEYWORD_CHARS_MAX: usize = 40;

/// What is urgent for a tenant that has said nothing.
pub const USUAL: [&str; 8] =
    ["emergency", "urgent", "ambulance", "flooding", "notfall", "dringend", "rettung", "rohrbruch"];

/// A word, or a few, in lower case with single blanks. Never shown: it is a tenant's.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyword(String);

/// Not a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a word of 2 to 40 letters or digits, or a few of them")]
pub struct NotAKeyword;

impl Keyword {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Keyword, NotAKeyword> {
        let word = plain(text);
        let fits = (2..=KEYWORD_CHARS_MAX).contains(&word.chars().count());
        if fits { Ok(Keyword(word)) } else { Err(NotAKeyword) }
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyword")
    }
}

/// Whether one of the keywords stands in what was said, as a word of its own: `urgent` is not in `insurgents`. In German the
/// beginning of a word counts, too: `Notfalldienst`.
pub fn is_in(keywords: &[Keyword], said: &str) -> bool {
    let said = format!(" {}", plain(said));
    keywords.iter().any(|word| said.contains(&format!(" {}", word.0)))
}

/// The usual ones.
pub fn usual() -> Vec<Keyword> {
    USUAL.iter().map(|word| Keyword((*word).to_owned())).collect()
}

/// Lower case, letters and digits, single blanks between words.
fn plain(text: &str) -> String {
    let spaced: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[&str]) -> Vec<Keyword> {
        words.iter().map(|word| Keyword::parse(word).unwrap()).collect()
    }

    #[test]
    fn a_word_is_found_in_any_case_and_never_inside_of_another() {
        let urgent = words(&["Urgent", "gas leak", "NOTFALL"]);
        for said in
            ["It is URGENT!", "a gas-leak, please", "Das ist ein Notfall.", "Notfalldienst?"]
        {
            assert!(is_in(&urgent, said), "{said}");
        }
        for said in ["", "insurgents", "gas and a leak", "the leak of gas"] {
            assert!(!is_in(&urgent, said), "{said}");
        }
        assert!(!is_in(&[], "urgent"));
        assert!(is_in(&usual(), "Wir haben einen Rohrbruch!"));
    }

    #[test]
    fn the_usual_ones_are_keywords() {
        assert!(USUAL.iter().all(|word| Keyword::parse(word).unwrap().as_str() == *word));
        for text in ["", "x", "!?", &"a".repeat(41)] {
            assert_eq!(Keyword::parse(text), Err(NotAKeyword));
        }
    }

    proptest! {
        #[test]
        fn whatever_was_said_a_keyword_in_it_is_found(before in "[a-z ,.]{0,20}", after in "[ ,.!][a-z ]{0,20}") {
            let said = format!("{before} Help  me{after}");
            prop_assert!(is_in(&words(&["help me"]), &said));
        }
    }
}
