use serde_json::json;

use super::{sealer::KEY_BYTES, *};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Login {
    password: String,
}

fn login() -> Login {
    Login { password: "correct horse".to_owned() }
}

fn with_keys(keys: &[(&str, u8)]) -> Sealer {
    let keys = keys.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; KEY_BYTES])).collect();
    Sealer::new(keys).unwrap()
}

#[test]
fn what_is_sealed_can_be_opened_from_json_and_from_bytes() {
    let keys = with_keys(&[("2026-a", 1)]);
    let sealed = keys.seal(&login()).unwrap();
    let json = serde_json::to_string(&sealed).unwrap();
    assert!(json.starts_with(r#"{"sealed":{"key":"2026-a","box":""#), "{json}");
    let from_json: Sealed<Login> = serde_json::from_str(&json).unwrap();
    let from_bytes = Sealed::<Login>::from_bytes(sealed.as_bytes().to_vec()).unwrap();
    assert_eq!((&from_json, &from_bytes), (&sealed, &sealed));
    assert_eq!(keys.open(&from_json), Ok(login()));
    assert_eq!(keys.open(&from_bytes), Ok(login()));
}

#[test]
fn sealing_twice_gives_two_boxes() {
    let keys = with_keys(&[("a", 1)]);
    assert_ne!(keys.seal(&login()).unwrap(), keys.seal(&login()).unwrap());
}

#[test]
fn a_change_of_any_byte_is_noticed() {
    // The ids differ in one bit only and share a key: the id is authenticated, not just looked up.
    let keys = with_keys(&[("a", 1), ("c", 1)]);
    let bytes = keys.seal(&login()).unwrap().into_bytes();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            if let Ok(sealed) = Sealed::<Login>::from_bytes(changed) {
                assert!(keys.open(&sealed).is_err(), "byte {place}, bit {bit}");
            }
        }
    }
    let mut renamed = bytes;
    renamed[2] = b'c';
    let renamed = Sealed::<Login>::from_bytes(renamed).unwrap();
    assert_eq!(keys.open(&renamed), Err(OpenError::Tampered));
}

#[test]
fn a_cut_box_is_none_or_does_not_open() {
    let keys = with_keys(&[("a", 1)]);
    let bytes = keys.seal(&login()).unwrap().into_bytes();
    for length in 0..bytes.len() {
        let opened = Sealed::<Login>::from_bytes(bytes[..length].to_vec())
            .is_ok_and(|sealed| keys.open(&sealed).is_ok());
        assert!(!opened, "{length} bytes");
    }
}

#[test]
fn another_key_does_not_open() {
    let sealed = with_keys(&[("a", 1)]).seal(&login()).unwrap();
    let unknown = OpenError::UnknownKey { key_id: "a".to_owned() };
    assert_eq!(with_keys(&[("b", 1)]).open(&sealed), Err(unknown));
    assert_eq!(with_keys(&[("a", 2)]).open(&sealed), Err(OpenError::Tampered));
}

#[test]
fn keys_are_exchanged_while_old_boxes_stay_readable() {
    let old = with_keys(&[("old", 1)]);
    let both = with_keys(&[("new", 2), ("old", 1)]);
    let sealed = old.seal(&login()).unwrap();
    assert!(both.needs_rewrap(&sealed) && !old.needs_rewrap(&sealed));
    assert_eq!(both.open(&sealed), Ok(login()));

    let untyped = Sealed::<()>::from_bytes(sealed.into_bytes()).unwrap();
    let rewrapped = both.rewrap(&untyped).unwrap();
    assert!(!both.needs_rewrap(&rewrapped));
    let rewrapped = Sealed::<Login>::from_bytes(rewrapped.into_bytes()).unwrap();
    assert_eq!(with_keys(&[("new", 2)]).open(&rewrapped), Ok(login()));
}

#[test]
fn another_type_is_an_error_that_does_not_quote_the_content() {
    let keys = with_keys(&[("a", 1)]);
    let sealed = keys.seal(&"correct horse").unwrap();
    let number = Sealed::<u32>::from_bytes(sealed.into_bytes()).unwrap();
    assert_eq!(keys.open(&number), Err(OpenError::Decode));
    assert_eq!(OpenError::Decode.to_string(), "the sealed value is of another type");
}

