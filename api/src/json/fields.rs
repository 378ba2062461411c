//! The members of an object or a query, taken one by one; what is wrong with them is remembered, so that all of it is told at
//! once.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive};

use domain::{PhoneNumber, phone::Region};
use serde_json::{Map, Value};

use crate::problem::{Code, FieldError, Problem};

/// As many mistakes as are told at once.
const ERRORS_MAX: usize = 20;

/// A pointer is for a person who looks for the place; a key that a client made up can be as long as the body.
const NAME_CHARS_MAX: usize = 200;

/// What has not been taken yet, and what was wrong with the rest.
pub(crate) struct Fields {
    members: Map<String, Value>,
    /// The names that were asked for: what is known here.
    known: BTreeSet<String>,
    prefix: char,
    errors: Vec<FieldError>,
    phone_is_wrong: bool,
}

impl Fields {
    pub(super) fn of_body(body: Value) -> Result<Fields, Problem> {
        match body {
            Value::Object(members) => Ok(Fields::new(members, '/')),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                Err(Problem::new(Code::InvalidFields, "the body must be a JSON object"))
            }
        }
    }

    pub(crate) fn of_query(query: &str) -> Result<Fields, Problem> {
        let mut fields = Fields::new(Map::new(), '?');
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.contains('\0') || name.contains('\0') {
                fields.wrong(&name.replace('\0', "\u{fffd}"), "must not hold U+0000");
            } else if fields.members.insert(name.to_string(), value.into()).is_some() {
                fields.wrong(&name, "stands twice");
            }
        }
        if fields.errors.is_empty() { Ok(fields) } else { Err(fields.problem()) }
    }

    #[cfg(test)]
    pub(crate) fn of_test(text: &str) -> Fields {
        Fields::of_body(serde_json::from_str(text).unwrap()).unwrap()
    }

    fn new(members: Map<String, Value>, prefix: char) -> Fields {
        let (known, errors) = (BTreeSet::new(), Vec::new());
        Fields { members, known, prefix, errors, phone_is_wrong: false }
    }

    /// Whether a field is there, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is there and null: somebody wants it to be nothing.
    pub(crate) fn names_null(&mut self, name: &str) -> bool {
        self.known.insert(name.to_owned());
        let is_null = self.members.get(name).is_some_and(Value::is_null);
        if is_null {
            self.members.remove(name);
        }
        is_null
    }

    /// The names of what has not been taken yet.
    pub(crate) fn names(&self) -> Vec<String> {
        self.members.keys().map(|name| name.chars().take(NAME_CHARS_MAX).collect()).collect()
    }

    /// Takes a field of any type. Null counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.known.insert(name.to_owned());
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(crate) fn required<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.has(name) {
            // It is taken in any case, so that it is known.
            self.take(name);
            self.wrong(name, "is missing");
            return None;
        }
        self.optional(name, parse)
    }

    /// A text that may be there.
    pub(crate) fn optional<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name)? {
            Value::String(text) => parse(&text).map_err(|why| self.wrong(name, &why)).ok(),
            Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)
            | Value::Null => {
                self.wrong(name, "must be a string");
                None
            }
        }
    }

    /// A whole number within these bounds, where one is given.
    pub(crate) fn whole(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let found = self.take(name)?.as_u64().filter(|it| bounds.contains(it));
        if found.is_none() {
            let (from, to) = bounds.into_inner();
            self.wrong(name, format!("must be a whole number from {from} to {to}"));
        }
        found
    }

    /// A phone number that must be there. If it is all that is wrong, the problem says so by its code.
    pub(crate) fn phone(&mut self, name: &str, home: Region) -> Option<PhoneNumber> {
        let text = self.required(name, str::parse::<String>)?;
        PhoneNumber::parse(&text, home)
            .map_err(|why| {
                self.phone_is_wrong = true;
                self.wrong(name, format!("cannot be used: {why}"));
            })
            .ok()
    }

    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&mut self, name: &str, detail: impl Display) {
        if self.errors.len() < ERRORS_MAX {
            let name: String = name.chars().take(NAME_CHARS_MAX).collect();
            let pointer = format!("{}{}", self.prefix, name.replace('~', "~0").replace('/', "~1"));
            self.errors.push(FieldError { pointer, detail: detail.to_string() });
        }
    }

    /// Whatever was not taken is a mistake: a field that we would ignore may be one that matters to the sender.
    pub(crate) fn refuse_others(&mut self) {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let why = match known.as_slice() {
            [] => "is not known here: nothing is".to_owned(),
            known => format!("is not known here; known are {}", known.join(", ")),
        };
        for name in std::mem::take(&mut self.members).keys() {
            self.wrong(name, &why);
        }
    }

    /// What was read, if nothing was wrong.
    pub(crate) fn finish<T>(self, read: Option<T>) -> Result<T, Problem> {
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            Some(_) | None => Err(self.problem()),
        }
    }

    fn problem(self) -> Problem {
        let only_the_phone = self.phone_is_wrong && self.errors.len() == 1;
        let code = if only_the_phone { Code::InvalidPhone } else { Code::InvalidFields };
        Problem::fields(code, self.errors)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(body: Value) -> Fields {
        Fields::of_body(body).unwrap()
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let mut fields = fields(json!({"a": 1, "b": null, "x/y": 1}));
        let a = fields.required("a", str::parse::<String>);
        let b = fields.required("b", str::parse::<String>);
        let c = fields.optional("c", str::parse::<String>);
        fields.refuse_others();
        assert!((a.is_none(), b.is_none(), c.is_none()) == (true, true, true));
        let pointers: Vec<_> = fields.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b", "/x~1y"]);
        assert_eq!(fields.errors[2].detail, "is not known here; known are a, b, c");
        assert_eq!(fields.finish(Some(())).unwrap_err().code(), Code::InvalidFields);
    }

    #[test]
    fn a_whole_number_stands_within_its_bounds() {
        let read = |body: Value| {
            let mut fields = fields(body);
            let found = fields.whole("n", 1..=5);
            fields.finish(Some(found)).ok()
        };
        assert_eq!(read(json!({"n": 5})), Some(Some(5)));
        assert_eq!(read(json!({})), Some(None));
        for bad in [json!({"n": 0}), json!({"n": 6}), json!({"n": "5"}), json!({"n": 1.5})] {
            assert_eq!(read(bad), None);
        }
    }

    #[test]
    fn a_wrong_phone_alone_has_a_code_of_its_own() {
        let mut one = fields(json!({"phone": "abc"}));
        assert!(one.phone("phone", Region::AT).is_none());
        assert_eq!(one.finish(None::<()>).unwrap_err().code(), Code::InvalidPhone);
        let mut absent = fields(json!({}));
        assert!(absent.phone("phone", Region::AT).is_none());
        assert_eq!(absent.finish(None::<()>).unwrap_err().code(), Code::InvalidFields);
    }

    #[test]
    fn a_query_is_read_once_per_name_and_without_nul() {
        assert_eq!(
            Fields::of_query("a=1&b=x%20y").unwrap().optional("b", str::parse::<String>).unwrap(),
            "x y"
        );
        assert!(Fields::of_query("a=1&a=2").is_err());
        assert!(Fields::of_query("a=%00").is_err());
        assert!(Fields::of_query("").is_ok());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        assert!(Fields::of_body(json!([])).is_err());
    }
}
