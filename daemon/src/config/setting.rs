//! From a value to a type ([`Var`]), and from a type to a decision about absence ([`Setting`]).

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use secrecy::SecretString;

use super::Env;

/// One variable, not yet read as anything. The next call says as what.
pub struct Var<'e, 's> {
    env: &'e Env<'s>,
    names: Vec<&'static str>,
    found: Option<(&'static str, String)>,
}

/// One variable, read. The next call says what its absence means.
#[must_use = "say what the variable's absence means: required, optional or a default"]
pub struct Setting<'e, 's, T> {
    env: &'e Env<'s>,
    names: Vec<&'static str>,
    value: Reading<T>,
}

/// Wrong is not absent: a wrong value must not fall back to the default.
enum Reading<T> {
    Absent,
    Wrong,
    Right(T),
}

impl<'e, 's> Var<'e, 's> {
    pub(super) fn new(
        env: &'e Env<'s>,
        names: Vec<&'static str>,
        found: Option<(&'static str, String)>,
    ) -> Self {
        Self { env, names, found }
    }

    /// Any text.
    pub fn text(self) -> Setting<'e, 's, String> {
        self.read(Ok)
    }

    /// A secret of at least `chars_min` characters, so that a key left half-pasted is noticed.
    pub fn secret(self, chars_min: usize) -> Setting<'e, 's, SecretString> {
        self.read(|value| match value.chars().count() {
            n if n < chars_min => {
                Err(format!("must have at least {chars_min} characters, not {n}"))
            }
            _ => Ok(value.into()),
        })
    }

    /// A URL with a host and one of the schemes. Kept as it was written, without slashes at the end,
    /// because signatures are computed over its very characters.
    pub fn url(self, schemes: &'static [&'static str]) -> Setting<'e, 's, String> {
        self.read(|value| match check_url(&value, schemes) {
            Ok(()) => Ok(value.trim_end_matches('/').to_owned()),
            Err(what) => Err(format!("{what}, not {value:?}")),
        })
    }

    /// A URL that carries a password, such as a database's.
    pub fn secret_url(self, schemes: &'static [&'static str]) -> Setting<'e, 's, SecretString> {
        self.read(|value| check_url(&value, schemes).map(|()| value.into()))
    }

    /// A whole number in a range.
    pub fn number<N>(self, range: RangeInclusive<N>) -> Setting<'e, 's, N>
    where
        N: FromStr + PartialOrd + Display,
    {
        self.read(|value| match value.parse::<N>() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "must be a whole number from {} to {}, not {value:?}",
                range.start(),
                range.end()
            )),
        })
    }

    /// A number with a fraction, in a range.
    pub fn fraction(self, range: RangeInclusive<f64>) -> Setting<'e, 's, f64> {
        self.read(|value| match value.parse::<f64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "must be a number from {} to {}, not {value:?}",
                range.start(),
                range.end()
            )),
        })
    }

    /// Whole seconds in a range.
    pub fn secs(self, range: RangeInclusive<u64>) -> Setting<'e, 's, Duration> {
        self.number(range).map(Duration::from_secs)
    }

    /// Whole milliseconds in a range.
    pub fn millis(self, range: RangeInclusive<u64>) -> Setting<'e, 's, Duration> {
        self.number(range).map(Duration::from_millis)
    }

    /// Yes or no: `1 true yes on` or `0 false no off`.
    pub fn flag(self) -> Setting<'e, 's, bool> {
        self.read(|value| match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(format!("must be true or false, not {value:?}")),
        })
    }

    /// Words separated by commas; blanks around them and empty ones are dropped.
    pub fn list(self) -> Setting<'e, 's, Vec<String>> {
        self.read(|value| {
            let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
            Ok(words.map(str::to_owned).collect())
        })
    }

    /// One of several words.
    pub fn choice<T: Clone>(self, choices: &[(&'static str, T)]) -> Setting<'e, 's, T> {
        self.read(|value| {
            if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
                return Ok(choice.clone());
            }
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            Err(format!("must be one of {}, not {value:?}", words.join(", ")))
        })
    }

    /// Anything that parses; `noun` says what was expected ("an address with a port").
    pub fn parse<T: FromStr>(self, noun: &'static str) -> Setting<'e, 's, T> {
        self.read(|value| value.parse().map_err(|_| format!("must be {noun}, not {value:?}")))
    }

    fn read<T>(self, reader: impl FnOnce(String) -> Result<T, String>) -> Setting<'e, 's, T> {
        let value = match self.found {
            None => Reading::Absent,
            Some((name, value)) => match reader(value) {
                Ok(value) => Reading::Right(value),
                Err(what) => {
                    self.env.mistake(name, what);
                    Reading::Wrong
                }
            },
        };
        Setting { env: self.env, names: self.names, value }
    }
}

