//! Clock expressions in words, where they are of a usual form. What is not stays as it is written.

/// `30 2 * * *` is `every day at 02:30`.
pub(crate) fn of_cron(cron: &str) -> String {
    let fields: Vec<_> = cron.split_whitespace().collect();
    said(&fields).unwrap_or_else(|| cron.to_owned())
}

fn said(fields: &[&str]) -> Option<String> {
    // An expression of six begins with the seconds.
    let ([minute, hour, day, month, weekday] | ["0", minute, hour, day, month, weekday]) = *fields
    else {
        return None;
    };
    if month != "*" {
        return None;
    }
    let every = |field: &str| field.strip_prefix("*/").and_then(|n| n.parse::<u8>().ok());
    let number = |field: &str| field.parse::<u8>().ok();
    match (minute, hour, day, weekday) {
        ("*", "*", "*", "*") => Some("every minute".to_owned()),
        (minute, "*", "*", "*") => match (every(minute), number(minute)) {
            (Some(n), _) => Some(format!("every {n} minutes")),
            (_, Some(n)) => Some(format!("every hour at minute {n}")),
            (None, None) => None,
        },
        (minute, hour, "*", "*") if every(hour).is_some() => {
            Some(format!("every {} hours at minute {}", every(hour)?, number(minute)?))
        }
        (minute, hour, day, weekday) => {
            let time = format!("{:02}:{:02}", number(hour)?, number(minute)?);
            match (day, weekday) {
                ("*", "*") => Some(format!("every day at {time}")),
                ("*", weekday) => Some(format!("every {} at {time}", day_of(weekday)?)),
                (day, "*") => Some(format!("on day {} of every month at {time}", number(day)?)),
                _ => None,
            }
        }
    }
}

fn day_of(weekday: &str) -> Option<&'static str> {
    Some(match weekday.to_ascii_lowercase().as_str() {
        "0" | "7" | "sun" => "Sunday",
        "1" | "mon" => "Monday",
        "2" | "tue" => "Tuesday",
        "3" | "wed" => "Wednesday",
        "4" | "thu" => "Thursday",
        "5" | "fri" => "Friday",
        "6" | "sat" => "Saturday",
        "1-5" | "mon-fri" => "working day",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_clocks_are_said_in_words_and_others_stay_as_they_are() {
        for (cron, words) in [
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("15 * * * *", "every hour at minute 15"),
            ("0 */6 * * *", "every 6 hours at minute 0"),
            ("30 2 * * *", "every day at 02:30"),
            ("0 9 * * mon", "every Monday at 09:00"),
            ("0 9 * * 1-5", "every working day at 09:00"),
            ("0 3 1 * *", "on day 1 of every month at 03:00"),
            ("0 30 2 * * *", "every day at 02:30"),
            ("0 9 1 1 *", "0 9 1 1 *"),
            ("1,2 9 * * *", "1,2 9 * * *"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(of_cron(cron), words);
        }
    }
}
