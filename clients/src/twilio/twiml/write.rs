//! As XML.

use std::{borrow::Cow, io};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
    writer::ElementWriter,
};

use super::verb::{Connect, Dial, Record, Stream, Verb};

type Out = Writer<Vec<u8>>;

pub(super) fn document(verbs: &[Verb]) -> String {
    let mut out = Writer::new(Vec::new());
    write(&mut out, verbs).expect("memory takes what is written to it");
    String::from_utf8(out.into_inner()).expect("it was written from strings")
}

fn write(out: &mut Out, verbs: &[Verb]) -> io::Result<()> {
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    out.create_element("Response").write_inner_content(|response| {
        for verb in verbs {
            one(response, verb)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn one(out: &mut Out, verb: &Verb) -> io::Result<()> {
    let element = out.create_element(verb.name());
    match verb {
        Verb::Say { text, voice } => {
            let element = with(element, "language", Some(&voice.language));
            with(element, "voice", voice.name.as_deref()).write_text_content(content(text))?;
        }
        Verb::Pause { secs } => {
            with(element, "length", Some(&secs.to_string())).write_empty()?;
        }
        Verb::Redirect { url } => {
            with(element, "method", Some("POST")).write_text_content(content(url))?;
        }
        Verb::Connect(Connect { action, stream }) => {
            asked(element, action.as_deref()).write_inner_content(|it| connect(it, stream))?;
        }
        Verb::Dial(Dial { number, caller_id, timeout_secs, action }) => {
            let element = asked(element, action.as_deref());
            let element = with(element, "callerId", caller_id.as_deref());
            let timeout = timeout_secs.map(|secs| secs.to_string());
            with(element, "timeout", timeout.as_deref()).write_text_content(content(number))?;
        }
        Verb::Record(it) => {
            record(element, it).write_empty()?;
        }
        Verb::Hangup => {
            element.write_empty()?;
        }
        Verb::Reject { reason } => {
            with(element, "reason", Some(reason.as_str())).write_empty()?;
        }
        Verb::Message { body } => {
            element.write_text_content(content(body))?;
        }
    }
    Ok(())
}

fn connect(out: &mut Out, stream: &Stream) -> io::Result<()> {
    let element = with(out.create_element("Stream"), "url", Some(&stream.url));
    let element = with(element, "name", stream.name.as_deref());
    let element = with(element, "statusCallback", stream.status_callback.as_deref());
    let method = stream.status_callback.as_ref().map(|_| "POST");
    let element = with(element, "statusCallbackMethod", method);
    element.write_inner_content(|out| {
        for (name, value) in stream.parameters() {
            let element = with(out.create_element("Parameter"), "name", Some(name));
            with(element, "value", Some(value)).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn record<'a>(element: ElementWriter<'a, Vec<u8>>, it: &Record) -> ElementWriter<'a, Vec<u8>> {
    let element = asked(element, it.action.as_deref());
    let secs = |of: Option<u16>| of.map(|secs| secs.to_string());
    let element = with(element, "maxLength", secs(it.max_secs).as_deref());
    let element = with(element, "timeout", secs(it.silence_secs).as_deref());
    let element = with(element, "finishOnKey", it.finish_on.as_deref());
    let element = with(element, "recordingStatusCallback", it.status_callback.as_deref());
    with(element, "playBeep", Some(if it.beep { "true" } else { "false" }))
}

/// An address that is asked how to go on.
fn asked<'a>(
    element: ElementWriter<'a, Vec<u8>>,
    action: Option<&str>,
) -> ElementWriter<'a, Vec<u8>> {
    with(with(element, "action", action), "method", action.map(|_| "POST"))
}

fn with<'a>(
    element: ElementWriter<'a, Vec<u8>>,
    name: &'static str,
    value: Option<&str>,
) -> ElementWriter<'a, Vec<u8>> {
    match value {
        Some(value) => element.with_attribute((name, &*known(value))),
        None => element,
    }
}

fn content(text: &str) -> BytesText<'_> {
    match known(text) {
        Cow::Borrowed(text) => BytesText::new(text),
        Cow::Owned(text) => BytesText::new(&text).into_owned(),
    }
}

/// Without what XML 1.0 has no way to write.
fn known(text: &str) -> Cow<'_, str> {
    let is_known = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    };
    if text.chars().all(is_known) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_known(*c)).collect())
    }
}
