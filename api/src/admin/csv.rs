//! Tables for spreadsheets (RFC 4180): commas, CRLF, a head, quotes where they are needed, UTF-8 without a mark at its
//! beginning. What a spreadsheet would take for a formula is made a text.

use axum::{
    body::Body,
    http::{
        HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::Response,
};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");

/// A line.
pub(super) fn line<const N: usize>(cells: [&str; N]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// A file of this name: letters, digits, dots and dashes.
pub(super) fn file(name: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    let saved_as = format!("attachment; filename=\"{name}\"");
    if let Ok(saved_as) = HeaderValue::try_from(saved_as) {
        response.headers_mut().insert(CONTENT_DISPOSITION, saved_as);
    }
    response
}

fn cell(text: &str) -> String {
    let text = harmless(text);
    if text.contains([',', '"', '\r', '\n', ';', '\t']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Where a cell begins, also for a spreadsheet that parts lines at semicolons, an apostrophe goes before what begins a
/// formula: it says that a text follows.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if begins && is_formula(c) {
            safe.push('\'');
        }
        begins = match c {
            ',' | ';' | '"' | '\t' | '\r' | '\n' => true,
            c if c.is_whitespace() || c.is_control() => begins,
            _ => false,
        };
        safe.push(c);
    }
    safe
}

/// OWASP's list of "CSV Injection", with the wide forms of East Asian keyboards.
fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(line(["a", "b c", "Müller"]), "a,b c,Müller\r\n");
        assert_eq!(
            line(["a,b", "say \"hi\"", "x\r\ny"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"x\r\ny\"\r\n"
        );
        assert_eq!(line([""]), "\r\n");
    }

    #[test]
    fn no_cell_begins_a_formula_however_its_line_is_parted() {
        for (given, written) in [
            ("=1+1", "'=1+1"),
            ("+43", "'+43"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "  '=1"),
            ("＝1", "'＝1"),
            ("A;=HYPERLINK(1)", "\"A;'=HYPERLINK(1)\""),
            ("A\t=1", "\"A\t'=1\""),
            ("A\",=1", "\"A\"\",'=1\""),
            ("Smith-Jones + Sons = all", "Smith-Jones + Sons = all"),
        ] {
            assert_eq!(cell(given), written, "{given}");
        }
    }
}
