//! Fields with brackets: `items[0][price]`, `metadata[tenant_id]`. What nobody asks for is refused, as at Stripe's.

use std::collections::BTreeMap;

use super::answer::{Answer, Refused};

/// The fields of a form or a query that have not been read yet.
#[derive(Debug)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(super) fn required(&mut self, name: &str) -> Result<String, Refused> {
        self.take(name).ok_or_else(|| {
            Answer::code("parameter_missing", &format!("Missing required param: {name}."))
        })
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().map_err(|_| Answer::bad(&format!("Invalid integer: {name}")))?;
        Ok(Some(number))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refused> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let flag = text.parse().map_err(|_| Answer::bad(&format!("Invalid boolean: {name}")))?;
        Ok(Some(flag))
    }

    /// `name[…]=…`, all of them.
    pub(super) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let prefix = format!("{name}[");
        let inside = |key: &str| Some(key.strip_prefix(&prefix)?.strip_suffix(']')?.to_owned());
        let found: Vec<_> =
            self.0.keys().filter_map(|key| Some((key.clone(), inside(key)?))).collect();
        let taken =
            found.into_iter().map(|(key, name)| (name, self.take(&key).unwrap_or_default()));
        taken.collect()
    }

    /// What is expanded is always there, so nothing has to be done about it.
    pub(super) fn expansions(&mut self) {
        self.0.retain(|name, _| !name.starts_with("expand"));
    }

    /// Nothing is left. Said before anything is done.
    pub(super) fn finish(&self) -> Result<(), Refused> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("Received unknown parameter: {name}");
                Err(Answer::code("parameter_unknown", &message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_read_and_what_nobody_asks_for_is_refused() {
        let mut form =
            Form::read(b"items%5B0%5D%5Bprice%5D=price_1&metadata[a]=1&metadata[b]=2&x=y");
        assert_eq!(form.take("items[0][price]").as_deref(), Some("price_1"));
        assert_eq!(form.map("metadata").len(), 2);
        assert!(form.finish().is_err());
    }
}
