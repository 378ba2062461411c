//! Phone numbers: found, bought, configured, listed, given back. The pages `AvailablePhoneNumbers` and
//! `IncomingPhoneNumbers` of Twilio's API reference.

use std::fmt;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;
use url::Url;

use super::{Error, Twilio};

/// The most that Twilio gives on one page.
pub const PAGE_SIZE_MAX: u16 = 1_000;

/// Twilio's limit for `FriendlyName`, in characters.
pub const FRIENDLY_NAME_CHARS_MAX: usize = 64;

/// Which numbers are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberSearch {
    /// ISO 3166 code of the country.
    pub country: String,
    /// As Twilio names the kinds in its paths: `Local`, `Mobile`, `National`, `TollFree`.
    pub kind: String,
    /// Whether they must take texts.
    pub sms: bool,
    /// At most so many, up to [`PAGE_SIZE_MAX`].
    pub page_size: u16,
}

/// Where Twilio turns to with calls and texts for a number.
#[derive(Clone, PartialEq, Eq)]
pub struct NumberUrls {
    /// Calls.
    pub voice: Url,
    /// What becomes of calls.
    pub status: Url,
    /// Texts.
    pub sms: Url,
}

/// A number that is to be bought.
#[derive(Clone)]
pub struct NewNumber {
    /// Which, in E.164 form.
    pub phone: String,
    /// Our key for the purchase: Twilio knows no idempotency key, but can be asked for this name.
    pub friendly_name: String,
    /// Configured with the purchase, so that the number is never ours and silent.
    pub urls: NumberUrls,
    /// Where a country asks for an address (`AD…`).
    pub address_sid: Option<String>,
    /// Where a country asks for papers (`BU…`).
    pub bundle_sid: Option<String>,
}

/// A number of ours.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingNumber {
    /// `PN` and 32 hex digits.
    pub sid: String,
    /// In E.164 form.
    pub phone: String,
    /// The name it was given.
    pub friendly_name: String,
    /// Where calls go; empty: nowhere.
    pub voice_url: String,
    /// Where news about calls goes.
    pub status_url: String,
    /// Where texts go.
    pub sms_url: String,
    /// When it became ours.
    pub date_created: Option<DateTime<Utc>>,
}

impl IncomingNumber {
    /// Whether calls, their news and texts all go where they should, by POST as Twilio does without being told.
    pub fn goes_to(&self, urls: &NumberUrls) -> bool {
        self.voice_url == urls.voice.as_str()
            && self.status_url == urls.status.as_str()
            && self.sms_url == urls.sms.as_str()
    }
}

/// A page of our numbers.
#[derive(Clone, Debug)]
pub struct NumberPage {
    /// The numbers.
    pub numbers: Vec<IncomingNumber>,
    /// Where the next page is, if there is one: for [`Twilio::list_numbers`].
    pub next: Option<String>,
}

impl Twilio {
    /// Numbers that could be bought now. None of them is reserved.
    pub async fn search_numbers(&self, search: &NumberSearch) -> Result<Vec<String>, Error> {
        let file = format!("{}.json", search.kind);
        let url = self.resource(&["AvailablePhoneNumbers", &search.country, &file]);
        let mut query = vec![
            ("VoiceEnabled", "true".to_owned()),
            ("PageSize", search.page_size.clamp(1, PAGE_SIZE_MAX).to_string()),
        ];
        if search.sms {
            query.push(("SmsEnabled", "true".to_owned()));
        }
        let request = self.request(Method::GET, url).query(&query);
        let page = self.answer::<WireAvailable>(request).await?;
        Ok(page.available_phone_numbers.into_iter().map(|it| it.phone_number).collect())
    }

    /// Buys a number. After [`Error::Unknown`], [`Error::ServerError`] or [`Error::Unreadable`] it may be ours:
    /// [`Twilio::numbers_named`] tells.
    pub async fn buy_number(&self, new: &NewNumber) -> Result<IncomingNumber, Error> {
        let mut form = new.urls.form();
        form.push(("PhoneNumber", new.phone.clone()));
        form.push(("FriendlyName", new.friendly_name.clone()));
        form.extend(new.address_sid.clone().map(|sid| ("AddressSid", sid)));
        form.extend(new.bundle_sid.clone().map(|sid| ("BundleSid", sid)));
        let url = self.resource(&["IncomingPhoneNumbers.json"]);
        let request = self.request(Method::POST, url).form(&form);
        self.answer::<WireNumber>(request).await.map(IncomingNumber::from)
    }

    /// Our numbers of this name, the newest first.
    pub async fn numbers_named(&self, friendly_name: &str) -> Result<Vec<IncomingNumber>, Error> {
        let query = [("FriendlyName", friendly_name), ("PageSize", "50")];
        let url = self.resource(&["IncomingPhoneNumbers.json"]);
        let page = self.answer::<WireNumbers>(self.request(Method::GET, url).query(&query)).await?;
        Ok(page.incoming_phone_numbers.into_iter().map(IncomingNumber::from).collect())
    }

