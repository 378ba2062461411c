//! The text model that answers.

use sandbox::openai;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const MODEL_KEY: &str = "sk-of-the-tests";

/// OpenAI's sandbox, until it is told to stop.
pub(crate) async fn a_model(stop: &CancellationToken) -> openai::Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = openai::Options::new(MODEL_KEY);
    let (model, serving) = sandbox::OpenAi::serve(listener, options, stop.child_token()).unwrap();
    tokio::spawn(serving);
    model
}

/// With what a worker reaches it.
pub(crate) fn of_model(model: &openai::Handle) -> [(&'static str, String); 2] {
    [("OPENAI_BASE_URL", model.api_base()), ("OPENAI_API_KEY", MODEL_KEY.to_owned())]
}
