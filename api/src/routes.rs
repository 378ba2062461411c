//! Every route, with who may use it. The router and the list are made of the same lines, so that neither can lack one.

use axum::{
    Extension, Router,
    routing::{get, patch, post},
};

use crate::{
    admin, calls, console, cron, demo, health, messages, people,
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
    /// Twilio, by its signature.
    TwilioSignature,
    /// Stripe, by its signature.
    StripeSignature,
    /// The outside clock, by its key.
    CronSecret,
    /// An operator, by the key.
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
}

macro_rules! routes {
    (
        ours { $( $method:ident $path:literal $guard:ident => $handler:path; )+ }
        of_the_process { $( $their_path:literal; )+ }
    ) => {
        /// Every route of the API.
        pub const ROUTES: &[Route] = &[
            $( Route { method: method_name!($method), path: $path, guard: Guard::$guard }, )+
            $( Route { method: "GET", path: $their_path, guard: Guard::Open }, )+
        ];

        fn table() -> Router<ApiState> {
            Router::new() $( .route($path, $method($handler)) )+
        }
    };
}

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
        get "/api/tenant" OwnPassword => people::tenant;
        get "/api/conversations" OwnPassword => messages::conversations;
        get "/api/conversations/{conversation}" OwnPassword => messages::conversation;
        post "/api/conversations/{conversation}/mode" OwnPassword => messages::set_mode;
        post "/api/conversations/{conversation}/messages" OwnPassword => messages::answer;
        post "/api/messages" OwnPassword => messages::schedule;
        get "/api/messaging" OwnPassword => messages::settings;
        post "/api/messaging" OwnPassword => messages::put_settings;
        get "/api/calls" OwnPassword => calls::calls;
        get "/api/calls/{call}" OwnPassword => calls::call;
        get "/api/call-requests" OwnPassword => calls::call_requests;
        post "/api/call-requests/{request}" OwnPassword => calls::set_call_request;
        get "/api/voice" OwnPassword => calls::voice;
        post "/api/voice" OwnPassword => calls::put_voice;

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

        get "/v1/admin/jobs" AdminKey => admin::list;
        post "/v1/admin/jobs" AdminKey => admin::enqueue;
        get "/v1/admin/jobs/{id}" AdminKey => admin::get;
        post "/v1/admin/jobs/{id}/retry" AdminKey => admin::retry;
        post "/v1/admin/jobs/{id}/cancel" AdminKey => admin::cancel;
        post "/v1/admin/jobs/{id}/redrive" AdminKey => admin::redrive;
        get "/v1/admin/jobs/{id}/timeline" AdminKey => admin::timeline;
        get "/v1/admin/jobs/{id}/explain" AdminKey => admin::explain;
        get "/v1/admin/jobs/{id}/undo-plan" AdminKey => admin::undo_plan;
        post "/v1/admin/jobs/{id}/run-now" AdminKey => admin::run_now;
        post "/v1/admin/jobs/{id}/args" AdminKey => admin::edit_args;
        post "/v1/admin/jobs/{id}/fork" AdminKey => admin::fork;
        post "/v1/admin/jobs/{id}/answer" AdminKey => admin::parked::answer;
        get "/v1/admin/parked" AdminKey => admin::parked::list;
        get "/v1/admin/parked/counts" AdminKey => admin::parked::counts;
        get "/v1/admin/parked/{id}" AdminKey => admin::parked::get;
        get "/v1/admin/dead-letters" AdminKey => admin::dead::list;
        get "/v1/admin/dead-letters/counts" AdminKey => admin::dead::counts;
        get "/v1/admin/operations" AdminKey => admin::operations::list;
        post "/v1/admin/operations" AdminKey => admin::operations::preview;
        get "/v1/admin/operations/{id}" AdminKey => admin::operations::get;
        post "/v1/admin/operations/{id}/start" AdminKey => admin::operations::start;
        post "/v1/admin/operations/{id}/cancel" AdminKey => admin::operations::cancel;
        post "/v1/admin/operations/{id}/undo" AdminKey => admin::operations::undo;
        get "/v1/admin/queues" AdminKey => admin::queues::list;
        get "/v1/admin/queues/{name}" AdminKey => admin::queues::get;
        post "/v1/admin/queues/{name}/pause" AdminKey => admin::queues::pause;
        post "/v1/admin/queues/{name}/resume" AdminKey => admin::queues::resume;
        post "/v1/admin/queues/{name}/settings" AdminKey => admin::queues::set;
        get "/v1/admin/schedules" AdminKey => admin::schedules::list;
        get "/v1/admin/schedules/{name}" AdminKey => admin::schedules::get;
        post "/v1/admin/schedules/{name}/pause" AdminKey => admin::schedules::pause;
        post "/v1/admin/schedules/{name}/resume" AdminKey => admin::schedules::resume;
        post "/v1/admin/schedules/{name}/run" AdminKey => admin::schedules::run;
        post "/v1/admin/schedules/{name}/change" AdminKey => admin::schedules::change;
        post "/v1/admin/schedules/{name}/backfill" AdminKey => admin::schedules::backfill;
        post "/v1/admin/schedules/{name}/stop-backfill" AdminKey => admin::schedules::stop_backfill;
        get "/v1/admin/workers" AdminKey => admin::workers::list;
        get "/v1/admin/workers/{id}" AdminKey => admin::workers::get;
        post "/v1/admin/workers/{id}/drain" AdminKey => admin::workers::drain;
        post "/v1/admin/workers/{id}/resume" AdminKey => admin::workers::resume;
        get "/v1/admin/audit" AdminKey => admin::audit::product;
        get "/v1/admin/audit/engine" AdminKey => admin::audit::engine;
        get "/api/admin/maintenance" AdminKey => admin::maintenance;
        post "/api/admin/maintenance" AdminKey => admin::set_maintenance;
        get "/v1/admin/webhooks" AdminKey => admin::webhooks::list;
        get "/v1/admin/webhooks/counts" AdminKey => admin::webhooks::counts;
        get "/v1/admin/webhooks/{id}" AdminKey => admin::webhooks::get;
        post "/v1/admin/webhooks/{id}/replay" AdminKey => admin::webhooks::replay;
        post "/v1/admin/demo/{tenant}/verify" AdminKey => admin::vouch;
        post "/v1/admin/demo/{tenant}/code" AdminKey => admin::new_code;
        post "/v1/admin/demo/{tenant}/expire" AdminKey => admin::expire;
        post "/v1/admin/demo/{tenant}/convert" AdminKey => admin::convert;
        post "/v1/admin/demo/{tenant}/restore" AdminKey => admin::restore;
        patch "/v1/admin/businesses/{id}" AdminKey => admin::patch_business;
        get "/v1/admin/numbers" AdminKey => admin::list_numbers;
        post "/v1/admin/numbers" AdminKey => admin::add_number;
        post "/v1/admin/numbers/recover" AdminKey => admin::recover_numbers;
        post "/v1/admin/numbers/{id}/maintenance" AdminKey => admin::set_number_maintenance;
        post "/v1/admin/numbers/{id}/release" AdminKey => admin::release_number;
        get "/v1/admin/businesses/{tenant}/billing" AdminKey => admin::billing;
        post "/v1/admin/businesses/{tenant}/subscription" AdminKey => admin::create_subscription;
        post "/v1/admin/businesses/{tenant}/subscription/cancel" AdminKey => admin::cancel_subscription;
        post "/v1/admin/businesses/{tenant}/subscription/change-plan" AdminKey => admin::change_plan;
        get "/v1/admin/businesses/{tenant}/voice" AdminKey => calls::admin_voice;
        post "/v1/admin/businesses/{tenant}/voice" AdminKey => calls::admin_put_voice;
        post "/v1/admin/plans" AdminKey => admin::put_plan;
        get "/v1/admin/billing/reconciliation" AdminKey => admin::last_reconciliation;

        get "/health" Open => health::health;

        get "/console" ConsoleSession => console::overview;
        get "/console/jobs" ConsoleSession => console::jobs;
        get "/console/jobs/{id}" ConsoleSession => console::job;
        get "/console/queues" ConsoleSession => console::queues;
        get "/console/errors" ConsoleSession => console::errors;
        get "/console/schedules" ConsoleSession => console::schedules;
        get "/console/workers" ConsoleSession => console::workers;
        get "/console/webhooks" ConsoleSession => console::webhooks;
        get "/console/webhooks/{id}" ConsoleSession => console::webhook;
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
    fn the_table_makes_a_router() {
        let _: Router<ApiState> = table();
    }
}
