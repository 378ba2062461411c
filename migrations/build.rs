//! A new migration changes the binary, although no line of Rust has changed.

fn main() {
    println!("cargo::rerun-if-changed=.");
}
