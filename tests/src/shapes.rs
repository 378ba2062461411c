//! What the routes take: members of bodies and parameters of queries. The `OpenAPI` document is made of it, and a test asks every
//! route whether that is what it reads.

mod bodies; // what is posted
mod queries; // what stands in an address

use serde_json::{Value, json};

pub use self::{bodies::BODIES, queries::QUERIES};

/// What one route takes.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// `POST`, `PATCH`, `GET`.
    pub method: &'static str,
    /// As the table of routes has it.
    pub path: &'static str,
    /// What it reads.
    pub fields: &'static [Field],
    /// If there are any: all of the fields of one of these must be there.
    pub one_of: &'static [&'static [&'static str]],
    /// Bodies besides `{}` after which it reads other fields.
    pub ways: &'static [&'static str],
    /// Whether it ignores what it does not know: forms carry more than we ask for.
    pub is_open: bool,
}

/// One member.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    kind: Kind,
    /// Whether nothing is done without it.
    pub is_needed: bool,
    is_nullable: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A text of at most so many characters; 0: the route knows how many.
    Text(u64),
    Format(&'static str),
    Words(&'static [&'static str]),
    WordList(&'static [&'static str]),
    Texts,
    Number(i64, i64),
    Flag,
    /// `true` or `false` in a query.
    FlagWord,
    Object,
    Any,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_needed: false, is_nullable: false }
}

const fn text(name: &'static str) -> Field {
    field(name, Kind::Text(0))
}

const fn number(name: &'static str, min: i64, max: i64) -> Field {
    field(name, Kind::Number(min, max))
}

const fn words(name: &'static str, words: &'static [&'static str]) -> Field {
    field(name, Kind::Words(words))
}

const fn instant(name: &'static str) -> Field {
    field(name, Kind::Format("date-time"))
}

const fn uuid(name: &'static str) -> Field {
    field(name, Kind::Format("uuid"))
}

const fn flag(name: &'static str) -> Field {
    field(name, Kind::Flag)
}

/// Where a job can stand.
const STATES: &[&str] =
    &["scheduled", "ready", "running", "waiting", "parked", "succeeded", "failed", "cancelled"];

/// Why, in an operator's words.
const REASON: Field = field("reason", Kind::Text(500));

impl Field {
    const fn needed(self) -> Field {
        Field { is_needed: true, ..self }
    }

    const fn or_null(self) -> Field {
        Field { is_nullable: true, ..self }
    }

    /// As JSON Schema says it.
    pub fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text(0) => json!({ "type": "string" }),
            Kind::Text(max) => json!({ "type": "string", "minLength": 1, "maxLength": max }),
            Kind::Format(format) => json!({ "type": "string", "format": format }),
            Kind::Words(words) => json!({ "type": "string", "enum": words }),
            Kind::WordList(words) => json!({
                "type": "array", "minItems": 1, "items": { "type": "string", "enum": words },
            }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Number(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::FlagWord => json!({ "type": "string", "enum": ["true", "false"] }),
            Kind::Object => json!({ "type": "object" }),
            Kind::Any => json!({}),
        };
        if self.is_nullable && !matches!(self.kind, Kind::Any) {
            schema["type"] = json!([schema["type"], "null"]);
        }
        schema
    }
}

const fn shape(method: &'static str, path: &'static str, fields: &'static [Field]) -> Shape {
    Shape { method, path, fields, one_of: &[], ways: &[], is_open: false }
}

const fn post(path: &'static str, fields: &'static [Field]) -> Shape {
    shape("POST", path, fields)
}

const fn get(path: &'static str, fields: &'static [Field]) -> Shape {
    shape("GET", path, fields)
}

impl Shape {
    const fn one_of(self, one_of: &'static [&'static [&'static str]]) -> Shape {
        Shape { one_of, ..self }
    }

    const fn ways(self, ways: &'static [&'static str]) -> Shape {
        Shape { ways, ..self }
    }

    const fn open(self) -> Shape {
        Shape { is_open: true, ..self }
    }

    /// The schema of the body.
    pub fn schema(&self) -> Value {
        let properties: serde_json::Map<_, _> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let needed: Vec<_> =
            self.fields.iter().filter(|field| field.is_needed).map(|field| field.name).collect();
        let mut schema = json!({
            "type": "object", "properties": properties, "additionalProperties": self.is_open,
        });
        if !needed.is_empty() {
            schema["required"] = json!(needed);
        }
        if !self.one_of.is_empty() {
            let either = self.one_of.iter().map(|names| json!({ "required": names }));
            schema["anyOf"] = either.collect();
        }
        schema
    }

    /// Whether a body has to be there.
    pub fn needs_body(&self) -> bool {
        !self.one_of.is_empty() || self.fields.iter().any(|field| field.is_needed)
    }
}