#[test]
fn debug_and_display_show_neither_content_nor_keys() {
    let keys = with_keys(&[("new", 77), ("old", 78)]);
    let sealed = keys.seal(&login()).unwrap();
    assert_eq!(format!("{sealed:?} {sealed}"), "sealed sealed");
    assert_eq!(format!("{keys:?}"), r#"["new", "old"]"#);
}

#[test]
fn keys_are_read_from_text_with_the_first_as_primary() {
    let (a, b) = (BASE64.encode([1; KEY_BYTES]), BASE64.encode([2; KEY_BYTES]));
    let parsed = Sealer::parse(&format!("new:{a}, old:{}", b.trim_end_matches('='))).unwrap();
    let sealed = parsed.seal(&login()).unwrap();
    assert_eq!(sealed.key_id(), "new");
    assert_eq!(with_keys(&[("new", 1)]).open(&sealed), Ok(login()));
    let old = with_keys(&[("old", 2)]).seal(&login()).unwrap();
    assert_eq!(parsed.open(&old), Ok(login()));
}

#[test]
fn what_is_wrong_with_keys_is_told_without_showing_them() {
    use SealerError::{Base64, Duplicate, Empty, Form, KeyId, Length};
    let key = BASE64.encode([0xa5; KEY_BYTES]);
    let short = BASE64.encode([0xa5; 16]);
    let long_id = "a".repeat(33);
    for (text, expected) in [
        (String::new(), Empty),
        (" ".to_owned(), Empty),
        (key.clone(), Form { position: 1 }),
        (format!("a:{key},"), Form { position: 2 }),
        (format!("{key}:a"), Base64 { position: 1 }),
        (format!("A:{key}"), KeyId { position: 1 }),
        (format!(":{key}"), KeyId { position: 1 }),
        (format!("{long_id}:{key}"), KeyId { position: 1 }),
        (format!("a:{key},b:{short}"), Length { position: 2, bytes: 16 }),
        (format!("a:{key},a:{key}"), Duplicate { position: 2 }),
    ] {
        let error = Sealer::parse(&text).unwrap_err();
        assert_eq!(error, expected, "{text:?}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains(&key) && !told.contains(&short), "{told}");
    }
    assert_eq!(Sealer::new(Vec::new()).unwrap_err(), Empty);
}

#[test]
fn json_that_is_no_box_is_refused() {
    let good = serde_json::to_value(with_keys(&[("a", 1)]).seal(&login()).unwrap()).unwrap();
    let content = &good["sealed"]["box"];
    for bad in [
        json!({"sealed": {"key": "a", "box": "AAAA"}}),
        json!({"sealed": {"key": "a", "box": "?"}}),
        json!({"sealed": {"key": "A", "box": content}}),
        json!({"sealed": {"key": "a".repeat(300), "box": content}}),
        json!({"sealed": {"key": "a", "box": content, "v": 2}}),
        json!({"sealed": {"key": "a", "box": content}, "more": 1}),
    ] {
        assert!(serde_json::from_value::<Sealed<Login>>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn boxes_are_redacted_wherever_they_are_and_nothing_else_is() {
    let sealed = with_keys(&[("a", 1)]).seal(&login()).unwrap();
    assert!(is_sealed(&json!(sealed)) && !is_sealed(&json!({"sealed": "envelope"})));
    let value = json!({
        "one": sealed, "many": [1, [sealed, {"in": {"sealed": sealed}}]],
        "sealed": {"key": 1, "box": "b"}, "text": "t", "none": null,
    });
    let expected = json!({
        "one": "sealed", "many": [1, ["sealed", {"in": {"sealed": "sealed"}}]],
        "sealed": {"key": 1, "box": "b"}, "text": "t", "none": null,
    });
    assert_eq!(redact(&value), expected);
    assert_eq!(redact(&json!(sealed)), json!("sealed"));
}

#[test]
fn what_was_shown_as_sealed_stays_sealed_in_what_comes_back() {
    let one = json!({ "sealed": { "key": "k", "box": "MQ==" } });
    let old = json!({ "to": one, "list": [1, one], "body": "hi" });
    let shown = redact(&old);
    assert_eq!(keep(&old, shown.clone()), old);
    let mut edited = shown;
    edited["body"] = "ho".into();
    edited["new"] = "sealed".into();
    let kept = keep(&old, edited);
    assert_eq!((&kept["to"], &kept["list"][1], &kept["body"]), (&one, &one, &json!("ho")));
    assert_eq!(kept["new"], "sealed", "a word, where no box was");
}
