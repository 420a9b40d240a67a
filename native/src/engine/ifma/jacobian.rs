//! Points in Jacobian coordinates, eight side by side: x = X/Z², y = Y/Z³.
//!
//! Coordinates stay below 16·p. The addition is not complete: where the two points have the same x, or one is
//! the identity, its Z is 0 mod p; and a Z of 0 stays 0 through all that follows.

use std::arch::x86_64::*;

use super::fp::{Fp8, add_raw, carry, mul, plus_multiple, sqr, sub_raw};

/// Eight points.
#[derive(Clone, Copy)]
pub struct Jacobian8 {
    pub x: Fp8,
    pub y: Fp8,
    pub z: Fp8,
}

impl Jacobian8 {
    /// 2·self.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn double(&self) -> Self {
        let a = sqr(&self.x);
        let b = sqr(&self.y);
        let c = sqr(&b);
        let xb = mul(&self.x, &b);
        let xb2 = add_raw(&xb, &xb);
        let d = add_raw(&xb2, &xb2);
        let e = carry(&add_raw(&a, &add_raw(&a, &a)));
        let x = carry(&plus_multiple::<9>(&sub_raw(&sub_raw(&sqr(&e), &d), &d)));
        let c2 = add_raw(&c, &c);
        let c4 = add_raw(&c2, &c2);
        let slope = mul(&e, &carry(&plus_multiple::<11>(&sub_raw(&d, &x))));
        let y = carry(&plus_multiple::<9>(&sub_raw(&sub_raw(&slope, &c4), &c4)));
        let yz = mul(&self.y, &self.z);
        Self { x, y, z: carry(&add_raw(&yz, &yz)) }
    }

    /// self + (x, y), for x and y below 4·p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn add_affine(&self, x: &Fp8, y: &Fp8) -> Self {
        let zz = sqr(&self.z);
        let h = carry(&plus_multiple::<16>(&sub_raw(&mul(x, &zz), &self.x)));
        let r = carry(&plus_multiple::<16>(&sub_raw(&mul(y, &mul(&self.z, &zz)), &self.y)));
        Self::add_at(&self.x, &self.y, &h, &r, &mul(&self.z, &h))
    }

    /// self + other.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn add(&self, other: &Self) -> Self {
        let (zz, other_zz) = (sqr(&self.z), sqr(&other.z));
        let u = mul(&self.x, &other_zz);
        let s = mul(&self.y, &mul(&other.z, &other_zz));
        let h = carry(&plus_multiple::<2>(&sub_raw(&mul(&other.x, &zz), &u)));
        let r = carry(&plus_multiple::<2>(&sub_raw(&mul(&other.y, &mul(&self.z, &zz)), &s)));
        Self::add_at(&u, &s, &h, &r, &mul(&mul(&self.z, &other.z), &h))
    }

    /// The end of both additions: (u, s) is the first point over the common denominator, h and r say how far it
    /// is from there to the second, z is the result's.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_at(u: &Fp8, s: &Fp8, h: &Fp8, r: &Fp8, z: &Fp8) -> Self {
        let hh = sqr(h);
        let hhh = mul(h, &hh);
        let v = mul(u, &hh);
        let x = sub_raw(&sub_raw(&sqr(r), &hhh), &add_raw(&v, &v));
        let x = carry(&plus_multiple::<4>(&x));
        let slope = mul(r, &carry(&plus_multiple::<6>(&sub_raw(&v, &x))));
        let y = carry(&plus_multiple::<2>(&sub_raw(&slope, &mul(s, &hhh))));
        Self { x, y, z: *z }
    }

    /// The sum of all eight points, in every lane.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn sum(&self) -> Self {
        let pairs = self.add(&self.swapped::<1>());
        let quads = pairs.add(&pairs.swapped::<2>());
        quads.add(&quads.swapped::<4>())
    }

    /// Lane i exchanged with lane i xor N, for N = 1, 2 or 4.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn swapped<const N: i64>(&self) -> Self {
        let places = _mm512_set_epi64(7 ^ N, 6 ^ N, 5 ^ N, 4 ^ N, 3 ^ N, 2 ^ N, 1 ^ N, N);
        let mut out = *self;
        for i in 0..8 {
            out.x[i] = _mm512_permutexvar_epi64(places, self.x[i]);
            out.y[i] = _mm512_permutexvar_epi64(places, self.y[i]);
            out.z[i] = _mm512_permutexvar_epi64(places, self.z[i]);
        }
        out
    }

    /// This point in the lanes of `lanes`, `other` in the rest.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn select(&self, lanes: __mmask8, other: &Self) -> Self {
        let mut out = *other;
        for i in 0..8 {
            out.x[i] = _mm512_mask_mov_epi64(other.x[i], lanes, self.x[i]);
            out.y[i] = _mm512_mask_mov_epi64(other.y[i], lanes, self.y[i]);
            out.z[i] = _mm512_mask_mov_epi64(other.z[i], lanes, self.z[i]);
        }
        out
    }
}
