//! What a caller asks for while they talk, and may not have.

use chrono::Datelike;
use domain::{
    CallId, PhoneNumber,
    calls::{self, About, CallStatus, Direction, News},
    hours::{Hours, Span},
    opt_outs::{self, Between, OptOutSource},
    scope,
    voice_settings::{self, Links, VoiceSettings},
};
use engine::Workflow;
use serde_json::{Value, json};
use workflows::{text_link::TextLink, transfer::Transfer};

use crate::shop::{PERSON, Shop};

impl Shop {
    /// Somebody is in a call; from a withheld number, if none is given.
    async fn is_in_a_call(&self, number: u32, from: Option<&str>) -> CallId {
        let from = from.map(|from| PhoneNumber::from_e164(from).unwrap());
        let about = About {
            tenant: Some(self.tenant()),
            direction: Some(Direction::Inbound),
            from: from.as_ref(),
            to: None,
        };
        let news = News {
            status: CallStatus::InProgress,
            at: None,
            duration_secs: None,
            sip_response_code: None,
        };
        let sid = format!("CA{number:032x}");
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        let call = calls::apply_and_get(&mut tx, &sid, about, &news).await.unwrap();
        tx.commit().await.unwrap();
        call
    }

    async fn has(&self, wishes: VoiceSettings) {
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        voice_settings::put(&mut tx, self.tenant(), &wishes).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn link(&self, call: CallId, link: &str) -> Value {
        let text = TextLink { call, tenant: self.tenant(), link: link.to_owned() };
        self.enqueue(text.job().tenant(self.tenant().as_uuid())).await;
        self.rests().await;
        self.stage.newest("text_link").await.output.unwrap_or_default()
    }

    async fn person(&self, call: CallId) -> Value {
        self.enqueue(Transfer { call, tenant: self.tenant() }.job()).await;
        self.rests().await;
        self.stage.newest("transfer").await.output.unwrap_or_default()["transferred"].clone()
    }
}

#[tokio::test]
async fn a_link_is_sent_to_a_caller_who_may_have_it_and_to_no_other() {
    let shop = Shop::open().await;
    let links = [("menu".to_owned(), "https://example.com/menu".to_owned())].into();
    shop.has(VoiceSettings { links: Links::new(links).unwrap(), ..VoiceSettings::default() }).await;
    let known = shop.is_in_a_call(1, Some(PERSON)).await;
    let withheld = shop.is_in_a_call(2, None).await;
    assert_eq!(shop.link(known, "prices").await, json!("no_such_link"));
    assert_eq!(shop.link(withheld, "menu").await, json!("no_phone"));
    assert_eq!(shop.link(known, "menu").await, json!("sent"));
    assert!(shop.said()[0].ends_with("https://example.com/menu"), "{:?}", shop.said());

    let person = PhoneNumber::from_e164(PERSON).unwrap();
    let between = Between { tenant: Some(shop.tenant()), sender: None, phone: &person };
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    opt_outs::begin(&mut tx, between, OptOutSource::Keyword).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.link(known, "menu").await, json!({ "refused": "opted_out" }));
    assert_eq!(shop.said().len(), 1);
}

#[tokio::test]
async fn a_caller_is_put_through_in_business_hours_if_there_is_somebody() {
    let shop = Shop::open().await;
    let call = shop.is_in_a_call(1, Some(PERSON)).await;
    assert_eq!(shop.person(call).await, "no_number");

    let mut tx = shop.stage.engine.begin().await.unwrap();
    let today = tx.now().await.unwrap().weekday().num_days_from_monday();
    drop(tx);
    let whole = Span::new(0, 1440).unwrap();
    let week = |is_open: &dyn Fn(u32) -> bool| {
        let days = std::array::from_fn(|day| {
            if is_open(u32::try_from(day).unwrap()) { vec![whole] } else { Vec::new() }
        });
        Hours::new(days).unwrap()
    };
    let person = Some(PhoneNumber::from_e164("+436648888888").unwrap());
    let open =
        |hours| VoiceSettings { transfer_phone: person.clone(), hours, ..VoiceSettings::default() };
    // In no zone it is that day.
    shop.has(open(week(&|day| day == (today + 3) % 7))).await;
    assert_eq!(shop.person(call).await, "closed");
    shop.has(open(week(&|_| true))).await;
    assert_eq!(shop.person(call).await, "to");
}
