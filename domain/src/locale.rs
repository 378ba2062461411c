//! The languages in which we write to people.

use crate::word::words;

words! {
    /// The language of a sign-up: of its text message and of its instructions.
    pub enum Locale ("locale") {
        /// German.
        De = "de",
        /// English.
        En = "en",
    }
}

impl Locale {
    /// The language of a tag such as `de-AT`; English for those that we do not speak.
    pub fn of_tag(tag: &str) -> Self {
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("de") { Self::De } else { Self::En }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_every_country_lead_to_a_language_we_speak() {
        assert_eq!(Locale::of_tag("de-AT"), Locale::De);
        assert_eq!(Locale::of_tag("DE"), Locale::De);
        assert_eq!(Locale::of_tag("fr-CH"), Locale::En);
        assert_eq!(Locale::of_tag(""), Locale::En);
    }
}
