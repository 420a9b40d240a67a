//! Number-theoretic transforms over F_r: natural order in and out.

use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::field::{Fr, GENERATOR, TWO_ADICITY};
use crate::vector;

/// The largest transform that is answered, 2^20: more is a mistake and not a polynomial of this protocol.
const MAX_LOG2: u32 = 20;

struct Domain {
    /// ω^0 … ω^(n/2 − 1).
    forward: Vec<Fr>,
    /// The same of ω^−1.
    backward: Vec<Fr>,
    /// 1/n.
    scale: Fr,
}

static DOMAINS: [OnceLock<Domain>; MAX_LOG2 as usize + 1] = [const { OnceLock::new() }; MAX_LOG2 as usize + 1];

fn log2_of(length: usize) -> Result<u32> {
    if length.is_power_of_two() && length.trailing_zeros() <= MAX_LOG2.min(TWO_ADICITY) {
        Ok(length.trailing_zeros())
    } else {
        Err(Error::value(format_args!("a power of two up to 2^{MAX_LOG2} as length"), length))
    }
}

fn domain(log2: u32) -> Result<&'static Domain> {
    let cell = &DOMAINS[log2 as usize];
    if let Some(domain) = cell.get() {
        return Ok(domain);
    }
    let half = (1usize << log2) / 2;
    let root = Fr::root_of_unity(log2);
    let made = Domain {
        forward: vector::powers(root, half),
        backward: vector::powers(root.inverse()?, half),
        scale: Fr::from_limbs([1 << log2, 0, 0, 0]).inverse()?,
    };
    Ok(cell.get_or_init(|| made))
}

/// Coefficients to values on H_len, in place.
pub fn ntt(values: &mut [Fr]) -> Result<()> {
    let log2 = log2_of(values.len())?;
    transform(values, log2, &domain(log2)?.forward);
    Ok(())
}

/// Values on H_len to coefficients, in place.
pub fn intt(values: &mut [Fr]) -> Result<()> {
    let log2 = log2_of(values.len())?;
    let domain = domain(log2)?;
    transform(values, log2, &domain.backward);
    for value in values {
        *value *= domain.scale;
    }
    Ok(())
}

/// Coefficients (at most `size`) to values on 7·H_size.
pub fn coset_ntt(coefficients: &[Fr], size: usize) -> Result<Vec<Fr>> {
    let log2 = log2_of(size)?;
    let mut values = vector::resize(coefficients, size)?;
    scale_by_powers(&mut values[..coefficients.len()], Fr::from_limbs([GENERATOR, 0, 0, 0]));
    transform(&mut values, log2, &domain(log2)?.forward);
    Ok(values)
}

/// Values on 7·H_len to coefficients, in place.
pub fn coset_intt(values: &mut [Fr]) -> Result<()> {
    intt(values)?;
    scale_by_powers(values, Fr::from_limbs([GENERATOR, 0, 0, 0]).inverse()?);
    Ok(())
}

fn scale_by_powers(values: &mut [Fr], base: Fr) {
    let mut power = Fr::ONE;
    for value in values {
        *value *= power;
        power *= base;
    }
}

fn transform(values: &mut [Fr], log2: u32, twiddles: &[Fr]) {
    let n = values.len();
    if n < 2 {
        return;
    }
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - log2);
        if i < j {
            values.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (i, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let product = *b * twiddles[i * stride];
                *b = *a - product;
                *a += product;
            }
        }
        half *= 2;
    }
}
