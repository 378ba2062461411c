//! Every route, with who may use it. The router and the list are made of the same lines, so that neither can lack one.

use axum::{
    Extension, Router,
    http::Method,
    routing::{get, patch, post},
};
use domain::api_keys::Scope;

use crate::{
    admin, calls, console, cron, demo, health, messages, openapi, people,
    problem::{Code, Problem},
    state::ApiState,
    webhooks,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Everybody; limits count.
    Open,
    /// Whoever has the code that was sent to the phone.
    PhoneCode,
    /// Whoever has the token that verification returned.
    AccessToken,
    /// Whoever logs in with a password.
    Password,
    /// Anybody with or without a session: it is only ended.
    AnySession,
    /// A person who is logged in, even if their password is still the temporary one.
    Session,
    /// A person who is logged in and has chosen their own password.
    OwnPassword,
    /// The same, or a program with a key of the tenant.
    Member,
    /// Twilio, by its signature.
    TwilioSignature,
    /// Stripe, by its signature.
    StripeSignature,
    /// The outside clock, by its key.
    CronSecret,
    /// An operator, by a key whose scopes allow it.
    AdminKey,
    /// An operator who brings the key to log in to the console.
    ConsoleLogin,
    /// An operator who is logged in to the console; whoever is not is sent to log in.
    ConsoleSession,
    /// As [`Guard::ConsoleSession`], by a form of ours from our own page.
    ConsoleForm,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub guard: Guard,
    /// What an operator's key must be for; `None` where no operator's key is asked for.
    pub scope: Option<Scope>,
}

impl Route {
    /// The line of a method and a path as the router matched it. `HEAD` is answered where `GET` is.
    pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Route> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        ROUTES.iter().find(|route| route.method == method.as_str() && route.path == path)
    }
}

macro_rules! routes {
    (
        ours { $( $method:ident $path:literal $guard:ident $($scope:ident)? => $handler:path; )+ }
        of_the_process { $( $their_path:literal; )+ }
    ) => {
        /// Every route of the API.
        pub const ROUTES: &[Route] = &[
            $( Route {
                method: method_name!($method), path: $path, guard: Guard::$guard, scope: scope!($($scope)?),
            }, )+
            $( Route { method: "GET", path: $their_path, guard: Guard::Open, scope: None }, )+
        ];

        fn table() -> Router<ApiState> {
            Router::new() $( .route($path, $method($handler)) )+
        }
    };
}

macro_rules! scope {
    () => {
        None
    };
    ($scope:ident) => {
        Some(Scope::$scope)
    };
}

// A route of operators without a scope, or a scope that nobody asks for, does not compile.
const _: () = {
    let mut at = 0;
    while at < ROUTES.len() {
        let needs_key = matches!(ROUTES[at].guard, Guard::AdminKey);
        assert!(
            needs_key == ROUTES[at].scope.is_some(),
            "AdminKey, and nothing else, takes a scope"
        );
        at += 1;
    }
};

macro_rules! method_name {
    (get) => {
        "GET"
    };
    (post) => {
        "POST"
    };
    (patch) => {
        "PATCH"
    };
}

