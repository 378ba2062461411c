//! Requests, with their keys and their version.

use std::fmt;

use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

use super::{
    Customer, Error, Event, Invoice, MeterEvent, NewCustomer, NewSubscription, Page, Payment,
    PlanChange, Price, Since, Subscription,
    customer::WireCustomer,
    error::DUPLICATE_METER_EVENT,
    event::WireEvent,
    invoice::WireInvoice,
    page::{self, WirePage},
    subscription::WireSubscription,
};
use crate::{
    Secrets,
    exchange::{self, Answer},
};

/// The version of the API that answers are read in, whatever the account's own is.
pub const API_VERSION: &str = "2026-10-28.endive";

/// A page of a hundred subscriptions with several items each stays below this.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whose account, and where.
#[derive(Clone)]
pub struct Config {
    /// `https://api.stripe.com`, or a stand-in.
    pub api_base: Url,
    /// `sk_live_…`, `sk_test_…`, or a restricted `rk_…`.
    pub secret_key: Secrets,
}

/// The address of the API is of a kind that has no path (such as `mailto:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Stripe's API base is not an http URL")]
pub struct BadApiBase;

/// Stripe's billing API for one account. Cheap to clone; never repeats a request by itself.
///
/// Every request that changes something takes an idempotency key: a repeat with the same key and the same parameters gets
/// the first one's answer, for 24 hours at least.
#[derive(Clone)]
pub struct Stripe {
    http: reqwest::Client,
    config: Config,
}

impl Stripe {
    /// Calls nobody yet. `http` comes from [`crate::http::client`].
    ///
    /// # Errors
    ///
    /// [`BadApiBase`] when the address is not `http` or `https`.
    pub fn new(http: reqwest::Client, config: Config) -> Result<Self, BadApiBase> {
        if !matches!(config.api_base.scheme(), "http" | "https") {
            return Err(BadApiBase);
        }
        Ok(Self { http, config })
    }

    /// Whether the key that was configured is one for real money. What takes its place is of the same mode.
    pub fn is_live(&self) -> bool {
        self.config.secret_key.configured().first().is_some_and(|key| is_live(key.expose_secret()))
    }

    /// With what it signs in.
    pub fn secret_key(&self) -> &Secrets {
        &self.config.secret_key
    }

    /// Makes a customer.
    pub async fn create_customer(&self, new: &NewCustomer, key: &str) -> Result<Customer, Error> {
        self.post::<WireCustomer>(&["customers"], &new.form(), key).await.map(Customer::from)
    }

    /// A customer. A deleted one is still found, and says so.
    pub async fn retrieve_customer(&self, id: &str) -> Result<Customer, Error> {
        self.get::<WireCustomer>(&["customers", id], &[]).await.map(Customer::from)
    }

    /// Deletes a customer; its subscriptions end at once. One that is gone already is an error that
    /// [`Error::is_missing`].
    pub async fn delete_customer(&self, id: &str) -> Result<(), Error> {
        self.delete::<IgnoredAny>(&["customers", id]).await.map(drop)
    }

    /// Customers, newest first, after one of them.
    pub async fn list_customers(
        &self,
        starting_after: Option<&str>,
        since: Option<Since>,
    ) -> Result<Page<Customer>, Error> {
        let mut query = page::query(starting_after);
        query.extend(since.map(Since::query).unwrap_or_default());
        self.get::<WirePage<WireCustomer>>(&["customers"], &query).await.map(WirePage::into_page)
    }

    /// Makes a subscription, and takes the first payment where one is due.
    pub async fn create_subscription(
        &self,
        new: &NewSubscription,
        key: &str,
    ) -> Result<Subscription, Error> {
        let made = self.post::<WireSubscription>(&["subscriptions"], &new.form(), key).await;
        made.map(Subscription::from)
    }

