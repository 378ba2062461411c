//! Three tenants to show: who they are, and what has happened to them. Nobody of this exists; the phones are of a range that
//! is nobody's (North American Numbering Plan: 555 is no area code).

use crate::{
    Email, Locale, PhoneNumber,
    line::{CompanyName, Industry, PersonName, UseCase},
    signups::Contact,
    word::words,
};

words! {
    /// Which of them.
    pub enum Show ("tenant to show") {
        /// A bakery in Graz.
        Bakery = "bakery",
        /// A dentist in Linz.
        Dentist = "dentist",
        /// A plumber in Dublin.
        Plumber = "plumber",
    }
}

/// What somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The tenant's customer.
    Theirs(&'static str),
    /// The tenant, or its assistant; delivered.
    Ours(&'static str),
    /// The same, and the network could not deliver it.
    Lost(&'static str),
}

/// A call that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastCall {
    /// How long ago it began.
    pub minutes_ago: i64,
    /// How long it was spoken; `None`: nobody took it.
    pub secs: Option<i32>,
    /// What was said: who (`caller`, `assistant`), and what.
    pub said: &'static [(&'static str, &'static str)],
    /// What it came to.
    pub summary: &'static str,
    /// Whether it could not wait.
    pub is_urgent: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    company: &'static str,
    first_name: &'static str,
    last_name: &'static str,
    industry: &'static str,
    use_case: &'static str,
    email: &'static str,
    phone: &'static str,
    /// The language that its people and its customers speak.
    pub locale: Locale,
    /// Customers who wrote or called, by their phones, with what was written.
    pub chats: &'static [(&'static str, &'static [Line])],
    /// Calls, by the same phones.
    pub calls: &'static [(&'static str, PastCall)],
}

const BAKERY: Story = Story {
    company: "Bäckerei Steinbach",
    first_name: "Johanna",
    last_name: "Steinbach",
    industry: "Bakery",
    use_case: "Orders by phone before six in the morning",
    email: "johanna@steinbach.example",
    phone: "+15559900001",
    locale: Locale::De,
    chats: &[
        (
            "+15559900101",
            &[
                Line::Theirs("Guten Morgen! Gehen sich bis 7 Uhr noch 40 Semmeln aus?"),
                Line::Ours("Guten Morgen! 40 Semmeln bis 7 Uhr gehen sich aus. Auf welchen Namen?"),
                Line::Theirs("Volksschule Lend, danke!"),
            ],
        ),
        (
            "+15559900102",
            &[
                Line::Theirs("Habt ihr am Feiertag offen?"),
                Line::Lost("Am Feiertag haben wir von 7 bis 11 Uhr offen."),
            ],
        ),
    ],
    calls: &[
        (
            "+15559900101",
            PastCall {
                minutes_ago: 190,
                secs: Some(74),
                said: &[
                    ("assistant", "Bäckerei Steinbach, guten Morgen. Was darf es sein?"),
                    ("caller", "Eine Sachertorte mit Aufschrift, bis Samstag."),
                    ("assistant", "Gern. Was soll auf der Torte stehen?"),
                    ("caller", "Alles Gute, Oma."),
                ],
                summary: "Bestellt eine Sachertorte für Samstag, Aufschrift: Alles Gute, Oma.",
                is_urgent: false,
            },
        ),
        ("+15559900103", MISSED),
    ],
};

const MISSED: PastCall =
    PastCall { minutes_ago: 320, secs: None, said: &[], summary: "", is_urgent: false };

const DENTIST: Story = Story {
    company: "Zahnarztpraxis Dr. Moser",
    first_name: "Elif",
    last_name: "Moser",
    industry: "Dentist",
    use_case: "Calls during treatments",
    email: "praxis@moser.example",
    phone: "+15559900002",
    locale: Locale::De,
    chats: &[(
        "+15559900201",
        &[
            Line::Theirs("Kann ich den Termin am Donnerstag auf Freitag verschieben?"),
            Line::Ours("Am Freitag ist um 9:30 oder um 14:00 etwas frei. Was passt besser?"),
            Line::Theirs("14 Uhr"),
            Line::Ours("Notiert: Freitag, 14:00. Die Praxis bestätigt es noch."),
        ],
    )],
    calls: &[
        (
            "+15559900202",
            PastCall {
                minutes_ago: 45,
                secs: Some(131),
                said: &[
                    ("assistant", "Praxis Doktor Moser, was kann ich für Sie tun?"),
                    ("caller", "Mir ist ein Zahn abgebrochen, das ist ein Notfall."),
                    ("assistant", "Das tut mir leid. Ich gebe es sofort weiter."),
                ],
                summary: "Abgebrochener Zahn, Schmerzen; bittet dringend um Rückruf.",
                is_urgent: true,
            },
        ),
        ("+15559900203", MISSED),
    ],
};

const PLUMBER: Story = Story {
    company: "Byrne & Daughter Plumbing",
    first_name: "Aoife",
    last_name: "Byrne",
    industry: "Plumber",
    use_case: "Nobody picks up under a sink",
    email: "aoife@byrne.example",
    phone: "+15559900003",
    locale: Locale::En,
    chats: &[(
        "+15559900301",
        &[
            Line::Theirs("Boiler is making a noise like a kettle. Is that bad?"),
            Line::Ours(
                "It is usually limescale. Turn it down and we will look at it tomorrow at 8.",
            ),
            Line::Lost("Reminder: we come tomorrow at 8."),
        ],
    )],
    calls: &[
        (
            "+15559900302",
            PastCall {
                minutes_ago: 15,
                secs: Some(58),
                said: &[
                    ("assistant", "Byrne and Daughter, how can I help?"),
                    ("caller", "Water is coming through the kitchen ceiling!"),
                    ("assistant", "Close the stopcock if you can. I am telling Aoife right now."),
                ],
                summary: "Water through the kitchen ceiling; wants somebody at once.",
                is_urgent: true,
            },
        ),
        ("+15559900303", MISSED),
    ],
};

impl Show {
    /// Who it is, and what has happened.
    pub fn story(self) -> &'static Story {
        match self {
            Show::Bakery => &BAKERY,
            Show::Dentist => &DENTIST,
            Show::Plumber => &PLUMBER,
        }
    }
}

impl Story {
    /// As somebody would have signed up. `None` cannot be: a test reads all of them.
    pub fn contact(&self) -> Option<Contact> {
        Some(Contact {
            company_name: CompanyName::parse(self.company).ok()?,
            first_name: PersonName::parse(self.first_name).ok()?,
            last_name: PersonName::parse(self.last_name).ok()?,
            email: Email::parse(self.email).ok()?,
            phone: PhoneNumber::from_e164(self.phone).ok()?,
            industry: Industry::parse(self.industry).ok(),
            use_case: UseCase::parse(self.use_case).ok(),
        })
    }

    /// What the company is called.
    pub fn company(&self) -> &'static str {
        self.company
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_can_be_told() {
        for show in Show::ALL {
            let story = show.story();
            let contact = story.contact().unwrap();
            assert!(contact.industry.is_some() && contact.use_case.is_some(), "{show}");
            let phones = story.chats.iter().map(|(phone, _)| phone);
            for phone in phones.chain(story.calls.iter().map(|(phone, _)| phone)) {
                assert!(PhoneNumber::from_e164(phone).is_ok() && phone.starts_with("+1555990"));
            }
            assert!(story.calls.iter().any(|(_, call)| call.secs.is_none()), "{show}: one missed");
            assert!(story.calls.iter().any(|(_, call)| call.secs.is_some()), "{show}: one taken");
        }
    }
}
