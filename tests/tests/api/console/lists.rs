//! Pages that only list: tenants and numbers.

use std::collections::BTreeSet;

use domain::{TenantId, businesses, line::CompanyName, numbers};

use super::browser::{Browser, Page};
use crate::stage::{Guest, Stage};

/// A list's pages, from the first to the last.
async fn pages(browser: &Browser<'_>, first: &str) -> Vec<Page> {
    let mut pages = vec![browser.page(first).await];
    while let Some(next) =
        pages[pages.len() - 1].links().into_iter().find(|it| it.contains("cursor="))
    {
        pages.push(browser.page(&next).await);
    }
    pages
}

/// Texts of its cells that look like ids, and how many rows it has.
fn ids(page: &Page) -> Vec<String> {
    page.read(|document| {
        let cells = document.descendants().filter(|it| it.attribute("class") == Some("id"));
        cells.filter_map(|it| it.text()).map(ToOwned::to_owned).collect()
    })
}

#[tokio::test]
async fn tenants_are_paged_through_each_once_and_found_by_status_and_name() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let mut tx = stage.begin().await;
    let mut made = BTreeSet::from([demo.tenant.clone()]);
    for number in 0..60 {
        let tenant = TenantId::mint();
        let name = CompanyName::parse(&format!("Company {number}")).unwrap();
        businesses::create(&mut tx, tenant, &name).await.unwrap();
        made.insert(tenant.to_string());
    }
    tx.commit().await.unwrap();
    let browser = stage.browser().await;
    let all = pages(&browser, "/console/tenants").await;
    assert_eq!(all.len(), 2);
    let listed: Vec<_> = all.iter().flat_map(ids).collect();
    assert_eq!(listed.len(), made.len(), "each once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), made);
    assert!(all[0].links().contains(&format!("/console/jobs?tenant={}", ids(&all[0])[0])));

    let found = browser.page("/console/tenants?status=trial").await;
    assert_eq!(ids(&found), [demo.tenant.as_str()]);
    assert!(!found.answer.text.contains("+1555"), "numbers are masked");
    let found = browser.page("/console/tenants?name=company%2017").await;
    assert!(found.words().contains("Company 17"), "{}", found.words());
    assert_eq!(ids(&found).len(), 1);
    let odd = browser.get("/console/tenants?status=happy").await;
    assert_eq!(odd.status, 422, "{odd:?}");
}

#[tokio::test]
async fn numbers_are_paged_through_each_once_with_how_full_the_pool_is() {
    let stage = Stage::open().await;
    let mut tx = stage.begin().await;
    numbers::pool_seed(&mut tx, 60).await.unwrap();
    tx.commit().await.unwrap();
    let browser = stage.browser().await;
    let all = pages(&browser, "/console/numbers").await;
    assert_eq!(all.len(), 2);
    let listed: Vec<_> = all.iter().flat_map(ids).collect();
    assert_eq!(listed.len(), 60);
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), 60, "each once");
    let words = all[0].words();
    assert!(words.contains("60 available, 0 allocated, 0 resting, 0 taken out."), "{words}");
    assert!(!all[0].answer.text.contains("+1555"), "numbers are masked");
    let none = browser.page("/console/numbers?status=allocated").await;
    assert!(none.words().contains("No number fits."), "{}", none.words());
}
