//! What it takes to make a job by the name of its kind, or to give one that waits other arguments: such a job does all that the
//! order does which usually makes it, so whoever wants it needs what that order needs.

use domain::{
    TenantId,
    api_keys::Scope::{self, Billing, Jobs, Tenants},
};
use serde_json::Value;

use super::key::{Identity, not_for};
use crate::problem::Problem;

/// Who may make a job of a kind by its name, and change the arguments of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// Whoever has these scopes may do both.
    Free(&'static [Scope]),
    /// What stands here makes it, and checks more than arguments can tell: that the tenant is there, that nothing of the kind is
    /// under way. Whoever has these scopes may change the arguments of one that waits.
    Ordered(&'static [Scope], &'static str),
    /// What stands here makes it, out of what somebody has said, signed or reported. By hand it would be a forgery.
    Made(&'static str),
}

use Hand::{Free, Made, Ordered};

/// What people have written, said and pressed, and what comes of it.
const CONVERSATION: &str = "a conversation or a call makes it";

/// What Twilio tells.
const REPORT: &str =
    "a provider's report makes it: POST /v1/admin/webhooks/{id}/replay repeats one";

/// An order about many jobs, in its parts.
const OPERATION: &str = "POST /v1/admin/operations makes it";

/// Every kind there is. A test compares it with the registry.
const KINDS: &[(&str, Hand)] = &[
    // Looks after what is there, by the clock or again: nothing of it is anybody's to choose.
    ("audit_number_webhooks", Free(&[Jobs])),
    ("call_sweep", Free(&[Jobs])),
    ("chain_audit", Free(&[Jobs])),
    ("clean_expired", Free(&[Jobs])),
    ("find_stripe_gaps", Free(&[Jobs])),
    ("find_twilio_gaps", Free(&[Jobs])),
    ("serve_waitlist", Free(&[Jobs])),
    ("sms_reconcile", Free(&[Jobs])),
    ("sync_number_webhooks", Free(&[Jobs])),
    ("take_vitals", Free(&[Jobs])),
    // For trying and measuring.
    ("fail", Free(&[Jobs])),
    ("ledger", Free(&[Jobs])),
    ("limited", Free(&[Jobs])),
    ("noop", Free(&[Jobs])),
    ("sleep", Free(&[Jobs])),
    ("steps", Free(&[Jobs])),
    ("timer", Free(&[Jobs])),
    // Demos, tenants and their numbers, which also cost money.
    ("allocate_number", Free(&[Tenants])),
    ("buy_number", Free(&[Tenants])),
    ("demo_cleanup", Free(&[Tenants])),
    ("demo_expire", Free(&[Tenants])),
    ("refill_pool", Free(&[Tenants])),
    ("release_orphan_numbers", Free(&[Tenants])),
    ("return_number", Free(&[Tenants])),
    ("demo_code", Ordered(&[Tenants], "POST /v1/admin/demo/{tenant}/code makes it")),
    ("demo_restore", Ordered(&[Tenants], "POST /v1/admin/demo/{tenant}/restore makes it")),
    ("recover_numbers", Ordered(&[Tenants], "POST /v1/admin/numbers/recover makes it")),
    ("release_number", Ordered(&[Tenants], "POST /v1/admin/numbers/{id}/release makes it")),
    // It can come with a subscription.
    ("demo_convert", Ordered(&[Tenants, Billing], "POST /v1/admin/demo/{tenant}/convert makes it")),
    // What tenants pay for.
    ("apply_stripe_event", Free(&[Billing])),
    ("meter_usage", Free(&[Billing])),
    ("reconcile_stripe", Free(&[Billing])),
    (
        "cancel_subscription",
        Ordered(&[Billing], "POST /v1/admin/businesses/{tenant}/subscription/cancel makes it"),
    ),
    (
        "change_plan",
        Ordered(&[Billing], "POST /v1/admin/businesses/{tenant}/subscription/change-plan makes it"),
    ),
    (
        "create_subscription",
        Ordered(&[Billing], "POST /v1/admin/businesses/{tenant}/subscription makes it"),
    ),
    // Its arguments say who has ordered it.
    (
        "cancel_tenant_jobs",
        Made("PATCH /v1/admin/businesses/{id} makes it, of a tenant it suspends"),
    ),
    // What it is about stands in a record of its own, which its arguments have to agree with.
    ("erase", Made("POST /v1/admin/erasures makes it")),
    ("operate_jobs", Made(OPERATION)),
    ("operate_stretch", Made(OPERATION)),
    ("undo_operation", Made("POST /v1/admin/operations/{id}/undo makes it")),
    ("reconcile_pages", Made("reconcile_stripe makes it, for a stretch of its own way")),
    ("show_demo", Made("POST /v1/admin/demo-tenants makes it")),
    ("show_order", Made("POST /v1/admin/demo-tenants makes it")),
    ("demo_signup", Made("POST /api/demo/create-tenant makes it")),
    // What providers tell, and signed.
    ("call_status", Made(REPORT)),
    ("recording", Made(REPORT)),
    ("sms_inbound", Made(REPORT)),
    ("sms_status", Made(REPORT)),
    // What is written or said to people in a tenant's name.
    ("otp_by_voice", Made("POST /v1/admin/demo/{tenant}/code makes it, where texts do not reach")),
    ("send_sms", Made("POST /api/messages makes it, and whatever else has something to write")),
    ("after_call", Made(CONVERSATION)),
    ("ai_reply", Made(CONVERSATION)),
    ("missed_call_textback", Made(CONVERSATION)),
    ("request_callback", Made(CONVERSATION)),
    ("take_message", Made(CONVERSATION)),
    ("text_link", Made(CONVERSATION)),
    ("transfer", Made(CONVERSATION)),
    ("voice_session", Made(CONVERSATION)),
];

impl Hand {
    /// What it takes for this kind. One that nobody has thought about is nobody's to make.
    pub(super) fn of(kind: &str) -> Hand {
        let found = KINDS.iter().find(|(known, _)| *known == kind);
        found.map_or(Made("it is not known who may"), |(_, hand)| *hand)
    }

    /// Refuses whoever has not the scopes that it takes.
    pub(super) fn check(self, operator: &Identity) -> Result<(), Problem> {
        operator.lacks(self.scopes()).map_or(Ok(()), |scope| Err(not_for(scope)))
    }

    fn scopes(self) -> &'static [Scope] {
        match self {
            Free(scopes) | Ordered(scopes, _) => scopes,
            Made(_) => &[],
        }
    }

    /// What makes it, where a name and arguments do not.
    pub(super) fn instead(self) -> Option<&'static str> {
        match self {
            Free(_) => None,
            Ordered(_, what) | Made(what) => Some(what),
        }
    }

    /// What makes it, where its arguments are not to be changed.
    pub(super) fn keeps_arguments(self) -> Option<&'static str> {
        match self {
            Free(_) | Ordered(..) => None,
            Made(what) => Some(what),
        }
    }
}

