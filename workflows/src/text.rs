//! What we write to people, by language.

use domain::{Locale, PhoneNumber, calls::requests::RequestKind, code::Code};

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

/// After a call that nobody took.
pub(crate) fn missed_call(locale: Locale, company: &str) -> String {
    match locale {
        Locale::De => format!(
            "{company}: Leider konnten wir Ihren Anruf nicht annehmen. Wie können wir helfen? Antworten Sie einfach hier. \
             STOP: keine Nachrichten mehr."
        ),
        Locale::En => format!(
            "{company}: Sorry that we missed your call. How can we help? Just answer here. Reply STOP to receive no more \
             messages."
        ),
    }
}

/// A link that a caller asked for.
pub(crate) fn a_link(locale: Locale, company: &str, link: &str) -> String {
    match locale {
        Locale::De => format!("{company}: Hier ist der Link, um den Sie gebeten haben: {link}"),
        Locale::En => format!("{company}: Here is the link you asked for: {link}"),
    }
}

/// What a caller has left for the owner.
pub(crate) fn a_request(locale: Locale, left: &Left<'_>) -> String {
    let phone = left.phone.map_or("?", PhoneNumber::as_e164);
    let name = left.name.map(|name| format!(" ({name})")).unwrap_or_default();
    let what = match (locale, left.kind) {
        (Locale::De, RequestKind::Message) => "Nachricht von",
        (Locale::De, RequestKind::Callback) => "Bitte um Rückruf von",
        (Locale::En, RequestKind::Message) => "Message from",
        (Locale::En, RequestKind::Callback) => "Please call back:",
    };
    let wanted = left.wanted.map(|when| format!(", {when}")).unwrap_or_default();
    let text = left.text.map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{what} {phone}{name}{wanted}{text}", urgent(locale, left.is_urgent))
}

/// A call that is over, for the owner. The summary is the model's, where there is one.
pub(crate) fn a_call(
    locale: Locale,
    phone: Option<&PhoneNumber>,
    is_urgent: bool,
    summary: Option<&str>,
) -> String {
    let phone = phone.map_or("?", PhoneNumber::as_e164);
    let summary = summary.map(|text| format!(": {text}")).unwrap_or_default();
    let what = match locale {
        Locale::De => "Anruf von",
        Locale::En => "Call from",
    };
    format!("{}{what} {phone}{summary}", urgent(locale, is_urgent))
}

fn urgent(locale: Locale, is_urgent: bool) -> &'static str {
    match (is_urgent, locale) {
        (false, _) => "",
        (true, Locale::De) => "DRINGEND: ",
        (true, Locale::En) => "URGENT: ",
    }
}

/// Something that a caller has left, opened.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) kind: RequestKind,
    pub(crate) phone: Option<&'a PhoneNumber>,
    pub(crate) name: Option<&'a str>,
    pub(crate) text: Option<&'a str>,
    pub(crate) wanted: Option<&'a str>,
    pub(crate) is_urgent: bool,
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
    fn an_owner_is_told_what_it_is_who_called_and_what_they_want() {
        let phone = PhoneNumber::from_e164("+436641234567").unwrap();
        let message = Left {
            kind: RequestKind::Message,
            phone: Some(&phone),
            name: Some("Anna Huber"),
            text: Some("Es tropft."),
            wanted: None,
            is_urgent: true,
        };
        assert_eq!(
            a_request(Locale::De, &message),
            "DRINGEND: Nachricht von +436641234567 (Anna Huber): Es tropft."
        );
        let callback = Left {
            kind: RequestKind::Callback,
            name: None,
            wanted: Some("tomorrow"),
            text: Some("An offer"),
            is_urgent: false,
            ..message
        };
        assert_eq!(
            a_request(Locale::En, &callback),
            "Please call back: +436641234567, tomorrow: An offer"
        );
        let unknown = Left { phone: None, text: None, wanted: None, ..callback };
        assert_eq!(a_request(Locale::De, &unknown), "Bitte um Rückruf von ?");
    }

    #[test]
    fn an_owner_is_told_of_a_call_with_or_without_a_summary() {
        let phone = PhoneNumber::from_e164("+436641234567").unwrap();
        assert_eq!(
            a_call(Locale::De, Some(&phone), true, Some("Rohrbruch im Keller.")),
            "DRINGEND: Anruf von +436641234567: Rohrbruch im Keller."
        );
        assert_eq!(a_call(Locale::En, None, false, None), "Call from ?");
    }

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

    #[test]
    fn an_owner_reads_first_whether_it_can_wait_and_whom_to_call() {
        let phone = PhoneNumber::from_e164("+436641234567").unwrap();
        let left = Left {
            kind: RequestKind::Callback,
            phone: Some(&phone),
            name: Some("Maria"),
            text: None,
            wanted: Some("nach 17 Uhr"),
            is_urgent: true,
        };
        assert_eq!(
            a_request(Locale::De, &left),
            "DRINGEND: Bitte um Rückruf von +436641234567 (Maria), nach 17 Uhr"
        );
        let withheld = Left { phone: None, kind: RequestKind::Message, name: None, ..left };
        assert_eq!(a_request(Locale::En, &withheld), "URGENT: Message from ?, nach 17 Uhr");
        assert_eq!(
            a_call(Locale::En, Some(&phone), false, Some("Wants a table.")),
            "Call from +436641234567: Wants a table."
        );
    }

    #[test]
    fn a_text_after_a_missed_call_says_who_writes_and_how_to_stop_it() {
        for locale in [Locale::De, Locale::En] {
            let text = missed_call(locale, "Huber");
            assert!(text.starts_with("Huber: ") && text.contains("STOP"), "{text}");
        }
    }
}