impl<'e, 's, T> Setting<'e, 's, T> {
    /// The value; its absence is a mistake.
    pub fn required(self) -> T
    where
        T: Default,
    {
        match self.value {
            Reading::Right(value) => value,
            Reading::Wrong => T::default(),
            Reading::Absent => {
                let others = match &self.names[1..] {
                    [] => String::new(),
                    others => format!(" (or {})", others.join(", ")),
                };
                self.env.mistake(self.names[0], format!("is not set{others}"));
                T::default()
            }
        }
    }

    /// The value, or the default when it is absent.
    pub fn or(self, default: T) -> T {
        self.optional().unwrap_or(default)
    }

    /// The value, if it is there.
    pub fn optional(self) -> Option<T> {
        match self.value {
            Reading::Right(value) => Some(value),
            Reading::Absent | Reading::Wrong => None,
        }
    }

    /// The value, or the type's own default when it is absent.
    pub fn or_default(self) -> T
    where
        T: Default,
    {
        self.optional().unwrap_or_default()
    }

    /// The value as something else.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Setting<'e, 's, U> {
        let value = match self.value {
            Reading::Right(value) => Reading::Right(into(value)),
            Reading::Absent => Reading::Absent,
            Reading::Wrong => Reading::Wrong,
        };
        Setting { env: self.env, names: self.names, value }
    }
}

fn check_url(value: &str, schemes: &[&str]) -> Result<(), String> {
    let parsed = url::Url::parse(value).map_err(|_| "must be a URL".to_owned())?;
    if !schemes.contains(&parsed.scheme()) {
        return Err(format!("must be a URL that begins with {}://", schemes.join(":// or ")));
    }
    // A database's host may stand in the query (`?host=/run/postgresql`), so only web addresses must have one.
    if matches!(parsed.scheme(), "http" | "https" | "ws" | "wss") && !parsed.has_host() {
        return Err("must be a URL with a host".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Env<'_> {
        Env::new(move |name| (name == "V").then(|| value.to_owned()))
    }

    #[test]
    fn a_wrong_value_never_becomes_the_default_in_silence() {
        let env = one("maybe");
        assert!(env.var("V").flag().or(true));
        assert!(env.finish(()).unwrap_err().to_string().contains("V must be true or false"));
    }

    #[test]
    fn a_url_keeps_its_characters_but_not_its_last_slash() {
        let url = |v| one(v).var("V").url(&["https"]).optional();
        assert_eq!(url("https://Example.com/").as_deref(), Some("https://Example.com"));
        assert_eq!(url("http://example.com"), None);
        assert_eq!(url("example.com"), None);
    }

    #[test]
    fn numbers_durations_lists_and_choices_are_read() {
        assert_eq!(one("7").var("V").number(1_u8..=9).optional(), Some(7));
        assert_eq!(one("0.1").var("V").fraction(0.0..=1.0).optional(), Some(0.1));
        assert_eq!(one("NaN").var("V").fraction(0.0..=1.0).optional(), None);
        assert_eq!(one("7").var("V").millis(0..=9).optional(), Some(Duration::from_millis(7)));
        assert_eq!(one("a, ,b").var("V").list().required(), ["a", "b"]);
        assert_eq!(one("b").var("V").choice(&[("a", 1), ("b", 2)]).or(9), 2);
        let addr =
            one("127.0.0.1:0").var("V").parse::<std::net::SocketAddr>("an address").optional();
        assert!(addr.is_some());
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let env = one("abc");
        let _ = env.var("V").secret(8).required();
        let text = env.finish(()).unwrap_err().to_string();
        assert!(text.contains("at least 8 characters") && !text.contains("abc"), "{text}");
    }
}
