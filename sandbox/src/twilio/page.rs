//! The page for people: what the phones show, newest first. Works without scripts.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use axum::{extract::State as Shared, http::header, response::IntoResponse};

use super::{state::State, text::Text};

/// More than anybody reads.
const TEXTS_SHOWN: usize = 200;

/// Nothing on the page may load or run anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2">
<title>Sandbox phones</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
article { border: 1px solid #ccc; border-radius: .75rem; padding: .75rem 1rem; margin: 1rem 0 }
header, footer { color: #555; font-size: .875rem }
p { margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<h1>Sandbox phones</h1>
"#;

pub(super) async fn show(Shared(state): Shared<Arc<State>>) -> impl IntoResponse {
    let (texts, _) = state.texts(|_| true, 0, TEXTS_SHOWN);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, page(&texts, state.texts_len()))
}

fn page(texts: &[Text], total: usize) -> String {
    let mut page = String::from(HEAD);
    let written = match texts {
        [] => writeln!(page, "<p>No message has arrived yet."),
        _ => writeln!(page, "<p>{total} messages, the newest {} below.", texts.len()),
    };
    written.and_then(|()| texts.iter().try_for_each(|text| article(&mut page, text))).ok();
    page
}

fn article(page: &mut String, text: &Text) -> fmt::Result {
    let Text { to, from, body, status, created_at, .. } = text;
    write!(
        page,
        "<article>\n<header><strong>{}</strong> from {}</header>\n<p>{}</p>\n\
         <footer>{status} · {}</footer>\n</article>\n",
        Escaped(to),
        Escaped(from),
        Escaped(body),
        created_at.format("%Y-%m-%d %H:%M:%S UTC"),
    )
}

/// Text that cannot be markup.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_be_markup() {
        assert_eq!(
            Escaped(r#"<b onclick="x('&')">"#).to_string(),
            "&lt;b onclick=&quot;x(&#39;&amp;&#39;)&quot;&gt;"
        );
    }
}
