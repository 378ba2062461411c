//! Live calls as the database sees them: the run that writes down what is said, whatever goes wrong.

use crash_matrix::Done;
use domain::{CallId, TenantId, VoiceSessionId};
use serde_json::json;
use workflows::voice_session::VoiceSession;

use crate::matrix::{Outside, ensure, next};

/// `CrashMatrix::of(VoiceSession)`: a session whose tenant has gone meanwhile.
#[tokio::test]
async fn a_session_of_nobody_is_over_at_once() {
    let outside = Outside::new().await;
    let make = || VoiceSession {
        session: VoiceSessionId::mint(),
        call: CallId::mint(),
        call_sid: format!("CA{:032x}", next()),
        tenant: TenantId::mint(),
        talk_max_secs: 60,
    };
    outside
        .matrix::<VoiceSession>(make)
        .invariant("nobody spoke", async |done: &Done| {
            let abandoned = done.job.output == Some(json!("abandoned"));
            ensure(abandoned || !done.succeeded(), || format!("{:?}", done.job.output))
        })
        .run()
        .await;
}
