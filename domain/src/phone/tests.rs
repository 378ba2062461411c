use super::*;

/// A number of each region: as it is dialled at home, and as E.164. Of the library's own examples and the regulators'
/// ranges for fiction where there are some.
const EXAMPLES: &[(Region, &str, &str)] = &[
    (Region::US, "(201) 555-0123", "+12015550123"),
    (Region::CA, "506-234-5678", "+15062345678"),
    (Region::GB, "07400 123456", "+447400123456"),
    (Region::DE, "01512 3456789", "+4915123456789"),
    (Region::FR, "06 12 34 56 78", "+33612345678"),
    (Region::AT, "0664 123456", "+43664123456"),
    (Region::CH, "078 123 45 67", "+41781234567"),
    (Region::NL, "06 12345678", "+31612345678"),
    (Region::BE, "0470 12 34 56", "+32470123456"),
    (Region::IE, "085 012 3456", "+353850123456"),
    (Region::AU, "0412 345 678", "+61412345678"),
    (Region::NZ, "021 123 4567", "+64211234567"),
    (Region::SE, "070-123 45 67", "+46701234567"),
    (Region::NO, "406 12 345", "+4740612345"),
    (Region::DK, "32 12 34 56", "+4532123456"),
    (Region::FI, "041 2345678", "+358412345678"),
];

fn parse(text: &str) -> Result<PhoneNumber, NotAPhoneNumber> {
    PhoneNumber::parse(text, Region::AT)
}

#[test]
fn each_region_we_serve_is_read_at_home_and_from_abroad() {
    assert_eq!(EXAMPLES.len(), Region::ALL.len());
    for (region, national, e164) in EXAMPLES {
        let at_home = PhoneNumber::parse(national, *region).map(String::from);
        assert_eq!(at_home.as_deref(), Ok(*e164), "{region:?} {national}");
        assert_eq!(parse(e164).map(String::from).as_deref(), Ok(*e164), "{region:?} {e164}");
        assert_eq!(region.code().to_lowercase().parse(), Ok(*region));
    }
}

#[test]
fn punctuation_and_the_international_prefix_do_not_matter() {
    for text in
        ["+43 664 123456", "+43 (664) 12-34.56", "0043 664 123456", "0664/123456", " 0664123456 "]
    {
        assert_eq!(parse(text).map(String::from).as_deref(), Ok("+43664123456"), "{text}");
    }
}

#[test]
fn regions_that_we_do_not_serve_say_so() {
    // Spain, Italy, Japan, Jamaica (shares +1), Jersey (shares +44), a code that nobody has.
    for text in [
        "+34612345678",
        "+393123456789",
        "+819012345678",
        "+18762101234",
        "+447797712345",
        "+999123456789",
    ] {
        assert_eq!(parse(text), Err(NotAPhoneNumber::UnsupportedRegion), "{text}");
    }
    assert_eq!("ES".parse::<Region>(), Err(NotAPhoneNumber::UnsupportedRegion));
}

#[test]
fn numbers_that_nobody_has_are_not_valid() {
    for text in
        ["+15550100001", "+4366", "+491", "+1201555012", "+120155501234", "+4366412345678901"]
    {
        let why = parse(text).unwrap_err();
        assert!(
            matches!(why, NotAPhoneNumber::NotValid | NotAPhoneNumber::BadFormat),
            "{text} {why:?}"
        );
    }
}

#[test]
fn premium_numbers_are_not_texted() {
    assert_eq!(parse("+19002345678"), Err(NotAPhoneNumber::Unusable));
    assert_eq!(parse("+43900123456"), Err(NotAPhoneNumber::Unusable));
}

#[test]
fn nothing_but_typed_digits_reaches_the_library() {
    for text in [
        "",
        "+",
        "123",
        "+++43664123456",
        "0664\x00123456",
        "+43664123456\n",
        "tel:+43664123456",
        "+43664123456;phone-context=+1",
        "0664123456;ext=1",
        "0664123456 ext. 1",
        "0664 ABCDEF",
        "０６６４１２３４５６",
        "٠٦٦٤١٢٣٤٥٦",
        "+43\u{200b}664123456",
        "+43\u{a0}664123456",
        "((((((((",
        "+ - . / -",
        "--------",
        "....",
    ] {
        assert_eq!(parse(text), Err(NotAPhoneNumber::BadFormat), "{text:?}");
    }
    assert_eq!(parse(&"0".repeat(10_000_000)), Err(NotAPhoneNumber::BadFormat));
    assert_eq!(parse(&"(".repeat(32)), Err(NotAPhoneNumber::BadFormat));
}

#[test]
fn no_text_of_allowed_characters_makes_the_library_panic() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    let alphabet = b"0123456789 ()./-";
    for round in 0..4_000 {
        let mut text = if round % 2 == 0 { String::from("+") } else { String::new() };
        for _ in 0..rng.random_range(1..=33) {
            text.push(char::from(alphabet[rng.random_range(0..alphabet.len())]));
        }
        for region in [Region::AT, Region::US, Region::GB] {
            if let Ok(number) = PhoneNumber::parse(&text, region) {
                assert_eq!(
                    PhoneNumber::from_e164(number.as_e164()).as_ref(),
                    Ok(&number),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_number_is_never_shown_whole() {
    let number = parse("+43664123456").unwrap();
    assert_eq!(format!("{number} {number:?}"), "+43•••56 +43•••56");
    assert_eq!(serde_json::to_string(&number).unwrap(), "\"+43664123456\"");
}

#[test]
fn stored_numbers_are_judged_by_shape_alone() {
    assert!(PhoneNumber::from_e164("+15550100001").is_ok());
    for text in ["15550100001", "+05550100001", "+123456", "+1234567890123456", "+1555010000a", "+"]
    {
        assert_eq!(PhoneNumber::from_e164(text), Err(NotAPhoneNumber::BadFormat), "{text}");
    }
}
