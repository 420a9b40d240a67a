//! A structured reference string and what is derived from it when first needed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::field::Fr;
use crate::msm::variable::linear_combination;
use crate::ntt;
use crate::pairing::{self, ENCODED_G2, Lines};
use crate::points::{ENCODED, Point};

/// Smallest and largest domain of `commit_digits`.
const DOMAIN: std::ops::RangeInclusive<usize> = 32..=1024;

/// [τ^i]₁ for i < size, [1]₂ and [τ]₂, from trusted encodings.
pub struct Setup {
    encoded: Vec<u8>,
    encoded_g2: [[u8; ENCODED_G2]; 2],
    points: Mutex<Arc<Vec<Point>>>,
    lines: OnceLock<[Lines; 2]>,
}

impl Setup {
    /// From the concatenated 48-byte encodings of [τ^i]₁ and the 96-byte ones of [1]₂ and [τ]₂.
    pub fn new(encoded: Vec<u8>, one: [u8; ENCODED_G2], tau: [u8; ENCODED_G2]) -> Result<Self> {
        if !encoded.len().is_multiple_of(ENCODED) {
            return Err(Error::decode(format_args!("{} bytes of G1 points", encoded.len())));
        }
        Ok(Self {
            encoded,
            encoded_g2: [one, tau],
            points: Mutex::default(),
            lines: OnceLock::new(),
        })
    }

    /// Number of powers [τ^i]₁.
    pub fn size(&self) -> usize {
        self.encoded.len() / ENCODED
    }

    fn prefix(&self, count: usize) -> Result<Arc<Vec<Point>>> {
        if count > self.size() {
            return Err(Error::value(format_args!("at most {} coefficients", self.size()), count));
        }
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.len() < count {
            let count = count.next_power_of_two().min(self.size());
            let mut grown = Vec::clone(&points);
            for bytes in self.encoded.chunks_exact(ENCODED).take(count).skip(points.len()) {
                grown.push(Point::decode_trusted(bytes)?);
            }
            *points = Arc::new(grown);
        }
        Ok(Arc::clone(&points))
    }

    /// [f(τ)]₁ of the polynomial with these coefficients.
    pub fn commit(&self, coefficients: &[Fr]) -> Result<Point> {
        let points = self.prefix(coefficients.len())?;
        linear_combination(&points[..coefficients.len()], coefficients)
    }

    /// [Σ digits[i]·L_i(τ) + (β_0 + β_1 τ)(τ^n − 1)]₁ for n = digits.len() digits 0 … 3.
    pub fn commit_digits(&self, digits: &[u8], blinders: [Fr; 2]) -> Result<Point> {
        let n = digits.len();
        if !n.is_power_of_two() || !DOMAIN.contains(&n) {
            return Err(Error::value("a power of two from 32 to 1024 as number of digits", n));
        }
        if let Some(place) = digits.iter().position(|&digit| digit > 3) {
            return Err(Error::value("digits 0 to 3", format_args!("another at {place}")));
        }
        let mut values: Vec<Fr> = digits.iter().map(|&d| Fr::from_limbs([d.into(), 0, 0, 0])).collect();
        ntt::intt(&mut values)?;
        for (i, blinder) in blinders.into_iter().enumerate() {
            values[i] -= blinder;
            values.push(blinder);
        }
        self.commit(&values)
    }

    /// Whether e(left, [1]₂) = e(right, [τ]₂).
    pub fn pairing_check(&self, left: &Point, right: &Point) -> Result<bool> {
        let lines = match self.lines.get() {
            Some(lines) => lines,
            None => {
                let [one, tau] = &self.encoded_g2;
                let made = [Lines::decode_trusted(one)?, Lines::decode_trusted(tau)?];
                self.lines.get_or_init(|| made)
            }
        };
        Ok(pairing::check(left, &lines[0], right, &lines[1]))
    }
}
