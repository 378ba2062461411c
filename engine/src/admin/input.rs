//! What an operator types in: checked like what a program hands over, and more.

use serde_json::Value;

use crate::{
    engine::Engine,
    error::{Error, Refusal},
    job::ARGS_BYTES_MAX,
    json, sealed,
    shapes::Part,
};

/// A value as it can be stored: what is sealed in the old one stays sealed where the new one says `sealed`, and it fits
/// what this version of the code expects.
pub(super) fn checked(
    engine: &Engine,
    part: Part,
    name: &str,
    old: Option<&Value>,
    new: Value,
) -> Result<Value, Error> {
    json::check(&new, ARGS_BYTES_MAX).map_err(Error::BadJson)?;
    let new = match old {
        Some(old) => sealed::keep(old, new),
        None => new,
    };
    json::check(&new, ARGS_BYTES_MAX).map_err(Error::BadJson)?;
    match engine.shapes().fits(part, name, &new) {
        None => Err(Error::UnknownName { name: name.to_owned() }),
        // The decoder's own words may quote what must not be seen.
        Some(Err(_)) => Err(Refusal::DoesNotFit { name: name.to_owned() }.into()),
        Some(Ok(())) => Ok(new),
    }
}
