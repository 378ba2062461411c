//! What a call says, in Twilio's markup.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

/// Says a text, and says it again after a pause; nobody has a pen at hand the first time. `language` is a tag such as `de-DE`,
/// `voice` one of Twilio's ("Text-to-Speech", "Available voices").
///
/// # Errors
///
/// Never, in fact: it is written to memory.
pub fn say(text: &str, language: &str, voice: &str, times: u8) -> io::Result<String> {
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("Response").write_inner_content(|response| {
        for time in 0..times {
            if time > 0 {
                response.create_element("Pause").with_attribute(("length", "1")).write_empty()?;
            }
            response
                .create_element("Say")
                .with_attribute(("language", language))
                .with_attribute(("voice", voice))
                .write_text_content(BytesText::new(text))?;
        }
        Ok(())
    })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_cannot_be_markup() {
        let twiml = say("<1> & \"2\"", "de-DE", "Polly.Vicki", 2).unwrap();
        let said =
            r#"<Say language="de-DE" voice="Polly.Vicki">&lt;1&gt; &amp; &quot;2&quot;</Say>"#;
        assert_eq!(
            twiml,
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Response>{said}<Pause length="1"/>{said}</Response>"#
            )
        );
    }
}
