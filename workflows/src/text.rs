//! What we write to people, by language.

use domain::{Locale, PhoneNumber, code::Code};

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

/// The same, spoken: digit by digit.
pub(crate) fn spoken_code(locale: Locale, code: &Code) -> String {
    let digits: Vec<_> = code.expose().chars().map(|digit| digit.to_string()).collect();
    let digits = digits.join(", ");
    match locale {
        Locale::De => format!("Guten Tag. Ihr VoiceAgent Code ist: {digits}."),
        Locale::En => format!("Hello. Your VoiceAgent code is: {digits}."),
    }
}

/// Who we are, for whoever asks.
pub(crate) fn help(locale: Locale, company: Option<&str>) -> String {
    let company = company.unwrap_or("VoiceAgent");
    match locale {
        Locale::De => {
            format!("{company}: Antworten Sie mit STOP, um keine Nachrichten mehr zu erhalten.")
        }
        Locale::En => format!("{company}: Reply STOP to receive no more messages."),
    }
}

/// Somebody waits for a person's answer.
pub(crate) fn a_human_is_wanted(locale: Locale, phone: &PhoneNumber) -> String {
    let phone = phone.as_e164();
    match locale {
        Locale::De => {
            format!("Ihr Assistent konnte {phone} nicht antworten. Bitte antworten Sie selbst.")
        }
        Locale::En => format!("Your assistant could not answer {phone}. Please answer yourself."),
    }
}

/// The language that is spoken where a number is from.
pub(crate) fn locale_of(phone: &PhoneNumber) -> Locale {
    let german = ["+43", "+49", "+41"].iter().any(|code| phone.as_e164().starts_with(code));
    if german { Locale::De } else { Locale::En }
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
