//! Every kind has its crash matrix: a workflow without one does not pass.

use std::collections::BTreeSet;

/// Kinds and the file of this suite in which every fault is tried at their boundaries.
const COVERED: &[(&str, &str)] = &[
    ("allocate_number", "laws.rs"),
    ("apply_stripe_event", "billing/faults.rs"),
    ("audit_number_webhooks", "numbers_matrix.rs"),
    ("buy_number", "numbers_matrix.rs"),
    ("call_status", "calls.rs"),
    ("cancel_subscription", "billing/faults.rs"),
    ("cancel_tenant_jobs", "demos_matrix.rs"),
    ("chain_audit", "matrix.rs"),
    ("change_plan", "billing/faults.rs"),
    ("call_sweep", "gaps.rs"),
    ("clean_expired", "matrix.rs"),
    ("create_subscription", "billing/faults.rs"),
    ("demo_cleanup", "demos_matrix.rs"),
    ("demo_code", "demos_matrix.rs"),
    ("demo_convert", "demos_matrix.rs"),
    ("demo_expire", "demos_matrix.rs"),
    ("demo_restore", "demos_matrix.rs"),
    ("demo_signup", "laws.rs"),
    ("erase", "erasing_matrix.rs"),
    ("fail", "matrix.rs"),
    ("find_stripe_gaps", "billing/faults.rs"),
    ("find_twilio_gaps", "gaps.rs"),
    ("ledger", "matrix.rs"),
    ("limited", "matrix.rs"),
    ("meter_usage", "billing/faults.rs"),
    ("missed_call_textback", "after_calls.rs"),
    ("operate_jobs", "operations_matrix.rs"),
    ("operate_stretch", "operations_matrix.rs"),
    ("undo_operation", "operations_matrix.rs"),
    ("noop", "matrix.rs"),
    ("reconcile_pages", "billing/faults.rs"),
    ("reconcile_stripe", "billing/faults.rs"),
    ("recording", "calls.rs"),
    ("recover_numbers", "numbers_matrix.rs"),
    ("refill_pool", "numbers_matrix.rs"),
    ("release_number", "numbers_matrix.rs"),
    ("release_orphan_numbers", "numbers_matrix.rs"),
    ("request_callback", "after_calls.rs"),
    ("return_number", "numbers_matrix.rs"),
    ("otp_by_voice", "matrix.rs"),
    ("send_sms", "matrix.rs"),
    ("serve_waitlist", "matrix.rs"),
    ("show_demo", "shown.rs"),
    ("show_order", "shown.rs"),
    ("sleep", "matrix.rs"),
    ("ai_reply", "matrix.rs"),
    ("after_call", "after_calls.rs"),
    ("sms_inbound", "matrix.rs"),
    ("sms_reconcile", "matrix.rs"),
    ("sms_status", "matrix.rs"),
    ("steps", "matrix.rs"),
    ("sync_number_webhooks", "numbers_matrix.rs"),
    ("take_message", "after_calls.rs"),
    ("take_vitals", "matrix.rs"),
    ("text_link", "after_calls.rs"),
    ("timer", "matrix.rs"),
    ("voice_session", "voice.rs"),
    ("transfer", "after_calls.rs"),
];

#[test]
fn every_kind_has_its_crash_matrix() {
    let registry = workflows::registry(true);
    let kinds: BTreeSet<_> = registry.kinds().into_iter().collect();
    let covered: BTreeSet<_> = COVERED.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, covered, "a kind without a crash matrix, or a matrix without its kind");
}
