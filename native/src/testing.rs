//! What the tests of this crate share: repeatable numbers and the slow way to compute things.

use blst::blst_p1_mult;

use crate::field::Fr;
use crate::points::{Jacobian, Point};

/// Repeatable numbers (xorshift64).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed * 2 + 0x9e37_79b9_7f4a_7c15)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn scalar(&mut self) -> Fr {
        Fr::from_limbs(std::array::from_fn(|_| self.word()))
    }

    /// Scalars among which the awkward ones are many: 0, 1, r − 1, powers of two and their neighbours.
    pub fn awkward(&mut self, count: usize) -> Vec<Fr> {
        let one = |this: &mut Self| match this.word() % 8 {
            0 => Fr::ZERO,
            1 => Fr::ONE,
            2 => -Fr::ONE,
            3 => Fr::from_limbs([2, 0, 0, 0]).pow(this.word() % 255),
            4 => Fr::from_limbs([2, 0, 0, 0]).pow(this.word() % 255) - Fr::ONE,
            _ => this.scalar(),
        };
        (0..count).map(|_| one(self)).collect()
    }

    pub fn scalars(&mut self, count: usize) -> Vec<Fr> {
        (0..count).map(|_| self.scalar()).collect()
    }

    pub fn point(&mut self) -> Point {
        multiple(&Point::generator(), self.scalar())
    }

    pub fn points(&mut self, count: usize) -> Vec<Point> {
        (0..count).map(|_| self.point()).collect()
    }
}

/// scalar·point, by the library.
pub fn multiple(point: &Point, scalar: Fr) -> Point {
    let limbs = scalar.to_limbs();
    let base = Jacobian::from(point);
    let mut out = Jacobian::default();
    // SAFETY: the pointers are to a point and to the 255 bits of a scalar that live through the call.
    unsafe { blst_p1_mult(&mut out.0, &base.0, limbs.as_ptr().cast(), 255) };
    out.to_affine()
}

/// Σ scalars[i]·points[i], one after the other.
pub fn combination(points: &[Point], scalars: &[Fr]) -> Point {
    points
        .iter()
        .zip(scalars)
        .fold(Point::IDENTITY, |sum, (point, scalar)| sum.add(&multiple(point, *scalar)))
}

/// Runs a test for every engine that this machine has.
macro_rules! for_each_engine {
    ($engine:ident => $test:block) => {{
        type $engine = $crate::engine::portable::Portable;
        $test
    }
    #[cfg(target_arch = "x86_64")]
    if $crate::engine::ifma::available() {
        type $engine = $crate::engine::ifma::Ifma;
        $test
    }};
}
pub(crate) use for_each_engine;

impl std::fmt::Debug for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x?}", self.encode())
    }
}

impl std::fmt::Debug for Fr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x?}", self.to_limbs())
    }
}
