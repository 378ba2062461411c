//! A message's status, told by a webhook.

use std::fmt;

use super::{MessageStatus, UnknownStatus};

/// What a status callback says. Repeated and out of order by nature: see
/// [`MessageStatus::advances`].
#[derive(Clone, PartialEq, Eq)]
pub struct StatusCallback {
    /// The message's id at Twilio.
    pub message_sid: String,
    /// Where it is now.
    pub status: MessageStatus,
    /// The account that sent it.
    pub account_sid: String,
    /// Why it was not delivered; [`super::RejectedClass::of`] reads it.
    pub error_code: Option<u32>,
    /// The recipient, E.164.
    pub to: Option<String>,
    /// The sender, E.164.
    pub from: Option<String>,
}

/// A form that is no status callback. Shows no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCallback {
    /// A field that every callback has is not there, or empty.
    #[error("status callback without {field}")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// The status is none of Twilio's.
    #[error("status callback with an unknown status")]
    Status(#[source] UnknownStatus),
    /// The error code is not a number.
    #[error("status callback with an error code that is no number")]
    ErrorCode,
}

impl StatusCallback {
    /// Reads the form. Fields that are not known are ignored; of repeated ones the first counts.
    ///
    /// # Errors
    ///
    /// [`BadCallback`], with the field that is wrong.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadCallback> {
        let optional = |field: &str| {
            let found = form.iter().find(|(key, _)| key == field);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let required = |field| optional(field).ok_or(BadCallback::Missing { field });
        Ok(Self {
            message_sid: required("MessageSid")?,
            status: required("MessageStatus")?.parse().map_err(BadCallback::Status)?,
            account_sid: required("AccountSid")?,
            error_code: optional("ErrorCode")
                .map(|code| code.parse().map_err(|_| BadCallback::ErrorCode))
                .transpose()?,
            to: optional("To"),
            from: optional("From"),
        })
    }
}

impl fmt::Debug for StatusCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCallback")
            .field("message_sid", &self.message_sid)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_callback_is_read_and_unknown_fields_are_ignored() {
        let callback = StatusCallback::parse(&form(&[
            ("SmsSid", "SM1"),
            ("MessageSid", "SM1"),
            ("MessageStatus", "undelivered"),
            ("AccountSid", "AC1"),
            ("ErrorCode", "30003"),
            ("To", "+4367712345678"),
            ("Tomorrow", "?"),
        ]))
        .unwrap();
        assert_eq!(callback.status, MessageStatus::Undelivered);
        assert_eq!(callback.error_code, Some(30003));
        assert!(!format!("{callback:?}").contains("43677"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let whole = [("MessageSid", "SM1"), ("MessageStatus", "sent"), ("AccountSid", "AC1")];
        assert!(StatusCallback::parse(&form(&whole)).is_ok());
        for gone in 0..whole.len() {
            let mut part = whole.to_vec();
            let (field, _) = part.remove(gone);
            assert_eq!(StatusCallback::parse(&form(&part)), Err(BadCallback::Missing { field }));
            part.push((field, ""));
            assert_eq!(StatusCallback::parse(&form(&part)), Err(BadCallback::Missing { field }));
        }
        let odd = form(&[("MessageSid", "SM1"), ("MessageStatus", "lost"), ("AccountSid", "AC1")]);
        assert!(matches!(StatusCallback::parse(&odd), Err(BadCallback::Status(_))));
        let mut code = whole.to_vec();
        code.push(("ErrorCode", "many"));
        assert_eq!(StatusCallback::parse(&form(&code)), Err(BadCallback::ErrorCode));
    }
}