    /// A subscription, also one that is over.
    pub async fn retrieve_subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.get::<WireSubscription>(&["subscriptions", id], &[]).await.map(Subscription::from)
    }

    /// Subscriptions, over or not, newest first, after one of them; of one customer, or all.
    pub async fn list_subscriptions(
        &self,
        starting_after: Option<&str>,
        customer: Option<&str>,
    ) -> Result<Page<Subscription>, Error> {
        let mut query = page::query(starting_after);
        // Without this, those that are over are left out.
        query.push(("status", "all".to_owned()));
        query.extend(customer.map(|id| ("customer", id.to_owned())));
        let listed = self.get::<WirePage<WireSubscription>>(&["subscriptions"], &query).await;
        listed.map(WirePage::into_page)
    }

    /// Gives a line of a subscription another price.
    pub async fn change_plan(
        &self,
        id: &str,
        change: &PlanChange,
        key: &str,
    ) -> Result<Subscription, Error> {
        let changed =
            self.post::<WireSubscription>(&["subscriptions", id], &change.form(), key).await;
        changed.map(Subscription::from)
    }

    /// Lets a subscription end with its period, or not after all.
    pub async fn set_cancel_at_period_end(
        &self,
        id: &str,
        cancel: bool,
        key: &str,
    ) -> Result<Subscription, Error> {
        let form = [("cancel_at_period_end".to_owned(), cancel.to_string())];
        let changed = self.post::<WireSubscription>(&["subscriptions", id], &form, key).await;
        changed.map(Subscription::from)
    }

    /// Ends a subscription now, for good, without a last invoice. One that is over already is an error that
    /// [`Error::is_missing`].
    pub async fn cancel_subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.delete::<WireSubscription>(&["subscriptions", id]).await.map(Subscription::from)
    }

    /// An invoice, with how it was paid.
    pub async fn retrieve_invoice(&self, id: &str) -> Result<Invoice, Error> {
        let query = [("expand[]", "payments".to_owned())];
        self.get::<WireInvoice>(&["invoices", id], &query).await.map(Invoice::from)
    }

    /// Takes an open invoice back: nobody has to pay it any more.
    pub async fn void_invoice(&self, id: &str, key: &str) -> Result<Invoice, Error> {
        self.post::<WireInvoice>(&["invoices", id, "void"], &[], key).await.map(Invoice::from)
    }

    /// Gives a payment back, all of it.
    pub async fn refund(&self, payment: &Payment, key: &str) -> Result<(), Error> {
        self.post::<IgnoredAny>(&["refunds"], &payment.refund_form(), key).await.map(drop)
    }

    /// A price.
    pub async fn retrieve_price(&self, id: &str) -> Result<Price, Error> {
        self.get::<Price>(&["prices", id], &[]).await
    }

    /// Events, newest first, after one of them. Stripe keeps them for 30 days.
    pub async fn list_events(
        &self,
        starting_after: Option<&str>,
        since: Option<Since>,
    ) -> Result<Page<Event>, Error> {
        let mut query = page::query(starting_after);
        query.extend(since.map(Since::query).unwrap_or_default());
        self.get::<WirePage<WireEvent>>(&["events"], &query).await.map(WirePage::into_page)
    }

    /// Says what a customer has used. A repeat that Stripe refuses because it has counted the first one is no error.
    pub async fn report_usage(&self, event: &MeterEvent, key: &str) -> Result<(), Error> {
        let path = ["billing", "meter_events"];
        match self.post::<IgnoredAny>(&path, &event.form(), key).await {
            Err(error) if error.has_code(DUPLICATE_METER_EVENT) => Ok(()),
            told => told.map(drop),
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Error> {
        self.answer(self.request(Method::GET, path).query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        form: &[(String, String)],
        key: &str,
    ) -> Result<T, Error> {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        self.answer(request.form(form)).await
    }

    /// Deleting twice is deleting once, so it has no key.
    async fn delete<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        self.answer(self.request(Method::DELETE, path)).await
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.config.api_base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let request = self.http.request(method, url).header("Stripe-Version", API_VERSION);
        match self.config.secret_key.newest() {
            Some(key) => request.bearer_auth(key.expose_secret()),
            // Stripe refuses it, and says so in its own words.
            None => request,
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let sent = exchange::send("stripe", request, ANSWER_BYTES_MAX).await;
        let Answer { status, headers, body } = sent.map_err(Error::of_transport)?;
        // The status is known by now: an answer whose body is cut off is not an unknown outcome.
        let body = body.unwrap_or_default();
        if !status.is_success() {
            return Err(Error::of_answer(status, &headers, &body));
        }
        serde_json::from_slice(&body).map_err(|_| Error::Unreadable { status: status.as_u16() })
    }
}

/// Whether a key is one for real money.
pub fn is_live(key: &str) -> bool {
    ["sk_live_", "rk_live_"].iter().any(|prefix| key.starts_with(prefix))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("api_base", &self.api_base.as_str()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe(base: &str, key: &str) -> Result<Stripe, BadApiBase> {
        let http = crate::http::client(crate::http::REQUEST_TIMEOUT).unwrap();
        let config = Config { api_base: base.parse().unwrap(), secret_key: key.into() };
        Stripe::new(http, config)
    }

    #[test]
    fn a_request_names_its_key_its_version_and_its_account() {
        let stripe = stripe("http://127.0.0.1:1/", "sk_test_1").unwrap();
        let request = stripe
            .request(Method::POST, &["subscriptions", "sub_1"])
            .header("Idempotency-Key", "tl-1")
            .build()
            .unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/v1/subscriptions/sub_1");
        assert_eq!(request.headers()["stripe-version"], API_VERSION);
        assert_eq!(request.headers()["authorization"], "Bearer sk_test_1");
        assert!(!format!("{stripe:?}").contains("sk_test"));
    }

    #[test]
    fn the_key_tells_real_money_from_a_test() {
        assert!(stripe("http://127.0.0.1:1", "rk_live_1").unwrap().is_live());
        assert!(!stripe("http://127.0.0.1:1", "sk_test_1").unwrap().is_live());
        assert_eq!(stripe("mailto:a@b.c", "sk_test_1").err(), Some(BadApiBase));
    }
}
