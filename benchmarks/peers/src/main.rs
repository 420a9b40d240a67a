//! Reads a request as JSON (from the file named first, or standard input) and prints the report as JSON.
//!
//!     echo '{"values": ["1500000", "20000"]}' | cargo run --release --quiet

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use zkcollateral_peers::{measure, Request};

fn main() -> ExitCode {
    match report() {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("peers: {reason}");
            ExitCode::from(2)
        }
    }
}

fn report() -> Result<String, String> {
    let source: Box<dyn Read> = match std::env::args_os().nth(1) {
        Some(path) => Box::new(
            File::open(&path).map_err(|error| format!("{}: {error}", path.to_string_lossy()))?,
        ),
        None => Box::new(io::stdin()),
    };
    let request: Request =
        serde_json::from_reader(source).map_err(|error| format!("request: {error}"))?;
    let report = measure(&request)?;
    serde_json::to_string_pretty(&report).map_err(|error| format!("report: {error}"))
}
