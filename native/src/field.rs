//! F_r, the scalar field of BLS12-381: one element.

use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::error::{Error, Result};
use blst::{
    blst_fr, blst_fr_add, blst_fr_cneg, blst_fr_eucl_inverse, blst_fr_from, blst_fr_from_uint64, blst_fr_mul,
    blst_fr_sqr, blst_fr_sub,
};

/// r, as 64-bit limbs, least significant first.
pub const MODULUS: [u64; 4] =
    [0xffff_ffff_0000_0001, 0x53bd_a402_fffe_5bfe, 0x3339_d808_09a1_d805, 0x73ed_a753_299d_7d48];

/// The largest t with 2^t dividing r − 1.
pub const TWO_ADICITY: u32 = 32;

/// A generator of the multiplicative group; also the shift of the coset 7·H_n.
pub const GENERATOR: u64 = 7;

/// An element of F_r, in Montgomery form (value · 2^256 mod r), always fully reduced.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Fr(blst_fr);

/// Overwrites elements that may be secret. One `memset` where `zeroize` would write word by word, which
/// on short-lived vectors costs as much as computing them.
pub fn wipe(elements: &mut [Fr]) {
    elements.fill(Fr::ZERO);
    // The compiler has to take it that the zeros are looked at.
    std::hint::black_box(elements);
}

impl Fr {
    /// 0.
    pub const ZERO: Self = Self(blst_fr { l: [0; 4] });
    /// 1.
    pub const ONE: Self = Self(blst_fr {
        l: [0x0000_0001_ffff_fffe, 0x5884_b7fa_0003_4802, 0x998c_4fef_ecbc_4ff5, 0x1824_b159_acc5_056f],
    });

    /// The element congruent to a 256-bit integer (limbs least significant first).
    pub fn from_limbs(limbs: [u64; 4]) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: both pointers are to four limbs that live through the call.
        unsafe { blst_fr_from_uint64(&mut out.0, limbs.as_ptr()) };
        out
    }

    /// The element congruent to a signed 64-bit integer.
    pub fn from_i64(value: i64) -> Self {
        let magnitude = Self::from_limbs([value.unsigned_abs(), 0, 0, 0]);
        if value < 0 { -magnitude } else { magnitude }
    }

    /// The integer in [0, r), limbs least significant first.
    pub fn to_limbs(self) -> [u64; 4] {
        let mut out = blst_fr::default();
        // SAFETY: both pointers are to four limbs that live through the call.
        unsafe { blst_fr_from(&mut out, &self.0) };
        out.l
    }

    /// The limbs as they are stored (Montgomery form).
    pub fn raw(&self) -> &[u64; 4] {
        &self.0.l
    }

    /// An element from limbs in Montgomery form; the caller keeps them below r.
    pub const fn from_raw(limbs: [u64; 4]) -> Self {
        Self(blst_fr { l: limbs })
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.0.l == [0; 4]
    }

    /// self².
    pub fn square(&self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: both pointers are to field elements that live through the call.
        unsafe { blst_fr_sqr(&mut out.0, &self.0) };
        out
    }

    /// 1/self; [`Error::ZeroDivision`] for 0.
    pub fn inverse(&self) -> Result<Self> {
        if self.is_zero() {
            return Err(Error::ZeroDivision);
        }
        let mut out = Self::ZERO;
        // SAFETY: both pointers are to field elements that live through the call.
        unsafe { blst_fr_eucl_inverse(&mut out.0, &self.0) };
        Ok(out)
    }

    /// self^exponent.
    pub fn pow(&self, exponent: u64) -> Self {
        let mut out = Self::ONE;
        for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
            out = out.square();
            if exponent >> bit & 1 == 1 {
                out *= *self;
            }
        }
        out
    }

    /// ω_n = 7^((r−1)/n) for n = 2^`log2`, `log2` ≤ [`TWO_ADICITY`].
    pub fn root_of_unity(log2: u32) -> Self {
        // (r − 1) / 2^32, so that the powers below walk down from ω of order 2^32.
        let exponent = shift_right_32([MODULUS[0] - 1, MODULUS[1], MODULUS[2], MODULUS[3]]);
        let base = Self::from_limbs([GENERATOR, 0, 0, 0]);
        let mut root = Self::ONE;
        for limb in exponent.iter().rev() {
            for bit in (0..u64::BITS).rev() {
                root = root.square();
                if limb >> bit & 1 == 1 {
                    root *= base;
                }
            }
        }
        for _ in log2..TWO_ADICITY {
            root = root.square();
        }
        root
    }
}

