//! One request and its answer: every call of a provider goes through here, so that each is measured, and is a span where a
//! trace is kept.

use reqwest::{Client, Error, Request, RequestBuilder, StatusCode, header::HeaderMap};

use crate::{
    http::body_read,
    metrics::{Outcome, Timed},
    trace,
};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// None: longer than was allowed, or cut off.
    pub(crate) body: Option<Vec<u8>>,
}

/// Sends a request that is still being built, and reads at most so much of the answer.
pub(crate) async fn send(
    provider: &'static str,
    request: RequestBuilder,
    bytes_max: usize,
) -> Result<Answer, Error> {
    let (http, request) = request.build_split();
    execute(provider, &http, request?, bytes_max).await
}

/// Sends a request, and reads at most so much of the answer. A caller who gives up is counted too.
pub(crate) async fn execute(
    provider: &'static str,
    http: &Client,
    request: Request,
    bytes_max: usize,
) -> Result<Answer, Error> {
    let timed = Timed::begin(provider, request.method(), request.url().path());
    let answered = answer(provider, http, request, bytes_max).await;
    timed.end(outcome(answered.as_ref()));
    answered
}

async fn answer(
    provider: &'static str,
    http: &Client,
    request: Request,
    bytes_max: usize,
) -> Result<Answer, Error> {
    let response = trace::execute(provider, http, request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = body_read(response, bytes_max).await;
    Ok(Answer { status, headers, body })
}

fn outcome(answered: Result<&Answer, &Error>) -> Outcome {
    match answered {
        Ok(answer) if answer.status.is_success() && answer.body.is_none() => Outcome::Failed,
        Ok(answer) => of_status(answer.status),
        // An attempt to connect that takes too long is both.
        Err(error) if error.is_connect() => Outcome::Unreachable,
        Err(error) if error.is_timeout() => Outcome::TimedOut,
        Err(_) => Outcome::Failed,
    }
}

fn of_status(status: StatusCode) -> Outcome {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
        status if status.is_success() => Outcome::Ok,
        status if status.is_server_error() => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: Option<&[u8]>) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.map(<[u8]>::to_vec);
        outcome(Ok(&Answer { status, headers: HeaderMap::new(), body }))
    }

    #[test]
    fn an_answer_is_judged_by_its_status_and_by_whether_it_is_whole() {
        assert_eq!(answered(201, Some(b"{}")), Outcome::Ok);
        assert_eq!(answered(201, None), Outcome::Failed);
        assert_eq!(answered(429, None), Outcome::RateLimited);
        for status in [302, 400, 401, 404] {
            assert_eq!(answered(status, None), Outcome::Refused, "{status}");
        }
        for status in [500, 503] {
            assert_eq!(answered(status, Some(b"")), Outcome::Failed, "{status}");
        }
    }
}
