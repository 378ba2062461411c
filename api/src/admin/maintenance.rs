//! `/api/admin/maintenance`: switches for the whole product. They count from the commit on, in every process.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use domain::switches::{self, Switch};
use engine::{Tx, Version};
use serde_json::{Value, json};

use super::{deed::Order, enqueue::instant, key::Operator, steer::flag, tags::Asked};
use crate::{
    idempotency::{Done, Stop},
    json::Fields,
    problem::{Code, Problem},
    state::ApiState,
};

/// What things are called when no switch is on; as a mode it turns all of them off.
const NORMAL: &str = "normal";

/// What an operator wants.
struct Wanted {
    /// None: all of them.
    switch: Option<Switch>,
    is_on: bool,
    until: Option<DateTime<Utc>>,
}

/// `GET /api/admin/maintenance`.
pub(crate) async fn maintenance(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
) -> Result<Response, Problem> {
    let mut tx = state.begin().await?;
    let view = view(&mut tx).await?;
    asked.answer(version(&view), async || Ok(view)).await
}

/// `POST /api/admin/maintenance`.
pub(crate) async fn set_maintenance(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields);
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    if deed.condition.is_given() {
        switches::lock(&mut deed.tx).await?;
        let now = version(&view(&mut deed.tx).await?);
        deed.condition.check(now)?;
    }
    let (tx, caller, reason) = deed.parts();
    wanted.must_last(tx).await?;
    wanted.put(tx, &caller.operator.actor, reason).await?;
    let details = json!({
        "mode": wanted.switch.map_or(NORMAL, Switch::as_str),
        "enabled": wanted.is_on,
        "until": wanted.until,
    });
    let answer = view(&mut deed.tx).await?;
    deed.done("maintenance.set", details, Done::ok(answer)).await
}

impl Wanted {
    /// `{"mode":"demo_disabled|sms_bypass","reason":"…","until":"…","enabled":false}`, or `{"mode":"normal"}`.
    fn read(fields: &mut Fields) -> Option<Wanted> {
        let mode = fields.required("mode", |word| match word {
            NORMAL => Ok(None),
            word => word.parse::<Switch>().map(Some).map_err(|_| {
                let words: Vec<_> = Switch::ALL.iter().map(|it| it.as_str()).collect();
                format!("must be {NORMAL} or one of {}", words.join(", "))
            }),
        });
        let is_on = flag(fields, "enabled").unwrap_or(mode != Some(None));
        let until = fields.optional("until", instant);
        if is_on && mode == Some(None) {
            fields.wrong("enabled", "normal is when nothing is on");
        } else if is_on && mode.is_some() && !fields.has("reason") {
            fields.wrong("reason", "is missing");
        }
        if !is_on && until.is_some() {
            fields.wrong("until", "is only for what is turned on");
        }
        mode.map(|switch| Wanted { switch, is_on, until })
    }

    /// What would be over before it begins is a mistake, of the time zone for example, and must not be told as done.
    async fn must_last(&self, tx: &mut Tx) -> Result<(), Problem> {
        let now = tx.now().await?;
        match self.until {
            Some(until) if until <= now => {
                let why = format!("until {until} is over: it is {now}");
                Err(Problem::new(Code::InvalidFields, why))
            }
            _ => Ok(()),
        }
    }

    async fn put(&self, tx: &mut Tx, by: &str, reason: Option<&str>) -> Result<(), Problem> {
        let named = self.switch.map(|switch| vec![switch]);
        for switch in named.unwrap_or_else(|| Switch::ALL.to_vec()) {
            if self.is_on {
                let reason = reason.unwrap_or_default();
                switches::turn_on(tx, switch, reason, by, self.until).await?;
            } else {
                switches::turn_off(tx, switch, reason, by).await?;
            }
        }
        Ok(())
    }
}

fn version(view: &Value) -> Version {
    Version::of("switches", view)
}

async fn view(tx: &mut Tx) -> Result<Value, Problem> {
    let all = switches::all(tx).await?;
    let first = all.iter().find(|position| position.is_on);
    let mode = first.map_or(NORMAL, |position| position.switch.as_str());
    Ok(json!({ "mode": mode, "switches": all }))
}

#[cfg(test)]
mod tests {
    use super::{super::steer::reason, *};

    fn read(text: &str) -> Option<(Option<Switch>, bool)> {
        let mut fields = Fields::of_test(text);
        let wanted = Wanted::read(&mut fields);
        reason(&mut fields);
        fields.refuse_others();
        fields.finish(wanted).ok().map(|wanted| (wanted.switch, wanted.is_on))
    }

    #[test]
    fn what_is_turned_on_needs_a_reason_and_what_is_turned_off_has_no_end() {
        let demo = Some(Switch::DemoDisabled);
        assert_eq!(read(r#"{"mode":"demo_disabled","reason":"x"}"#), Some((demo, true)));
        assert_eq!(read(r#"{"mode":"demo_disabled","enabled":false}"#), Some((demo, false)));
        assert_eq!(read(r#"{"mode":"normal"}"#), Some((None, false)));
        let end = r#""until":"2026-01-31T09:00:00Z""#;
        for bad in [
            "{}".to_owned(),
            r#"{"mode":"demo_disabled"}"#.to_owned(),
            r#"{"mode":"demo_disabled","reason":""}"#.to_owned(),
            r#"{"mode":"everything_disabled","reason":"x"}"#.to_owned(),
            r#"{"mode":"normal","enabled":true,"reason":"x"}"#.to_owned(),
            r#"{"mode":"demo_disabled","reason":"x","enabled":"yes"}"#.to_owned(),
            format!(r#"{{"mode":"demo_disabled","enabled":false,{end}}}"#),
            r#"{"mode":"demo_disabled","reason":"x","until":"tomorrow"}"#.to_owned(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
