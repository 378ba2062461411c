//! Its tables: it ships them as files.

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    schema::write(
        "fang",
        "postgres_migrations/migrations/2022-08-20-151615_create_fang_tasks/up.sql",
    )
}
