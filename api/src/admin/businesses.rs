//! Tenants as operators find them, and those that they make: customers who had no demo, and people who log in there.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    BotId, Email, TenantId, UserId, access,
    bots::{self, NewBot},
    businesses::{self, Filter, Listed},
    line::{CompanyName, PersonName},
    password::{self, PasswordHash, Salt},
    tenants::{self, TenantStatus},
    users::{self, NewUser},
};
use engine::{Tx, Version, Workflow};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use workflows::{allocate_number::AllocateNumber, events};

use super::{
    deed::{Deed, Order},
    key::Operator,
    order::{business_of, no_such_business, once},
    page,
    steer::flag,
    tags::Asked,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// The member of an answer that tells a temporary password.
const PASSWORD: &str = "temporary_password";

/// `GET /v1/admin/businesses`: the newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let status = query.optional("status", |word| {
        TenantStatus::of_word(word).map_err(|_| {
            let words: Vec<_> = TenantStatus::ALL.iter().map(|it| it.as_str()).collect();
            format!("must be one of {}", words.join(", "))
        })
    });
    let name = query.optional("name", CompanyName::parse);
    let older_than = query.optional("cursor", |text| {
        text.parse::<TenantId>().map_err(|_| "must be a next_cursor of an earlier answer")
    });
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some(()))?;
    let filter = Filter { status, name: name.as_ref().map(CompanyName::as_str), id: None };
    let rows_max = i64::try_from(page::rows(limit)).unwrap_or(1);
    let mut tx = state.begin().await?;
    let items = businesses::list(&mut tx, filter, older_than, rows_max).await?;
    Ok(Json(page::of(items, limit, |last| last.id.to_string())))
}

/// `GET /v1/admin/businesses/{id}`: how it stands, and how it came there.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let tenant = business_of(&id)?;
    let mut tx = state.begin().await?;
    let filter = Filter { id: Some(tenant), ..Filter::default() };
    let found = businesses::list(&mut tx, filter, None, 1).await?;
    let found = found.into_iter().next().ok_or_else(no_such_business)?;
    let version = version(found.status, &found.name);
    asked.answer(version, async || shown(&mut tx, &found).await).await
}

async fn shown(tx: &mut Tx, found: &Listed) -> Result<Value, Problem> {
    let mut shown = json!(found);
    shown["users"] = businesses::users_count(tx, found.id).await?.into();
    let history = tenants::history(tx, found.id).await?;
    let change = |it: tenants::StatusChange| json!({ "from": it.previous, "to": it.status, "reason": it.reason, "at": it.changed_at });
    shown["history"] = history.into_iter().map(change).collect();
    Ok(shown)
}

/// Of what operators change of a tenant itself.
pub(super) fn version(status: TenantStatus, name: &str) -> Version {
    Version::of("business", &json!({ "status": status, "name": name }))
}

/// `POST /v1/admin/businesses`: `{"name","email"?,"first_name"?,"last_name"?,"locale"?,"with_number"?,"reason"?}`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields);
    let temporary = match &wanted {
        Some(Wanted { person: Some(_), .. }) => Some(Temporary::generate().await?),
        Some(_) | None => None,
    };
    let caller = order.caller.clone();
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    let (tenant, tx) = (TenantId::mint(), &mut deed.tx);
    businesses::create(tx, tenant, &wanted.name).await?;
    let bot = NewBot {
        bot: BotId::mint(),
        tenant,
        name: bots::CUSTOMER_NAME,
        system_prompt: &bots::prompt_for(&wanted.name),
        locale: &wanted.locale,
    };
    bots::create(tx, bot).await?;
    let user = match (&wanted.person, &temporary) {
        (Some(person), Some(temporary)) => Some(person.put(tx, tenant, temporary).await?),
        _ => None,
    };
    let job = if wanted.with_number {
        let job = AllocateNumber { tenant }.job();
        Some(tx.enqueue(once(job, tenant, &caller)).await?.id())
    } else {
        None
    };
    let details = json!({ "user": user, "number_job": job });
    let body = json!({
        "id": tenant,
        "name": wanted.name.as_str(),
        "status": TenantStatus::Active,
        "user_id": user,
        "number_job_id": job,
    });
    let done = Done::created(body).at(format!("/v1/admin/businesses/{tenant}"));
    let answer =
        told_once(deed.about(tenant), "tenant.created", details, done, temporary.as_ref()).await?;
    tracing::info!(
        event = events::TENANT_CREATED,
        tenant_id = %tenant,
        by = "operator",
        "a tenant is there"
    );
    Ok(answer)
}

/// `POST /v1/admin/businesses/{tenant}/users`: `{"email","first_name","last_name","reason"?}`. Of somebody whose password is
/// still the temporary one, it makes another.
pub(crate) async fn add_user(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let person = Person::read(&mut order.fields);
    let temporary = Temporary::generate().await?;
    let (person, mut deed) = order.begin(&state, person).await?;
    let tenant = business_of(&id)?;
    let found = tenants::lock(&mut deed.tx, tenant).await?.ok_or_else(no_such_business)?;
    // A demo's person has the password that the demo tells them.
    if !matches!(found.status, TenantStatus::Active | TenantStatus::Suspended) {
        let why = format!("the tenant is at {}", found.status);
        let refused = Problem::new(Code::WrongState, why);
        return Err(refused.with("tenantStatus", found.status.as_str()).into());
    }
    let user = person.put(&mut deed.tx, tenant, &temporary).await?;
    let done = Done::created(json!({ "id": user, "tenant_id": tenant }));
    let details = json!({ "user": user });
    told_once(deed.about(tenant), "user.created", details, done, Some(&temporary)).await
}

