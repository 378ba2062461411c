//! A message that somebody wrote to us, told by a webhook.

use std::fmt;

use super::BadCallback;

/// What an inbound message's webhook says.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// The message's id at Twilio.
    pub message_sid: String,
    /// The account whose number it was written to.
    pub account_sid: String,
    /// Who wrote: a phone, a short code or a name.
    pub from: String,
    /// Our number.
    pub to: String,
    /// What it says; empty if it holds only pictures.
    pub body: String,
    /// `STOP`, `START` or `HELP`: Advanced Opt-Out has read it so, and has answered.
    pub opt_out_type: Option<String>,
}

impl InboundMessage {
    /// Reads the form. Fields that are not known are ignored; of repeated ones the first counts.
    ///
    /// # Errors
    ///
    /// [`BadCallback`], with the field that is missing.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadCallback> {
        let optional = |field: &str| {
            let found = form.iter().find(|(key, _)| key == field);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let required = |field| optional(field).ok_or(BadCallback::Missing { field });
        Ok(Self {
            message_sid: required("MessageSid")?,
            account_sid: required("AccountSid")?,
            from: required("From")?,
            to: required("To")?,
            body: optional("Body").unwrap_or_default(),
            opt_out_type: optional("OptOutType"),
        })
    }
}

impl fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundMessage")
            .field("message_sid", &self.message_sid)
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
    fn a_message_is_read_and_not_shown() {
        let whole = [
            ("MessageSid", "SM1"),
            ("AccountSid", "AC1"),
            ("From", "+4367712345678"),
            ("To", "+15005550006"),
        ];
        let message = InboundMessage::parse(&form(
            &[&whole[..], &[("Body", "my knee hurts"), ("OptOutType", "")]].concat(),
        ))
        .unwrap();
        assert_eq!((message.body.as_str(), &message.opt_out_type), ("my knee hurts", &None));
        let shown = format!("{message:?}");
        assert!(!shown.contains("knee") && !shown.contains("4367"), "{shown}");
        for gone in 0..whole.len() {
            let mut part = whole.to_vec();
            let (field, _) = part.remove(gone);
            assert_eq!(InboundMessage::parse(&form(&part)), Err(BadCallback::Missing { field }));
        }
    }
}