routes! {
    ours {
        post "/api/demo/create-tenant" Open => demo::create_tenant;
        post "/api/demo/setup" Open => demo::setup;
        post "/api/demo/verify-phone" PhoneCode => demo::verify_phone;
        get "/api/demo/{tenant}/status" Open => demo::status;
        get "/api/demo/{tenant}/access" AccessToken => demo::access;

        post "/api/auth/login" Password => people::login;
        post "/api/auth/logout" AnySession => people::logout;
        post "/api/auth/change-password" Session => people::change_password;
        get "/api/me" Session => people::me;
        get "/api/keys" OwnPassword => people::keys;
        post "/api/keys" OwnPassword => people::make_key;
        post "/api/keys/{id}/revoke" OwnPassword => people::revoke_key;
        get "/api/tenant" Member => people::tenant;
        get "/api/conversations" Member => messages::conversations;
        get "/api/conversations/{conversation}" Member => messages::conversation;
        post "/api/conversations/{conversation}/mode" Member => messages::set_mode;
        post "/api/conversations/{conversation}/messages" Member => messages::answer;
        post "/api/messages" Member => messages::schedule;
        get "/api/messaging" Member => messages::settings;
        post "/api/messaging" Member => messages::put_settings;
        get "/api/calls" Member => calls::calls;
        get "/api/calls/{call}" Member => calls::call;
        get "/api/call-requests" Member => calls::call_requests;
        post "/api/call-requests/{request}" Member => calls::set_call_request;
        get "/api/voice" Member => calls::voice;
        post "/api/voice" Member => calls::put_voice;

        post "/telephony/incoming" TwilioSignature => webhooks::incoming;
        post "/twilio/voice" TwilioSignature => webhooks::incoming;
        post "/api/twilio/voice" TwilioSignature => webhooks::incoming;
        post "/api/webhooks/twilio/voice" TwilioSignature => webhooks::incoming;
        post "/telephony/dialed" TwilioSignature => webhooks::dialed;
        post "/telephony/sms-status" TwilioSignature => webhooks::sms_status;
        post "/telephony/status" TwilioSignature => webhooks::call_status;
        post "/telephony/recording" TwilioSignature => webhooks::call_status;
        post "/telephony/route" TwilioSignature => webhooks::voice_route;
        post "/telephony/stream-ended" TwilioSignature => webhooks::stream_ended;
        post "/telephony/stream-status" TwilioSignature => webhooks::stream_status;
        post "/twilio/status" TwilioSignature => webhooks::call_status;
        post "/api/twilio/status" TwilioSignature => webhooks::call_status;
        post "/telephony/sms" TwilioSignature => webhooks::sms_inbound;
        post "/twilio/sms" TwilioSignature => webhooks::sms_inbound;
        post "/api/twilio/sms" TwilioSignature => webhooks::sms_inbound;

        post "/webhooks/stripe" StripeSignature => webhooks::stripe;
        post "/api/webhooks/stripe" StripeSignature => webhooks::stripe;

        post "/api/cron" CronSecret => cron::master;
        post "/api/cron/{job}" CronSecret => cron::one;
        get "/api/cron/{job}" CronSecret => cron::one;

        get "/v1/admin/jobs" AdminKey Read => admin::list;
        post "/v1/admin/jobs" AdminKey Jobs => admin::enqueue;
        get "/v1/admin/jobs/{id}" AdminKey Read => admin::get;
        post "/v1/admin/jobs/{id}/retry" AdminKey Jobs => admin::retry;
        post "/v1/admin/jobs/{id}/cancel" AdminKey Jobs => admin::cancel;
        post "/v1/admin/jobs/{id}/redrive" AdminKey Jobs => admin::redrive;
        get "/v1/admin/jobs/{id}/timeline" AdminKey Read => admin::timeline;
        get "/v1/admin/jobs/{id}/explain" AdminKey Read => admin::explain;
        get "/v1/admin/jobs/{id}/undo-plan" AdminKey Read => admin::undo_plan;
        post "/v1/admin/jobs/{id}/run-now" AdminKey Jobs => admin::run_now;
        post "/v1/admin/jobs/{id}/args" AdminKey Jobs => admin::edit_args;
        post "/v1/admin/jobs/{id}/fork" AdminKey Jobs => admin::fork;
        post "/v1/admin/jobs/{id}/answer" AdminKey Jobs => admin::parked::answer;
        get "/v1/admin/parked" AdminKey Read => admin::parked::list;
        get "/v1/admin/parked/counts" AdminKey Read => admin::parked::counts;
        get "/v1/admin/parked/{id}" AdminKey Read => admin::parked::get;
        get "/v1/admin/dead-letters" AdminKey Read => admin::dead::list;
        get "/v1/admin/dead-letters/groups" AdminKey Read => admin::dead::groups;
        get "/v1/admin/dead-letters/counts" AdminKey Read => admin::dead::counts;
        get "/v1/admin/operations" AdminKey Read => admin::operations::list;
        post "/v1/admin/operations" AdminKey Jobs => admin::operations::preview;
        get "/v1/admin/operations/{id}" AdminKey Read => admin::operations::get;
        post "/v1/admin/operations/{id}/start" AdminKey Jobs => admin::operations::start;
        post "/v1/admin/operations/{id}/cancel" AdminKey Jobs => admin::operations::cancel;
        post "/v1/admin/operations/{id}/undo" AdminKey Jobs => admin::operations::undo;
        get "/v1/admin/queues" AdminKey Read => admin::queues::list;
        get "/v1/admin/queues/{name}" AdminKey Read => admin::queues::get;
        post "/v1/admin/queues/{name}/pause" AdminKey Queues => admin::queues::pause;
        post "/v1/admin/queues/{name}/resume" AdminKey Queues => admin::queues::resume;
        post "/v1/admin/queues/{name}/settings" AdminKey Queues => admin::queues::set;
        get "/v1/admin/schedules" AdminKey Read => admin::schedules::list;
        get "/v1/admin/schedules/{name}" AdminKey Read => admin::schedules::get;
        post "/v1/admin/schedules/{name}/pause" AdminKey Queues => admin::schedules::pause;
        post "/v1/admin/schedules/{name}/resume" AdminKey Queues => admin::schedules::resume;
        post "/v1/admin/schedules/{name}/run" AdminKey Queues => admin::schedules::run;
        post "/v1/admin/schedules/{name}/change" AdminKey Queues => admin::schedules::change;
        post "/v1/admin/schedules/{name}/backfill" AdminKey Queues => admin::schedules::backfill;
        post "/v1/admin/schedules/{name}/stop-backfill" AdminKey Queues => admin::schedules::stop_backfill;
        get "/api/admin/background-jobs/status" AdminKey Read => admin::background::status;
        get "/v1/admin/workers" AdminKey Read => admin::workers::list;
        get "/v1/admin/workers/{id}" AdminKey Read => admin::workers::get;
        post "/v1/admin/workers/{id}/drain" AdminKey Queues => admin::workers::drain;
        post "/v1/admin/workers/{id}/resume" AdminKey Queues => admin::workers::resume;
        get "/v1/admin/keys" AdminKey Keys => admin::keys::list;
        post "/v1/admin/keys" AdminKey Keys => admin::keys::create;
        post "/v1/admin/keys/{id}/rotate" AdminKey Keys => admin::keys::rotate;
        post "/v1/admin/keys/{id}/revoke" AdminKey Keys => admin::keys::revoke;
        get "/v1/admin/provider-credentials" AdminKey Keys => admin::provider_credentials::list;
        post "/v1/admin/provider-credentials/{name}" AdminKey Keys => admin::provider_credentials::set;
        post "/v1/admin/provider-credentials/{name}/retire" AdminKey Keys => admin::provider_credentials::retire;
        get "/v1/admin/audit" AdminKey Read => admin::audit::product;
        get "/v1/admin/audit/verify" AdminKey Read => admin::verify::verify;
        get "/v1/admin/audit/engine" AdminKey Read => admin::audit::engine;
        get "/api/admin/maintenance" AdminKey Read => admin::maintenance;
        post "/api/admin/maintenance" AdminKey Switches => admin::set_maintenance;
        get "/v1/admin/webhooks" AdminKey Read => admin::webhooks::list;
        get "/v1/admin/webhooks/counts" AdminKey Read => admin::webhooks::counts;
        get "/v1/admin/webhooks/{id}" AdminKey Read => admin::webhooks::get;
        post "/v1/admin/webhooks/{id}/replay" AdminKey Jobs => admin::webhooks::replay;
        post "/v1/admin/demo-tenants" AdminKey Tenants => admin::seed;
        post "/v1/admin/demo/{tenant}/verify" AdminKey Tenants => admin::vouch;
        post "/v1/admin/demo/{tenant}/code" AdminKey Tenants => admin::new_code;
        post "/v1/admin/demo/{tenant}/expire" AdminKey Tenants => admin::expire;
        post "/v1/admin/demo/{tenant}/convert" AdminKey Tenants => admin::convert;
        post "/v1/admin/demo/{tenant}/restore" AdminKey Tenants => admin::restore;
        get "/v1/admin/erasures" AdminKey Read => admin::erasures::list;
        post "/v1/admin/erasures" AdminKey Tenants => admin::erasures::erase;
        post "/v1/admin/erasures/preview" AdminKey Tenants => admin::erasures::preview;
        get "/v1/admin/businesses" AdminKey Read => admin::businesses::list;
        post "/v1/admin/businesses" AdminKey Tenants => admin::businesses::create;
        get "/v1/admin/businesses/usage.csv" AdminKey Read => admin::usage::of_all;
        get "/v1/admin/businesses/{id}" AdminKey Read => admin::businesses::get;
        patch "/v1/admin/businesses/{id}" AdminKey Tenants => admin::patch_business;
        post "/v1/admin/businesses/{tenant}/users" AdminKey Tenants => admin::businesses::add_user;
        get "/v1/admin/businesses/{tenant}/keys" AdminKey Read => admin::tenant_keys::list;
        post "/v1/admin/businesses/{tenant}/keys" AdminKey Tenants => admin::tenant_keys::create;
        post "/v1/admin/businesses/{tenant}/keys/{id}/rotate" AdminKey Tenants => admin::tenant_keys::rotate;
        post "/v1/admin/businesses/{tenant}/keys/{id}/revoke" AdminKey Tenants => admin::tenant_keys::revoke;
        post "/v1/admin/businesses/{tenant}/rotate-key" AdminKey Tenants => admin::tenant_keys::rotate_newest;
        get "/v1/admin/businesses/{tenant}/usage.csv" AdminKey Read => admin::usage::of_tenant;
        get "/v1/admin/numbers" AdminKey Read => admin::list_numbers;
        post "/v1/admin/numbers" AdminKey Tenants => admin::add_number;
        post "/v1/admin/numbers/recover" AdminKey Tenants => admin::recover_numbers;
        post "/v1/admin/numbers/{id}/maintenance" AdminKey Tenants => admin::set_number_maintenance;
        post "/v1/admin/numbers/{id}/release" AdminKey Tenants => admin::release_number;
        get "/v1/admin/businesses/{tenant}/billing" AdminKey Read => admin::billing;
        post "/v1/admin/businesses/{tenant}/subscription" AdminKey Billing => admin::create_subscription;
        post "/v1/admin/businesses/{tenant}/subscription/cancel" AdminKey Billing => admin::cancel_subscription;
        post "/v1/admin/businesses/{tenant}/subscription/change-plan" AdminKey Billing => admin::change_plan;
        get "/v1/admin/businesses/{tenant}/voice" AdminKey Read => calls::admin_voice;
        post "/v1/admin/businesses/{tenant}/voice" AdminKey Tenants => calls::admin_put_voice;
        post "/v1/admin/plans" AdminKey Billing => admin::put_plan;
        get "/v1/admin/billing/reconciliation" AdminKey Read => admin::last_reconciliation;
        get "/v1/admin/billing/usage-left" AdminKey Read => admin::usage_left::list;
        post "/v1/admin/businesses/{tenant}/usage/settle" AdminKey Billing => admin::usage_left::settle;

        get "/v1/openapi.json" Open => openapi::document;
        get "/health" Open => health::health;
        get "/health/detailed" AdminKey Read => health::detailed;
        get "/api/health/detailed" AdminKey Read => health::detailed;

        get "/console" ConsoleSession => console::overview;
        get "/console/jobs" ConsoleSession => console::jobs;
        get "/console/jobs/{id}" ConsoleSession => console::job;
        get "/console/queues" ConsoleSession => console::queues;
        get "/console/errors" ConsoleSession => console::errors;
        get "/console/operations" ConsoleSession => console::operations;
        get "/console/operations/{id}" ConsoleSession => console::operation;
        get "/console/schedules" ConsoleSession => console::schedules;
        get "/console/workers" ConsoleSession => console::workers;
        get "/console/webhooks" ConsoleSession => console::webhooks;
        get "/console/webhooks/{id}" ConsoleSession => console::webhook;
        get "/console/tenants" ConsoleSession => console::tenants;
        get "/console/numbers" ConsoleSession => console::numbers;
        get "/console/switches" ConsoleSession => console::switches;
        get "/console/audit" ConsoleSession => console::audit;
        get "/console/live" ConsoleSession => console::live;
        post "/console/orders/{order}" ConsoleForm => console::order;
        post "/console/logout" ConsoleForm => console::logout;
        get "/console/login" Open => console::login_page;
        post "/console/login" ConsoleLogin => console::login;
        get "/console/style.css" Open => console::style;
        get "/console/script.js" Open => console::script;
    }
    of_the_process {
        "/livez";
        "/readyz";
        "/metrics";
    }
}

