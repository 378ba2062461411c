//! Lists, a bounded page at a time. Whoever wants all of a list keeps the cursor, not the list.
//! Source: <https://docs.stripe.com/api/pagination>. Newest first, cursor by id: what is new appears before the first page.

use serde::Deserialize;

/// The most that Stripe gives at once.
pub const PAGE_MAX: u8 = 100;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first, [`PAGE_MAX`] at most.
    pub items: Vec<T>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// A span of creation times, in Unix seconds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Not older.
    pub from: i64,
    /// Not newer.
    pub to: Option<i64>,
}

impl Since {
    pub(super) fn query(self) -> Vec<(&'static str, String)> {
        let mut query = vec![("created[gte]", self.from.to_string())];
        query.extend(self.to.map(|to| ("created[lte]", to.to_string())));
        query
    }
}

/// What every list is asked for.
pub(super) fn query(starting_after: Option<&str>) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", PAGE_MAX.to_string())];
    query.extend(starting_after.map(|id| ("starting_after", id.to_owned())));
    query
}

/// A list as Stripe writes it.
#[derive(Deserialize)]
pub(super) struct WirePage<T> {
    data: Vec<T>,
    #[serde(default)]
    has_more: bool,
}

impl<T> WirePage<T> {
    pub(super) fn into_page<U: From<T>>(self) -> Page<U> {
        Page { items: self.data.into_iter().map(U::from).collect(), has_more: self.has_more }
    }
}

/// A field that holds an id, or, expanded, the object with that id.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireRef {
    Id(String),
    Object { id: String },
}

impl WireRef {
    pub(super) fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}
