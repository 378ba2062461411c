//! The environment as a function from a name to a value, and the mistakes found in it so far.

use std::cell::RefCell;

use super::{ConfigErrors, Mistake, Var};

/// One name, or several of which the first that is set counts.
pub struct Names(Vec<&'static str>);

impl From<&'static str> for Names {
    fn from(name: &'static str) -> Self {
        Self(vec![name])
    }
}

impl<const N: usize> From<[&'static str; N]> for Names {
    fn from(names: [&'static str; N]) -> Self {
        Self(names.to_vec())
    }
}

/// Where a variable's value comes from.
type Source<'s> = Box<dyn Fn(&str) -> Option<String> + 's>;

/// Reads variables and remembers what was wrong with them.
///
/// A reading that fails gives a placeholder and goes on, so that all mistakes are found; [`Env::finish`] then
/// gives the mistakes instead of what was built from placeholders.
pub struct Env<'s> {
    source: Source<'s>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Env<'static> {
    /// The environment of this process. The one place that reads it.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }
}

impl<'s> Env<'s> {
    /// Reads from a function: a map in tests, the process's environment otherwise.
    pub fn new(source: impl Fn(&str) -> Option<String> + 's) -> Self {
        Self { source: Box::new(source), mistakes: RefCell::default() }
    }

    /// One variable under its first name that is set. A blank value counts as not set: compose files and
    /// shells pass `NAME=` for "nothing".
    pub fn var(&self, names: impl Into<Names>) -> Var<'_, 's> {
        let Names(names) = names.into();
        let found = names.iter().find_map(|name| self.value(name).map(|value| (*name, value)));
        Var::new(self, names, found)
    }

    /// Whether a variable is set to something, whatever it is.
    pub fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Records a mistake that only shows when several variables are looked at together.
    pub fn mistake(&self, name: impl Into<String>, what: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { name: name.into(), what: what.into() });
    }

    /// What was built, if nothing was wrong; otherwise everything that was.
    pub fn finish<T>(self, built: T) -> Result<T, ConfigErrors> {
        match self.mistakes.into_inner() {
            mistakes if mistakes.is_empty() => Ok(built),
            mistakes => Err(ConfigErrors::new(mistakes)),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.source)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> Env<'a> {
        Env::new(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_first_name_that_is_set_counts() {
        let env = env(&[("A", " "), ("B", "b"), ("C", "c")]);
        assert_eq!(env.var(["A", "B", "C"]).text().required(), "b");
        assert!(env.finish(()).is_ok());
    }

    #[test]
    fn every_mistake_is_reported_and_none_shows_a_secret() {
        let env = env(&[("DATABASE_URL", "mysql://root:hunter2@h/db"), ("N", "0")]);
        let _ = env.var("DATABASE_URL").secret_url(&["postgres", "postgresql"]).required();
        let _ = env.var("KEY").secret(16).required();
        let _ = env.var("N").number(1_u16..=9).or(3);
        let text = env.finish(()).unwrap_err().to_string();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_process_is_told_of_a_mistake_between_variables() {
        let env = env(&[]);
        env.mistake("A", "needs B");
        assert_eq!(env.finish(()).unwrap_err().mistakes()[0].to_string(), "A needs B");
    }
}
