//! Number-theoretic transforms over F_r: natural order in and out.

use std::sync::OnceLock;

use crate::engine;
#[cfg(target_arch = "x86_64")]
use crate::engine::ifma::vector as lanes;
use crate::error::{Error, Result};
use crate::field::{Fr, GENERATOR, TWO_ADICITY};
use crate::vector;

/// The largest transform that is answered, 2^16: more is a mistake and not a polynomial of this protocol.
const MAX_LOG2: u32 = 16;

/// The four transforms of one length.
struct Domain {
    ntt: Plan,
    intt: Plan,
    coset_ntt: Plan,
    coset_intt: Plan,
}

static DOMAINS: [OnceLock<Domain>; MAX_LOG2 as usize + 1] =
    [const { OnceLock::new() }; MAX_LOG2 as usize + 1];

fn log2_of(length: usize) -> Result<u32> {
    if length.is_power_of_two() && length.trailing_zeros() <= MAX_LOG2.min(TWO_ADICITY) {
        Ok(length.trailing_zeros())
    } else {
        Err(Error::value(format_args!("a power of two up to 2^{MAX_LOG2} as length"), length))
    }
}

fn domain(length: usize) -> Result<&'static Domain> {
    let log2 = log2_of(length)?;
    let cell = &DOMAINS[log2 as usize];
    if let Some(domain) = cell.get() {
        return Ok(domain);
    }
    let root = Fr::root_of_unity(log2);
    let inverse = root.inverse()?;
    let scale = Fr::from_limbs([1 << log2, 0, 0, 0]).inverse()?;
    let shift = Fr::from_limbs([GENERATOR, 0, 0, 0]);
    let shifts = vector::powers(shift, length);
    let unshifts: Vec<Fr> =
        vector::powers(shift.inverse()?, length).into_iter().map(|power| power * scale).collect();
    let made = Domain {
        ntt: Plan::new(log2, root, None, None),
        intt: Plan::new(log2, inverse, None, Some(vec![scale; length])),
        coset_ntt: Plan::new(log2, root, Some(shifts), None),
        coset_intt: Plan::new(log2, inverse, None, Some(unshifts)),
    };
    Ok(cell.get_or_init(|| made))
}

/// Coefficients to values on H_len, in place.
pub fn ntt(values: &mut [Fr]) -> Result<()> {
    domain(values.len())?.ntt.run(values);
    Ok(())
}

/// Values on H_len to coefficients, in place.
pub fn intt(values: &mut [Fr]) -> Result<()> {
    domain(values.len())?.intt.run(values);
    Ok(())
}

/// Coefficients (at most `size`) to values on 7·H_size.
pub fn coset_ntt(coefficients: &[Fr], size: usize) -> Result<Vec<Fr>> {
    let domain = domain(size)?;
    if coefficients.len() > size {
        return Err(Error::value(format_args!("at most {size} coefficients"), coefficients.len()));
    }
    let mut values = vector::resize(coefficients, size)?;
    domain.coset_ntt.run(&mut values);
    Ok(values)
}

/// Values on 7·H_len to coefficients, in place.
pub fn coset_intt(values: &mut [Fr]) -> Result<()> {
    domain(values.len())?.coset_intt.run(values);
    Ok(())
}

/// One transform: in lanes where the processor has them and the length is worth it.
enum Plan {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Lanes(Box<lanes::Transform>),
}

impl Plan {
    /// The transform with this root of order 2^log2; input i is multiplied by before[i], output i by after[i].
    fn new(log2: u32, root: Fr, before: Option<Vec<Fr>>, after: Option<Vec<Fr>>) -> Self {
        #[cfg(target_arch = "x86_64")]
        if engine::simd() && 1 << log2 >= lanes::SHORTEST {
            let plan = lanes::Transform::new(log2, root, before.as_deref(), after.as_deref());
            return Self::Lanes(Box::new(plan));
        }
        let twiddles = vector::powers(root, (1 << log2) / 2);
        Self::Portable(Portable { log2, twiddles, before, after })
    }

    fn run(&self, values: &mut [Fr]) {
        match self {
            Self::Portable(plan) => plan.run(values),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(plan) => plan.run(values),
        }
    }
}

struct Portable {
    log2: u32,
    /// root^i for i < n/2.
    twiddles: Vec<Fr>,
    before: Option<Vec<Fr>>,
    after: Option<Vec<Fr>>,
}

impl Portable {
    fn run(&self, values: &mut [Fr]) {
        let n = values.len();
        let scale = |values: &mut [Fr], factors: &Option<Vec<Fr>>| {
            for (value, factor) in values.iter_mut().zip(factors.iter().flatten()) {
                *value *= *factor;
            }
        };
        scale(values, &self.before);
        for i in 0..n {
            let j = i.reverse_bits().checked_shr(usize::BITS - self.log2).unwrap_or(0);
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
                    let product = if i == 0 { *b } else { *b * self.twiddles[i * stride] };
                    *b = *a - product;
                    *a += product;
                }
            }
            half *= 2;
        }
        scale(values, &self.after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn transforms_are_evaluations() {
        let mut numbers = Numbers::new(5);
        for log2 in 0..=9 {
            let n = 1usize << log2;
            let coefficients = numbers.awkward(n);
            let root = Fr::root_of_unity(log2);
            let mut values = coefficients.clone();
            ntt(&mut values).unwrap();
            let shifted = coset_ntt(&coefficients, n).unwrap();
            for i in (0..n).step_by(1 + n / 16) {
                let x = root.pow(i as u64);
                assert_eq!(values[i], vector::evaluate(&coefficients, x));
                let shift = Fr::from_limbs([GENERATOR, 0, 0, 0]);
                assert_eq!(shifted[i], vector::evaluate(&coefficients, shift * x));
            }
            intt(&mut values).unwrap();
            assert_eq!(values, coefficients);
            let mut shifted = shifted;
            coset_intt(&mut shifted).unwrap();
            assert_eq!(shifted, coefficients);
        }
    }

    #[test]
    fn both_ways_give_the_same() {
        let mut numbers = Numbers::new(6);
        for log2 in 6..=12 {
            let n = 1usize << log2;
            let (before, after) = (numbers.awkward(n), numbers.awkward(n));
            let root = Fr::root_of_unity(log2);
            let portable = Portable {
                log2,
                twiddles: vector::powers(root, n / 2),
                before: Some(before.clone()),
                after: Some(after.clone()),
            };
            for mut values in [numbers.awkward(n), numbers.scalars(n), vec![-Fr::ONE; n], vec![Fr::ZERO; n]] {
                let mut others = values.clone();
                Plan::new(log2, root, Some(before.clone()), Some(after.clone())).run(&mut values);
                portable.run(&mut others);
                assert_eq!(values, others);
            }
        }
    }

    #[test]
    fn lengths_are_checked() {
        for length in [0, 3, 6] {
            assert!(ntt(&mut vec![Fr::ONE; length]).is_err());
            assert!(coset_ntt(&[], length).is_err());
        }
        assert!(coset_ntt(&[Fr::ZERO; 5], 4).is_err());
        assert!(coset_ntt(&[Fr::ZERO], 1 << (MAX_LOG2 + 1)).is_err());
    }
}
