//! What jobs may hold, and what a page does with it: text stays text, and what nobody needs to see is not there.

use serde_json::json;
use tests::{ADMIN_KEY, PEPPER, TWILIO_TOKEN};

use super::{browser::Page, pages::lived_in};
use crate::stage::{CODE, Demo, Guest, Stage};

const HOSTILE: &str =
    "\"'><script src=\"/console/script.js\">alert(1)</script><img onerror=x>&lt;\u{202e}";

#[tokio::test]
async fn what_people_and_jobs_say_is_shown_as_text_and_never_as_a_part_of_the_page() {
    let stage = Stage::open().await;
    let id = stage.new_job(&json!({ "kind": "ledger", "args": { "key": HOSTILE } })).await;
    let browser = stage.browser().await;
    let queue = stage.job(&id).await["queue"].as_str().unwrap().to_owned();
    let pause = json!({ "reason": HOSTILE });
    let path = format!("/v1/admin/queues/{queue}/pause");
    stage.post(&path).as_operator().json(&pause).send().await.is(200);
    let scripts = |page: &Page| {
        page.read(|it| it.descendants().filter(|node| node.has_tag_name("script")).count())
    };
    let job = format!("/console/jobs/{id}");
    for path in [job.as_str(), "/console", "/console/queues", "/console/audit"] {
        let page = browser.page(path).await;
        assert_eq!(scripts(&page), 1, "{path}");
        assert!(page.words().contains("alert(1)</script><img onerror=x>&lt;"), "{}", page.words());
    }
    let odd = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect::<String>();
    for path in ["/console/jobs?kind=", "/console/webhooks?object=", "/console/queues?of="] {
        let page = browser.page(&format!("{path}{odd}")).await;
        assert_eq!(scripts(&page), 1, "{path}");
    }
    let form = browser.page(&format!("/console/jobs?queue={odd}")).await.form("/console/jobs");
    assert_eq!(form.get("queue"), HOSTILE, "it is what was typed");
    browser.page(&format!("/console/jobs?done={odd}")).await;
    let login = stage.get(&format!("/console/login?next=/console/{odd}")).send().await;
    Page { path: "login".to_owned(), answer: login }.check();
}

#[tokio::test]
async fn no_page_holds_a_phone_number_a_code_or_a_secret() {
    let stage = Stage::open().await;
    lived_in(&stage).await;
    let (phone, email) = (Guest(4242).phone(), Guest(4242).email());
    // What nobody should put into arguments or reasons, and somebody does.
    let said = format!("call {phone} or +43 664 7654321");
    let id = stage.new_job(&json!({ "kind": "ledger", "args": { "key": said } })).await;
    let path = format!("/v1/admin/jobs/{id}/cancel");
    let why = json!({ "reason": said });
    stage.post(&path).as_operator().json(&why).send().await.is(202);
    let browser = stage.browser().await;
    let pages = browser.crawl().await;
    let masked = pages.iter().find(|page| page.path == format!("/console/jobs/{id}")).unwrap();
    assert!(masked.words().contains("call +43…42 or +43…21"), "{}", masked.words());
    let session = browser.cookie.split_once('=').unwrap().1;
    for page in &pages {
        for canary in [
            &phone[1..],
            &phone[4..],
            &email,
            "664 7654321",
            Demo::PASSWORD,
            ADMIN_KEY,
            PEPPER,
            TWILIO_TOKEN,
            session,
            "hello",
        ] {
            assert!(!page.answer.text.contains(canary), "{canary:?} is on {}", page.path);
        }
        // Six digits stand in many an id; a code stands alone.
        let words = page.answer.text.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(words.clone().all(|word| word != CODE), "the code is on {}", page.path);
    }
    assert!(pages.len() > 20, "{}", pages.len());
}
