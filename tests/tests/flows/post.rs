//! What Twilio posts, to the stage's API, signed or forged.

use clients::twilio::signature;

use crate::stage::{ACCOUNT, Stage, TOKEN};

/// A webhook.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    path: &'static str,
    form: Vec<(String, String)>,
}

impl Post {
    fn of(path: &'static str, form: &[(&str, &str)]) -> Post {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Post { path, form: form.collect() }
    }

    /// News of a call to one of our numbers; one that is over was spoken for 42 s.
    pub(crate) fn call(sid: &str, status: &str, to: &str) -> Post {
        let (account, duration) = (ACCOUNT, if status == "completed" { "42" } else { "" });
        Post::of(
            "/telephony/status",
            &[
                ("AccountSid", account),
                ("CallSid", sid),
                ("CallStatus", status),
                ("Direction", "inbound"),
                ("From", "+436641234567"),
                ("To", to),
                ("CallDuration", duration),
            ],
        )
    }

    /// News of a recording of 40 s.
    pub(crate) fn recording(call: &str) -> Post {
        let sid = format!("RE{}", &call[2..]);
        Post::of(
            "/telephony/recording",
            &[
                ("AccountSid", ACCOUNT),
                ("CallSid", call),
                ("RecordingSid", &sid),
                ("RecordingStatus", "completed"),
                ("RecordingDuration", "40"),
            ],
        )
    }

    /// News of a message that is none of ours.
    pub(crate) fn message(sid: &str, status: &str) -> Post {
        let form = [("AccountSid", ACCOUNT), ("MessageSid", sid), ("MessageStatus", status)];
        Post::of("/telephony/sms-status", &form)
    }

    /// Delivers it. Gives the status of the answer.
    pub(crate) async fn send(&self, stage: &Stage) -> u16 {
        let signature = signature::sign(&stage.url(self.path), &self.form, &TOKEN.into());
        self.send_signed(stage, &signature).await
    }

    /// The same by somebody who does not have the token.
    pub(crate) async fn send_forged(&self, stage: &Stage) -> u16 {
        let token = "ffffffffffffffffffffffffffffffff".into();
        let signature = signature::sign(&stage.url(self.path), &self.form, &token);
        self.send_signed(stage, &signature).await
    }

    async fn send_signed(&self, stage: &Stage, signature: &str) -> u16 {
        let request = stage.http().post(stage.url(self.path)).form(&self.form);
        let answer = request.header("X-Twilio-Signature", signature).send().await.unwrap();
        answer.status().as_u16()
    }
}
