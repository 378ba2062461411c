//! What a form says. Only a form of ours counts: it comes from our own page, with the session's word in it.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
    response::{IntoResponse, Response},
};

use super::{
    door::Refused,
    session::{Absent, Session},
};
use crate::{body, people::OwnOrigin, problem::Code, state::ApiState};

/// An edited input of a deed, and then some.
const BYTES_MAX: usize = 300 * 1024;

/// The fields of a form.
#[derive(Debug, Default)]
pub(super) struct Form(BTreeMap<String, String>);

/// A form that somebody who is logged in has sent from our page.
pub(crate) struct Signed {
    pub(super) session: Session,
    pub(super) form: Form,
}

impl Form {
    /// Reads the body of a request.
    pub(super) async fn read(parts: &Parts, body: Body) -> Result<Form, Refused> {
        if body::media_type(&parts.headers) != "application/x-www-form-urlencoded" {
            let what = "This takes forms";
            return Err(Refused::said(Code::UnsupportedMediaType, what, ""));
        }
        let bytes = body::read(body, BYTES_MAX).await.map_err(|_| {
            let detail = format!("At most {BYTES_MAX} bytes, within a few seconds.");
            Refused::said(Code::TooLarge, "The form is too large", detail)
        })?;
        Form::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Result<Form, Refused> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            let is_sane = !value.contains('\0') && !name.contains('\0');
            if !is_sane || fields.insert(name.into_owned(), value.into_owned()).is_some() {
                let what = "The form cannot be read";
                return Err(Refused::said(Code::InvalidFields, what, ""));
            }
        }
        Ok(Form(fields))
    }

    /// Whether a field came, even if it is empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A field's text without blanks around it; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

impl FromRequest<ApiState> for Signed {
    type Rejection = Response;

    async fn from_request(request: Request, state: &ApiState) -> Result<Signed, Response> {
        let (mut parts, body) = request.into_parts();
        if OwnOrigin::from_request_parts(&mut parts, state).await.is_err() {
            return Err(foreign().into_response());
        }
        let session = match Session::of(&parts, state).await {
            Ok(session) => session,
            Err(Absent::LoggedOut) => {
                let detail = "Nothing was done. Log in, and send it again.";
                let what = "You are not logged in";
                // 403 as for any form that is not ours; 401 leads to the login page, and the form would be lost.
                return Err(Refused::said(Code::ForeignOrigin, what, detail).into_response());
            }
            Err(Absent::Problem(problem)) => return Err(Refused::from(problem).into_response()),
        };
        let form = Form::read(&parts, body).await.map_err(IntoResponse::into_response)?;
        if !session.is_own(form.get("csrf")) {
            return Err(foreign().into_response());
        }
        Ok(Signed { session, form })
    }
}

pub(super) fn foreign() -> Refused {
    Refused::said(
        Code::ForeignOrigin,
        "This form is not of your session",
        "Nothing was done. Open the page again, and send the form from there.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_stands_once_and_holds_no_nul() {
        let form = Form::of(b"a=+x+&b=%C3%BC").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), ("x", "ü", ""));
        assert!(Form::of(b"a=1&a=2").is_err());
        assert!(Form::of(b"a=%00").is_err());
    }
}
