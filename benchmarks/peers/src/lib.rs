//! Times the crates.io package `bulletproofs` (range proofs of Bünz et al., 2018, over ristretto255).
//!
//! One thread. Generators are made before the clock starts, as they would be in a service. What is timed
//! for the prover is the package's own call, which also makes the value commitments; for the verifier, its
//! check of a decoded proof against those commitments.

use std::time::Instant;

use bulletproofs::{BulletproofGens, PedersenGens, ProofError, RangeProof};
use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

/// Every value is proved to lie in `[0, 2^BITS)`.
pub const BITS: usize = 64;

const LABEL: &[u8] = b"zkcollateral peers";

/// What to measure: unsigned 64-bit values, as decimal strings, and how often.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The values; their number must be a power of two. The first one is also proved alone.
    pub values: Vec<String>,
    /// How often the proof of one value is made and checked.
    #[serde(default = "default_single")]
    pub single_repetitions: usize,
    /// How often the proof of all values is made and checked.
    #[serde(default = "default_aggregated")]
    pub aggregated_repetitions: usize,
}

const fn default_single() -> usize {
    201
}

const fn default_aggregated() -> usize {
    21
}

/// Medians over the repetitions of one kind of proof.
#[derive(Debug, Serialize)]
pub struct Measurement {
    /// How many values one proof covers.
    pub values: usize,
    /// Bits per value.
    pub bits: usize,
    /// How often the proof was made and checked.
    pub repetitions: usize,
    /// Length of the encoded proof, without the value commitments (32 bytes each).
    pub proof_bytes: usize,
    /// Median time to make the commitments and the proof.
    pub prove_seconds: f64,
    /// Median time to check a decoded proof.
    pub verify_seconds: f64,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Name and version of the package that was timed.
    pub package: &'static str,
    /// Which vector instructions its curve arithmetic ran on.
    pub backend: String,
    /// The compiler it was built with.
    pub rustc: &'static str,
    /// One value.
    pub single: Measurement,
    /// All values in one aggregated proof.
    pub aggregated: Measurement,
}

/// Measures one value alone, then all of them in one proof.
///
/// # Errors
///
/// A sentence for a person: a value that is no 64-bit integer, a number of values that is no power of two,
/// no repetitions, or a proof that did not behave as a proof must.
pub fn measure(request: &Request) -> Result<Report, String> {
    let values = parse(&request.values)?;
    Ok(Report {
        package: env!("PEERS_PACKAGE"),
        backend: backend(),
        rustc: env!("PEERS_RUSTC"),
        single: repeat(&values[..1], request.single_repetitions)?,
        aggregated: repeat(&values, request.aggregated_repetitions)?,
    })
}

fn parse(values: &[String]) -> Result<Vec<u64>, String> {
    if !values.len().is_power_of_two() {
        return Err(format!(
            "values: expected a power of two of them, got {}",
            values.len()
        ));
    }
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            value.parse::<u64>().map_err(|error| {
                format!("values[{index}]: expected an unsigned 64-bit integer: {error}")
            })
        })
        .collect()
}

fn repeat(values: &[u64], repetitions: usize) -> Result<Measurement, String> {
    if repetitions == 0 {
        return Err("repetitions: expected at least 1, got 0".into());
    }
    let pedersen = PedersenGens::default();
    let generators = BulletproofGens::new(BITS, values.len());
    let mut proving = Vec::with_capacity(repetitions);
    let mut verifying = Vec::with_capacity(repetitions);
    let mut proof_bytes = 0;
    // The first round warms caches and is not counted.
    for round in 0..=repetitions {
        let blinders: Vec<Scalar> = values.iter().map(|_| Scalar::random(&mut OsRng)).collect();

        let start = Instant::now();
        let (proof, commitments) = RangeProof::prove_multiple(
            &generators,
            &pedersen,
            &mut Transcript::new(LABEL),
            values,
            &blinders,
            BITS,
        )
        .map_err(|error| format!("bulletproofs did not prove: {error}"))?;
        let proved = start.elapsed();

        let check = |commitments: &[_]| -> Result<(), ProofError> {
            let transcript = &mut Transcript::new(LABEL);
            proof.verify_multiple(&generators, &pedersen, transcript, commitments, BITS)
        };
        let start = Instant::now();
        let verdict = check(&commitments);
        let verified = start.elapsed();
        verdict.map_err(|error| format!("bulletproofs did not verify: {error}"))?;

        if round == 0 {
            let mut others = commitments.clone();
            others[0] = pedersen
                .commit(Scalar::ONE, Scalar::random(&mut OsRng))
                .compress();
            if check(&others).is_ok() {
                return Err("bulletproofs accepted a proof for another commitment".into());
            }
            proof_bytes = proof.to_bytes().len();
            continue;
        }
        proving.push(proved.as_secs_f64());
        verifying.push(verified.as_secs_f64());
    }
    Ok(Measurement {
        values: values.len(),
        bits: BITS,
        repetitions,
        proof_bytes,
        prove_seconds: median(&mut proving),
        verify_seconds: median(&mut verifying),
    })
}

/// Middle of the samples, or the mean of the two middles. The samples come back sorted.
fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        f64::midpoint(samples[middle - 1], samples[middle])
    }
}

/// Mirrors how curve25519-dalek 4 chooses: a forced backend, else AVX-512 IFMA when that was opened at
/// build time, else AVX2, else plain 64-bit integers; always by what the processor has.
fn backend() -> String {
    let forced = env!("PEERS_FORCED_BACKEND");
    if !forced.is_empty() && forced != "simd" {
        return forced.into();
    }
    #[cfg(target_arch = "x86_64")]
    {
        if env!("PEERS_AVX512") == "true"
            && std::is_x86_feature_detected!("avx512ifma")
            && std::is_x86_feature_detected!("avx512vl")
        {
            return "avx512ifma".into();
        }
        if std::is_x86_feature_detected!("avx2") {
            return "avx2".into();
        }
    }
    "serial".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(values: &[&str]) -> Request {
        Request {
            values: values.iter().map(ToString::to_string).collect(),
            single_repetitions: 1,
            aggregated_repetitions: 1,
        }
    }

    #[test]
    fn proofs_have_the_sizes_of_the_paper() {
        // 2·(log2(64·m) + 4) + 1 elements of 32 bytes (Bünz et al., 2018, section 4.2).
        let report = measure(&request(&["0", "18446744073709551615"])).unwrap();
        assert_eq!(report.single.proof_bytes, 672);
        assert_eq!(report.aggregated.proof_bytes, 736);
        assert_eq!(report.aggregated.values, 2);
        assert!(report.single.prove_seconds > report.single.verify_seconds);
    }

    #[test]
    fn unusable_requests_are_refused_with_a_reason() {
        for (values, reason) in [
            (vec!["1", "2", "3"], "power of two"),
            (vec![], "power of two"),
            (vec!["18446744073709551616"], "values[0]"),
            (vec!["1", "-1"], "values[1]"),
        ] {
            let refusal = measure(&request(&values)).unwrap_err();
            assert!(refusal.contains(reason), "{refusal}");
        }
        let mut never = request(&["1"]);
        never.aggregated_repetitions = 0;
        assert!(measure(&never).unwrap_err().contains("repetitions"));
    }

    #[test]
    fn median_of_odd_and_even_counts() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&mut [4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < f64::EPSILON);
    }
}
