//! How calls are taken, as JSON.

use std::collections::BTreeMap;

use domain::{
    PhoneNumber,
    hours::{Hours, Span},
    phone::Region,
    urgent::{KEYWORDS_MAX, Keyword},
    voice_settings::{Greeting, KEPT_DAYS_MAX, Links, OwnerAlerts, VoiceMode, VoiceSettings},
};
use serde_json::{Map, Value, json};

use crate::{json::Fields, problem::Problem};

/// Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads what is to be changed. Null takes a wish back, where there can be none.
pub(super) fn read(
    mut fields: Fields,
    before: VoiceSettings,
    home: Region,
) -> Result<VoiceSettings, Problem> {
    let mut wanted = before;
    if let Some(mode) = fields.optional("voiceMode", mode_of) {
        wanted.mode = mode;
    }
    if let Some(alerts) = fields.optional("ownerAlerts", alerts_of) {
        wanted.owner_alerts = alerts;
    }
    if fields.names_null("greeting") {
        wanted.greeting = None;
    } else if let Some(greeting) = fields.optional("greeting", Greeting::parse) {
        wanted.greeting = Some(greeting);
    }
    if fields.names_null("transferPhone") {
        wanted.transfer_phone = None;
    } else if fields.has("transferPhone") {
        wanted.transfer_phone = fields.phone("transferPhone", home);
    }
    match fields.take("sealTranscripts") {
        None => {}
        Some(Value::Bool(seals)) => wanted.seal_transcripts = seals,
        Some(_) => fields.wrong("sealTranscripts", "must be true or false"),
    }
    if let Some(days) = fields.whole("transcriptsKeptDays", 1..=KEPT_DAYS_MAX.into()) {
        wanted.transcripts_kept_days = u16::try_from(days).unwrap_or(KEPT_DAYS_MAX);
    }
    if fields.names_null("emergencyKeywords") {
        wanted.emergency_keywords = None;
    } else if let Some(keywords) = list_of(&mut fields, "emergencyKeywords", keywords_of) {
        wanted.emergency_keywords = Some(keywords);
    }
    if let Some(links) = list_of(&mut fields, "links", links_of) {
        wanted.links = links;
    }
    if fields.names_null("businessHours") {
        wanted.hours = Hours::default();
    } else if let Some(hours) = list_of(&mut fields, "businessHours", hours_of) {
        wanted.hours = hours;
    }
    fields.refuse_others();
    fields.finish(Some(wanted))
}

fn list_of<T>(
    fields: &mut Fields,
    name: &str,
    parse: impl FnOnce(Value) -> Result<T, String>,
) -> Option<T> {
    let value = fields.take(name)?;
    parse(value).map_err(|why| fields.wrong(name, why)).ok()
}

fn mode_of(word: &str) -> Result<VoiceMode, &'static str> {
    word.parse().map_err(|_| "must be always, after_hours, business_hours or off")
}

fn alerts_of(word: &str) -> Result<OwnerAlerts, &'static str> {
    word.parse().map_err(|_| "must be every_call, urgent or none")
}

fn keywords_of(value: Value) -> Result<Vec<Keyword>, String> {
    let wrong = || format!("must be a list of up to {KEYWORDS_MAX} words");
    let words: Vec<String> = serde_json::from_value(value).map_err(|_| wrong())?;
    if words.len() > KEYWORDS_MAX {
        return Err(wrong());
    }
    words.iter().map(|word| Keyword::parse(word).map_err(|why| why.to_string())).collect()
}

fn links_of(value: Value) -> Result<Links, String> {
    let links: BTreeMap<String, String> =
        serde_json::from_value(value).map_err(|_| "must be an object of texts".to_owned())?;
    Links::new(links).map_err(|why| why.to_string())
}

