//! How a conversation is set up: `session.update`.

use serde::Serialize;
use serde_json::value::RawValue;

/// A conversation by telephone: G.711 μ-law in and out, the model hears by itself when somebody has finished.
#[derive(Clone)]
pub struct Session {
    /// How it is to behave. May be private.
    pub instructions: String,
    /// One of the model's voices, such as `marin`. Cannot change after the first word.
    pub voice: String,
    /// What it may call.
    pub tools: Vec<Tool>,
    /// When somebody has finished.
    pub turn_detection: TurnDetection,
    /// Which model writes down what the caller says; nothing is written down without one.
    pub transcription_model: Option<String>,
    /// The language that the caller is likely to speak, as `de`; helps writing down.
    pub language: Option<String>,
    /// The longest answer, in tokens; 4,096 at most.
    pub output_tokens_max: u32,
}

/// Something that the model may call.
#[derive(Clone, Serialize)]
pub struct Tool {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// A JSON schema of its arguments.
    pub parameters: Box<RawValue>,
}

/// By which silence the model knows that somebody has finished (`server_vad`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnDetection {
    /// How loud speech is, in hundredths of what OpenAI calls its threshold; 50 is usual, more in loud places.
    pub threshold_percent: u8,
    /// So much before the first sound counts as speech.
    pub prefix_padding_ms: u32,
    /// So much silence ends it.
    pub silence_ms: u32,
    /// After so much silence from the caller the model asks whether anybody is there; 5,000–30,000.
    pub idle_timeout_ms: Option<u32>,
    /// Whether the model answers by itself when somebody has finished.
    pub create_response: bool,
    /// Whether an answer ends when somebody begins to speak.
    pub interrupt_response: bool,
}

impl Default for TurnDetection {
    /// OpenAI's own.
    fn default() -> Self {
        Self {
            threshold_percent: 50,
            prefix_padding_ms: 300,
            silence_ms: 500,
            idle_timeout_ms: None,
            create_response: true,
            interrupt_response: true,
        }
    }
}

/// The event as it is sent.
#[derive(Serialize)]
pub(super) struct Update<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    session: WireSession<'a>,
}

impl<'a> Update<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        let format = Format { kind: "audio/pcmu" };
        let detection = session.turn_detection;
        let language = session.language.as_deref();
        let transcription = session.transcription_model.as_deref();
        let input = Input {
            format,
            transcription: transcription.map(|model| Transcription { model, language }),
            turn_detection: Detection {
                kind: "server_vad",
                threshold: f32::from(detection.threshold_percent.min(100)) / 100.0,
                prefix_padding_ms: detection.prefix_padding_ms,
                silence_duration_ms: detection.silence_ms,
                idle_timeout_ms: detection.idle_timeout_ms,
                create_response: detection.create_response,
                interrupt_response: detection.interrupt_response,
            },
        };
        let tools = session.tools.iter().map(|tool| WireTool { kind: "function", tool }).collect();
        Self {
            kind: "session.update",
            session: WireSession {
                kind: "realtime",
                output_modalities: ["audio"],
                audio: Audio { input, output: Output { format, voice: &session.voice } },
                instructions: &session.instructions,
                tools,
                tool_choice: "auto",
                max_output_tokens: session.output_tokens_max,
            },
        }
    }
}

#[derive(Serialize)]
struct WireSession<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    output_modalities: [&'static str; 1],
    audio: Audio<'a>,
    instructions: &'a str,
    tools: Vec<WireTool<'a>>,
    tool_choice: &'static str,
    max_output_tokens: u32,
}

#[derive(Serialize)]
struct Audio<'a> {
    input: Input<'a>,
    output: Output<'a>,
}

#[derive(Clone, Copy, Serialize)]
struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Input<'a> {
    format: Format,
    /// Null turns it off.
    transcription: Option<Transcription<'a>>,
    turn_detection: Detection,
}

#[derive(Serialize)]
struct Transcription<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct Detection {
    #[serde(rename = "type")]
    kind: &'static str,
    threshold: f32,
    prefix_padding_ms: u32,
    silence_duration_ms: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout_ms: Option<u32>,
    create_response: bool,
    interrupt_response: bool,
}

#[derive(Serialize)]
struct Output<'a> {
    format: Format,
    voice: &'a str,
}

#[derive(Serialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    tool: &'a Tool,
}
