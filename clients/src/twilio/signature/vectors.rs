//! Signatures made by Twilio's official libraries: their own test vectors, and more of them.

use secrecy::SecretString;

use super::{Payload, sign, verify};

const BASE: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const SMS: &str = "https://api.example.com/telephony/sms";
const VOICE: &str = "https://api.example.com/twilio/voice";
const JSON: &[u8] = br#"{"property": "value", "boolean": true}"#;
const JSON_HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const EMPTY_JSON_HASH: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn token() -> SecretString {
    "12345".into()
}

fn params(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn base_params() -> Vec<(String, String)> {
    params(&[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ])
}

fn form_holds(url: &str, params: &[(String, String)], signature: &str) -> bool {
    verify(url, Payload::Form(params), signature, &[token()])
}

fn json_holds(url: &str, body: &[u8], signature: &str) -> bool {
    verify(url, Payload::Json(body), signature, &[token()])
}

/// Accepts the vector, and none of its neighbours.
fn accepts_only_this(url: &str, params: &[(String, String)], signature: &str) {
    assert!(form_holds(url, params, signature), "{url} {signature}");
    assert!(!form_holds(&format!("{url}x"), params, signature), "changed URL {url}");
    let mut more = params.to_vec();
    more.push(("Zusatz".into(), String::new()));
    assert!(!form_holds(url, &more, signature), "added parameter {url}");
    if let [.., (_, last)] = &mut more[..params.len()] {
        last.push(' ');
        more.pop();
        assert!(!form_holds(url, &more, signature), "changed parameter {url}");
    }
    let mut forged = signature.to_owned();
    forged.replace_range(0..1, if forged.starts_with('A') { "B" } else { "A" });
    assert!(!form_holds(url, params, &forged), "changed signature {url}");
    assert!(!verify(url, Payload::Form(params), signature, &["12346".into()]), "other token {url}");
}

#[test]
fn the_base_vector_holds_with_any_port_stripped() {
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    assert_eq!(sign(BASE, &base_params(), &token()), signature);
    accepts_only_this(BASE, &base_params(), signature);
    let with_port = BASE.replace(".com", ".com:1234");
    accepts_only_this(&with_port, &base_params(), signature);
}

#[test]
fn signatures_over_a_kept_or_an_added_port_hold() {
    let http = BASE.replace("https", "http");
    let http_1234 = http.replace(".com", ".com:1234");
    accepts_only_this(&http_1234, &base_params(), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=");
    accepts_only_this(BASE, &base_params(), "kvajT1Ptam85bY51eRf/AJRuM3w=");
    accepts_only_this(&http, &base_params(), "0ZXoZLH/DfblKGATFgpif+LLRf4=");
}

#[test]
fn repeated_parameters_count_once_per_value_in_any_order() {
    let repeated = params(&[
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ]);
    accepts_only_this(BASE, &repeated, "IK+Dwps556ElfBT0I3Rgjkr1wJU=");

    let key = "MessagingBinding.Address";
    for order in [["+1325xxxxxxx", "+1415xxxxxxx"], ["+1415xxxxxxx", "+1325xxxxxxx"]] {
        let bindings = params(&order.map(|value| (key, value)));
        accepts_only_this(BASE, &bindings, "83O6e2vORAoJHUNzJjDWN1jz+BA=");
    }
}

#[test]
fn both_libraries_forms_of_an_apostrophe_hold() {
    let url = format!("{BASE}&Body=It's+amazing");
    accepts_only_this(&url, &base_params(), "TfZzewPq8wqrGlMfyAud8+/IvJ0=");
    accepts_only_this(&url, &base_params(), "dsq4Ehbj6cs+KdTkpF5sSSplOWw=");
}

#[test]
fn user_information_is_part_of_the_url() {
    let both = BASE.replace("//", "//user:pass@");
    accepts_only_this(&both, &base_params(), "CukzLTc1tT5dXEDIHm/tKBanW10=");
    accepts_only_this(&both, &base_params(), "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=");
    let user = BASE.replace("//", "//user@");
    accepts_only_this(&user, &base_params(), "2YRLlVAflCqxaNicjMpJcSTgzSs=");
}

#[test]
fn a_json_body_is_signed_through_its_hash_in_the_url() {
    let url = format!("{BASE}&bodySHA256={JSON_HASH}");
    let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
    assert!(json_holds(&url, JSON, signature));
    assert!(!json_holds(&url, br#"{"property": "value", "boolean":  true}"#, signature));
    assert!(!json_holds(&url, b"", signature));
    assert!(!json_holds(&format!("{url}0"), JSON, signature));

    let empty = format!("{BASE}&bodySHA256={EMPTY_JSON_HASH}");
    assert!(json_holds(&empty, b"{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="));
    assert!(!json_holds(&empty, JSON, "Ldidvp12m26NI7eqEvxnEpkd9Hc="));

    let only = format!("https://mycompany.com/myapp.php?bodySHA256={JSON_HASH}");
    assert!(json_holds(&only, JSON, "y77kIzt2vzLz71DgmJGsen2scGs="));
    assert!(!json_holds(&only, b"{}", "y77kIzt2vzLz71DgmJGsen2scGs="));
}

#[test]
fn a_json_body_without_a_hash_in_the_url_is_refused() {
    assert!(!json_holds(BASE, JSON, &sign(BASE, &[], &token())));
    let path_only = "https://mycompany.com/myapp.php";
    assert!(!json_holds(path_only, JSON, &sign(path_only, &[], &token())));
}

#[test]
fn texts_are_signed_as_decoded_utf8_untrimmed() {
    let unicode =
        params(&[("Body", "Grüße 👋 +1"), ("From", "+4367712345678"), ("To", "+15005550006")]);
    accepts_only_this(SMS, &unicode, "32M4a3pLPuowXYfMedYjsR72AEc=");
    let empty = params(&[("Body", ""), ("From", "+4367712345678")]);
    accepts_only_this(SMS, &empty, "T1L/+F1l7khDL7yVOI+qhipO70s=");
    let spaces = params(&[("Body", " a\nb ")]);
    accepts_only_this(SMS, &spaces, "RLz+XiwROtk6ltSzK+zYcIXWEP0=");
}

#[test]
fn parameters_are_ordered_by_their_bytes() {
    let mixed = params(&[("a", "1"), ("B", "2"), ("A", "3")]);
    accepts_only_this(BASE, &mixed, "IaO/X6uk6msGxd7XXQws4nwVH1k=");
    let repeated = params(&[("D", "2"), ("D", "1"), ("D", "2")]);
    accepts_only_this(BASE, &repeated, "vOzmFus2xXQ3C4ENivVh4rhWKOU=");
}

#[test]
fn the_query_is_signed_as_it_was_written() {
    let url = format!("{VOICE}?business_id=t%201&x=a+b");
    accepts_only_this(&url, &params(&[("CallSid", "CA1")]), "QCh0gLFFGym+uhzGGLkdBxu1lDQ=");
}

#[test]
fn a_trailing_slash_is_another_url() {
    let call = params(&[("CallSid", "CA1")]);
    let (plain, slash) = ("OKUjaiLZJ6jvnTEcgs3y01Cw4Ro=", "cqpNpvvr9oMi+Wvez2BBxnikf8s=");
    accepts_only_this(VOICE, &call, plain);
    accepts_only_this(&format!("{VOICE}/"), &call, slash);
    assert!(!form_holds(VOICE, &call, slash));
    assert!(!form_holds(&format!("{VOICE}/"), &call, plain));
}

#[test]
fn a_websocket_handshake_is_signed_without_parameters() {
    let url = "wss://api.example.com/voice/stream";
    accepts_only_this(url, &[], "SYJ0KN7i4Jd64sBagiEc66fgFPM=");
    accepts_only_this(&format!("{url}/"), &[], "2Edm5QOtGomVPRsWrgkrY9KW58Y=");
}

#[test]
fn any_of_the_tokens_in_use_may_have_signed() {
    let signature = sign(BASE, &base_params(), &token());
    let holds =
        |tokens: &[SecretString]| verify(BASE, Payload::Form(&base_params()), &signature, tokens);
    assert!(holds(&["new".into(), token()]));
    assert!(holds(&[token(), "old".into()]));
    assert!(!holds(&["new".into(), "old".into()]));
    assert!(!holds(&[]));
}

#[test]
fn connection_overrides_in_the_fragment_are_not_signed() {
    let configured = format!("{BASE}#rc=2&rp=all");
    assert_eq!(sign(&configured, &base_params(), &token()), sign(BASE, &base_params(), &token()));
    assert!(form_holds(&configured, &base_params(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

#[test]
fn what_is_no_signature_is_refused() {
    let short = "RSOYDt4T1cUTdK1PDd93/VVr8B8";
    for nonsense in ["", "=", "äöü", short, "UlNPWUR0NFQ=", "RSOYDt4T1cUTdK1PDd93/VVr8B8= "] {
        assert!(!form_holds(BASE, &base_params(), nonsense), "{nonsense:?}");
    }
}