/// Whom arguments are about, for the record.
pub(super) fn tenant_in(args: &Value) -> Option<TenantId> {
    args.get("tenant")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_kind_there_is_says_who_may_make_it_by_hand() {
        let said: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(said.len(), KINDS.len(), "a kind stands there twice");
        let registry = workflows::registry(true);
        let kinds: BTreeSet<&str> = registry.kinds().into_iter().collect();
        let unsaid: Vec<_> = kinds.difference(&said).collect();
        assert!(unsaid.is_empty(), "who may make {unsaid:?} by hand? With which scopes?");
        let gone: Vec<_> = said.difference(&kinds).collect();
        assert!(gone.is_empty(), "kinds that are gone: {gone:?}");
        assert_eq!(Hand::of("never-heard-of").scopes(), []);
        assert!(Hand::of("never-heard-of").instead().is_some(), "it is nobody's to make");
    }

    #[test]
    fn each_way_that_is_named_is_there_and_asks_for_no_less() {
        let mut named = 0;
        for (kind, hand) in KINDS {
            let Some((method, rest)) = hand.instead().and_then(|what| what.split_once(" /")) else {
                continue;
            };
            let method = method.rsplit(' ').next().unwrap();
            let path = format!("/{}", rest.split([' ', ',']).next().unwrap());
            let mut found =
                ROUTES.iter().filter(|route| route.method == method && route.path == path);
            let route = found.next().unwrap_or_else(|| panic!("{kind}: no {method} {path}"));
            if let Ordered(scopes, _) = hand {
                assert!(scopes.contains(&route.scope.unwrap()), "{kind}: {scopes:?}");
            }
            named += 1;
        }
        assert!(named > 15, "{named} ways were looked for");
    }

    /// What its file says it is for, a key for jobs is not.
    #[test]
    fn what_touches_money_tenants_or_numbers_is_not_for_jobs_alone() {
        for (kind, hand) in KINDS {
            let is_theirs = ["subscription", "plan", "demo", "pool", "recover", "buy", "release"]
                .iter()
                .any(|word| kind.contains(word));
            assert!(!is_theirs || *hand != Free(&[Jobs]), "{kind}");
            assert!(hand.instead().is_some() || !hand.scopes().is_empty(), "{kind}");
        }
    }

    #[test]
    fn a_tenant_is_found_where_arguments_name_one() {
        let tenant = TenantId::mint();
        assert_eq!(tenant_in(&json!({ "tenant": tenant })), Some(tenant));
        for none in [json!({}), json!({ "tenant": null }), json!({ "tenant": "x" }), json!([])] {
            assert_eq!(tenant_in(&none), None, "{none}");
        }
    }
}
