//! Logging in and out. The session is a cookie that scripts cannot read; the database knows only its digest, and ends it when
//! the password changes. Until a temporary password is changed, nothing else is open.

mod login; // e-mail and password for a session
mod logout; // the session, ended
mod me; // who is logged in, and of which tenant
mod origin; // is it our own page that asks?
mod password; // a new password
mod session; // the cookie, and what it opens

pub(crate) use self::{
    login::login,
    logout::logout,
    me::{me, tenant},
    origin::OwnOrigin,
    password::change_password,
    session::OwnPassword,
};
