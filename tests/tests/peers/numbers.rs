//! Phone numbers: our client, Twilio's own client and our stand-in for Twilio, each held against the others.

use clients::twilio::{Error, NewNumber, NumberSearch, NumberUrls, RejectedClass};
use serde_json::json;
use tests::{TWILIO_ACCOUNT, TWILIO_TOKEN};

use crate::{
    packages,
    partner::Partner,
    prism::Prism,
    twilio::{our_client, sandbox},
};

fn urls(host: &str) -> NumberUrls {
    let url = |path: &str| format!("https://{host}/telephony/{path}").parse().unwrap();
    NumberUrls { voice: url("incoming"), status: url("status"), sms: url("sms") }
}

fn a_number(phone: &str) -> NewNumber {
    NewNumber {
        phone: phone.to_owned(),
        friendly_name: "va:01a1fc72-72cd-774c-aec9-8d79c85b997c".to_owned(),
        urls: urls("demo.trunkline.test"),
        address_sid: Some(format!("AD{:032x}", 1)),
        bundle_sid: Some(format!("BU{:032x}", 1)),
    }
}

/// A violation would be a 422 of Prism's, and an answer of the sandbox that Twilio would not give a 500.
#[tokio::test]
async fn what_we_ask_about_numbers_and_what_the_sandbox_answers_is_as_twilio_describes_it() {
    let (twilio, _stop) = sandbox().await;
    let Some(prism) = Prism::in_front_of(twilio.base_url()).await else { return };
    let ours = our_client(prism.base());
    let search = NumberSearch {
        country: "AT".to_owned(),
        kind: "Local".to_owned(),
        sms: true,
        page_size: 3,
    };
    let offers = ours.search_numbers(&search).await.unwrap();
    assert_eq!(offers.len(), 3);
    let bought = ours.buy_number(&a_number(&offers[0])).await.unwrap();
    assert!(bought.goes_to(&urls("demo.trunkline.test")), "{bought:?}");
    let named = ours.numbers_named("va:01a1fc72-72cd-774c-aec9-8d79c85b997c").await.unwrap();
    assert_eq!(named.as_slice(), std::slice::from_ref(&bought));
    ours.configure_number(&bought.sid, &urls("next.trunkline.test")).await.unwrap();
    let listed = ours.list_numbers(None).await.unwrap();
    assert!(listed.numbers[0].goes_to(&urls("next.trunkline.test")) && listed.next.is_none());
    let taken = ours.buy_number(&a_number("+15005550000")).await.unwrap_err();
    assert!(matches!(taken, Error::Rejected { class: RejectedClass::NumberTaken, .. }), "{taken}");
    for _ in 0..2 {
        ours.release_number(&bought.sid).await.unwrap();
    }
    assert!(twilio.numbers().is_empty());
}

#[tokio::test]
async fn twilios_own_client_buys_lists_and_releases_numbers_at_the_sandbox() {
    let Some(python) = packages::python("official").await else { return };
    let (twilio, _stop) = sandbox().await;
    let base = twilio.base_url().as_str().trim_end_matches('/');
    let mut theirs =
        Partner::start(&python, "twilio_client", &[base, TWILIO_ACCOUNT, TWILIO_TOKEN]);
    let offers = theirs.ask(&json!({ "do": "search", "country": "AT", "limit": 5 })).await;
    assert_eq!(offers.as_array().unwrap().len(), 5);
    let buy = |phone: &str| json!({ "do": "buy", "phone": phone, "name": format!("line {phone}"), "voice_url": "https://a.example/v" });
    let first = theirs.ask(&buy(offers[0].as_str().unwrap())).await;
    assert_eq!(first["voice_url"], "https://a.example/v");
    for number in 0..12 {
        theirs.ask(&buy(&format!("+4372099{number:04}"))).await;
    }
    let all = theirs.ask(&json!({ "do": "numbers", "page_size": 5 })).await;
    assert_eq!(all.as_array().unwrap().len(), 13, "it follows our pages");
    // And so do we: the same pages, one after the other.
    let ours = our_client(twilio.base_url());
    assert_eq!(ours.list_numbers(None).await.unwrap().numbers.len(), 13);
    let path =
        format!("/2010-04-01/Accounts/{TWILIO_ACCOUNT}/IncomingPhoneNumbers.json?PageSize=5");
    let mut next = Some(path);
    let mut seen = 0;
    while let Some(path) = next {
        let page = ours.list_numbers(Some(&path)).await.unwrap();
        seen += page.numbers.len();
        next = page.next;
    }
    assert_eq!(seen, 13);
    let name = &first["friendly_name"];
    let named = json!({ "do": "numbers", "page_size": 5, "friendly_name": name });
    assert_eq!(theirs.ask(&named).await, json!([first]));
    let changed =
        json!({ "do": "configure", "sid": first["sid"], "sms_url": "https://a.example/s" });
    assert_eq!(theirs.ask(&changed).await["sms_url"], "https://a.example/s");
    let release = json!({ "do": "release", "sid": first["sid"] });
    assert_eq!(theirs.ask(&release).await, true);
    assert_eq!(theirs.ask(&release).await, json!({ "status": 404, "code": 20_404 }));
    let taken = theirs.ask(&buy("+15005550000")).await;
    assert_eq!(taken, json!({ "status": 400, "code": 21_422 }));
}