/// The routes without the layers around them. The console has a door to these very routes.
pub(crate) fn router(state: &ApiState) -> Router<ApiState> {
    let door = console::Door::to(table().with_state(state.clone()));
    table()
        .layer(Extension(door))
        .merge(state.probes().router(state.metrics()))
        .fallback(async || Problem::new(Code::NotFound, "no such path"))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed, ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_route_stands_twice() {
        let lines: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
        assert_eq!(lines.len(), ROUTES.len());
    }

    #[test]
    fn everything_below_admin_needs_the_key() {
        for route in ROUTES.iter().filter(|route| route.path.contains("/admin/")) {
            assert_eq!(route.guard, Guard::AdminKey, "{}", route.path);
        }
    }

    #[test]
    fn looking_needs_no_more_than_that_and_keys_are_for_their_keepers() {
        for route in ROUTES.iter().filter(|route| route.guard == Guard::AdminKey) {
            let is_about_keys = ["/v1/admin/keys", "/v1/admin/provider-credentials"]
                .iter()
                .any(|path| route.path.starts_with(path));
            let wanted = match route.method {
                _ if is_about_keys => vec![Scope::Keys],
                "GET" => vec![Scope::Read],
                _ => Scope::ALL
                    .iter()
                    .copied()
                    .filter(|scope| !matches!(scope, Scope::Read | Scope::Keys))
                    .collect(),
            };
            let scope = route.scope.unwrap();
            assert!(wanted.contains(&scope), "{} {}: {scope}", route.method, route.path);
        }
    }

    #[test]
    fn a_line_is_found_by_what_the_router_matched() {
        let found = |method, path| Route::find(&method, path).map(|route| route.guard);
        assert_eq!(found(Method::GET, "/v1/admin/jobs/{id}"), Some(Guard::AdminKey));
        assert_eq!(found(Method::HEAD, "/health"), Some(Guard::Open));
        assert_eq!(found(Method::DELETE, "/health"), None);
        assert_eq!(found(Method::GET, "/v1/admin/jobs/7"), None);
    }

    #[test]
    fn the_table_makes_a_router() {
        let _: Router<ApiState> = table();
    }
}
