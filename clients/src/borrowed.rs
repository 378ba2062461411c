//! Text of JSON that is borrowed from what came wherever it stands there as it is, optional fields included: serde itself copies
//! an optional [`Cow`].

use std::borrow::Cow;

use serde::Deserialize;

/// A string of JSON; copied only if it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Str<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);
