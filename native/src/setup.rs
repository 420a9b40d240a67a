//! A structured reference string and what is derived from it when first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::engine::{self, Engine};
use crate::error::{Error, Result};
use crate::field::Fr;
use crate::msm::fixed::{Table, best_step};
use crate::msm::lagrange::{DigitTable, RADIX};
use crate::pairing::{ENCODED_G2, Equation};
use crate::points::{ENCODED, Point, decode_all};

/// Smallest and largest domain of `commit_digits`.
const DOMAIN: std::ops::RangeInclusive<usize> = 32..=1024;

/// Most powers of a setup: places in tables have to fit a term.
const LARGEST_SETUP: usize = 1 << 20;

/// No table is made for fewer bases.
const SMALLEST_TABLE: usize = 64;

/// [τ^i]₁ for i < size, [1]₂ and [τ]₂, from trusted encodings.
pub struct Setup {
    powers: Box<dyn Commit>,
    encoded_g2: [[u8; ENCODED_G2]; 2],
    equation: OnceLock<Equation>,
}

impl Setup {
    /// From the concatenated 48-byte encodings of [τ^i]₁ and the 96-byte ones of [1]₂ and [τ]₂.
    pub fn new(encoded: Vec<u8>, one: [u8; ENCODED_G2], tau: [u8; ENCODED_G2]) -> Result<Self> {
        if !encoded.len().is_multiple_of(ENCODED) {
            return Err(Error::decode(format_args!("{} bytes of G1 points", encoded.len())));
        }
        if encoded.len() / ENCODED > LARGEST_SETUP {
            return Err(Error::value(
                format_args!("at most {LARGEST_SETUP} powers"),
                encoded.len() / ENCODED,
            ));
        }
        let powers: Box<dyn Commit> = engine::dispatch!(E => Box::new(Powers::<E>::new(encoded)));
        Ok(Self { powers, encoded_g2: [one, tau], equation: OnceLock::new() })
    }

    /// Number of powers [τ^i]₁.
    pub fn size(&self) -> usize {
        self.powers.size()
    }

    /// [f(τ)]₁ of the polynomial with these coefficients.
    pub fn commit(&self, coefficients: &[Fr]) -> Result<Point> {
        self.powers.commit(coefficients)
    }

    /// [Σ digits[i]·L_i(τ) + (β_0 + β_1 τ)(τ^n − 1)]₁ for n = digits.len() digits 0 … 3.
    pub fn commit_digits(&self, digits: &[u8], blinders: &[Fr; 2]) -> Result<Point> {
        self.powers.commit_digits(digits, blinders)
    }

    /// Whether e(left, [1]₂) = e(right, [τ]₂).
    pub fn pairing_check(&self, left: &Point, right: &Point) -> Result<bool> {
        let equation = match self.equation.get() {
            Some(equation) => equation,
            None => {
                let [one, tau] = &self.encoded_g2;
                let made = Equation::decode_trusted(one, tau)?;
                self.equation.get_or_init(|| made)
            }
        };
        Ok(equation.holds(left, right))
    }
}

/// What is committed with, whatever the engine.
trait Commit: Send + Sync {
    fn size(&self) -> usize;
    fn commit(&self, coefficients: &[Fr]) -> Result<Point>;
    fn commit_digits(&self, digits: &[u8], blinders: &[Fr; 2]) -> Result<Point>;
}

/// [τ^i]₁ and its tables. Each lock is held while what it guards is made, so that nothing is made twice.
struct Powers<E: Engine> {
    encoded: Vec<u8>,
    decoded: Mutex<Arc<Vec<Point>>>,
    /// By the step between the powers of 2.
    tables: Mutex<HashMap<u32, Arc<Table<E>>>>,
    /// By number of digits.
    digits: Mutex<HashMap<usize, Arc<DigitTable<E>>>>,
}

