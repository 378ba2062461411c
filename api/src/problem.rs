//! Every error that this API answers with, and its HTTP status: no other file knows one.
//!
//! The body is `application/problem+json` (RFC 9457). `code` is for programs and never changes its meaning; `detail` is for
//! people. What went wrong inside is logged under the request id and never told.

mod page;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use self::page::finish;

/// What a client may try again after a failure of ours that should pass by itself.
const SOON: Duration = Duration::from_secs(1);

macro_rules! codes {
    ($( $name:ident $code:literal $status:ident $title:literal; )+) => {
        /// What kind of problem it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $( $name ),+ }

        impl Code {
            #[cfg(test)]
            const ALL: &[Code] = &[$( Code::$name ),+];

            /// The word for programs.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $( Code::$name => $code ),+ }
            }

            /// Its HTTP status.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $( Code::$name => StatusCode::$status ),+ }
            }

            const fn title(self) -> &'static str {
                match self { $( Code::$name => $title ),+ }
            }
        }
    };
}

codes! {
    MalformedJson "malformed_json" BAD_REQUEST "The body is not JSON";
    MalformedWebhook "malformed_webhook" BAD_REQUEST "The webhook cannot be read";
    BadRequest "bad_request" BAD_REQUEST "The request cannot be read";
    InvalidPhone "invalid_phone" BAD_REQUEST "The phone number cannot be used";
    WrongDigits "code_wrong" BAD_REQUEST "The code is wrong";
    TooLate "code_expired" BAD_REQUEST "The code has expired";
    UsedBefore "code_used" BAD_REQUEST "The code has been used";
    TriedTooOften "code_exhausted" BAD_REQUEST "The code was tried too often";
    AdminKeyRequired "admin_key_required" UNAUTHORIZED "The operator's key is required";
    CronSecretRequired "cron_secret_required" UNAUTHORIZED "The clock's key is required";
    AccessTokenRequired "access_token_required" UNAUTHORIZED "The demo's access token is required";
    BadSignature "bad_signature" UNAUTHORIZED "The signature does not fit";
    TenantContextRequired "tenant_context_required" UNAUTHORIZED "Tenant context required";
    InvalidCredentials "invalid_credentials" UNAUTHORIZED "E-mail or password is wrong";
    DemoExpired "demo_expired" FORBIDDEN "Demo tenant has expired";
    TenantClosed "tenant_closed" FORBIDDEN "The tenant is closed";
    MustChangePassword "must_change_password" FORBIDDEN "The password must be changed first";
    WrongPassword "wrong_password" FORBIDDEN "The current password is wrong";
    ScopeRequired "scope_required" FORBIDDEN "The key is not for this";
    HttpsRequired "https_required" FORBIDDEN "Not in the clear";
    ForeignOrigin "foreign_origin" FORBIDDEN "The request comes from another site";
    NotFound "not_found" NOT_FOUND "There is nothing here";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "Not with this method";
    DemoAlreadyOpen "demo_already_open" CONFLICT "This person has a demo already";
    DemoNotReady "demo_not_ready" CONFLICT "The demo is not ready";
    WrongState "wrong_state" CONFLICT "Not in this state";
    ToldOnce "told_once" CONFLICT "It was done, and its secret was told";
    ChangedMeanwhile "changed_meanwhile" CONFLICT "It was changed in the meantime";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED "It is not what was read";
    SlowBody "slow_body" REQUEST_TIMEOUT "The body took too long to arrive";
    TooLarge "too_large" PAYLOAD_TOO_LARGE "The body is too large";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body must be JSON";
    UnknownHost "unknown_host" MISDIRECTED_REQUEST "Nobody of this name is here";
    InvalidFields "invalid_fields" UNPROCESSABLE_ENTITY "Some fields cannot be used";
    KeyReused "idempotency_key_reused" UNPROCESSABLE_ENTITY "The key was used for another request";
    UnknownName "unknown_name" UNPROCESSABLE_ENTITY "Nothing has this name";
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Too many requests";
    Internal "internal" INTERNAL_SERVER_ERROR "Something went wrong here";
    DemoDisabled "demo_disabled" SERVICE_UNAVAILABLE "Demos cannot be had at the moment";
    NotBuiltYet "not_built_yet" NOT_IMPLEMENTED "This is not built yet";
    Unavailable "unavailable" SERVICE_UNAVAILABLE "Not available at the moment";
    TookTooLong "took_too_long" SERVICE_UNAVAILABLE "It took too long";
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where: a JSON pointer into the body, or `?name` for a query parameter.
    pub(crate) pointer: String,
    /// What, without the value.
    pub(crate) detail: String,
}

