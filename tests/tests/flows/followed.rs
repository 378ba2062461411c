//! What follows a call that the assistant took, with the real model's stand-in and the real text messages.

use std::time::Duration;

use domain::{
    CallId, VoiceSessionId,
    calls::{self, About, CallStatus, Direction, News},
    messaging::{self, MessagingSettings},
    scope,
    voice::{NewSession, Outcome, Speaker, Spoken, sessions},
    voice_settings::{self, OwnerAlerts, VoiceSettings},
};
use engine::Workflow;
use sandbox::twilio::Mood;
use serde_json::{Value, json};
use workflows::{after_call::AfterCall, call_sweep::CallSweep};

use crate::{
    secrets::found_in,
    shop::{PERSON, Shop, at_any_hour},
};

/// Who is told of what is urgent.
const OWNER: &str = "+436649999999";

fn caller(text: &str) -> Spoken {
    Spoken { who: Speaker::Caller, text: text.to_owned(), at_ms: 1500 }
}

impl Shop {
    /// A call of the person's that is over, with a session that ended like that.
    async fn was_rung(&self, number: u32, turns: Vec<Spoken>, outcome: Outcome) -> CallId {
        let sid = format!("CA{number:032x}");
        let person = domain::PhoneNumber::from_e164(PERSON).unwrap();
        let about = About {
            tenant: Some(self.tenant()),
            direction: Some(Direction::Inbound),
            from: Some(&person),
            to: None,
        };
        let news = News {
            status: CallStatus::Completed,
            at: None,
            duration_secs: Some(42),
            sip_response_code: None,
        };
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        calls::apply(&mut tx, &sid, about, &news).await.unwrap();
        let call = calls::get(&mut tx, &sid).await.unwrap().unwrap().call;
        tx.commit().await.unwrap();
        let turns = self.stage.engine.sealer().seal(&turns).unwrap();
        let (session, tenant) = (VoiceSessionId::mint(), self.tenant());
        self.enqueue(AfterCall { call, session, tenant, turns, outcome }.job()).await;
        self.rests().await;
        call
    }

    async fn followed(&self) -> Value {
        self.stage.newest("after_call").await.output.unwrap_or_default()
    }

