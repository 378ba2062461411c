//! What we write to people, by language.

use domain::{Locale, code::Code};

/// The message with a sign-up's code. A template of the operator's goes before ours.
pub(crate) fn verification_code(locale: Locale, code: &Code, template: Option<&str>) -> String {
    match template {
        Some(template) => template.replace("{CODE}", code.expose()),
        None => match locale {
            Locale::De => format!(
                "Ihr VoiceAgent Code: {}\nGültig für 10 Minuten.\nBitte nicht weitergeben.",
                code.expose()
            ),
            Locale::En => format!(
                "Your VoiceAgent code: {}\nIt is valid for 10 minutes.\nPlease do not share it.",
                code.expose()
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_holds_the_code_and_fits_into_one_message() {
        let code = Code::parse("123456").unwrap();
        for locale in [Locale::De, Locale::En] {
            let text = verification_code(locale, &code, None);
            assert!(text.contains("123456"));
            // German umlauts are in the GSM alphabet: 160 characters go into one segment.
            assert!(text.chars().count() <= 160);
        }
        assert_eq!(verification_code(Locale::De, &code, Some("Code {CODE}!")), "Code 123456!");
    }
}
