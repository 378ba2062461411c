//! The one-word texts by which people say whether they want to hear from us. Pure.
//!
//! The English words are Twilio's (Help Center, "Twilio support for opt-out keywords"); REVOKE and OPTOUT came in April 2025.

use crate::word::words;

words! {
    /// What somebody has said by a single word.
    pub enum Keyword ("keyword") {
        /// No more texts.
        Stop = "stop",
        /// Texts again.
        Start = "start",
        /// A yes: texts again, if there were to be none; otherwise an answer to something.
        Yes = "yes",
        /// Who is this?
        Help = "help",
    }
}

const STOP: &[&str] = &[
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "OPTOUT",
    "REVOKE",
    // Not Twilio's: it does not block these by itself, so that we alone have to keep to them.
    "STOPP",
    "ABMELDEN",
    "ABBESTELLEN",
    "AUSTRAGEN",
    "BEENDEN",
];
const START: &[&str] = &["START", "UNSTOP", "ANMELDEN"];
const YES: &[&str] = &["YES", "JA"];
const HELP: &[&str] = &["HELP", "INFO", "HILFE"];

/// Longer texts are no single word of these.
const BYTES_MAX: usize = 64;

impl Keyword {
    /// Reads a text: exactly one of the words, in any case, blanks around and punctuation after it forgiven. `STOP ALL` and
    /// `OPT-OUT` are the words too. A sentence that holds one is none.
    pub fn of(body: &str) -> Option<Keyword> {
        if body.len() > BYTES_MAX {
            return None;
        }
        let word: String = body
            .trim_matches(|c: char| c.is_whitespace() || is_around(c))
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .collect::<String>()
            .to_uppercase();
        let is = |words: &[&str]| words.contains(&word.as_str());
        // Two words that are not one of the list's when joined stay a sentence: "END IT" is no END.
        match () {
            () if is(STOP) => Some(Keyword::Stop),
            () if is(START) => Some(Keyword::Start),
            () if is(YES) => Some(Keyword::Yes),
            () if is(HELP) => Some(Keyword::Help),
            () => None,
        }
    }

    /// Whether the assistant ever answers it: a yes may be the answer to a question of its own.
    pub fn may_be_answered(self) -> bool {
        match self {
            Keyword::Yes => true,
            Keyword::Stop | Keyword::Start | Keyword::Help => false,
        }
    }

    /// Reads what Twilio's Advanced Opt-Out says in `OptOutType`: then it has answered already.
    pub fn of_provider(word: &str) -> Option<Keyword> {
        match word {
            "STOP" => Some(Keyword::Stop),
            "START" => Some(Keyword::Start),
            "HELP" => Some(Keyword::Help),
            _ => None,
        }
    }
}

fn is_around(c: char) -> bool {
    matches!(
        c,
        '.' | '!' | ',' | ';' | ':' | '"' | '\'' | '„' | '“' | '”' | '\u{200b}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_word_counts_in_any_case_and_with_punctuation() {
        for word in STOP {
            for text in [
                (*word).to_owned(),
                word.to_lowercase(),
                format!("  {word}!\r\n"),
                format!("\"{word}.\""),
            ] {
                assert_eq!(Keyword::of(&text), Some(Keyword::Stop), "{text:?}");
            }
        }
        for text in ["Stop All", "opt-out", "OPT OUT"] {
            assert_eq!(Keyword::of(text), Some(Keyword::Stop), "{text}");
        }
    }

    #[test]
    fn start_yes_and_help_are_read_in_both_languages() {
        for (words, keyword) in
            [(START, Keyword::Start), (YES, Keyword::Yes), (HELP, Keyword::Help)]
        {
            for word in words {
                assert_eq!(Keyword::of(&word.to_lowercase()), Some(keyword), "{word}");
            }
        }
    }

    #[test]
    fn a_sentence_with_such_a_word_is_a_sentence() {
        for text in [
            "please stop",
            "When do you end?",
            "Cancel my appointment",
            "",
            "!",
            "nonstop",
            "stop stop",
        ] {
            assert_eq!(Keyword::of(text), None, "{text:?}");
        }
        assert_eq!(Keyword::of(&"STOP ".repeat(1000)), None);
    }

    #[test]
    fn the_providers_own_reading_is_taken_over() {
        assert_eq!(Keyword::of_provider("STOP"), Some(Keyword::Stop));
        assert_eq!(Keyword::of_provider("stop"), None);
    }
}