/// `{"mon": ["08:00-12:00", "13:00-17:00"], …}`; a day that is not named is closed.
fn hours_of(value: Value) -> Result<Hours, String> {
    let Ok(days) = serde_json::from_value::<BTreeMap<String, Vec<String>>>(value) else {
        return Err("must be an object of lists, such as {\"mon\": [\"08:00-17:00\"]}".to_owned());
    };
    let mut week = <[Vec<Span>; 7]>::default();
    for (name, spans) in days {
        let day = DAYS.iter().position(|day| *day == name).and_then(|at| week.get_mut(at));
        let day = day.ok_or("days are mon, tue, wed, thu, fri, sat and sun".to_owned())?;
        for text in spans {
            day.push(text.parse::<Span>().map_err(|why| why.to_string())?);
        }
    }
    Hours::new(week).map_err(|why| why.to_string())
}

/// As it is shown.
pub(super) fn view(settings: &VoiceSettings) -> Value {
    let hours: Map<String, Value> = DAYS
        .iter()
        .zip(settings.hours.days())
        .map(|(day, spans)| {
            let spans: Vec<_> = spans.iter().map(Span::to_string).collect();
            ((*day).to_owned(), spans.into())
        })
        .collect();
    let keywords = settings.keywords();
    json!({
        "voiceMode": settings.mode,
        "greeting": settings.greeting.as_ref().map(Greeting::as_str),
        "transferPhone": settings.transfer_phone.as_ref().map(PhoneNumber::as_e164),
        "emergencyKeywords": keywords.iter().map(Keyword::as_str).collect::<Vec<_>>(),
        "ownerAlerts": settings.owner_alerts,
        "sealTranscripts": settings.seal_transcripts,
        "transcriptsKeptDays": settings.transcripts_kept_days,
        "links": settings.links.iter().collect::<BTreeMap<_, _>>(),
        "businessHours": if settings.hours.is_unsaid() { Value::Null } else { hours.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(text: &str) -> Result<VoiceSettings, Problem> {
        read(Fields::of_test(text), VoiceSettings::default(), Region::AT)
    }

    #[test]
    fn what_was_read_is_shown_alike() {
        let text = r#"{
            "voiceMode": "after_hours", "greeting": "Praxis Huber, grüß Gott!", "transferPhone": "+436641234567",
            "emergencyKeywords": ["zahnweh"], "ownerAlerts": "every_call", "sealTranscripts": true,
            "transcriptsKeptDays": 7, "links": {"booking": "https://example.com/book"},
            "businessHours": {"mon": ["08:00-12:00", "13:00-17:00"], "sat": []}
        }"#;
        let wanted = read_of(text).unwrap();
        let shown = view(&wanted);
        let told: Value = serde_json::from_str(text).unwrap();
        for (name, value) in told.as_object().unwrap() {
            if name != "businessHours" {
                assert_eq!(&shown[name], value, "{name}");
            }
        }
        assert_eq!(shown["businessHours"]["mon"], told["businessHours"]["mon"]);
        let back = read(Fields::of_test(&shown.to_string()), VoiceSettings::default(), Region::AT);
        assert!(back.unwrap() == wanted);
        let undone = r#"{"greeting": null, "transferPhone": null, "emergencyKeywords": null, "businessHours": null}"#;
        let undone = read(Fields::of_test(undone), wanted, Region::AT).unwrap();
        assert!(undone.greeting.is_none() && undone.transfer_phone.is_none());
        assert!(undone.emergency_keywords.is_none() && undone.hours.is_unsaid());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            r#"{"voiceMode": "sometimes"}"#,
            r#"{"voiceMode": 1}"#,
            r#"{"greeting": ""}"#,
            r#"{"transferPhone": "12"}"#,
            r#"{"emergencyKeywords": "fire"}"#,
            r#"{"emergencyKeywords": ["x"]}"#,
            r#"{"sealTranscripts": "yes"}"#,
            r#"{"transcriptsKeptDays": 0}"#,
            r#"{"transcriptsKeptDays": 3651}"#,
            r#"{"transcriptsKeptDays": 1.5}"#,
            r#"{"links": {"a": "http://example.com"}}"#,
            r#"{"businessHours": {"monday": []}}"#,
            r#"{"businessHours": {"mon": ["08:00-12:00", "11:00-13:00"]}}"#,
            r#"{"businessHours": {"mon": ["22:00-02:00"]}}"#,
            r#"{"businessHours": "always"}"#,
            r#"{"unknown": 1}"#,
        ] {
            assert!(read_of(text).is_err(), "{text}");
        }
    }
}