/// An answer that says what is wrong.
#[derive(Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            members: Map::new(),
            cause: None,
        }))
    }

    /// One field, or several, that cannot be used.
    pub(crate) fn fields(code: Code, errors: Vec<FieldError>) -> Problem {
        let detail = match errors.as_slice() {
            [one] => format!("{} {}", one.pointer, one.detail),
            many => format!("{} fields cannot be used", many.len()),
        };
        let mut problem = Problem::new(code, detail);
        problem.0.errors = errors;
        problem
    }

    /// A fault of ours. The cause is logged, the client learns the request id.
    pub(crate) fn internal(cause: impl StdError + Send + Sync + 'static) -> Problem {
        Problem::new(Code::Internal, "").caused_by(cause)
    }

    /// When to come back.
    pub(crate) fn retry_after(mut self, after: Duration) -> Problem {
        self.0.retry_after = Some(after);
        self
    }

    /// Another member of the body.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// When to come back, where that is known.
    pub(crate) fn comes_back_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Problem {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    fn unavailable(cause: impl StdError + Send + Sync + 'static) -> Problem {
        Problem::new(Code::Unavailable, "please try again in a moment")
            .caused_by(cause)
            .retry_after(SOON)
    }

    /// The cause and its causes, in one line. Errors of the engine and of the domain hold no values.
    fn cause_chain(&self) -> Option<String> {
        let cause: &(dyn StdError + 'static) = self.0.cause.as_deref()?;
        let sources = std::iter::successors(cause.source(), |source| (*source).source());
        Some(sources.fold(cause.to_string(), |text, source| format!("{text}: {source}")))
    }
}

/// Without detail: it may name what a client sent.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problem({})", self.0.code.as_str())
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Problem {
        use engine::{Error as E, Refusal};
        match error {
            E::Database(_) | E::TimedOut | E::Stopping => Problem::unavailable(error),
            E::UnknownName { .. } => Problem::new(Code::UnknownName, error.to_string()),
            E::WrongState { state, .. } => {
                Problem::new(Code::WrongState, error.to_string()).with("state", state.as_str())
            }
            E::BadJson(_)
            | E::BadGates { .. }
            | E::BadSchedule { .. }
            | E::Refused(
                Refusal::BadOperator
                | Refusal::NeedsReason
                | Refusal::DoesNotFit { .. }
                | Refusal::StateDoesNotFit { .. }
                | Refusal::NoSuchStep,
            ) => Problem::new(Code::InvalidFields, error.to_string()),
            E::Refused(Refusal::MovedOn) => Problem::new(Code::ChangedMeanwhile, error.to_string()),
            E::Refused(Refusal::OtherCount { matched, .. }) => {
                Problem::new(Code::WrongState, error.to_string()).with("matched", matched)
            }
            E::Refused(Refusal::KeyTaken { by }) => {
                Problem::new(Code::WrongState, error.to_string()).with("job", by.to_string())
            }
            E::Refused(_) => Problem::new(Code::WrongState, error.to_string()),
            E::NoSuchJob | E::Absent { .. } => Problem::new(Code::NotFound, error.to_string()),
            E::Encode(_) | E::Seal(_) | E::Open(_) | E::Pooler { .. } => Problem::internal(error),
        }
    }
}

impl From<domain::Error> for Problem {
    fn from(error: domain::Error) -> Problem {
        use domain::Error as E;
        match error {
            E::Database { .. } => Problem::unavailable(error),
            E::NotFound { .. } => Problem::new(Code::NotFound, error.to_string()),
            E::IllegalMove { .. } => Problem::new(Code::WrongState, error.to_string()),
            E::Outdated { .. } => Problem::new(Code::ChangedMeanwhile, error.to_string()),
            E::Constraint { .. } | E::Unreadable { .. } | E::OutOfScope | E::Hashing => {
                Problem::internal(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_a_word_of_its_own_and_every_status_an_error() {
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
    }

    #[test]
    fn what_may_pass_by_itself_says_when_to_come_back() {
        let problem = Problem::from(engine::Error::TimedOut);
        assert_eq!(problem.code(), Code::Unavailable);
        assert_eq!(problem.0.retry_after, Some(SOON));
        assert!(problem.cause_chain().unwrap().contains("did not answer"));
    }
}
