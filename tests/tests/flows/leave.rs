//! What keeps a message back: whose wish, which limit, what time it is, and a provider that is down.

use std::time::Duration;

use domain::{
    PhoneNumber, TenantId,
    line::CompanyName,
    messaging::MessagingSettings,
    numbers,
    opt_outs::{self, Between, OptOutSource},
    scope,
    sending::Occasion,
    tenants,
};
use engine::{Start, Workflow};
use sandbox::twilio::{CallbackOrder, Mood};
use serde_json::json;
use tests::{holds, rest, wait_until};
use workflows::{release_number::ReleaseNumber, send_sms::SendSms, sms_reconcile::SmsReconcile};

use crate::{
    shop::{PERSON, Shop},
    stage::{Props, Stage},
};

#[tokio::test]
async fn a_word_to_whoever_has_the_number_now_lifts_no_opt_out_of_the_tenant_that_had_it() {
    let shop = Shop::with(Props { numbers: 1, ..Props::default() }).await;
    shop.hears("STOP").await;
    shop.rests().await;
    // The number goes to the next tenant, and this one gets another.
    shop.stage.run(ReleaseNumber { tenant: shop.tenant() }).await;
    shop.stage.advance(Duration::from_hours(49)).await;
    let next = shop.stage.sign_up().await;
    shop.stage.verify(&next).await;
    shop.stage.becomes(&next, "active").await;
    assert_eq!(shop.stage.number_of(&next).await, shop.number);
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    numbers::pool_seed(&mut tx, 2).await.unwrap();
    numbers::allocate(&mut tx, shop.tenant(), None).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(shop.stage.number_of(&shop.owner).await, shop.number);

    shop.hears("START").await;
    shop.rests().await;
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await, ("skipped".to_owned(), "opted_out".to_owned()));
    let text = SendSms { for_tenant: Some(next.tenant), ..shop.message(PERSON, Occasion::Answer) };
    shop.enqueue(text.job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.1, "", "from the number itself they want to hear again");
}

#[tokio::test]
async fn who_comes_back_to_one_half_of_an_opt_out_is_still_out_of_the_other() {
    let stage = Stage::new().await;
    let pepper = stage.pepper();
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let (one, other) = (TenantId::mint(), TenantId::mint());
    for tenant in [one, other] {
        let company = CompanyName::parse("Bakery").unwrap();
        tenants::create_pending(&mut tx, tenant, &company).await.unwrap();
    }
    let phone = |text| PhoneNumber::from_e164(text).unwrap();
    let (first, second, person) = (phone("+15550100001"), phone("+15550100002"), phone(PERSON));
    let at = |tenant, sender| Between { tenant: Some(tenant), sender, phone: &person };
    let (one_first, one_second) = (at(one, Some(&first)), at(one, Some(&second)));
    let other_first = at(other, Some(&first));
    let stop = OptOutSource::Keyword;

    opt_outs::begin(&mut tx, one_first, stop).await.unwrap();
    assert!(opt_outs::is_out(&mut tx, other_first, &pepper).await.unwrap(), "the number's half");
    assert!(opt_outs::end(&mut tx, other_first, &pepper).await.unwrap());
    assert!(!opt_outs::is_out(&mut tx, other_first, &pepper).await.unwrap());
    assert!(opt_outs::is_out(&mut tx, one_second, &pepper).await.unwrap(), "the tenant's half");
    assert!(!opt_outs::end(&mut tx, other_first, &pepper).await.unwrap(), "nothing is left");
    assert!(opt_outs::end(&mut tx, one_second, &pepper).await.unwrap());
    assert!(!opt_outs::is_out(&mut tx, one_first, &pepper).await.unwrap());

    opt_outs::begin(&mut tx, one_first, stop).await.unwrap();
    assert!(opt_outs::end(&mut tx, one_second, &pepper).await.unwrap());
    assert!(!opt_outs::is_out(&mut tx, one_second, &pepper).await.unwrap());
    assert!(opt_outs::is_out(&mut tx, other_first, &pepper).await.unwrap(), "the number's half");
    assert!(opt_outs::end(&mut tx, one_first, &pepper).await.unwrap());
    assert!(!opt_outs::is_out(&mut tx, other_first, &pepper).await.unwrap());

    // A tenant whose half is all that is left can be deleted.
    opt_outs::begin(&mut tx, one_first, stop).await.unwrap();
    assert!(opt_outs::end(&mut tx, other_first, &pepper).await.unwrap());
    tenants::delete_demo(&mut tx, one).await.unwrap();
    assert!(!opt_outs::is_out(&mut tx, other_first, &pepper).await.unwrap());
}

#[tokio::test]
async fn whom_the_provider_knows_to_have_opted_out_is_not_tried_a_second_time() {
    let shop = Shop::open().await;
    shop.stage.phone.opt_out(PERSON);
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    let known = "select from product.opt_outs where source = 'provider' and ended_at is null";
    assert_eq!(shop.stage.db.number(known).await, 1);
    let before = shop.stage.phone.requests_total();
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.1, "opted_out");
    assert_eq!(shop.stage.phone.requests_total(), before);
}

