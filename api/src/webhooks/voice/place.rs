//! Of which session an address of ours speaks, and in which place of its way.

use domain::{
    PhoneNumber, VoiceSessionId,
    voice::{Session, sessions},
};
use engine::Tx;
use form_urlencoded::Serializer;
use secrecy::ExposeSecret;

use super::super::twilio::{self, Signed};
use crate::{problem::Problem, state::ApiState};

/// Which session.
const SESSION: &str = "s";
/// Which claim of its job.
const EPOCH: &str = "e";
/// How often it was asked before.
const TRIES: &str = "n";

/// Words that no call goes on after (Twilio, "Call resource", Status).
const OVER: [&str; 5] = ["completed", "busy", "failed", "no-answer", "canceled"];

/// What the address and the form of a voice webhook say.
pub(super) struct Place {
    pub(super) session: VoiceSessionId,
    /// Under which claim the audio went there, if the address says it.
    pub(super) epoch: Option<i32>,
    /// How often the route was asked before.
    pub(super) tries: u32,
    pub(super) call_sid: String,
    /// Whether the caller is gone.
    pub(super) is_over: bool,
    /// The provider's id of the message that the caller has just left, if they have.
    pub(super) recording: Option<String>,
    caller: Option<PhoneNumber>,
}

impl Place {
    /// Reads it. Signed as it is, it should be ours; what is not, is refused.
    pub(super) fn read(signed: &Signed) -> Result<Place, Problem> {
        let number = |name| signed.query(name).map(|text| text.parse::<u32>());
        let session = signed.query(SESSION).and_then(|id| id.parse().ok());
        let session = session.ok_or_else(|| twilio::malformed("s is no id of a session"))?;
        let epoch = number(EPOCH).transpose().ok().map(|it| it.and_then(|it| it.try_into().ok()));
        let tries = number(TRIES).transpose().map(Option::unwrap_or_default);
        let field = |name: &str| {
            let found = signed.form.iter().find(|(it, _)| it == name);
            found.map(|(_, value)| value.as_str())
        };
        Ok(Place {
            session,
            epoch: epoch.ok_or_else(|| twilio::malformed("e is no claim"))?,
            tries: tries.map_err(|_| twilio::malformed("n is no number"))?,
            call_sid: field("CallSid").unwrap_or_default().to_owned(),
            is_over: field("CallStatus").is_some_and(|word| OVER.contains(&word)),
            recording: field("RecordingSid").map(ToOwned::to_owned),
            caller: field("From").and_then(|from| PhoneNumber::from_e164(from).ok()),
        })
    }

    /// The caller, unless withheld.
    pub(super) fn caller(&self) -> Option<&PhoneNumber> {
        self.caller.as_ref()
    }

    /// The session, if it is of this call. `None`: it has gone with its tenant.
    pub(super) async fn session(&self, tx: &mut Tx) -> Result<Option<Session>, Problem> {
        let session = sessions::get(tx, self.session).await?;
        if session.as_ref().is_some_and(|session| session.call_sid != self.call_sid) {
            return Err(twilio::malformed("CallSid is that of another call"));
        }
        Ok(session)
    }

    /// The address that asks for the route once more.
    pub(super) fn route(&self, state: &ApiState, tries: u32) -> String {
        let (session, tries) = (self.session.to_string(), tries.to_string());
        address(state, "/telephony/route", &[(SESSION, &session), (TRIES, &tries)])
    }

    /// The address that is asked when the audio that is taken there under this claim has come to its end.
    pub(super) fn ended(&self, state: &ApiState, epoch: i32) -> String {
        self.of_the_claim(state, "/telephony/stream-ended", epoch)
    }

    /// The address that is told how the stream is.
    pub(super) fn status(&self, state: &ApiState, epoch: i32) -> String {
        self.of_the_claim(state, "/telephony/stream-status", epoch)
    }

    fn of_the_claim(&self, state: &ApiState, path: &str, epoch: i32) -> String {
        let (session, epoch) = (self.session.to_string(), epoch.to_string());
        address(state, path, &[(SESSION, &session), (EPOCH, &epoch)])
    }
}

/// An address of ours as Twilio is told it.
pub(in crate::webhooks) fn address(
    state: &ApiState,
    path: &str,
    parameters: &[(&str, &str)],
) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters);
    if let Some(token) = state.config().twilio_webhook_tokens.first() {
        query.append_pair("webhook_token", token.expose_secret());
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    state.url(&format!("{path}{mark}{query}"))
}
