use proptest::prelude::*;

use super::*;

fn body(twiml: &Twiml) -> String {
    let xml = twiml.to_xml();
    let inner = xml.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#).unwrap();
    inner.strip_suffix("</Response>").unwrap().to_owned()
}

fn vicki() -> Voice {
    Voice { language: "de-DE".into(), name: Some("Polly.Vicki".into()) }
}

#[test]
fn what_is_said_cannot_be_markup() {
    let said = r#"<Say language="de-DE" voice="Polly.Vicki">&lt;1&gt; &amp; &quot;2&quot;</Say>"#;
    let twiml = say("<1> & \"2\"", "de-DE", "Polly.Vicki", 2);
    assert!(twiml.ends_with(&format!(r#"<Response>{said}<Pause length="1"/>{said}</Response>"#)));
}

#[test]
fn a_call_is_greeted_and_handed_to_a_stream() {
    let stream = Stream::to("wss://a.b/v").reported_to("https://a.b/s?x=1&y");
    let stream = stream.parameter("token", "\"<&>").unwrap();
    let twiml = Twiml::new()
        .say("Grüß Gott", &Voice { name: None, ..vicki() })
        .connect(Connect { action: None, stream })
        .redirect("https://a.b/r?a=1&b=2");
    assert_eq!(
        body(&twiml),
        r#"<Say language="de-DE">Grüß Gott</Say><Connect><Stream url="wss://a.b/v" statusCallback="https://a.b/s?x=1&amp;y" statusCallbackMethod="POST"><Parameter name="token" value="&quot;&lt;&amp;&gt;"/></Stream></Connect><Redirect method="POST">https://a.b/r?a=1&amp;b=2</Redirect>"#
    );
}

#[test]
fn what_is_not_said_is_not_written() {
    let dial = Dial {
        number: "+4367712345678".into(),
        caller_id: None,
        timeout_secs: Some(20),
        action: Some("/d".into()),
    };
    let twiml = Twiml::new()
        .record(Record { max_secs: Some(120), ..Record::default() })
        .dial(dial)
        .reject(RejectReason::Busy)
        .hang_up();
    assert_eq!(
        body(&twiml),
        r#"<Record maxLength="120" playBeep="false"/><Dial action="/d" method="POST" timeout="20">+4367712345678</Dial><Reject reason="busy"/><Hangup/>"#
    );
    assert!(Twiml::new().to_xml().ends_with("<Response></Response>"));
}

#[test]
fn a_parameter_that_would_be_cut_is_refused() {
    let value = "ü".repeat(PARAMETER_CHARS_MAX - 5);
    assert!(Stream::to("wss://a.b/").parameter("token", value.clone()).is_ok());
    assert!(Stream::to("wss://a.b/").parameter("tokens", value).is_err());
}

#[test]
fn debug_shows_the_verbs_and_not_the_words() {
    let shown = format!("{:?}", Twiml::new().say("123456", &vicki()).hang_up());
    assert_eq!(shown, r#"["Say", "Hangup"]"#);
}

proptest! {
    #[test]
    fn every_text_leaves_as_xml_that_can_be_read(text in any::<String>()) {
        let xml = Twiml::new().say(text.clone(), &vicki()).redirect(text).to_xml();
        let mut reader = quick_xml::Reader::from_str(&xml);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(error) => prop_assert!(false, "{error}: {xml:?}"),
            }
        }
        let strange = xml.chars().find(|c| *c < ' ' && !matches!(c, '\t' | '\n' | '\r'));
        prop_assert_eq!(strange, None);
    }
}
