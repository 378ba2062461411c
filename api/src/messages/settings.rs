//! What a tenant wants of its messages.

use axum::{Json, extract::State};
use domain::{
    PhoneNumber, audit,
    messaging::{self, MessagingSettings},
    phone::Region,
    quiet::QuietHours,
    scope, tenants,
};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    json::{Body, Fields},
    people::Member,
    problem::Problem,
    state::ApiState,
};

/// `GET /api/messaging`.
pub(crate) async fn settings(
    State(state): State<ApiState>,
    member: Member,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    Ok(Json(view(&messaging::get(&mut tx, member.tenant).await?)))
}

/// `POST /api/messaging`: what is not named stays as it is.
pub(crate) async fn put_settings(
    State(state): State<ApiState>,
    caller: Caller,
    member: Member,
    Body(fields): Body,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    // Two who change different things at once: the second one begins with what the first has written.
    tenants::lock(&mut tx, member.tenant).await?;
    let before = messaging::get(&mut tx, member.tenant).await?;
    let names = fields.names();
    let wanted = read(fields, before.clone(), state.config().demo.region)?;
    if wanted != before {
        messaging::put(&mut tx, member.tenant, &wanted).await?;
        let ip = caller.ip_digest(&state.config().pepper);
        // The fields' names, not what is in them.
        let details = json!({ "fields": names, "request": caller.request_id });
        let entry = member.entry("messaging.settings", &ip, details);
        audit::record(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(Json(view(&wanted)))
}

fn read(
    mut fields: Fields,
    before: MessagingSettings,
    home: Region,
) -> Result<MessagingSettings, Problem> {
    let mut wanted = before;
    if let Some(zone) = fields.optional("timeZone", str::parse) {
        wanted.zone = zone;
    }
    if let Some(quiet) = fields.optional("quietHours", quiet_of) {
        wanted.quiet = quiet;
    }
    for (name, switch) in [
        ("smsEnabled", &mut wanted.sms_enabled),
        ("aiResponseEnabled", &mut wanted.ai_response_enabled),
        ("missedCallSmsEnabled", &mut wanted.missed_call_sms_enabled),
    ] {
        match fields.take(name) {
            None => {}
            Some(Value::Bool(is_on)) => *switch = is_on,
            Some(_) => fields.wrong(name, "must be true or false"),
        }
    }
    if fields.has("ownerPhone") {
        wanted.owner_phone = fields.phone("ownerPhone", home);
    }
    fields.refuse_others();
    fields.finish(Some(wanted))
}

/// `21:00-08:00`, or `none`.
fn quiet_of(text: &str) -> Result<Option<QuietHours>, &'static str> {
    const WRONG: &str = "must be two times such as 21:00-08:00, or none";
    if text == "none" {
        return Ok(None);
    }
    let minute = |time: &str| {
        let (hours, minutes) = time.split_once(':')?;
        let is_short = hours.len() == 2 && minutes.len() == 2;
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        (is_short && hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    let (from, until) = text.split_once('-').ok_or(WRONG)?;
    let ends = minute(from).zip(minute(until)).ok_or(WRONG)?;
    QuietHours::new(ends.0, ends.1).map(Some).ok_or(WRONG)
}

fn view(settings: &MessagingSettings) -> Value {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let quiet = settings.quiet.map_or("none".to_owned(), |it| {
        format!("{}-{}", time(it.from_min()), time(it.until_min()))
    });
    json!({
        "timeZone": settings.zone.name(),
        "quietHours": quiet,
        "smsEnabled": settings.sms_enabled,
        "aiResponseEnabled": settings.ai_response_enabled,
        "missedCallSmsEnabled": settings.missed_call_sms_enabled,
        "ownerPhone": settings.owner_phone.as_ref().map(PhoneNumber::as_e164),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_two_times_or_none() {
        assert_eq!(quiet_of("none"), Ok(None));
        assert_eq!(quiet_of("21:00-08:30"), Ok(QuietHours::new(1260, 510)));
        for text in ["", "21-8", "21:00", "24:00-08:00", "21:00-21:00", "2:00-3:00", "21:60-08:00"]
        {
            assert!(quiet_of(text).is_err(), "{text}");
        }
    }
}
