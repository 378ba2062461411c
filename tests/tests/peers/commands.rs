//! What `trunkline webhook sign` prints, before the providers' own libraries.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{packages, partner::Partner};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "whsec_of_the_tests";
const WORD: &str = "a word & more of it";

/// Bodies that have broken signatures before: quotes, scripts, line ends, nothing.
const BODIES: [&str; 4] =
    [r#"{"it's":"a \"body\" $HOME"}"#, "{\"id\":\"evt_ü👋\"}", "{\r\n \"a\": 1 }\n", "{}"];

/// What the command prints as JSON.
fn signed(arguments: &[&str], body: Option<&str>) -> Value {
    let mut command = Command::new(tests::fleet::binary());
    command.args(["webhook", "sign", "--json"]).args(arguments).env_clear();
    command.envs([
        ("PUBLIC_BASE_URL", "https://api.example.com"),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_WEBHOOK_AUTH_TOKEN", WORD),
        ("STRIPE_WEBHOOK_SECRET", SECRET),
    ]);
    let file = body.map(|body| {
        let file = std::env::temp_dir().join(format!("trunkline-body-{}", rand::random::<u64>()));
        std::fs::write(&file, body).unwrap();
        file
    });
    command.args(file.iter().flat_map(|file| ["--body".as_ref(), file.as_os_str()]));
    let printed = command.stdin(Stdio::null()).output().unwrap();
    if let Some(file) = file {
        std::fs::remove_file(file).unwrap();
    }
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    serde_json::from_slice(&printed.stdout).unwrap()
}

#[tokio::test]
async fn twilios_library_accepts_the_forms_and_the_bodies_that_our_command_signs() {
    let Some(python) = packages::python("official").await else { return };
    let mut twilio = Partner::start(&python, "signatures", &[]);
    for path in ["/telephony/sms", "/telephony/status?business_id=t%201&x=a+b", "https://b.c/d"] {
        let fields = ["From=+436641234567", "Body=Grüße 👋 +1\r\n", "Body=it's", "Empty="];
        let mut arguments = vec!["twilio", path];
        arguments.extend(fields.iter().flat_map(|field| ["--form", field]));
        let form = signed(&arguments, None);
        let body = form["body"].as_str().unwrap();
        let params: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        assert_eq!(params.len(), fields.len());
        let is_ours = form["url"].as_str().unwrap().contains("webhook_token=");
        assert_eq!(is_ours, path.starts_with('/'));
        let mut check = json!({
            "do": "twilio_check", "url": form["url"], "params": params, "token": TOKEN,
            "signature": form["headers"]["X-Twilio-Signature"],
        });
        assert_eq!(twilio.ask(&check).await, true, "{form}");
        check["params"][0][1] = "+436641234568".into();
        assert_eq!(twilio.ask(&check).await, false);
        for body in BODIES {
            let json = signed(&["twilio", path], Some(body));
            assert_eq!(json["body"], body);
            let check = json!({
                "do": "twilio_check", "url": json["url"], "body": body, "token": TOKEN,
                "signature": json["headers"]["X-Twilio-Signature"],
            });
            assert_eq!(twilio.ask(&check).await, true, "{json}");
        }
    }
}

#[tokio::test]
async fn stripes_library_accepts_the_events_that_our_command_signs() {
    let Some(python) = packages::python("official").await else { return };
    let mut stripe = Partner::start(&python, "signatures", &[]);
    for body in BODIES {
        let event = signed(&["stripe", "/webhooks/stripe", "--at", "1700000000"], Some(body));
        assert_eq!(event["url"], "https://api.example.com/webhooks/stripe");
        let mut check = json!({
            "do": "stripe_check", "payload": body, "header": event["headers"]["Stripe-Signature"],
            "secret": SECRET, "now": 1_700_000_300,
        });
        assert_eq!(stripe.ask(&check).await, true, "{event}");
        check["now"] = 1_700_000_301.into();
        assert_eq!(stripe.ask(&check).await, false);
    }
}

/// The printed line itself, read by a shell: what curl would be handed is what was signed.
#[test]
fn the_printed_command_is_one_that_a_shell_can_read() {
    let printed = Command::new(tests::fleet::binary())
        .args(["webhook", "sign", "twilio", "http://127.0.0.1:1/x", "--form", "Body=it's $HOME"])
        .env_clear()
        .env("TWILIO_AUTH_TOKEN", TOKEN)
        .output()
        .unwrap();
    let line = String::from_utf8(printed.stdout).unwrap();
    assert!(line.starts_with("curl -isS "), "{line}");
    let words = Command::new("sh")
        .arg("-c")
        .arg(line.replacen("curl -isS", "printf '%s\\n'", 1))
        .output()
        .unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("\nBody=it%27s+%24HOME\n"), "{words}");
}