#[tokio::test]
async fn without_a_subscription_nothing_is_sent() {
    let shop = Shop::open().await;
    let mut superuser = shop.stage.db.superuser().await;
    let cancel = "update product.subscriptions set status = 'cancelled'";
    sqlx::raw_sql(cancel).execute(&mut superuser).await.unwrap();
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.1, "no_subscription");
}

#[tokio::test]
async fn the_plans_conversations_of_a_month_are_counted_once_each_and_then_it_is_over() {
    let shop = Shop::open().await;
    let mut superuser = shop.stage.db.superuser().await;
    let two = "update product.subscription_plans set conversations_monthly_max = 2";
    sqlx::raw_sql(two).execute(&mut superuser).await.unwrap();
    for to in ["+436601111111", "+436601111111", "+436602222222", "+436603333333", "+436602222222"]
    {
        shop.enqueue(shop.message(to, Occasion::Answer).job()).await;
        shop.rests().await;
        let (status, reason) = shop.newest().await;
        let expected = if to == "+436603333333" { "quota_used_up" } else { "" };
        assert_eq!(reason, expected, "{to}: {status}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_waits_until_the_morning_of_the_tenant() {
    let shop = Shop::open().await;
    let now = shop.stage.db.text("select trunkline.now()::text").await;
    // Quiet for the next six hours, wherever the clock stands: in a zone without summer time.
    let minute = shop
        .stage
        .db
        .text(
            "select (extract(hour from trunkline.now() at time zone 'UTC') * 60
                     + extract(minute from trunkline.now() at time zone 'UTC'))::int::text",
        )
        .await;
    let minute: u16 = minute.parse().unwrap();
    let quiet = domain::quiet::QuietHours::new((minute + 1439) % 1440, (minute + 360) % 1440);
    shop.wants(MessagingSettings {
        zone: "UTC".parse().unwrap(),
        quiet,
        ..MessagingSettings::default()
    })
    .await;
    shop.enqueue(shop.message(PERSON, Occasion::Notice).job()).await;
    wait_until("it sleeps", async || {
        holds(rest::sleep_of(&shop.stage.db, &["send_sms"]).await.is_some())
    })
    .await;
    shop.stage.advance(Duration::from_hours(5)).await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    assert!(shop.said().is_empty(), "it is night, {now}");
    shop.enqueue(shop.message("+436601111111", Occasion::Answer).job()).await;
    wait_until("an answer is sent at any hour", async || {
        holds(!shop.stage.phone.messages_to("+436601111111").is_empty())
    })
    .await;
    shop.stage.advance(Duration::from_hours(1)).await;
    wait_until("it is sent", async || holds(shop.said().len() == 1)).await;
    shop.rests().await;
}

#[tokio::test]
async fn a_message_can_be_scheduled_and_is_sent_when_its_time_has_come() {
    let shop = Shop::open().await;
    let in_two_days = Start::After(Duration::from_hours(48));
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job().start(in_two_days)).await;
    let later = shop.message(PERSON, Occasion::Answer).job().start(in_two_days);
    shop.enqueue(later).await;
    shop.stage.advance(Duration::from_hours(47)).await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    assert!(shop.said().is_empty());
    // A demo ends after three days: these two are in time.
    shop.stage.advance(Duration::from_hours(1)).await;
    wait_until("both are sent", async || holds(shop.said().len() == 2)).await;
    shop.rests().await;
}

#[tokio::test]
async fn messages_of_one_sender_start_a_second_apart_over_all_workers() {
    let shop = Shop::open().await;
    let _another = shop.stage.worker().await;
    for person in 1..=4 {
        let message = shop.message(&format!("+43660000000{person}"), Occasion::Answer);
        shop.enqueue(SendSms { every_ms: 1000, ..message }.job()).await;
    }
    wait_until("all are sent", async || {
        let sent =
            "select from product.messages where purpose = 'reminder' and provider_sid is not null";
        holds(shop.stage.db.number(sent).await == 4)
    })
    .await;
    let mut taken: Vec<_> =
        shop.stage.phone.messages().iter().map(|text| text.created_at).collect();
    taken.truncate(4);
    taken.sort_unstable();
    // Three seconds, but for what it takes from a start to the provider: not always the same on a busy machine.
    let between = taken[3] - taken[0];
    assert!(between > chrono::TimeDelta::milliseconds(2_200), "{between}: {taken:?}");
    shop.rests().await;
}

#[tokio::test]
async fn a_message_whose_reports_were_lost_is_looked_up_and_settled() {
    let shop = Shop::open().await;
    shop.stage.phone.set_callback_order(CallbackOrder::None);
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.0, "queued");
    shop.enqueue(SmsReconcile {}.job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.0, "queued", "it may still come");
    shop.stage.advance(Duration::from_mins(16)).await;
    shop.enqueue(SmsReconcile {}.job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await.0, "delivered");
    let job = shop.stage.newest("sms_reconcile").await;
    assert_eq!(job.output, Some(json!({ "looked_up": 1, "settled": 1, "abandoned": 0 })));
}

