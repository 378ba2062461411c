//! What a caller is told when nobody speaks with them, in the language of their number.

use clients::twilio::twiml::Voice;
use domain::{PhoneNumber, locale::Locale};

/// Where German is spoken.
const GERMAN: [&str; 3] = ["+43", "+49", "+41"];

#[derive(Debug, Clone, Copy)]
pub(super) struct Words(Locale);

impl Words {
    pub(super) fn of(caller: Option<&PhoneNumber>) -> Words {
        let is_german =
            |phone: &PhoneNumber| GERMAN.iter().any(|it| phone.as_e164().starts_with(it));
        Words(if caller.is_none_or(is_german) { Locale::De } else { Locale::En })
    }

    pub(super) fn voice(self) -> Voice {
        let (language, name) = match self.0 {
            Locale::De => ("de-DE", "Polly.Vicki"),
            Locale::En => ("en-US", "Polly.Joanna"),
        };
        Voice { language: language.to_owned(), name: Some(name.to_owned()) }
    }

    /// All lines are taken.
    pub(super) fn overflow(self) -> &'static str {
        match self.0 {
            Locale::De => {
                "Im Moment sind leider alle Leitungen besetzt. Wir melden uns so bald wie möglich bei Ihnen. Auf Wiederhören."
            }
            Locale::En => {
                "All our lines are busy at the moment. We will get back to you as soon as possible. Good-bye."
            }
        }
    }

    /// The assistant cannot be had; what is said next is recorded.
    pub(super) fn failed(self) -> &'static str {
        match self.0 {
            Locale::De => {
                "Es tut uns leid, unser Assistent ist gerade nicht erreichbar. Bitte hinterlassen Sie nach dem Ton eine Nachricht."
            }
            Locale::En => {
                "We are sorry: our assistant cannot be reached at the moment. Please leave a message after the tone."
            }
        }
    }

    /// After that, whether or not anything was said.
    pub(super) fn good_bye(self) -> &'static str {
        match self.0 {
            Locale::De => "Danke. Wir melden uns so bald wie möglich bei Ihnen. Auf Wiederhören.",
            Locale::En => "Thank you. We will get back to you as soon as possible. Good-bye.",
        }
    }

    /// What the owner reads of a message that was left.
    pub(super) fn recorded(self) -> &'static str {
        match self.0 {
            Locale::De => "hat eine Nachricht aufgesprochen; sie steht beim Anruf.",
            Locale::En => "has left a recorded message; it is kept with the call.",
        }
    }
}