fn shift_right_32(limbs: [u64; 4]) -> [u64; 4] {
    let mut out = [0; 4];
    for (i, slot) in out.iter_mut().enumerate() {
        let above = if i + 1 < limbs.len() { limbs[i + 1] } else { 0 };
        *slot = limbs[i] >> 32 | above << 32;
    }
    out
}

impl Add for Fr {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: the pointers are to field elements that live through the call.
        unsafe { blst_fr_add(&mut out.0, &self.0, &other.0) };
        out
    }
}

impl Sub for Fr {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: the pointers are to field elements that live through the call.
        unsafe { blst_fr_sub(&mut out.0, &self.0, &other.0) };
        out
    }
}

impl Mul for Fr {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: the pointers are to field elements that live through the call.
        unsafe { blst_fr_mul(&mut out.0, &self.0, &other.0) };
        out
    }
}

impl Neg for Fr {
    type Output = Self;
    fn neg(self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY: both pointers are to field elements that live through the call.
        unsafe { blst_fr_cneg(&mut out.0, &self.0, true) };
        out
    }
}

impl AddAssign for Fr {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fr {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Fr {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn integers_come_back_reduced() {
        assert_eq!(Fr::from_limbs(MODULUS), Fr::ZERO);
        assert_eq!(Fr::from_limbs([u64::MAX; 4]).to_limbs(), {
            // 2^256 − 1 − 2·r
            let mut out = [u64::MAX; 4];
            for _ in 0..2 {
                let mut borrow = false;
                for (limb, r) in out.iter_mut().zip(MODULUS) {
                    let (first, one) = limb.overflowing_sub(r);
                    let (second, two) = first.overflowing_sub(u64::from(borrow));
                    (*limb, borrow) = (second, one || two);
                }
            }
            out
        });
        assert_eq!(Fr::ONE.to_limbs(), [1, 0, 0, 0]);
        assert_eq!(Fr::from_i64(-3) + Fr::from_i64(3), Fr::ZERO);
        assert_eq!(Fr::from_i64(i64::MIN) + Fr::from_limbs([1 << 63, 0, 0, 0]), Fr::ZERO);
    }

    #[test]
    fn the_field_laws_hold() {
        let mut numbers = Numbers::new(1);
        for _ in 0..100 {
            let (a, b, c) = (numbers.scalar(), numbers.scalar(), numbers.scalar());
            assert_eq!((a + b) * c, a * c + b * c);
            assert_eq!(a - b, -(b - a));
            assert_eq!(a.square(), a * a);
            assert_eq!(a * a.inverse().unwrap(), Fr::ONE);
            assert_eq!(a.pow(5), a * a * a * a * a);
        }
        assert_eq!(Fr::ZERO.inverse(), Err(Error::ZeroDivision));
    }

    #[test]
    fn roots_of_unity_have_their_order() {
        assert_eq!(Fr::root_of_unity(0), Fr::ONE);
        assert_eq!(Fr::root_of_unity(1), -Fr::ONE);
        for log2 in 1..=TWO_ADICITY {
            let root = Fr::root_of_unity(log2);
            assert_eq!(root.pow(1 << (log2 - 1)), -Fr::ONE);
            assert_eq!(root.square(), Fr::root_of_unity(log2 - 1));
        }
    }
}
