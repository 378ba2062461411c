//! Whether others on the way can read what is said to the database, or answer in its place.

use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Says so in the log, once for each way to the database, without its address: that has a password in it. It is no error: a
/// network that is this machine's alone, such as one of containers, cannot be told from others by a host's name, and a rule
/// that guesses would be silent where it must not be.
pub(crate) fn warn_of(way: &'static str, options: &PgConnectOptions) {
    if is_in_the_clear(options) {
        tracing::warn!(
            way,
            "the database is on another host, and its address does not demand TLS: others on the way can read what is said \
             there, and answer in its place. sslmode=verify-full demands it"
        );
    }
}

/// On another host, without anything that refuses a connection in the clear. The options are asked, and not the address that
/// they were read from: what libpq's variables say (`PGHOST`, `PGSSLMODE`) counts as well.
fn is_in_the_clear(options: &PgConnectOptions) -> bool {
    is_of_another_host(options) && !demands_tls(options.get_ssl_mode())
}

/// A socket is a file here, and loopback does not leave the machine.
fn is_of_another_host(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    if options.get_socket().is_some() || host.is_empty() || host.starts_with('/') {
        return false;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(!host.eq_ignore_ascii_case("localhost"), |address| !address.is_loopback())
}

/// `prefer`, which is meant where nothing is said, takes what it gets: whoever stands in between says that there is no TLS.
fn demands_tls(mode: PgSslMode) -> bool {
    match mode {
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => false,
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> PgConnectOptions {
        url.parse().unwrap()
    }

    #[test]
    fn an_address_on_another_host_that_does_not_demand_tls_is_in_the_clear() {
        for host in
            ["db.internal", "postgres:5432", "10.0.0.7", "[2001:db8::1]", "localhost.example"]
        {
            for mode in ["disable", "allow", "prefer"] {
                let url = format!("postgres://app:s3@{host}/trunkline?sslmode={mode}");
                assert!(is_in_the_clear(&read(&url)), "{url}");
            }
            for mode in ["require", "verify-ca", "verify-full"] {
                let url = format!("postgres://app:s3@{host}/trunkline?sslmode={mode}");
                assert!(!is_in_the_clear(&read(&url)), "{url}");
            }
        }
        let silent =
            PgConnectOptions::new_without_pgpass().host("db").ssl_mode(PgSslMode::default());
        assert!(is_in_the_clear(&silent), "nothing said is prefer");
    }

    #[test]
    fn what_does_not_leave_the_machine_needs_no_tls() {
        for url in [
            "postgres://app@localhost/trunkline?sslmode=disable",
            "postgres://app@127.0.0.1:5433/trunkline?sslmode=disable",
            "postgres://app@127.9.9.9/trunkline?sslmode=disable",
            "postgres://app@[::1]/trunkline?sslmode=disable",
            "postgres://app@localhost/trunkline?host=/run/postgresql&sslmode=disable",
            "postgres://app@%2Frun%2Fpostgresql/trunkline?sslmode=disable",
        ] {
            assert!(!is_in_the_clear(&read(url)), "{url}");
        }
    }
}
