//! Names of events in the log, for whoever looks for one: the field `event` of a line. What each means, and its other fields,
//! stand in docs/logs.md. A line is written where the thing happens, before the commit where that is inside of a transaction:
//! after a crash it may stand there twice, and what happened stands in the records.

/// A call was put to the assistant, and its session opened.
pub const CONVERSATION_START: &str = "conversation_start";
/// A tenant is there: by a sign-up, or by an operator.
pub const TENANT_CREATED: &str = "tenant_created";
/// A phone was proven: by its code, or by an operator's word.
pub const PHONE_VERIFIED: &str = "phone_verified";
/// What was over is gone.
pub const CLEANUP_COMPLETED: &str = "cleanup_completed";
/// A step of a demo's way from the sign-up to its number, or to nothing.
pub const DEMO_SETUP: &str = "[DemoSetup]";
/// A text was not taken, or not delivered.
pub const SMS_DELIVERY_ERROR: &str = "SMS_DELIVERY_ERROR";
/// Twilio asks what to do with a call.
pub const TWILIO_VOICE_WEBHOOK: &str = "twilio_voice_webhook";
/// Twilio hands over a text.
pub const TWILIO_SMS_WEBHOOK: &str = "twilio_sms_webhook";
/// A call to a tenant that may not be served.
pub const TWILIO_VOICE_BUSINESS_SUSPENDED: &str = "twilio_voice_business_suspended";
/// A text to a tenant that may not be served.
pub const TWILIO_SMS_BUSINESS_SUSPENDED: &str = "twilio_sms_business_suspended";
/// Stripe is not told what a tenant has used in an hour.
pub const USAGE_NOT_TOLD: &str = "usage_not_told";
/// A webhook without a signature.
pub const TWILIO_SIGNATURE_MISSING: &str = "twilio_signature_missing";
/// A webhook whose signature does not fit.
pub const TWILIO_SIGNATURE_INVALID: &str = "twilio_signature_invalid";
/// A webhook was refused for another reason. Lines of a bad signature carry the word, too, as `class`.
pub const WEBHOOK_VALIDATION_FAILED: &str = "WEBHOOK_VALIDATION_FAILED";

/// All of them.
pub const NAMES: [&str; 14] = [
    CONVERSATION_START,
    TENANT_CREATED,
    PHONE_VERIFIED,
    CLEANUP_COMPLETED,
    DEMO_SETUP,
    SMS_DELIVERY_ERROR,
    TWILIO_VOICE_WEBHOOK,
    TWILIO_SMS_WEBHOOK,
    TWILIO_VOICE_BUSINESS_SUSPENDED,
    TWILIO_SMS_BUSINESS_SUSPENDED,
    USAGE_NOT_TOLD,
    TWILIO_SIGNATURE_MISSING,
    TWILIO_SIGNATURE_INVALID,
    WEBHOOK_VALIDATION_FAILED,
];
