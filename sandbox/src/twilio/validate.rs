//! Which messages Twilio takes: the rules of its API and its magic test numbers. Pure.

use url::Url;

use super::refusal::Refusal;

/// Twilio's limit for a text, in characters.
const BODY_CHARS_MAX: usize = 1_600;

/// Twilio's limits for `ValidityPeriod`, in seconds.
const VALIDITY_SECS: std::ops::RangeInclusive<u32> = 1..=36_000;

/// A message that may be taken, unless its recipient opted out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) body: String,
    pub(super) status_callback: Option<Url>,
}

impl Draft {
    /// Reads the form of a request to send.
    pub(super) fn read(form: &[(String, String)]) -> Result<Self, Refusal> {
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let to = field("To").ok_or(Refusal::of(21604, "a form with 'To' is required"))?;
        let from = field("From").ok_or(Refusal::of(21603, "'From' is required"))?;
        let body = field("Body").ok_or(Refusal::of(21602, "'Body' is required"))?;
        if !is_e164(to) {
            return Err(Refusal::of(21211, "'To' is not a phone number"));
        }
        if !is_e164(from) && !is_sender_name(from) {
            return Err(Refusal::of(21212, "'From' is not a phone number"));
        }
        if body.chars().count() > BODY_CHARS_MAX {
            return Err(Refusal::of(21617, "'Body' is longer than 1600 characters"));
        }
        magic(to, from)?;
        let status_callback = field("StatusCallback").map(callback).transpose()?;
        let validity = field("ValidityPeriod").map(str::parse);
        if validity.is_some_and(|secs| secs.map_or(true, |secs| !VALIDITY_SECS.contains(&secs))) {
            return Err(Refusal::of(20001, "'ValidityPeriod' is not between 1 and 36000"));
        }
        let (to, from, body) = (to.to_owned(), from.to_owned(), body.to_owned());
        Ok(Self { to, from, body, status_callback })
    }
}

/// Numbers that Twilio refuses for tests.
/// Source: <https://www.twilio.com/docs/iam/test-credentials>.
fn magic(to: &str, from: &str) -> Result<(), Refusal> {
    match from {
        "+15005550001" => return Err(Refusal::of(21212, "'From' is not valid")),
        "+15005550007" => return Err(Refusal::of(21606, "'From' is not yours or sends no texts")),
        "+15005550008" => return Err(Refusal::of(21611, "the queue of 'From' is full")),
        _ => {}
    }
    match to {
        "+15005550001" => Err(Refusal::of(21211, "'To' is not valid")),
        "+15005550002" => Err(Refusal::of(21612, "'To' cannot be reached from 'From'")),
        "+15005550003" => Err(Refusal::of(21408, "the region of 'To' is not enabled")),
        "+15005550004" => Err(Refusal::opted_out()),
        "+15005550009" => Err(Refusal::of(21614, "'To' is not a mobile number")),
        _ => Ok(()),
    }
}

fn callback(text: &str) -> Result<Url, Refusal> {
    let bad = Refusal::of(21609, "'StatusCallback' is not a usable URL");
    let url: Url = text.parse().map_err(|_| bad)?;
    // Twilio refuses underscores in host names.
    let usable = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.contains('_'));
    if usable { Ok(url) } else { Err(bad) }
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// A name of up to eleven letters and digits, at least one of them a letter, or a short code.
fn is_sender_name(text: &str) -> bool {
    let short_code = (3..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    short_code
        || text.len() <= 11
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
            && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 3] =
        [("To", "+4367712345678"), ("From", "+15005550006"), ("Body", "hello")];

    fn read(changes: &[(&str, &str)]) -> Result<Draft, u32> {
        let mut fields = GOOD.to_vec();
        for (name, value) in changes {
            fields.retain(|(key, _)| key != name);
            fields.push((name, value));
        }
        let form: Vec<_> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Draft::read(&form).map_err(Refusal::code)
    }

    #[test]
    fn a_complete_message_is_taken() {
        assert!(read(&[]).is_ok());
        assert!(read(&[("From", "Trunkline")]).is_ok());
        assert!(read(&[("Body", &"ü".repeat(1_600)), ("ValidityPeriod", "600")]).is_ok());
        assert!(read(&[("StatusCallback", "http://127.0.0.1:1/a?sm=1")]).is_ok());
    }

    #[test]
    fn what_is_missing_or_malformed_has_twilios_code() {
        let cases: &[(&str, &str, u32)] = &[
            ("To", "", 21604),
            ("From", "", 21603),
            ("Body", "", 21602),
            ("To", "067712345678", 21211),
            ("To", "+0677123456", 21211),
            ("From", "+12", 21212),
            ("Body", &"ü".repeat(1_601), 21617),
            ("StatusCallback", "nowhere", 21609),
            ("StatusCallback", "ftp://a.b/", 21609),
            ("StatusCallback", "http://under_score.example/", 21609),
            ("ValidityPeriod", "0", 20001),
            ("ValidityPeriod", "soon", 20001),
        ];
        for (field, value, code) in cases {
            assert_eq!(read(&[(field, value)]), Err(*code), "{field}={value}");
        }
    }

    #[test]
    fn magic_numbers_are_refused_as_twilio_documents() {
        let cases = [
            ("From", "+15005550001", 21212),
            ("From", "+15005550007", 21606),
            ("From", "+15005550008", 21611),
            ("To", "+15005550001", 21211),
            ("To", "+15005550002", 21612),
            ("To", "+15005550003", 21408),
            ("To", "+15005550004", 21610),
            ("To", "+15005550009", 21614),
        ];
        for (field, value, code) in cases {
            assert_eq!(read(&[(field, value)]), Err(code), "{field}={value}");
        }
    }
}
