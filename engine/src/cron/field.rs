//! One field of a cron expression: a list of numbers, names, ranges and steps, read strictly and written again as a plain
//! list that leaves the `cron` crate nothing to interpret.

use thiserror::Error;

use super::CronError;

/// The highest number anywhere is 59; more digits than this are an attack or a slip.
const DIGITS_MAX: usize = 4;

/// What is wrong with a part of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldFault {
    /// No number, and no name that the field knows.
    #[error("is not understood")]
    Unreadable,
    /// A number of more than four digits.
    #[error("has a number with too many digits")]
    Digits,
    /// A number that the field does not have.
    #[error("has a number outside {min} to {max}")]
    Outside {
        /// The lowest number.
        min: u16,
        /// The highest number.
        max: u16,
    },
    /// A range that ends before it starts.
    #[error("is a range that ends before it starts")]
    Backwards,
    /// A step of nothing, or longer than the field.
    #[error("has a step outside 1 to {max}")]
    Step {
        /// The longest step.
        max: u16,
    },
}

/// What a field may hold.
pub(super) struct Field {
    name: &'static str,
    min: u16,
    max: u16,
    /// For the numbers from `min`; three letters or more of one are enough.
    names: &'static [&'static str],
    is_day: bool,
    /// The highest number is the lowest one again: 7 is Sunday, as is 0.
    is_round: bool,
}

pub(super) const SECOND: Field = Field::new("second", 0, 59);
pub(super) const MINUTE: Field = Field::new("minute", 0, 59);
pub(super) const HOUR: Field = Field::new("hour", 0, 23);
pub(super) const DAY_OF_MONTH: Field = Field { is_day: true, ..Field::new("day of month", 1, 31) };
pub(super) const MONTH: Field = Field { names: &MONTHS, ..Field::new("month", 1, 12) };
pub(super) const DAY_OF_WEEK: Field =
    Field { is_day: true, is_round: true, names: &WEEKDAYS, ..Field::new("day of week", 0, 7) };

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A field that was read.
pub(super) struct Parsed {
    /// The same in the `cron` crate's words.
    pub(super) text: String,
    /// Whether it is a choice; in Unix, a field that begins with a star is none.
    pub(super) is_restricted: bool,
}

impl Field {
    const fn new(name: &'static str, min: u16, max: u16) -> Field {
        Field { name, min, max, names: &[], is_day: false, is_round: false }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Parsed, CronError> {
        let mut numbers = 0_u64; // a bit for each
        for part in text.split(',') {
            let fault = |fault| CronError::Field { field: self.name, part: part.to_owned(), fault };
            numbers |= self.part(part).map_err(fault)?;
        }
        Ok(Parsed { text: self.write(numbers), is_restricted: !text.starts_with(['*', '?']) })
    }

    fn part(&self, part: &str) -> Result<u64, FieldFault> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let (start, end) = match range.split_once('-') {
            Some((start, end)) => self.range(start, end)?,
            None if range == "*" => (self.min, self.max),
            None if range == "?" && self.is_day && step.is_none() => (self.min, self.max),
            None => {
                let start = self.value(range)?;
                (start, if step.is_some() { self.max } else { start })
            }
        };
        let step = usize::from(step.unwrap_or(1));
        Ok((start..=end).step_by(step).fold(0, |numbers, n| numbers | 1 << n))
    }

    fn step(&self, text: &str) -> Result<u16, FieldFault> {
        let step = number(text)?;
        if step == 0 || step > self.max {
            Err(FieldFault::Step { max: self.max })
        } else {
            Ok(step)
        }
    }

    fn range(&self, start: &str, end: &str) -> Result<(u16, u16), FieldFault> {
        let (start, mut end) = (self.value(start)?, self.value(end)?);
        if self.is_round && end == self.min && end < start {
            end = self.max; // Fri-Sun
        }
        if end < start { Err(FieldFault::Backwards) } else { Ok((start, end)) }
    }

    fn value(&self, text: &str) -> Result<u16, FieldFault> {
        if let Some(index) = self.names.iter().position(|name| is_short_for(text, name)) {
            return Ok(self.min + u16::try_from(index).map_err(|_| FieldFault::Unreadable)?);
        }
        let number = number(text)?;
        if (self.min..=self.max).contains(&number) {
            Ok(number)
        } else {
            Err(FieldFault::Outside { min: self.min, max: self.max })
        }
    }

