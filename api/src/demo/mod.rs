//! A demo, as the person who wants one sees it: ask, verify the phone, look, take over the access data.
//!
//! | request | answer |
//! | --- | --- |
//! | `create-tenant`, `setup` | 202; the same whether the phone is known or not, and never the code |
//! | `verify-phone` | 202 with the access token; with `?wait=` the whole access data, if it is ready in time |
//! | `status` | where it stands |
//! | `access` | the access data; the temporary password in the first answer only |
//!
//! Fields that are not known are ignored in a sign-up (forms carry more than we ask for) and refused in a verification.

mod access; // the access data
mod contact; // who asks for a demo, from two kinds of body
mod limits; // how often one may ask
mod signup; // a sign-up, written down
mod status; // where it stands, and waiting for it
mod verified; // what follows once a phone is verified
mod verify; // a code, tried

pub(crate) use self::{
    access::access,
    limits::too_many,
    signup::{create_tenant, setup},
    status::status,
    verified::{Witness, mark_verified},
    verify::verify_phone,
};

use domain::TenantId;

use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// Where the sign-up's status is shown.
pub(crate) fn status_url(state: &ApiState, tenant: TenantId) -> String {
    state.url(&format!("/api/demo/{tenant}/status"))
}

/// A tenant's id from a path. What is no id names nothing.
pub(crate) fn tenant_of(text: &str) -> Result<TenantId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound, "there is no such sign-up"))
}