    /// A page of all our numbers, of [`PAGE_SIZE_MAX`] at the most: the first, or the one that an earlier page named as the
    /// next. (Twilio's pages are found by a token in that address, not by a number of ours.)
    pub async fn list_numbers(&self, next: Option<&str>) -> Result<NumberPage, Error> {
        let request = if let Some(url) = next.and_then(|path| self.page(path)) {
            self.request(Method::GET, url)
        } else {
            let url = self.resource(&["IncomingPhoneNumbers.json"]);
            self.request(Method::GET, url).query(&[("PageSize", PAGE_SIZE_MAX.to_string())])
        };
        let page = self.answer::<WireNumbers>(request).await?;
        Ok(NumberPage {
            numbers: page.incoming_phone_numbers.into_iter().map(IncomingNumber::from).collect(),
            next: page.next_page_uri.filter(|uri| !uri.is_empty()),
        })
    }

    /// Says where calls and texts for a number go. Harmless twice.
    pub async fn configure_number(&self, sid: &str, urls: &NumberUrls) -> Result<(), Error> {
        let url = self.resource(&["IncomingPhoneNumbers", &format!("{sid}.json")]);
        let request = self.request(Method::POST, url).form(&urls.form());
        self.answer::<WireNumber>(request).await.map(drop)
    }

    /// Gives a number back for good. One that is not ours (any more) is no error: twice is once.
    pub async fn release_number(&self, sid: &str) -> Result<(), Error> {
        let url = self.resource(&["IncomingPhoneNumbers", &format!("{sid}.json")]);
        match self.taken(self.request(Method::DELETE, url)).await {
            Err(Error::Rejected { status: 404, .. }) => Ok(()),
            other => other,
        }
    }
}

impl NumberUrls {
    fn form(&self) -> Vec<(&'static str, String)> {
        vec![
            ("VoiceUrl", self.voice.to_string()),
            ("VoiceMethod", "POST".to_owned()),
            ("StatusCallback", self.status.to_string()),
            ("StatusCallbackMethod", "POST".to_owned()),
            ("SmsUrl", self.sms.to_string()),
            ("SmsMethod", "POST".to_owned()),
        ]
    }
}

#[derive(Deserialize)]
struct WireAvailable {
    available_phone_numbers: Vec<WireOffer>,
}

#[derive(Deserialize)]
struct WireOffer {
    phone_number: String,
}

/// Only the id is insisted on: a number that was bought must not look like one that was not.
#[derive(Deserialize)]
struct WireNumber {
    sid: String,
    phone_number: Option<String>,
    friendly_name: Option<String>,
    voice_url: Option<String>,
    status_callback: Option<String>,
    sms_url: Option<String>,
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct WireNumbers {
    incoming_phone_numbers: Vec<WireNumber>,
    next_page_uri: Option<String>,
}

impl From<WireNumber> for IncomingNumber {
    fn from(wire: WireNumber) -> Self {
        let date = wire.date_created.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
        Self {
            sid: wire.sid,
            phone: wire.phone_number.unwrap_or_default(),
            friendly_name: wire.friendly_name.unwrap_or_default(),
            voice_url: wire.voice_url.unwrap_or_default(),
            status_url: wire.status_callback.unwrap_or_default(),
            sms_url: wire.sms_url.unwrap_or_default(),
            date_created: date.map(|date| date.to_utc()),
        }
    }
}

/// Without the number, and without addresses: they may hold a token.
impl fmt::Debug for IncomingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingNumber").field("sid", &self.sid).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewNumber")
            .field("friendly_name", &self.friendly_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NumberUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberUrls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUGHT: &str = r#"{
        "sid": "PN0123456789abcdef0123456789abcdef", "phone_number": "+43720123456", "friendly_name": "va:1",
        "voice_url": "https://a.example/v", "status_callback": "https://a.example/c", "sms_url": "https://a.example/s",
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "a_field_of_tomorrow": {}
    }"#;

    fn urls(voice: &str) -> NumberUrls {
        let url = |path: &str| format!("https://a.example/{path}").parse().unwrap();
        NumberUrls { voice: url(voice), status: url("c"), sms: url("s") }
    }

    #[test]
    fn a_number_goes_where_it_should_if_all_three_addresses_do() {
        let number: IncomingNumber = serde_json::from_str::<WireNumber>(BOUGHT).unwrap().into();
        assert!(number.goes_to(&urls("v")));
        assert!(!number.goes_to(&urls("v/")));
        assert!(number.date_created.is_some());
    }

    #[test]
    fn an_answer_with_an_id_alone_is_still_a_purchase() {
        let wire: WireNumber =
            serde_json::from_str(r#"{"sid": "PN1", "voice_url": null}"#).unwrap();
        assert!(!IncomingNumber::from(wire).goes_to(&urls("v")));
    }

    #[test]
    fn debug_shows_no_number() {
        let number: IncomingNumber = serde_json::from_str::<WireNumber>(BOUGHT).unwrap().into();
        let new = NewNumber {
            phone: "+43720123456".to_owned(),
            friendly_name: "va:1".to_owned(),
            urls: urls("v"),
            address_sid: None,
            bundle_sid: None,
        };
        let shown = format!("{number:?} {new:?}");
        assert!(!shown.contains("43720") && !shown.contains("a.example"), "{shown}");
    }
}
