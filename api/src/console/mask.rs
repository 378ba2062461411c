//! What nobody needs to see on a page. Jobs carry ids and sealed values, so there should be nothing to mask; but an error may
//! quote what a provider wrote, and a person may type anything into arguments.

use serde_json::Value;

/// Shorter runs of digits after a plus are offsets and sums.
const DIGITS_MIN: usize = 7;

/// Nothing with these in its name is shown.
const HIDDEN: [&str; 8] =
    ["password", "secret", "token", "api_key", "apikey", "authorization", "credential", "cookie"];

/// Nor with one of these as its name.
const HIDDEN_NAMES: [&str; 4] = ["code", "otp", "pin", "verification_code"];

/// Takes phone numbers out of every text, and what no page can hold.
pub(super) fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = self::text(text),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => {
            if members.keys().any(|key| self::text(key) != *key) {
                let old = std::mem::take(members);
                members.extend(old.into_iter().map(|(key, value)| (self::text(&key), value)));
            }
            members.values_mut().for_each(clean);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether what has this name is not shown.
pub(super) fn is_hidden(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HIDDEN_NAMES.contains(&&*name) || HIDDEN.iter().any(|word| name.contains(word))
}

/// Whether something in it is not shown, because of its name.
pub(super) fn hides(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(hides),
        Value::Object(members) => {
            members.iter().any(|(name, value)| is_hidden(name) || hides(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A text without phone numbers: of `+43 664 1234567` stays `+43…67`.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = plus(rest) {
        let (before, after) = rest.split_at(at.start);
        push(&mut out, before);
        let (digits, end) = digits(&after[at.len..]);
        if digits.len() >= DIGITS_MIN {
            out.extend(["+", &digits[..2], "…", &digits[digits.len() - 2..]]);
            rest = &after[at.len + end..];
        } else {
            push(&mut out, &after[..at.len]);
            rest = &after[at.len..];
        }
    }
    push(&mut out, rest);
    out
}

struct Plus {
    start: usize,
    len: usize,
}

/// The next plus, as such or as an address writes it.
fn plus(text: &str) -> Option<Plus> {
    let forms = ["+", "%2B", "%2b"];
    let found =
        forms.iter().filter_map(|form| Some(Plus { start: text.find(form)?, len: form.len() }));
    found.min_by_key(|plus| plus.start)
}

/// The digits that follow, with single marks between them, and where they end.
fn digits(text: &str) -> (String, usize) {
    let (mut digits, mut end, mut gap) = (String::new(), 0, 0);
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            digits.push(c);
            (end, gap) = (at + 1, 0);
        } else if " -()/.".contains(c) && gap < 2 && !digits.is_empty() {
            gap += 1;
        } else {
            break;
        }
    }
    (digits, end)
}

/// Without characters that a page may not hold.
fn push(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| match c {
        '\n' | '\t' | '\r' => c,
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
        c => c,
    }));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_phone_number_is_masked_wherever_it_stands_and_however_it_is_written() {
        for phone in ["+436641234567", "+43 664 1234567", "%2B436641234567", "+43 (664) 123-45-67"]
        {
            let said = text(&format!("to {phone}: no"));
            assert_eq!(said, "to +43…67: no", "{phone}");
        }
        for other in ["2026-01-31T09:00:00+00:00", "1+1", "+", "a+b", "%2B1", "+49"] {
            assert_eq!(text(other), other);
        }
    }

    #[test]
    fn names_are_looked_at_too_and_control_characters_go() {
        let mut value = json!({ "+436641234567": ["\u{1}x", { "a": "+436641234567" }] });
        clean(&mut value);
        assert_eq!(value, json!({ "+43…67": ["\u{fffd}x", { "a": "+43…67" }] }));
    }

    #[test]
    fn what_is_called_a_secret_is_hidden() {
        for name in ["code", "Password", "access_token", "webhook_secret", "apiKey", "otp"] {
            assert!(is_hidden(name), "{name}");
            assert!(hides(&json!([{ "a": { name: 1 } }])), "{name}");
        }
        for name in ["error_code", "country_code", "kind", "tenant", "key"] {
            assert!(!is_hidden(name), "{name}");
            assert!(!hides(&json!([{ "a": { name: 1 } }])), "{name}");
        }
    }
}
