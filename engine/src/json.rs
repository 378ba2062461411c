//! Limits on JSON that goes into `jsonb`, checked before it is sent: one bad value must not fail a whole batch.
//!
//! Tried on Postgres: `jsonb` refuses U+0000 in strings and keys. It keeps every number that `serde_json` can hold (64-bit
//! integers and finite floats; its own limit is 131,072 digits), so no fault is about numbers. A float without a fraction
//! may come back as an integer (`1e16` as `10000000000000000`).

use std::{io, iter, slice};

use serde_json::{Value, map};
use thiserror::Error;

/// Half of the depth at which `serde_json` refuses to read, so that an envelope around the value can be read too.
pub const DEPTH_MAX: usize = 64;

/// A pointer is for a person who looks for the place, and keys can be long.
const POINTER_CHARS_MAX: usize = 200;

/// Why a value cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// Postgres' text cannot hold it.
    #[error("the string or key at {pointer:?} holds U+0000, which jsonb cannot keep")]
    Nul {
        /// Where (RFC 6901, cut at 200 characters); U+0000 itself shows as U+FFFD.
        pointer: String,
    },
    /// Arrays and objects stand in one another too deeply.
    #[error("arrays and objects are nested more than {max} deep")]
    TooDeep {
        /// [`DEPTH_MAX`], or what an envelope may be beyond it.
        max: usize,
    },
    /// The text would be too long.
    #[error("{bytes} bytes of JSON where {max} are allowed")]
    TooLarge {
        /// How long the text is, without spaces.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// Whether the value can be kept, and how many bytes its text has. Postgres' own limit is 256 MB for a string and for all
/// of an array; `bytes_max` is meant to be far below.
pub fn check(value: &Value, bytes_max: usize) -> Result<usize, JsonFault> {
    check_within(value, bytes_max, DEPTH_MAX)
}

/// The same of a value that may be deeper, because it stands in an envelope of ours.
pub(crate) fn check_within(
    value: &Value,
    bytes_max: usize,
    depth_max: usize,
) -> Result<usize, JsonFault> {
    walk(value, depth_max)?; // first, because writing recurses and is safe only at a known depth
    let bytes = text_bytes(value);
    if bytes > bytes_max {
        return Err(JsonFault::TooLarge { bytes, max: bytes_max });
    }
    Ok(bytes)
}

/// Visits every value without recursion: a stack overflow cannot be caught.
fn walk(root: &Value, depth_max: usize) -> Result<(), JsonFault> {
    let mut path = Vec::new();
    let mut open: Vec<_> = Children::of(root).into_iter().collect();
    refuse_nul(root, &path)?;
    while let Some(children) = open.last_mut() {
        let Some((segment, value)) = children.next() else {
            open.pop();
            path.pop();
            continue;
        };
        path.push(segment);
        refuse_nul(value, &path)?;
        match Children::of(value) {
            Some(_) if open.len() == depth_max => {
                return Err(JsonFault::TooDeep { max: depth_max });
            }
            Some(children) => open.push(children),
            None => drop(path.pop()),
        }
    }
    Ok(())
}

/// Looks at the last key of the path and at the value itself.
fn refuse_nul(value: &Value, path: &[Segment<'_>]) -> Result<(), JsonFault> {
    let in_key = matches!(path.last(), Some(Segment::Key(key)) if key.contains('\0'));
    if in_key || value.as_str().is_some_and(|text| text.contains('\0')) {
        return Err(JsonFault::Nul { pointer: pointer(path) });
    }
    Ok(())
}

/// One step on the way to a value.
#[derive(Clone, Copy)]
enum Segment<'a> {
    Index(usize),
    Key(&'a str),
}

/// What is left to visit of an array or object.
enum Children<'a> {
    Items(iter::Enumerate<slice::Iter<'a, Value>>),
    Members(map::Iter<'a>),
}

impl<'a> Children<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Array(items) => Some(Children::Items(items.iter().enumerate())),
            Value::Object(members) => Some(Children::Members(members.iter())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = (Segment<'a>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Children::Items(items) => items.next().map(|(i, value)| (Segment::Index(i), value)),
            Children::Members(members) => {
                members.next().map(|(key, value)| (Segment::Key(key), value))
            }
        }
    }
}

fn pointer(path: &[Segment<'_>]) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Index(i) => pointer.push_str(&i.to_string()),
            Segment::Key(key) => {
                let key = key.replace('~', "~0").replace('/', "~1").replace('\0', "\u{fffd}");
                pointer.push_str(&key);
            }
        }
    }
    match pointer.char_indices().nth(POINTER_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &pointer[..end]),
        None => pointer,
    }
}

fn text_bytes(value: &Value) -> usize {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value)
        .expect("every key of a value is a string, and counting cannot fail");
    counter.0
}

/// Takes any text and keeps only its length.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLENTY: usize = 1_000_000;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, i| {
            if i % 2 == 0 { json!([inner]) } else { json!({ "in": inner }) }
        })
    }

    fn nul_at(value: &Value) -> String {
        match check(value, PLENTY) {
            Err(JsonFault::Nul { pointer }) => pointer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_text() {
        for value in [
            json!(null),
            json!("ä\n\"\u{1}€"),
            json!({"a": [1, -2.5, true, {}], "b": {"c": []}}),
            json!([f64::MAX, 5e-324, u64::MAX, i64::MIN]),
        ] {
            let bytes = value.to_string().len();
            assert_eq!(check(&value, bytes), Ok(bytes));
            let max = bytes - 1;
            assert_eq!(check(&value, max), Err(JsonFault::TooLarge { bytes, max }));
        }
    }

    #[test]
    fn a_nul_is_found_in_strings_and_keys_and_its_place_is_told() {
        assert_eq!(nul_at(&json!("\0")), "");
        assert_eq!(nul_at(&json!({"a": [0, {"b/c~": "x\0"}]})), "/a/1/b~1c~0");
        assert_eq!(nul_at(&json!({"a": [[], {"": 1}], "b": [1, "\0"]})), "/b/1");
        assert_eq!(nul_at(&json!([{"k\0y": 1}])), "/0/k\u{fffd}y");
        assert_eq!(nul_at(&json!({ "ä".repeat(500): "\0" })).chars().count(), 201);
    }

    #[test]
    fn nesting_is_limited_and_a_hundred_thousand_deep_overflows_no_stack() {
        check(&nested(DEPTH_MAX), PLENTY).unwrap();
        check_within(&nested(DEPTH_MAX + 4), PLENTY, DEPTH_MAX + 4).unwrap();
        let too_deep = Err(JsonFault::TooDeep { max: DEPTH_MAX });
        assert_eq!(check(&nested(DEPTH_MAX + 1), PLENTY), too_deep);
        let mut deep = nested(0);
        for _ in 0..100_000 {
            deep = Value::Array(vec![deep]);
        }
        assert_eq!(check(&deep, PLENTY), too_deep);
        // Dropping recurses as well, and would overflow here.
        while let Value::Array(mut items) = deep {
            deep = items.remove(0);
        }
    }

    #[test]
    fn siblings_do_not_count_as_depth() {
        check(&Value::Array(vec![nested(DEPTH_MAX - 1); 100]), PLENTY).unwrap();
    }
}
