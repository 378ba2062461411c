//! Phone numbers: read strictly, kept as E.164, shown masked.

use std::fmt;

use phonenumber::{Mode, Type, country, metadata::DATABASE};
use serde::{Deserialize, Serialize};

use crate::{Digest, Error, Pepper};

/// A number in E.164 form. `Debug` and `Display` show it masked; [`PhoneNumber::as_e164`] is the number.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Why a text is no phone number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhoneNumber {
    /// Holds something but digits, blanks and `+ ( ) . / -`, or too few or too many of them.
    #[error("this is not a phone number")]
    BadFormat,
    /// A number, perhaps, but of a region that we do not serve.
    #[error("numbers of this region are not supported")]
    UnsupportedRegion,
    /// Of a region that we serve, where no such number is given out.
    #[error("this number is not valid in its region")]
    NotValid,
    /// A premium-rate, shared-cost, pager, voicemail, emergency or short number: nobody reads a text there, and it may cost.
    #[error("numbers of this kind cannot be used")]
    Unusable,
}

macro_rules! regions {
    ($($name:ident)+) => {
        /// The regions that we serve, by ISO 3166 code; the product's promise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Region {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                $name
            ),+
        }

        impl Region {
            /// All of them.
            pub const ALL: &[Region] = &[$(Region::$name),+];

            /// The ISO code.
            pub fn code(self) -> &'static str {
                match self { $(Region::$name => stringify!($name)),+ }
            }

            fn id(self) -> country::Id {
                match self { $(Region::$name => country::Id::$name),+ }
            }
        }
    };
}

regions!(US CA GB DE FR AT CH NL BE IE AU NZ SE NO DK FI);

impl std::str::FromStr for Region {
    type Err = NotAPhoneNumber;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let same = |region: &&Region| region.code().eq_ignore_ascii_case(code);
        Region::ALL.iter().find(same).copied().ok_or(NotAPhoneNumber::UnsupportedRegion)
    }
}

impl PhoneNumber {
    /// E.164 allows 15 digits; the rest is room for punctuation.
    const TYPED_CHARS: std::ops::RangeInclusive<usize> = 4..=32;

    /// Reads what a person typed. `home` is the region of numbers without a country code.
    pub fn parse(text: &str, home: Region) -> Result<Self, NotAPhoneNumber> {
        let text = text.trim_matches(' ');
        if !looks_typed(text) {
            return Err(NotAPhoneNumber::BadFormat);
        }
        // With its own country code a number must not be read by the rules of another region's trunk prefix.
        let home = (!text.starts_with('+')).then(|| home.id());
        let number = phonenumber::parse(home, text).map_err(|why| match why {
            phonenumber::ParseError::InvalidCountryCode => NotAPhoneNumber::UnsupportedRegion,
            phonenumber::ParseError::NoNumber
            | phonenumber::ParseError::TooShortAfterIdd
            | phonenumber::ParseError::TooShortNsn
            | phonenumber::ParseError::TooLong
            | phonenumber::ParseError::MalformedInteger(_) => NotAPhoneNumber::BadFormat,
        })?;
        judge(&number)?;
        let e164 = number.format().mode(Mode::E164).to_string();
        Self::from_e164(&e164).map_err(|_| NotAPhoneNumber::NotValid)
    }

    /// Takes a number that is E.164 already and that we need not judge: from our own rows, or from a provider. Only the shape
    /// is checked, so the pool's fictional numbers pass.
    pub fn from_e164(text: &str) -> Result<Self, NotAPhoneNumber> {
        let digits = text.strip_prefix('+').ok_or(NotAPhoneNumber::BadFormat)?;
        let shaped = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        if shaped { Ok(Self(text.to_owned())) } else { Err(NotAPhoneNumber::BadFormat) }
    }

    pub(crate) fn stored(text: &str) -> Result<Self, Error> {
        Self::from_e164(text).map_err(|_| Error::Unreadable { what: "phone number" })
    }

    /// The number itself.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// The masked form: enough to recognise one's own, not enough to call.
    pub fn masked(&self) -> String {
        format!("{}•••{}", &self.0[..3], &self.0[self.0.len() - 2..])
    }

    /// What stands for the number where only sameness matters.
    pub fn digest(&self, pepper: &Pepper) -> Digest {
        pepper.hash("phone", &[self.0.as_bytes()])
    }
}

/// `^\+?[0-9 ()./-]{4,32}$`, before any library sees it: phone parsers accept extensions, letters, other scripts' digits and
/// RFC 3966 parameters, none of which we want.
fn looks_typed(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    PhoneNumber::TYPED_CHARS.contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_digit() || b" ()./-".contains(&b))
}

fn judge(number: &phonenumber::PhoneNumber) -> Result<(), NotAPhoneNumber> {
    let served = |id: country::Id| Region::ALL.iter().any(|region| region.id() == id);
    match number.country().id() {
        Some(id) if !served(id) => return Err(NotAPhoneNumber::UnsupportedRegion),
        // A country code shared by several regions, and a number of none of them.
        None if !Region::ALL.iter().any(|r| calling_code(*r) == Some(number.country().code())) => {
            return Err(NotAPhoneNumber::UnsupportedRegion);
        }
        Some(_) | None => {}
    }
    if !number.is_valid() {
        return Err(NotAPhoneNumber::NotValid);
    }
    let unusable = matches!(
        number.number_type(&DATABASE),
        Type::PremiumRate
            | Type::SharedCost
            | Type::Pager
            | Type::Voicemail
            | Type::Emergency
            | Type::ShortCode
            | Type::NoInternational
    );
    if unusable { Err(NotAPhoneNumber::Unusable) } else { Ok(()) }
}

fn calling_code(region: Region) -> Option<u16> {
    DATABASE.by_id(region.code()).map(phonenumber::Metadata::country_code)
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotAPhoneNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_e164(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests;
