//! Logging in and out, and who acts for a tenant. The session is a cookie that scripts cannot read; the database knows only its
//! digest, and ends it when the password changes. Until a temporary password is changed, nothing else is open.

mod keys; // of the tenant's programs
mod login; // e-mail and password for a session
mod logout; // the session, ended
mod me; // who is logged in, and of which tenant
mod member; // a person, or a program with a key
mod order; // of a person or a program, carried out once
mod origin; // is it our own page that asks?
mod password; // a new password
mod session; // the cookie, and what it opens

pub(crate) use self::{
    keys::{keys, make_key, revoke_key},
    login::login,
    logout::logout,
    me::{me, tenant},
    member::{Member, has_key},
    order::{MemberOrder, Orderer},
    origin::OwnOrigin,
    password::change_password,
};
