//! Records what the program was built from (compiler, curve backend, version timed), for its report.

use std::process::Command;
use std::{env, fs};

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    // Empty unless somebody forced a backend with --cfg curve25519_dalek_backend="...".
    let forced = env::var("CARGO_CFG_CURVE25519_DALEK_BACKEND").unwrap_or_default();
    println!("cargo:rustc-env=PEERS_RUSTC={}", version.trim());
    println!("cargo:rustc-env=PEERS_FORCED_BACKEND={forced}");
    // What opens the AVX-512 backend: a nightly compiler, or the flag that ifma.toml passes.
    let opened = version.contains("nightly") || env::var_os("CARGO_CFG_NIGHTLY").is_some();
    println!("cargo:rustc-env=PEERS_AVX512={opened}");
    println!(
        "cargo:rustc-env=PEERS_PACKAGE=bulletproofs {}",
        locked("bulletproofs")
    );
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.lock");
}

/// The version of a package in `Cargo.lock`.
fn locked(name: &str) -> String {
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock beside Cargo.toml");
    let entry = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = lock.split_once(&entry).expect("the package in Cargo.lock");
    rest.chars().take_while(|&letter| letter != '"').collect()
}