#[tokio::test]
async fn an_outage_of_the_provider_opens_its_breaker_and_what_waits_goes_when_it_is_over() {
    let shop = Shop::open().await;
    shop.stage.phone.set_mood(Mood::Down);
    for person in 1..=6 {
        let message = shop.message(&format!("+43660000000{person}"), Occasion::Answer);
        shop.enqueue(message.job()).await;
    }
    let open = "select from trunkline.gates where breaker -> 'phase' ->> 'phase' = 'open'";
    wait_until("the breaker opens", async || holds(shop.stage.db.number(open).await == 1)).await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    let asked = shop.stage.phone.requests_total();
    shop.enqueue(shop.message("+436600000007", Occasion::Answer).job()).await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    assert_eq!(shop.stage.phone.requests_total(), asked, "nobody is asked while it is open");
    shop.stage.phone.set_mood(Mood::Accepts);
    wait_until("all are sent", async || {
        shop.stage.advance(Duration::from_secs(6)).await;
        let sent =
            "select from product.messages where purpose = 'reminder' and provider_sid is not null";
        holds(shop.stage.db.number(sent).await == 7)
    })
    .await;
    for person in 1..=7 {
        let phone = format!("+43660000000{person}");
        assert_eq!(shop.stage.phone.messages_to(&phone).len(), 1, "{phone}: once");
    }
    shop.rests().await;
}

#[tokio::test]
async fn an_account_that_twilio_refuses_opens_the_breaker_and_loses_no_message() {
    let shop = Shop::open().await;
    shop.stage.phone.set_mood(Mood::Unauthorized);
    let before = shop.stage.phone.requests_total();
    for person in 1..=5 {
        let message = shop.message(&format!("+43660000000{person}"), Occasion::Answer);
        shop.enqueue(message.job()).await;
    }
    wait_until("all are refused", async || holds(shop.stage.phone.requests_total() == before + 5))
        .await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    shop.enqueue(shop.message("+436600000006", Occasion::Answer).job()).await;
    let open = "select from trunkline.gates where breaker -> 'phase' ->> 'phase' = 'open'";
    wait_until("the breaker opens", async || holds(shop.stage.db.number(open).await == 1)).await;
    rest::at_rest(&shop.stage.db, &["send_sms"]).await;
    assert_eq!(shop.stage.phone.requests_total(), before + 5, "nobody is asked any more");
    let failed = "select from product.messages where status = 'failed'";
    assert_eq!(shop.stage.db.number(failed).await, 0);
    shop.stage.phone.set_mood(Mood::Accepts);
    wait_until("all are sent", async || {
        shop.stage.advance(Duration::from_secs(20)).await;
        let sent =
            "select from product.messages where purpose = 'reminder' and provider_sid is not null";
        holds(shop.stage.db.number(sent).await == 6)
    })
    .await;
    shop.rests().await;
}

#[tokio::test]
async fn a_text_that_the_network_did_not_deliver_is_sent_again_after_a_while_and_not_for_ever() {
    let shop = Shop::open().await;
    shop.stage.phone.set_undeliverable(PERSON, 30_003);
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    let said = async |times: usize| {
        wait_until("it is said, and reported as not delivered", async || {
            let failed = "select from product.messages where status = 'undelivered'";
            let failed = usize::try_from(shop.stage.db.number(failed).await).unwrap();
            holds(shop.said().len() == times && failed == times)
        })
        .await;
        rest::at_rest(&shop.stage.db, &["send_sms", "sms_status"]).await;
        assert_eq!(shop.said().len(), times);
    };
    said(1).await;
    shop.stage.advance(Duration::from_mins(9)).await;
    said(1).await;
    shop.stage.advance(Duration::from_mins(2)).await;
    said(2).await;
    shop.stage.advance(Duration::from_mins(61)).await;
    said(3).await;
    shop.rests().await;
    let chain = "select from product.messages where resends in (1, 2) and status = 'undelivered'";
    assert_eq!(shop.stage.db.number(chain).await, 2);

    // What the assistant says has a minute, and whoever says STOP meanwhile is left alone.
    shop.enqueue(shop.message(PERSON, Occasion::AiAnswer).job()).await;
    said(4).await;
    shop.rests().await;
    shop.enqueue(shop.message(PERSON, Occasion::Notice).job()).await;
    said(5).await;
    shop.hears("STOP").await;
    rest::at_rest(&shop.stage.db, &["sms_inbound"]).await;
    shop.stage.advance(Duration::from_mins(11)).await;
    shop.rests().await;
    assert_eq!((shop.said().len(), shop.newest().await.1.as_str()), (5, "opted_out"));
}
