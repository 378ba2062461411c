//! Who asks for a demo, from two kinds of body.

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};
use domain::{
    Email, Locale, TenantId,
    line::{CompanyName, Industry, PersonName, UseCase},
    phone::Region,
    signups::Contact,
};

use crate::{json::Fields, problem::Problem};

/// What a sign-up by phone alone is called until the person says more.
const COMPANY: &str = "Demo Customer";
const FIRST_NAME: &str = "Demo";
const LAST_NAME: &str = "User";

/// Where the logins live that have no e-mail of their own; nothing is ever sent there.
const DEMO_DOMAIN: &str = "voiceagent.demo";

/// From the form with seven fields.
pub(super) fn from_form(mut fields: Fields, home: Region) -> Result<Contact, Problem> {
    let company_name = fields.required("companyName", CompanyName::parse);
    let email = fields.required("contactEmail", Email::parse);
    let phone = fields.phone("contactPhone", home);
    let first_name = fields.required("firstName", PersonName::parse);
    let last_name = fields.required("lastName", PersonName::parse);
    let industry = fields.optional("industry", blank_is_none(Industry::parse));
    let use_case = fields.optional("useCase", blank_is_none(UseCase::parse));
    let whole = || {
        Some(Contact {
            company_name: company_name?,
            first_name: first_name?,
            last_name: last_name?,
            email: email?,
            phone: phone?,
            industry: industry.flatten(),
            use_case: use_case.flatten(),
        })
    };
    fields.finish(whole())
}

/// From a phone alone. The e-mail is made of the tenant's id, so no two sign-ups share one.
pub(super) fn from_phone(
    mut fields: Fields,
    home: Region,
    tenant: TenantId,
) -> Result<Contact, Problem> {
    let phone = fields.phone("phoneNumber", home);
    let phone = fields.finish(phone)?;
    let email = format!("demo-{}@{DEMO_DOMAIN}", tenant.as_uuid().simple());
    let ours = "these words keep the rules for what is typed";
    Ok(Contact {
        company_name: CompanyName::parse(COMPANY).expect(ours),
        first_name: PersonName::parse(FIRST_NAME).expect(ours),
        last_name: PersonName::parse(LAST_NAME).expect(ours),
        email: Email::parse(&email).expect(ours),
        phone,
        industry: None,
        use_case: None,
    })
}

/// The first language that the browser names. German if it names none: demos answer in German, too.
pub(super) fn locale_of(headers: &HeaderMap) -> Locale {
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = header.and_then(|list| list.split([',', ';']).next()).map(str::trim);
    first.filter(|tag| !tag.is_empty() && *tag != "*").map_or(Locale::De, Locale::of_tag)
}

/// A form sends its empty fields, too.
fn blank_is_none<T, E>(
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> impl FnOnce(&str) -> Result<Option<T>, E> {
    |text| if text.trim().is_empty() { Ok(None) } else { parse(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_a_sign_up_by_phone_are_valid() {
        let tenant = TenantId::mint();
        let fields = Fields::of_test(r#"{"phoneNumber":"+4367712345678","more":"is ignored"}"#);
        let contact = from_phone(fields, Region::AT, tenant).unwrap();
        assert_eq!(contact.phone.as_e164(), "+4367712345678");
        assert!(contact.email.as_str().ends_with("@voiceagent.demo"));
    }

    #[test]
    fn the_browser_chooses_the_language() {
        let locale = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, value.parse().unwrap());
            locale_of(&headers)
        };
        assert_eq!(locale("de-AT,de;q=0.9,en;q=0.8"), Locale::De);
        assert_eq!(locale("en-GB;q=0.9"), Locale::En);
        assert_eq!(locale("*"), Locale::De);
        assert_eq!(locale_of(&HeaderMap::new()), Locale::De);
    }
}
