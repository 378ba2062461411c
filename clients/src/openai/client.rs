//! A conversation in, a text out.

use std::fmt;

use async_openai::{
    Client,
    config::OpenAIConfig,
    error::OpenAIError,
    types::chat::{
        ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage,
        ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage,
        CreateChatCompletionRequest, CreateChatCompletionResponse,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Error, transport::Transport};
use crate::Secrets;

/// Which account, which model, and where.
#[derive(Clone)]
pub struct Config {
    /// `https://api.openai.com/v1`, or a stand-in.
    pub base_url: Url,
    /// The key. Each request takes the newest.
    pub api_key: Secrets,
    /// The model's name.
    pub model: String,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// We, about how to answer.
    Instruction,
    /// The person.
    Person,
    /// The assistant, or whoever answered in its place.
    Assistant,
}

/// One thing that was said. Has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Turn {
    /// By whom.
    pub role: Role,
    /// What.
    pub text: String,
}

/// OpenAI's text model. Cheap to clone; never repeats a request by itself.
#[derive(Clone)]
pub struct OpenAi {
    http: reqwest::Client,
    base_url: String,
    api_key: Secrets,
    model: String,
}

impl OpenAi {
    /// Calls nobody yet. `http` comes from [`crate::http::client`], whose limit of time is the one that holds.
    pub fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            http,
            base_url: config.base_url.as_str().trim_end_matches('/').to_owned(),
            api_key: config.api_key.clone(),
            model: config.model.clone(),
        }
    }

    /// With what it signs in.
    pub fn api_key(&self) -> &Secrets {
        &self.api_key
    }

    /// What the assistant says next, in at most so many tokens.
    pub async fn answer(&self, turns: Vec<Turn>, tokens_max: u32) -> Result<String, Error> {
        let request = CreateChatCompletionRequest {
            model: self.model.clone(),
            messages: turns.into_iter().map(message).collect(),
            max_completion_tokens: Some(tokens_max),
            ..CreateChatCompletionRequest::default()
        };
        // What OpenAI would say without one.
        let key = self.api_key.newest().ok_or(Error::Rejected { status: 401 })?;
        let config =
            OpenAIConfig::new().with_api_base(&self.base_url).with_api_key(key.expose_secret());
        let transport = Transport(self.http.clone());
        let client = Client::build(self.http.clone(), config).with_http_service(transport);
        let response = client.chat().create(request).await.map_err(of_client)?;
        text_of(response).ok_or(Error::Unreadable)
    }
}

fn message(turn: Turn) -> ChatCompletionRequestMessage {
    match turn.role {
        Role::Instruction => ChatCompletionRequestSystemMessage::from(turn.text).into(),
        Role::Person => ChatCompletionRequestUserMessage::from(turn.text).into(),
        Role::Assistant => ChatCompletionRequestAssistantMessage::from(turn.text).into(),
    }
}

fn text_of(response: CreateChatCompletionResponse) -> Option<String> {
    let text = response.choices.into_iter().next()?.message.content?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Everything that can go wrong out there is said by our own transport.
fn of_client(error: OpenAIError) -> Error {
    match error {
        OpenAIError::Boxed(inner) => {
            inner.downcast::<Error>().map_or(Error::Unreadable, |error| *error)
        }
        OpenAIError::Reqwest(error) => Error::NoAnswer(error.without_url()),
        OpenAIError::ApiError(_)
        | OpenAIError::JSONDeserialize(..)
        | OpenAIError::FileSaveError(_)
        | OpenAIError::FileReadError(_)
        | OpenAIError::StreamError(_)
        | OpenAIError::InvalidArgument(_) => Error::Unreadable,
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url.as_str())
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("model", &self.model).finish_non_exhaustive()
    }
}
