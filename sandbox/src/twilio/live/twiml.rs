//! Markup, read as Twilio reads it: verbs in order, attributes that are not known passed over.

use std::collections::HashMap;

use clients::twilio::twiml::{Connect, Dial, Record, RejectReason, Stream, Verb, Voice};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// What is no TwiML: Twilio's error 12100.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no TwiML: {0}")]
pub(super) struct BadTwiml(pub(super) String);

/// An element with what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: HashMap<String, String>,
    text: String,
    children: Vec<Element>,
}

/// Reads a document.
pub(super) fn read(xml: &str) -> Result<Vec<Verb>, BadTwiml> {
    let root = tree(xml)?;
    if root.name != "Response" {
        return Err(BadTwiml("the root is no Response".to_owned()));
    }
    root.children.into_iter().map(verb).collect()
}

fn tree(xml: &str) -> Result<Element, BadTwiml> {
    let bad = |error: &dyn std::fmt::Display| BadTwiml(error.to_string());
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        let top = open.last_mut().ok_or_else(|| BadTwiml("unbalanced".to_owned()))?;
        match reader.read_event().map_err(|error| bad(&error))? {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => top.children.push(element(&start)?),
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| BadTwiml("unbalanced".to_owned()))?;
                let parent = open.last_mut().ok_or_else(|| BadTwiml("unbalanced".to_owned()))?;
                parent.children.push(done);
            }
            Event::Text(text) => top.text.push_str(&text.decode().map_err(|error| bad(&error))?),
            Event::CData(text) => top.text.push_str(&text.decode().map_err(|error| bad(&error))?),
            Event::GeneralRef(name) => {
                let letter = name.resolve_char_ref().map_err(|error| bad(&error))?;
                let word = name.decode().map_err(|error| bad(&error))?;
                let predefined = || quick_xml::escape::resolve_predefined_entity(&word);
                match letter {
                    Some(letter) => top.text.push(letter),
                    None => top.text.push_str(
                        predefined().ok_or_else(|| BadTwiml(format!("&{word}; is not known")))?,
                    ),
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let [root] = &mut open[..] else { return Err(BadTwiml("unbalanced".to_owned())) };
    match (root.children.pop(), root.children.is_empty()) {
        (Some(response), true) => Ok(response),
        _ => Err(BadTwiml("there is not one root".to_owned())),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, BadTwiml> {
    let utf8 =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|e| BadTwiml(e.to_string()));
    let mut attributes = HashMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| BadTwiml(error.to_string()))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| BadTwiml(error.to_string()))?.into_owned();
        attributes.insert(utf8(attribute.key.as_ref())?, value);
    }
    Ok(Element { name: utf8(start.name().as_ref())?, attributes, ..Element::default() })
}

impl Element {
    fn take(&mut self, name: &str) -> Option<String> {
        self.attributes.remove(name)
    }

    fn number(&mut self, name: &str) -> Option<u16> {
        self.take(name).and_then(|value| value.parse().ok())
    }
}

fn verb(mut it: Element) -> Result<Verb, BadTwiml> {
    let text = it.text.trim().to_owned();
    Ok(match it.name.as_str() {
        "Say" => {
            let language = it.take("language").unwrap_or_else(|| "en-US".to_owned());
            Verb::Say { text, voice: Voice { language, name: it.take("voice") } }
        }
        "Pause" => Verb::Pause { secs: it.number("length").unwrap_or(1) },
        "Redirect" => Verb::Redirect { url: text },
        "Connect" => Verb::Connect(connect(it)?),
        "Dial" => Verb::Dial(Dial {
            number: match it.children.first() {
                Some(number) if number.name == "Number" => number.text.trim().to_owned(),
                _ => text,
            },
            caller_id: it.take("callerId"),
            timeout_secs: it.number("timeout"),
            action: it.take("action"),
        }),
        "Record" => Verb::Record(Record {
            max_secs: it.number("maxLength"),
            silence_secs: it.number("timeout"),
            finish_on: it.take("finishOnKey"),
            status_callback: it.take("recordingStatusCallback"),
            beep: it.take("playBeep").as_deref() != Some("false"),
            action: it.take("action"),
        }),
        "Hangup" => Verb::Hangup,
        "Reject" => {
            let busy = it.take("reason").as_deref() == Some("busy");
            Verb::Reject { reason: if busy { RejectReason::Busy } else { RejectReason::Rejected } }
        }
        "Message" => Verb::Message { body: text },
        other => return Err(BadTwiml(format!("<{other}> is not known here"))),
    })
}

fn connect(mut it: Element) -> Result<Connect, BadTwiml> {
    let action = it.take("action");
    let mut streams = it.children.into_iter().filter(|child| child.name == "Stream");
    let mut wire =
        streams.next().ok_or_else(|| BadTwiml("<Connect> holds no <Stream>".to_owned()))?;
    let url = wire.take("url").ok_or_else(|| BadTwiml("<Stream> has no url".to_owned()))?;
    let mut stream = Stream::to(url);
    stream.name = wire.take("name");
    stream.status_callback = wire.take("statusCallback");
    for mut parameter in wire.children.into_iter().filter(|child| child.name == "Parameter") {
        let name = parameter.take("name").unwrap_or_default();
        let value = parameter.take("value").unwrap_or_default();
        stream = stream.parameter(name, value).map_err(|error| BadTwiml(error.to_string()))?;
    }
    Ok(Connect { action, stream })
}

#[cfg(test)]
mod tests {
    use clients::twilio::twiml::Twiml;

    use super::*;

    #[test]
    fn what_we_write_is_read_as_it_was_meant() {
        let stream = Stream::to("ws://a.b/v?x=1&y").named("n").reported_to("http://a.b/s?a=1&b=2");
        let stream = stream.parameter("token", "\"<&>'ü").unwrap();
        let voice = Voice { language: "de-DE".into(), name: None };
        let dial = Dial {
            number: "+4312345".into(),
            caller_id: Some("+15005550006".into()),
            timeout_secs: Some(20),
            action: None,
        };
        let record = Record { max_secs: Some(60), beep: true, ..Record::default() };
        let twiml = Twiml::new()
            .say("Grüß <Gott> & \"so\"\nweiter", &voice)
            .pause(3)
            .connect(Connect { action: Some("http://a.b/?c&d".into()), stream })
            .record(record)
            .dial(dial)
            .reject(RejectReason::Busy)
            .redirect("http://a.b/r?a=1&b=2")
            .hang_up();
        assert!(read(&twiml.to_xml()).unwrap() == twiml.verbs());
        assert!(read(&Twiml::new().to_xml()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_twiml_is_told() {
        for bad in [
            "",
            "hello",
            "<Response>",
            "<Nope/>",
            "<Response><Jump/></Response>",
            "<Response>&x;</Response>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
