//! What `session.update` has set. Only what the sandbox acts upon is looked at; the rest is kept and shown.

use serde_json::{Map, Value, json};

/// When somebody has finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    pub(super) prefix_padding_ms: u64,
    pub(super) silence_duration_ms: u64,
    pub(super) idle_timeout_ms: Option<u64>,
    pub(super) create_response: bool,
    pub(super) interrupt_response: bool,
}

impl Default for Detection {
    fn default() -> Self {
        Self {
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            idle_timeout_ms: None,
            create_response: true,
            interrupt_response: true,
        }
    }
}

/// What a session is like.
pub(super) struct Settings {
    /// As it is shown in `session.created` and `session.updated`.
    pub(super) shown: Value,
    pub(super) detection: Detection,
    pub(super) transcribes: bool,
    /// Names and schemas.
    pub(super) tools: Vec<(String, Value)>,
}

impl Settings {
    pub(super) fn new(id: &str, model: &str) -> Self {
        let shown = json!({
            "type": "realtime",
            "object": "realtime.session",
            "id": id,
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": null,
            "truncation": "auto",
            "audio": {
                "input": {
                    "format": { "type": "audio/pcm", "rate": 24000 },
                    "transcription": null,
                    "noise_reduction": null,
                    "turn_detection": {
                        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                        "silence_duration_ms": 500, "create_response": true, "interrupt_response": true,
                    },
                },
                "output": { "format": { "type": "audio/pcm", "rate": 24000 }, "voice": "alloy", "speed": 1.0 },
            },
        });
        Self { shown, detection: Detection::default(), transcribes: false, tools: Vec::new() }
    }

    /// Takes an update, or says which parameter of it is wrong. `speaks`: whether there was audio already.
    pub(super) fn update(
        &mut self,
        update: &Value,
        speaks: bool,
    ) -> Result<(), (String, &'static str)> {
        let bad = |param: &str, code| Err((param.to_owned(), code));
        let Some(wanted) = update.as_object() else { return bad("session", "invalid_type") };
        if wanted.get("type") != Some(&json!("realtime")) {
            return bad("session.type", "missing_required_parameter");
        }
        if let Some(unknown) = wanted.keys().find(|key| self.shown.get(key.as_str()).is_none()) {
            return bad(&format!("session.{unknown}"), "unknown_parameter");
        }
        let voice = update.pointer("/audio/output/voice");
        if speaks
            && voice.is_some_and(|voice| Some(voice) != self.shown.pointer("/audio/output/voice"))
        {
            return bad("session.audio.output.voice", "cannot_update_voice");
        }
        for way in ["input", "output"] {
            let format = update.pointer(&format!("/audio/{way}/format/type"));
            if format.is_some_and(|format| format != "audio/pcmu") {
                // It is a telephone's sandbox: it makes no other sound.
                return bad(&format!("session.audio.{way}.format"), "invalid_value");
            }
        }
        if let (Some(shown), Value::Object(wanted)) = (self.shown.as_object_mut(), update) {
            merge(shown, wanted);
        }
        for way in ["input", "output"] {
            if let Some(format) = self.shown.pointer_mut(&format!("/audio/{way}/format"))
                && format["type"] == "audio/pcmu"
            {
                *format = json!({ "type": "audio/pcmu" });
            }
        }
        self.look();
        Ok(())
    }

    fn look(&mut self) {
        let detection = &self.shown["audio"]["input"]["turn_detection"];
        let usual = Detection::default();
        let number = |name: &str| detection[name].as_u64();
        let truth = |name: &str| detection[name].as_bool();
        self.detection = Detection {
            prefix_padding_ms: number("prefix_padding_ms").unwrap_or(usual.prefix_padding_ms),
            silence_duration_ms: number("silence_duration_ms").unwrap_or(usual.silence_duration_ms),
            idle_timeout_ms: number("idle_timeout_ms"),
            create_response: truth("create_response").unwrap_or(usual.create_response),
            interrupt_response: truth("interrupt_response").unwrap_or(usual.interrupt_response),
        };
        self.transcribes = self.shown["audio"]["input"]["transcription"].is_object();
        let tools = self.shown["tools"].as_array().cloned().unwrap_or_default();
        let tool =
            |tool: Value| Some((tool["name"].as_str()?.to_owned(), tool["parameters"].clone()));
        self.tools = tools.into_iter().filter_map(tool).collect();
    }
}

/// Objects are merged, anything else is replaced: only the fields that are there are updated.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_updated() {
        let mut settings = Settings::new("sess_1", "gpt-realtime-2.1");
        let update = json!({ "type": "realtime", "audio": { "input": {
            "format": { "type": "audio/pcmu" }, "turn_detection": { "silence_duration_ms": 200 },
        } } });
        assert_eq!(settings.update(&update, false), Ok(()));
        assert_eq!(
            settings.detection,
            Detection { silence_duration_ms: 200, ..Detection::default() }
        );
        assert_eq!(settings.shown["audio"]["input"]["format"], json!({ "type": "audio/pcmu" }));
        assert_eq!(settings.shown["audio"]["output"]["voice"], "alloy");
    }

    #[test]
    fn what_openai_does_not_take_is_refused() {
        let mut settings = Settings::new("sess_1", "gpt-realtime-2.1");
        let mut code = |update: Value, speaks| settings.update(&update, speaks).unwrap_err().1;
        assert_eq!(code(json!({}), false), "missing_required_parameter");
        let beta = json!({ "type": "realtime", "input_audio_format": "g711_ulaw" });
        assert_eq!(code(beta, false), "unknown_parameter");
        let wide = json!({ "type": "realtime", "audio": { "input": { "format": { "type": "audio/pcm" } } } });
        assert_eq!(code(wide, false), "invalid_value");
        let voice = json!({ "type": "realtime", "audio": { "output": { "voice": "marin" } } });
        assert_eq!(code(voice, true), "cannot_update_voice");
    }
}
