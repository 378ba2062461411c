use chrono::Weekday;
use proptest::prelude::*;

use super::*;

const VIENNA: &str = "Europe/Vienna";

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The next ticks as the clock in the zone shows them, with its offset.
fn ticks(expression: &str, zone: &str, at: &str, n: usize) -> Vec<String> {
    let cron = Cron::parse(expression, zone).unwrap();
    let shown = |tick: DateTime<Utc>| tick.with_timezone(&cron.zone).format("%FT%T%:z").to_string();
    cron.next_n(utc(at), n).into_iter().map(shown).collect()
}

#[test]
fn day_one_is_a_monday() {
    let cron = Cron::parse("0 7 * * 1", "UTC").unwrap();
    let next = cron.next_after(utc("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!((next, next.weekday()), (utc("2026-01-05T07:00:00Z"), Weekday::Mon));
}

#[test]
fn days_zero_and_seven_are_sunday_and_one_to_five_are_working_days() {
    let at = "2026-01-01T00:00:00Z"; // a Thursday
    for sunday in ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN"] {
        assert_eq!(ticks(sunday, "UTC", at, 1), ["2026-01-04T00:00:00+00:00"], "{sunday}");
    }
    let days: Vec<_> = ticks("0 9 * * 1-5", "UTC", at, 4);
    let expected = ["01", "02", "05", "06"].map(|day| format!("2026-01-{day}T09:00:00+00:00"));
    assert_eq!(days, expected);
}

#[test]
fn every_quarter_of_an_hour_and_never_the_present_instant() {
    let minutes: Vec<_> = ticks("*/15 * * * *", "UTC", "2026-01-01T10:15:00Z", 4);
    let expected = ["10:30", "10:45", "11:00", "11:15"].map(|t| format!("2026-01-01T{t}:00+00:00"));
    assert_eq!(minutes, expected);
    let next = ticks("*/15 * * * *", "UTC", "2026-01-01T10:14:59.999Z", 1);
    assert_eq!(next, ["2026-01-01T10:15:00+00:00"]);
}

#[test]
fn six_fields_begin_with_seconds() {
    let next = ticks("*/20 * * * * *", "UTC", "2026-01-01T00:00:00.5Z", 3);
    let expected = ["00:20", "00:40", "01:00"].map(|t| format!("2026-01-01T00:{t}+00:00"));
    assert_eq!(next, expected);
}

#[test]
fn the_29th_of_february_comes_in_leap_years() {
    let next = ticks("0 0 29 2 *", "UTC", "2025-01-01T00:00:00Z", 2);
    assert_eq!(next, ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"]);
    let later = ticks("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1);
    assert!(later.is_empty(), "2100 is no leap year, and the calendar of the crate ends there");
}

#[test]
fn months_have_names() {
    let next = ticks("30 6 1 mar,September *", "UTC", "2026-01-01T00:00:00Z", 2);
    assert_eq!(next, ["2026-03-01T06:30:00+00:00", "2026-09-01T06:30:00+00:00"]);
}

#[test]
fn a_day_fits_either_restricted_day_field_and_both_if_one_is_a_star() {
    // Thursday 1 January 2026; Mondays are 5 and 12.
    let either = ticks("0 0 7 * 1", "UTC", "2026-01-01T00:00:00Z", 3);
    assert_eq!(either, ["05", "07", "12"].map(|day| format!("2026-01-{day}T00:00:00+00:00")));
    let both = ticks("0 0 */2 * 1", "UTC", "2026-01-01T00:00:00Z", 2);
    assert_eq!(both, ["05", "19"].map(|day| format!("2026-01-{day}T00:00:00+00:00")));
}

#[test]
fn the_zones_clock_decides() {
    let next = ticks("0 7 * * *", VIENNA, "2026-03-28T00:00:00Z", 2);
    assert_eq!(next, ["2026-03-28T07:00:00+01:00", "2026-03-29T07:00:00+02:00"]);
}

#[test]
fn a_tick_in_the_skipped_hour_fires_at_the_first_instant_after_the_gap() {
    let gap_ends = "2026-03-29T03:00:00+02:00"; // 02:00 was followed by 03:00
    let daily = ticks("30 2 * * *", VIENNA, "2026-03-28T12:00:00Z", 2);
    assert_eq!(daily, [gap_ends, "2026-03-30T02:30:00+02:00"]);
    let several = ticks("*/20 * * * *", VIENNA, "2026-03-29T00:39:00Z", 3);
    assert_eq!(several, ["2026-03-29T01:40:00+01:00", gap_ends, "2026-03-29T03:20:00+02:00"]);
    let weekly = ticks("15 2 * * 0", VIENNA, "2026-03-28T12:00:00Z", 1);
    assert_eq!(weekly, [gap_ends]);
}

#[test]
fn a_tick_in_the_repeated_hour_fires_once_and_the_first_time() {
    let daily = ticks("30 2 * * *", VIENNA, "2026-10-24T12:00:00Z", 2);
    assert_eq!(daily, ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]);
    let often = ticks("*/30 * * * *", VIENNA, "2026-10-24T23:45:00Z", 4);
    assert_eq!(
        often,
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T03:00:00+01:00",
            "2026-10-25T03:30:00+01:00",
        ]
    );
}

#[test]
fn asked_while_the_hour_repeats_the_next_tick_is_after_it() {
    for at in ["2026-10-25T01:00:00Z", "2026-10-25T01:10:00.25Z", "2026-10-25T01:59:59.999Z"] {
        let next = ticks("* * * * * *", VIENNA, at, 1);
        assert_eq!(next, ["2026-10-25T03:00:00+01:00"], "{at}");
    }
}

#[test]
fn odd_clock_changes_are_no_exception() {
    // Half an hour back at 02:00 to 01:30; and a whole day left out.
    let lord_howe = ticks("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", 2);
    assert_eq!(lord_howe, ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"]);
    let apia = ticks("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", 2);
    assert_eq!(apia, ["2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"]);
}

#[test]
fn the_cron_crate_alone_loses_the_gap_and_fires_twice_in_the_repeated_hour() {
    let schedule = Schedule::from_str("0 30 2 * * *").unwrap();
    let zone: Tz = VIENNA.parse().unwrap();
    let next = |at: &str, n: usize| -> Vec<String> {
        let at = utc(at).with_timezone(&zone);
        schedule.after(&at).take(n).map(|tick| tick.to_rfc3339()).collect()
    };
    assert_eq!(next("2026-03-28T12:00:00Z", 1), ["2026-03-30T02:30:00+02:00"]);
    let twice = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"];
    assert_eq!(next("2026-10-24T12:00:00Z", 2), twice);
    assert!(Schedule::from_str("0 7 * * 1").is_err(), "five fields");
}

#[test]
fn what_is_no_schedule_is_refused() {
    let fault = |expression: &str| Cron::parse(expression, "UTC").unwrap_err();
    assert_eq!(fault(""), CronError::Fields { found: 0 });
    assert_eq!(fault("* * * *"), CronError::Fields { found: 4 });
    assert_eq!(fault("* * * * * * 2026"), CronError::Fields { found: 7 });
    assert_eq!(fault(&"*".repeat(201)), CronError::TooLong { bytes: 201, max: 200 });
    assert_eq!(fault("0 0 31 2 *"), CronError::NeverFires);
    assert_eq!(fault("0 0 31 4,6,9,11 *"), CronError::NeverFires);
    let huge = fault("0 0 1--100000000 * *").to_string();
    assert_eq!(huge, r#"day of month: "1--100000000" is not understood"#);
    assert!(matches!(fault("0 0 1-100000000 * *"), CronError::Field { .. }));
    for zone in ["", "Mars/Olympus", &"x".repeat(500)] {
        let error = Cron::parse("* * * * *", zone).unwrap_err();
        assert!(matches!(&error, CronError::Zone { name } if name.len() <= 64), "{error}");
    }
}

#[test]
fn a_schedule_shows_as_its_expression_and_zone() {
    let cron = Cron::parse("  0  7 * * 1 ", VIENNA).unwrap();
    assert_eq!(cron.to_string(), "0 7 * * 1 Europe/Vienna");
    assert_eq!((cron.expression(), cron.zone()), ("0 7 * * 1", VIENNA));
}

#[test]
fn the_ends_of_time_are_quiet() {
    let cron = Cron::parse("0 0 1 1 *", VIENNA).unwrap();
    assert_eq!(cron.next_after(DateTime::<Utc>::MAX_UTC), None);
    assert_eq!(cron.next_after(utc("2100-12-31T23:59:59Z")), None);
    assert_eq!(cron.next_after(DateTime::<Utc>::MIN_UTC), Some(utc("1970-12-31T23:00:00Z")));
    assert_eq!(cron.next_n(utc("2026-01-01T00:00:00Z"), 5000).len(), 74); // 2027 to 2100
    let often = Cron::parse("* * * * *", "UTC").unwrap();
    assert_eq!(often.next_n(utc("2026-01-01T00:00:00Z"), 5000).len(), NEXT_MAX);
}

fn any_field(min: u8, max: u8) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(min..=max, 1..4)
}

fn list(numbers: &[u8]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

proptest! {
    #[test]
    fn no_text_panics_and_ticks_always_rise(
        expression in prop_oneof!["[ -~]{0,220}", "([0-9*?/,a-zA-Z-]{1,6} ){4,6}", "(([0-9]{1,2}|[*](/[0-9])?) ){5,6}"],
        zone in prop_oneof![Just("UTC"), Just(VIENNA), Just("America/St_Johns"), Just("Asia/Tehran")],
        at in 0_i64..4_200_000_000,
    ) {
        if let Ok(cron) = Cron::parse(&expression, zone) {
            let at = DateTime::from_timestamp(at, 0).unwrap();
            let ticks = cron.next_n(at, 20);
            prop_assert!(ticks.first().is_none_or(|first| *first > at));
            prop_assert!(ticks.is_sorted_by(|a, b| a < b));
        }
    }

    /// Against the slowest and plainest definition: look at every minute.
    #[test]
    fn no_tick_is_missed_or_invented(
        minutes in any_field(0, 59),
        hours in any_field(0, 23),
        days in any_field(1, 31),
        weekdays in any_field(0, 7),
        at in 1_700_000_000_i64..1_800_000_000,
    ) {
        let (m, h, d, w) = (list(&minutes), list(&hours), list(&days), list(&weekdays));
        let cron = Cron::parse(&format!("{m} {h} {d} * {w}"), "UTC").unwrap();
        let fits = |tick: &DateTime<Utc>| {
            use chrono::Timelike;
            let has = |numbers: &[u8], n: u32| numbers.iter().any(|number| u32::from(*number) == n);
            let weekday = tick.weekday().num_days_from_sunday();
            let day = has(&days, tick.day()) || has(&weekdays, weekday)
                || weekday == 0 && has(&weekdays, 7);
            has(&minutes, tick.minute()) && has(&hours, tick.hour()) && day
        };
        let first = (at / 60 + 1) * 60;
        let plain: Vec<_> = (0..20 * 24 * 60)
            .filter_map(|minute| DateTime::from_timestamp(first + minute * 60, 0))
            .filter(fits)
            .take(NEXT_MAX)
            .collect();
        let at = DateTime::from_timestamp(at, 0).unwrap();
        prop_assert_eq!(cron.next_n(at, plain.len()), plain);
    }
}