/// The answer that tells a temporary password, where there is one. It is not kept.
async fn told_once(
    deed: Deed,
    action: &str,
    details: Value,
    done: Done,
    temporary: Option<&Temporary>,
) -> Result<Response, Stop> {
    let done = match temporary {
        Some(temporary) => done.telling(PASSWORD, temporary.text.expose_secret()),
        None => done,
    };
    deed.done(action, details, done).await
}

/// A password that must be changed at the first login.
struct Temporary {
    text: SecretString,
    hash: PasswordHash,
}

impl Temporary {
    /// Takes tens of milliseconds: call it without a transaction open.
    async fn generate() -> Result<Temporary, Problem> {
        let text = password::generate(&mut rand::rng());
        let salt = Salt::generate(&mut rand::rng());
        let hash = password::hash(text.clone(), salt).await?;
        Ok(Temporary { text, hash })
    }
}

/// Who is to log in.
struct Person {
    email: Email,
    first_name: PersonName,
    last_name: PersonName,
}

impl Person {
    fn read(fields: &mut Fields) -> Option<Person> {
        let email = fields.required("email", Email::parse);
        let first_name = fields.required("first_name", PersonName::parse);
        let last_name = fields.required("last_name", PersonName::parse);
        Some(Person { email: email?, first_name: first_name?, last_name: last_name? })
    }

    async fn put(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        temporary: &Temporary,
    ) -> Result<UserId, Problem> {
        let minted = UserId::mint();
        let new = NewUser {
            user: minted,
            tenant,
            email: &self.email,
            first_name: self.first_name.as_str(),
            last_name: self.last_name.as_str(),
            password_hash: &temporary.hash,
        };
        let user = match users::create(tx, new).await {
            Err(domain::Error::Outdated { .. }) => {
                let why = "somebody with this e-mail has a password of their own there";
                return Err(Problem::new(Code::WrongState, why));
            }
            other => other?,
        };
        if user != minted {
            // The password that a former demo still had to tell is none any more.
            access::delete(tx, tenant).await?;
        }
        Ok(user)
    }
}

/// A customer to be.
struct Wanted {
    name: CompanyName,
    person: Option<Person>,
    locale: String,
    with_number: bool,
}

impl Wanted {
    fn read(fields: &mut Fields) -> Option<Wanted> {
        let name = fields.required("name", CompanyName::parse);
        let has_person =
            ["email", "first_name", "last_name"].map(|it| fields.has(it)).contains(&true);
        let person = if has_person {
            Person::read(fields)
        } else {
            // Taken all the same, so that they are known.
            for name in ["email", "first_name", "last_name"] {
                fields.take(name);
            }
            None
        };
        let locale = fields.optional("locale", locale);
        let with_number = flag(fields, "with_number").unwrap_or(false);
        let locale = locale.unwrap_or_else(|| bots::DEMO_LOCALE.to_owned());
        Some(Wanted { name: name?, person, locale, with_number })
    }
}

/// A language, with or without a country: `de`, `en-GB`.
fn locale(text: &str) -> Result<String, &'static str> {
    let (language, country) = match text.split_once('-') {
        Some((language, country)) => (language, Some(country)),
        None => (text, None),
    };
    let is_language = language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase());
    let is_country = |it: &str| it.len() == 2 && it.bytes().all(|b| b.is_ascii_uppercase());
    if is_language && country.is_none_or(is_country) {
        return Ok(text.to_owned());
    }
    Err("must be a language such as de or en-GB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Wanted> {
        let mut fields = Fields::of_test(text);
        let wanted = Wanted::read(&mut fields);
        fields.refuse_others();
        fields.finish(wanted).ok()
    }

    #[test]
    fn a_customer_has_a_name_and_perhaps_a_person_with_one() {
        let wanted = read(r#"{"name":" Bakery "}"#).unwrap();
        assert_eq!((wanted.name.as_str(), &*wanted.locale), ("Bakery", "de-AT"));
        assert!(wanted.person.is_none() && !wanted.with_number);
        let wanted = read(
            r#"{"name":"B","email":"a@b.example","first_name":"A","last_name":"B","locale":"en","with_number":true}"#,
        );
        assert!(
            wanted.is_some_and(|it| it.person.is_some() && it.with_number && it.locale == "en")
        );
    }

    #[test]
    fn what_is_no_customer_is_refused() {
        for bad in [
            "{}",
            r#"{"name":""}"#,
            r#"{"name":"B","email":"a@b.example"}"#,
            r#"{"name":"B","first_name":"A","last_name":"B"}"#,
            r#"{"name":"B","email":"a","first_name":"A","last_name":"B"}"#,
            r#"{"name":"B","locale":"deutsch"}"#,
            r#"{"name":"B","locale":"de-at"}"#,
            r#"{"name":"B","with_number":"yes"}"#,
            r#"{"name":"B","id":"b1"}"#,
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
