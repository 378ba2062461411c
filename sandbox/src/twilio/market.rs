//! Which numbers the account has, and what others buy first.

use chrono::{DateTime, Utc};

use super::{
    number::{Change, Number},
    refusal::Refusal,
};

/// More than any account has here; beyond it memory would grow without end.
const NUMBERS_MAX: usize = 10_000;

/// Twilio's limit for a name, in characters.
const FRIENDLY_NAME_CHARS_MAX: usize = 64;

/// The account's numbers, oldest first.
#[derive(Default)]
pub(super) struct Market {
    owned: Vec<Number>,
    /// So many of the next purchases come too late: somebody else has the number.
    taken_next: u32,
    /// The next purchase is made, and answered as if it had failed; so many lists do not show it.
    fails_next: Option<u32>,
    /// So many of the next lists lack what was bought last.
    lists_late: u32,
}

impl Market {
    pub(super) fn owned(&self) -> &[Number] {
        &self.owned
    }

    pub(super) fn take_next(&mut self, count: u32) {
        self.taken_next = count;
    }

    pub(super) fn fail_next(&mut self, lists_late: u32) {
        self.fails_next = Some(lists_late);
    }

    /// What a list shows, oldest first.
    pub(super) fn listed(&mut self) -> Vec<Number> {
        let mut shown = self.owned.clone();
        if self.lists_late > 0 {
            self.lists_late -= 1;
            shown.pop();
        }
        shown
    }

    /// A purchase. Twilio's magic numbers are refused as its page on test credentials says.
    pub(super) fn buy(
        &mut self,
        phone: &str,
        sid: String,
        change: Change,
        now: DateTime<Utc>,
    ) -> Result<Number, Refusal> {
        match phone {
            "+15005550000" => return Err(taken()),
            "+15005550001" => return Err(Refusal::of(21421, "'PhoneNumber' is not valid")),
            _ => {}
        }
        let is_e164 = phone.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_e164 {
            return Err(Refusal::of(21421, "'PhoneNumber' is not valid"));
        }
        let name = change.friendly_name.as_deref().unwrap_or(phone);
        if name.chars().count() > FRIENDLY_NAME_CHARS_MAX {
            return Err(Refusal::of(20001, "'FriendlyName' is longer than 64 characters"));
        }
        if self.taken_next > 0 {
            self.taken_next -= 1;
            return Err(taken());
        }
        if self.owned.iter().any(|number| number.phone == phone) {
            return Err(taken());
        }
        if self.owned.len() >= NUMBERS_MAX {
            return Err(Refusal::of(21404, "the account may have no more numbers"));
        }
        let mut number = Number {
            sid,
            phone: phone.to_owned(),
            friendly_name: phone.to_owned(),
            voice_url: String::new(),
            status_url: String::new(),
            sms_url: String::new(),
            created_at: now,
        };
        number.change(change);
        self.owned.push(number.clone());
        if let Some(lists) = self.fails_next.take() {
            self.lists_late = lists;
            return Err(Refusal::failed());
        }
        Ok(number)
    }

    pub(super) fn configure(&mut self, sid: &str, change: Change) -> Option<Number> {
        let number = self.owned.iter_mut().find(|number| number.sid == sid)?;
        number.change(change);
        Some(number.clone())
    }

    pub(super) fn give_back(&mut self, sid: &str) -> bool {
        let before = self.owned.len();
        self.owned.retain(|number| number.sid != sid);
        self.owned.len() < before
    }
}

fn taken() -> Refusal {
    Refusal::of(21422, "'PhoneNumber' is not available")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buy(market: &mut Market, phone: &str) -> Result<Number, u32> {
        let sid = format!("PN{phone}");
        market.buy(phone, sid, Change::default(), DateTime::UNIX_EPOCH).map_err(Refusal::code)
    }

    #[test]
    fn a_number_is_sold_once_until_it_is_given_back() {
        let mut market = Market::default();
        let number = buy(&mut market, "+43720123456").unwrap();
        assert_eq!(buy(&mut market, "+43720123456"), Err(21422));
        assert!(market.give_back(&number.sid));
        assert!(!market.give_back(&number.sid));
        assert!(buy(&mut market, "+43720123456").is_ok());
    }

    #[test]
    fn a_purchase_that_is_answered_with_a_failure_is_made_and_listed_late() {
        let mut market = Market::default();
        buy(&mut market, "+43720123455").unwrap();
        market.fail_next(1);
        assert_eq!(buy(&mut market, "+43720123456"), Err(20500));
        assert_eq!(buy(&mut market, "+43720123456"), Err(21422));
        assert_eq!((market.listed().len(), market.listed().len()), (1, 2));
    }

    #[test]
    fn magic_numbers_and_those_that_others_took_are_refused() {
        let mut market = Market::default();
        assert_eq!(buy(&mut market, "+15005550000"), Err(21422));
        assert_eq!(buy(&mut market, "+15005550001"), Err(21421));
        assert_eq!(buy(&mut market, "43720"), Err(21421));
        market.take_next(1);
        assert_eq!(buy(&mut market, "+43720123456"), Err(21422));
        assert!(buy(&mut market, "+43720123456").is_ok());
        assert!(buy(&mut market, "+15005550006").is_ok());
    }
}
