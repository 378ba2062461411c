//! How many texts a text is: one for every 160 characters of the GSM alphabet, or for every 70
//! UTF-16 units when one character is not in it; fewer each when there are several.

/// The basic alphabet of GSM 03.38.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
    ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Characters that the alphabet has at the price of two.
const EXTENDED: &str = "^{}\\[~]|€";

/// The number of segments; an empty text is one.
pub(super) fn count(body: &str) -> usize {
    let gsm = body.chars().try_fold(0, |units, c| match c {
        _ if BASIC.contains(c) => Some(units + 1),
        _ if EXTENDED.contains(c) => Some(units + 2),
        _ => None,
    });
    let (units, alone, joined) = match gsm {
        Some(units) => (units, 160, 153),
        None => (body.encode_utf16().count(), 70, 67),
    };
    if units <= alone { 1 } else { units.div_ceil(joined) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_several() {
        assert_eq!(count(""), 1);
        assert_eq!(count(&"ü".repeat(160)), 1);
        assert_eq!(count(&"ü".repeat(161)), 2);
        assert_eq!(count(&"€".repeat(81)), 2);
        assert_eq!(count(&"š".repeat(70)), 1);
        assert_eq!(count(&"š".repeat(71)), 2);
        assert_eq!(count(&"👋".repeat(36)), 2);
    }
}
