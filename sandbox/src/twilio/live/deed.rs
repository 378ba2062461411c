//! What a caller does.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// One thing that a caller does. As text: `say …`, `wait 500`, `press 1`, `listen`, `interrupt 300`, `hang up`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Says something.
    Say(String),
    /// Is silent for so long.
    Wait(Duration),
    /// Presses a key.
    Press(char),
    /// Waits until the other side has said something and stopped.
    Listen,
    /// Waits until the other side has been heard for so long; what is said next interrupts it.
    Interrupt(Duration),
    /// Hangs up.
    HangUp,
}

/// A line that is no deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no deed: say …, wait MS, press KEY, listen, interrupt MS, hang up")]
pub struct BadDeed;

impl FromStr for Deed {
    type Err = BadDeed;

    fn from_str(line: &str) -> Result<Self, BadDeed> {
        let line = line.trim();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let millis = || rest.parse().map(Duration::from_millis).map_err(|_| BadDeed);
        match verb {
            "say" if !rest.is_empty() => Ok(Self::Say(rest.to_owned())),
            "wait" => millis().map(Self::Wait),
            "interrupt" => millis().map(Self::Interrupt),
            "listen" if rest.is_empty() => Ok(Self::Listen),
            "hang" if rest == "up" => Ok(Self::HangUp),
            "press" => {
                let mut keys = rest.chars();
                match (keys.next(), keys.next()) {
                    (Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Ok(Self::Press(key)),
                    _ => Err(BadDeed),
                }
            }
            _ => Err(BadDeed),
        }
    }
}

impl<'de> Deserialize<'de> for Deed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_read_from_lines() {
        let ms = Duration::from_millis;
        let lines =
            ["say Hello there", "wait 500", "press #", "listen", "interrupt 300", "hang up"];
        let read: Vec<Deed> = lines.iter().map(|line| line.parse().unwrap()).collect();
        let hello = Deed::Say("Hello there".to_owned());
        let wanted = [
            hello,
            Deed::Wait(ms(500)),
            Deed::Press('#'),
            Deed::Listen,
            Deed::Interrupt(ms(300)),
            Deed::HangUp,
        ];
        assert_eq!(read, wanted);
        for line in ["", "say", "press", "press 12", "press x", "wait", "hang", "listen now"] {
            assert_eq!(line.parse::<Deed>(), Err(BadDeed), "{line}");
        }
    }
}