    fn write(&self, mut numbers: u64) -> String {
        let mut all = self.min..=self.max;
        if self.is_round {
            numbers |= (numbers >> self.max & 1) << self.min;
            all = self.min..=self.max - 1;
        }
        if all.clone().all(|n| numbers >> n & 1 == 1) {
            return "*".to_owned();
        }
        let chosen = all.filter(|n| numbers >> n & 1 == 1).map(|n| self.word(n));
        chosen.collect::<Vec<_>>().join(",")
    }

    /// A name where there is one: the `cron` crate counts weekdays in another way.
    fn word(&self, n: u16) -> String {
        match self.names.get(usize::from(n - self.min)) {
            Some(name) => (*name).to_owned(),
            None => n.to_string(),
        }
    }
}

fn number(text: &str) -> Result<u16, FieldFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FieldFault::Unreadable);
    }
    if text.len() > DIGITS_MAX {
        return Err(FieldFault::Digits);
    }
    text.parse().map_err(|_| FieldFault::Digits)
}

fn is_short_for(text: &str, name: &str) -> bool {
    text.len() >= 3 && name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: &Field, text: &str) -> String {
        field.parse(text).unwrap().text
    }

    fn fault(field: &Field, text: &str) -> FieldFault {
        match field.parse(text) {
            Err(CronError::Field { fault, .. }) => fault,
            other => panic!("{text}: {:?}", other.map(|parsed| parsed.text)),
        }
    }

    #[test]
    fn weekdays_are_written_as_names_from_numbers_ranges_lists_and_steps() {
        for (text, names) in [
            ("0", "sunday"),
            ("7", "sunday"),
            ("sun", "sunday"),
            ("Sunday", "sunday"),
            ("1", "monday"),
            ("1-5", "monday,tuesday,wednesday,thursday,friday"),
            ("MON-FRI/2", "monday,wednesday,friday"),
            ("5-7", "sunday,friday,saturday"),
            ("Fri-Sun", "sunday,friday,saturday"),
            ("6,7,thurs", "sunday,thursday,saturday"),
            ("*/2", "sunday,tuesday,thursday,saturday"),
            ("*/7", "sunday"),
            ("3/2", "sunday,wednesday,friday"),
            ("0-6", "*"),
            ("1-7", "*"),
            ("?", "*"),
        ] {
            assert_eq!(written(&DAY_OF_WEEK, text), names, "{text}");
        }
    }

    #[test]
    fn other_fields_are_written_as_numbers_and_months_as_names() {
        assert_eq!(written(&MINUTE, "*/15"), "0,15,30,45");
        assert_eq!(written(&MINUTE, "50/4,3"), "3,50,54,58");
        assert_eq!(written(&HOUR, "0-23"), "*");
        assert_eq!(written(&MONTH, "jan,Sept,june-AUG"), "january,june,july,august,september");
        assert_eq!(written(&DAY_OF_MONTH, "029"), "29");
    }

    #[test]
    fn nonsense_is_refused() {
        use FieldFault::{Backwards, Digits, Outside, Step, Unreadable};
        for text in ["", ",", "1,", "-", "1-", "-1", "1-2-3", "1/", "/2", "**", "?", "a", "ä", "+1"]
        {
            assert_eq!(fault(&MINUTE, text), Unreadable, "{text}");
        }
        for text in ["l", "su", "sundays", "1#2", "?/2", "mon-"] {
            assert_eq!(fault(&DAY_OF_WEEK, text), Unreadable, "{text}");
        }
        assert_eq!(fault(&HOUR, "24"), Outside { min: 0, max: 23 });
        assert_eq!(fault(&DAY_OF_MONTH, "0-5"), Outside { min: 1, max: 31 });
        assert_eq!(fault(&DAY_OF_WEEK, "8"), Outside { min: 0, max: 7 });
        assert_eq!(fault(&HOUR, "00001"), Digits);
        assert_eq!(fault(&HOUR, "5-3"), Backwards);
        assert_eq!(fault(&HOUR, "5-0"), Backwards);
        assert_eq!(fault(&MONTH, "dec-jan"), Backwards);
        assert_eq!(fault(&DAY_OF_WEEK, "5-2"), Backwards);
        assert_eq!(fault(&MINUTE, "*/0"), Step { max: 59 });
        assert_eq!(fault(&MINUTE, "*/60"), Step { max: 59 });
    }
}
