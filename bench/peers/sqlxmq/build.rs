//! Its tables: it ships them as files.

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    schema::write("sqlxmq", ".up.sql")
}