/// A lock; what it guards is replaced in one piece, so a thread that panicked left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Engine> Powers<E> {
    fn new(encoded: Vec<u8>) -> Self {
        Self { encoded, decoded: Mutex::default(), tables: Mutex::default(), digits: Mutex::default() }
    }

    /// At least `count` decoded powers.
    fn prefix(&self, count: usize) -> Result<Arc<Vec<Point>>> {
        let mut decoded = lock(&self.decoded);
        if decoded.len() < count {
            let start = decoded.len() * ENCODED;
            let end = count.next_power_of_two().min(self.size()) * ENCODED;
            let mut grown = Vec::clone(&decoded);
            grown.extend(decode_all(&self.encoded[start..end], true)?);
            *decoded = Arc::new(grown);
        }
        Ok(Arc::clone(&decoded))
    }

    fn check_size(&self, count: usize) -> Result<()> {
        if count <= self.size() {
            Ok(())
        } else {
            Err(Error::value(format_args!("at most {} coefficients", self.size()), count))
        }
    }

    /// A table for at least `count` bases.
    fn table(&self, count: usize) -> Result<Arc<Table<E>>> {
        let bases = count.next_power_of_two().max(SMALLEST_TABLE).min(self.size());
        let step = best_step(bases);
        let mut tables = lock(&self.tables);
        if let Some(table) = tables.get(&step).filter(|table| table.bases() >= count) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(Table::new(&self.prefix(bases)?[..bases], step));
        tables.insert(step, Arc::clone(&table));
        Ok(table)
    }

    fn digit_table(&self, n: usize) -> Result<Arc<DigitTable<E>>> {
        let mut digits = lock(&self.digits);
        if let Some(table) = digits.get(&n) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(DigitTable::new(&self.prefix(n + 2)?[..n + 2])?);
        digits.insert(n, Arc::clone(&table));
        Ok(table)
    }
}

impl<E: Engine> Commit for Powers<E> {
    fn size(&self) -> usize {
        self.encoded.len() / ENCODED
    }

    fn commit(&self, coefficients: &[Fr]) -> Result<Point> {
        self.check_size(coefficients.len())?;
        Ok(self.table(coefficients.len())?.combine(coefficients))
    }

    fn commit_digits(&self, digits: &[u8], blinders: &[Fr; 2]) -> Result<Point> {
        let n = digits.len();
        if !n.is_power_of_two() || !DOMAIN.contains(&n) {
            return Err(Error::value("a power of two from 32 to 1024 as number of digits", n));
        }
        if let Some(place) = digits.iter().position(|&digit| digit >= RADIX) {
            return Err(Error::value("digits 0 to 3", format_args!("another at {place}")));
        }
        self.check_size(n + 2)?;
        Ok(self.digit_table(n)?.commit(digits, blinders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ntt;
    use crate::testing::{Numbers, for_each_engine, multiple};
    use crate::vector;

    /// [τ^i]₁ for a known τ.
    fn powers(tau: Fr, size: usize) -> Vec<u8> {
        let generator = Point::generator();
        vector::powers(tau, size).into_iter().flat_map(|power| multiple(&generator, power).encode()).collect()
    }

    #[test]
    fn commitments_are_values_at_tau() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(21);
            // Also a τ that makes points of the setup coincide, and one that lies in the domains.
            for tau in [numbers.scalar(), Fr::ONE, -Fr::ONE, Fr::root_of_unity(5)] {
                let setup = Powers::<E>::new(powers(tau, 140));
                for count in [0, 1, 2, 66, 67, 139, 140] {
                    let f = numbers.awkward(count);
                    let expected = multiple(&Point::generator(), vector::evaluate(&f, tau));
                    assert_eq!(setup.commit(&f).unwrap(), expected);
                }
                assert!(setup.commit(&numbers.scalars(141)).is_err());
                for n in [32usize, 64, 128] {
                    for blinders in [[numbers.scalar(), numbers.scalar()], [Fr::ZERO, -Fr::ONE]] {
                        let digits: Vec<u8> = (0..n).map(|_| (numbers.word() & 3) as u8).collect();
                        let mut f: Vec<Fr> = digits.iter().map(|&digit| Fr::from_i64(digit.into())).collect();
                        ntt::intt(&mut f).unwrap();
                        let vanishing = tau.pow(n as u64) - Fr::ONE;
                        let value = vector::evaluate(&f, tau) + (blinders[0] + blinders[1] * tau) * vanishing;
                        let expected = multiple(&Point::generator(), value);
                        assert_eq!(setup.commit_digits(&digits, &blinders).unwrap(), expected);
                    }
                }
            }
        });
    }

    #[test]
    fn digits_are_checked() {
        for_each_engine!(E => {
            let setup = Powers::<E>::new(powers(Fr::from_i64(5), 60));
            let blinders = [Fr::ONE; 2];
            for digits in [&[0; 31][..], &[0; 16], &[0; 2048], &[0; 64], &[4; 32], &[]] {
                assert!(setup.commit_digits(digits, &blinders).is_err());
            }
            assert!(setup.commit_digits(&[3; 32], &blinders).is_ok());
        });
    }

    #[test]
    fn bytes_that_are_no_points_are_an_error_when_they_are_needed() {
        let mut encoded = powers(Fr::from_i64(5), 70);
        encoded[69 * ENCODED] = 0;
        for_each_engine!(E => {
            let setup = Powers::<E>::new(encoded.clone());
            assert!(setup.commit(&[Fr::ONE]).is_ok());
            assert!(matches!(setup.commit(&[Fr::ONE; 66]), Err(Error::Decode(_))));
        });
    }
}