    async fn is_called_like(&self, wishes: VoiceSettings) {
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        voice_settings::put(&mut tx, self.tenant(), &wishes).await.unwrap();
        let owner = domain::PhoneNumber::from_e164(OWNER).unwrap();
        let messages = MessagingSettings { owner_phone: Some(owner), ..at_any_hour() };
        messaging::put(&mut tx, self.tenant(), &messages).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn owner_was_told(&self) -> Vec<String> {
        self.stage.phone.messages_to(OWNER).into_iter().map(|text| text.body).collect()
    }
}

#[tokio::test]
async fn an_emergency_is_kept_summarised_and_told_to_the_owner_once() {
    let shop = Shop::open().await;
    shop.is_called_like(VoiceSettings::default()).await;
    shop.stage.model.set_answer(Some("Huber has water in the cellar."));
    let turns = vec![caller("Hier Huber, ein ROHRBRUCH im Keller!")];
    let call = shop.was_rung(1, turns.clone(), Outcome::HungUp).await;
    let all = json!({ "followed": "kept", "summarised": true, "urgent": true, "alerted": true });
    assert_eq!(shop.followed().await, all);
    let told = shop.owner_was_told();
    assert!(
        matches!(told.as_slice(), [one] if one.starts_with("DRINGEND") && one.contains(PERSON) && one.contains("cellar")),
        "{told:?}"
    );
    let kept = format!(
        "select from product.call_transcripts where call_id = '{call}' and is_urgent and ended = 'hung_up' and turns = 1
         and summary like '%cellar%' and said #>> '{{0,text}}' like '%ROHRBRUCH%' and forget_at > trunkline.now() + interval '89 days'"
    );
    assert_eq!(shop.stage.db.number(&kept).await, 1);
    // Again, by whoever thinks that nobody has: nothing more happens.
    shop.was_rung(1, turns, Outcome::Completed).await;
    assert_eq!(shop.followed().await["followed"], "nothing");
    assert_eq!(shop.owner_was_told().len(), 1);
    assert!(shop.said().is_empty(), "who has been spoken with gets no text");
}

#[tokio::test]
async fn what_was_said_is_sealed_where_the_tenant_says_so_and_never_in_a_job() {
    let shop = Shop::open().await;
    let wishes = VoiceSettings {
        seal_transcripts: true,
        owner_alerts: OwnerAlerts::EveryCall,
        ..VoiceSettings::default()
    };
    shop.is_called_like(wishes).await;
    shop.stage.model.set_answer(Some("Wants Marillenknödel."));
    shop.was_rung(1, vec![caller("Ich hätte gern Marillenknödel.")], Outcome::Completed).await;
    assert_eq!(shop.owner_was_told().len(), 1, "of every call");
    let words = ["Marillenknödel", PERSON, &PERSON[1..], OWNER];
    assert_eq!(found_in(&shop.stage, &["trunkline"], &words).await, [""; 0]);
    let open = "select from product.call_transcripts t where t::text like '%knödel%'";
    assert_eq!(shop.stage.db.number(open).await, 0);
    let sealed = "select from product.call_transcripts where said_sealed is not null and summary_sealed is not null";
    assert_eq!(shop.stage.db.number(sealed).await, 1);
}

#[tokio::test]
async fn without_a_model_that_answers_a_call_is_kept_and_told_of_all_the_same() {
    let shop = Shop::open().await;
    shop.is_called_like(VoiceSettings::default()).await;
    shop.stage.model.set_mood(Mood::ServerError);
    shop.was_rung(1, vec![caller("Notfall!")], Outcome::HungUp).await;
    let kept = json!({ "followed": "kept", "summarised": false, "urgent": true, "alerted": true });
    assert_eq!(shop.followed().await, kept);
    assert_eq!(shop.owner_was_told(), [format!("DRINGEND: Anruf von {PERSON}")]);
}

#[tokio::test]
async fn who_reached_no_assistant_gets_a_text_and_leaves_no_transcript() {
    let shop = Shop::open().await;
    shop.is_called_like(VoiceSettings::default()).await;
    shop.was_rung(1, Vec::new(), Outcome::Overflow).await;
    assert_eq!(shop.said().len(), 1);
    let why = "select from product.call_text_backs where reason = 'overflow'";
    assert_eq!(shop.stage.db.number(why).await, 1);
    assert_eq!(shop.stage.db.number("select from product.call_transcripts").await, 0);
    assert!(shop.owner_was_told().is_empty());
}

#[tokio::test]
async fn who_hung_up_while_their_worker_died_is_not_told_that_their_call_was_missed() {
    let shop = Shop::open().await;
    let wishes = VoiceSettings { owner_alerts: OwnerAlerts::EveryCall, ..VoiceSettings::default() };
    shop.is_called_like(wishes).await;
    shop.stage.model.set_answer(Some("Huber wants an offer."));
    // The next worker waited for them in vain.
    shop.was_rung(1, vec![caller("Hier Huber, ein Angebot bitte.")], Outcome::Abandoned).await;
    assert!(shop.said().is_empty(), "{:?}", shop.said());
    assert_eq!(shop.stage.db.number("select from product.call_text_backs").await, 0);
    let all = json!({ "followed": "kept", "summarised": true, "urgent": false, "alerted": true });
    assert_eq!(shop.followed().await, all, "all else follows");
    assert_eq!(shop.owner_was_told().len(), 1);

    shop.was_rung(2, Vec::new(), Outcome::Abandoned).await;
    assert_eq!(shop.said().len(), 1, "who has said nothing may have heard nobody");
}

#[tokio::test]
async fn a_session_in_which_nobody_spoke_ends_with_its_call() {
    let shop = Shop::open().await;
    shop.is_called_like(VoiceSettings::default()).await;
    let call = shop.was_rung(1, Vec::new(), Outcome::Completed).await;
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let (session, job) = (VoiceSessionId::mint(), engine::JobId::mint().as_uuid());
    let (call_sid, tenant) = (format!("CA{:032x}", 1), shop.tenant());
    let new = NewSession { session, call, call_sid: &call_sid, tenant, job };
    sessions::open(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();

    shop.stage.run(CallSweep {}).await;
    let live = "select from product.voice_sessions where outcome is null";
    assert_eq!(shop.stage.db.number(live).await, 1, "it may still be handed on");
    shop.stage.advance(Duration::from_mins(6)).await;
    for _ in 0..2 {
        shop.stage.run(CallSweep {}).await;
        shop.rests().await;
    }
    assert_eq!(shop.stage.db.number(live).await, 0);
    assert_eq!(shop.said().len(), 1, "nobody has spoken with them");
}
