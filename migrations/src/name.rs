//! Names and texts inside statements that take no parameters.

use crate::Error;

/// A name, quoted.
pub(crate) fn ident(name: &str) -> Result<String, Error> {
    let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if begins && name.len() <= 63 && name.chars().all(lawful) {
        return Ok(format!("\"{name}\""));
    }
    Err(Error::Name(name.to_owned()))
}

/// A text, quoted; right whatever `standard_conforming_strings` says.
pub(crate) fn text(value: &str) -> String {
    format!(" E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(ident("trunkline_t1").unwrap(), "\"trunkline_t1\"");
        for bad in ["", "1a", "a\"b", "a b", "Ä", &"a".repeat(64)] {
            assert!(ident(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(text(r"a'b\"), r" E'a''b\\'");
    }
}
