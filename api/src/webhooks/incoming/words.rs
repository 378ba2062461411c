//! What a caller hears first, or instead, in the language of the tenant's assistant.

use clients::twilio::twiml::Voice;
use domain::{Locale, calls::answers::Outcome};

/// Twilio's voices ("Text-to-Speech", "Available voices and languages").
pub(super) fn voice(locale: Locale) -> Voice {
    let (language, name) = match locale {
        Locale::De => ("de-DE", "Polly.Vicki"),
        Locale::En => ("en-US", "Polly.Joanna"),
    };
    Voice { language: language.to_owned(), name: Some(name.to_owned()) }
}

/// What the assistant's line is opened with, if the tenant has no words of its own. While it is said, a worker takes the call;
/// after it the caller is listened to, so it ends with a question.
pub(super) fn greeting(locale: Locale, company: &str) -> String {
    match locale {
        Locale::De => format!("Guten Tag, hier ist {company}. Wie kann ich Ihnen helfen?"),
        Locale::En => format!("Hello, this is {company}. How can I help you?"),
    }
}

/// Every other answer.
pub(super) fn of(locale: Locale, outcome: Outcome, company: &str) -> String {
    let what = match (locale, outcome) {
        (Locale::De, Outcome::Assistant | Outcome::Person) => {
            return format!("Guten Tag, hier ist {company}. Ich verbinde Sie.");
        }
        (Locale::En, Outcome::Assistant | Outcome::Person) => {
            return format!("Hello, this is {company}. I am putting you through.");
        }
        (Locale::De, Outcome::NoSubscription) => "Dieser Anschluss nimmt derzeit keine Anrufe an.",
        (Locale::En, Outcome::NoSubscription) => "This line takes no calls at present.",
        (Locale::De, Outcome::DailyCalls) => {
            "Für heute können wir leider keine Anrufe mehr annehmen. Bitte rufen Sie morgen wieder an."
        }
        (Locale::En, Outcome::DailyCalls) => {
            "We are sorry, we cannot take any more calls today. Please call again tomorrow."
        }
        (Locale::De, Outcome::TalkTime) => {
            "Wir können Ihren Anruf derzeit leider nicht annehmen. Bitte versuchen Sie es später wieder."
        }
        (Locale::En, Outcome::TalkTime) => {
            "We are sorry, we cannot take your call at present. Please try again later."
        }
        (Locale::De, Outcome::VoiceOff) => {
            "Im Moment ist leider niemand erreichbar. Wir melden uns so bald wie möglich."
        }
        (Locale::En, Outcome::VoiceOff) => {
            "Nobody is available at the moment. We will get back to you as soon as possible."
        }
        (Locale::De, Outcome::OutOfHours) => {
            "Sie rufen außerhalb unserer Geschäftszeiten an. Wir melden uns so bald wie möglich."
        }
        (Locale::En, Outcome::OutOfHours) => {
            "You are calling outside of our business hours. We will get back to you as soon as possible."
        }
        (Locale::De, Outcome::CallsDisabled) => {
            "Wegen Wartungsarbeiten können wir gerade keine Anrufe annehmen. Bitte versuchen Sie es später wieder."
        }
        (Locale::En, Outcome::CallsDisabled) => {
            "Due to maintenance we cannot take calls at the moment. Please try again later."
        }
    };
    match locale {
        Locale::De => format!("Guten Tag, hier ist {company}. {what} Auf Wiederhören."),
        Locale::En => format!("Hello, this is {company}. {what} Good-bye."),
    }
}

/// A person was rung up and did not pick up.
pub(super) fn nobody_picks_up(locale: Locale) -> &'static str {
    match locale {
        Locale::De => {
            "Leider hebt niemand ab. Wir melden uns so bald wie möglich. Auf Wiederhören."
        }
        Locale::En => "Nobody picks up. We will get back to you as soon as possible. Good-bye.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_answer_has_words_of_its_own_in_each_language_that_fit() {
        // As long as a company's name can be.
        let company = "H".repeat(200);
        let mut said = BTreeSet::new();
        for locale in [Locale::De, Locale::En] {
            said.insert(greeting(locale, &company));
            for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::Assistant) {
                let words = of(locale, *outcome, &company);
                assert!(words.contains(&company) && words.chars().count() <= 500, "{words}");
                said.insert(words);
            }
        }
        assert_eq!(said.len(), 2 * Outcome::ALL.len());
    }
}
