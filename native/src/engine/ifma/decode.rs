//! The costly half of decoding, eight points at a time: the square root.

use blst::blst_fp;

use super::fp::{self, Fp8, add_raw, carry, mul, plus_multiple, splat, sqr, store, to_blst, transpose};
use super::limbs::{self, Limbs, canonical, unpack};
use crate::points::{Decoded, MODULUS, Point};

/// (p + 1)/4: raising to it takes a square to one of its roots, as p = 3 mod 4.
const ROOT: [u64; 6] = {
    let mut out = [0; 6];
    let mut i = 0;
    while i < 6 {
        // p + 1 has no carry out of its lowest limb.
        let low = if i == 0 { MODULUS[0] + 1 } else { MODULUS[i] };
        let high = if i < 5 { MODULUS[i + 1] } else { 0 };
        out[i] = low >> 2 | high << 62;
        i += 1;
    }
    out
};

/// (p − 1)/2: a y above it is the greater of its pair.
const HALF: Limbs = {
    let mut words = [0; 6];
    let mut i = 0;
    while i < 6 {
        let high = if i < 5 { MODULUS[i + 1] } else { 0 };
        words[i] = MODULUS[i] >> 1 | high << 63;
        i += 1;
    }
    unpack(&words)
};

/// For up to eight x-coordinates and signs read from encodings, the only points that they can mean.
///
/// Whether these are on the curve and in the subgroup is for the caller to ask: where x³ + 4 is no square, the y
/// here is a root of nothing. The processor must be able to run this engine.
pub fn candidates(xs: &[Decoded]) -> Vec<Point> {
    // SAFETY: this engine is used only where the processor has the features.
    unsafe { candidate_lanes(xs) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn candidate_lanes(xs: &[Decoded]) -> Vec<Point> {
    let mut rows = splat(&[0; 8]);
    for (row, decoded) in rows.iter_mut().zip(xs) {
        *row = fp::load(&unpack(&decoded.x));
    }
    let x = mul(&transpose(&rows), &splat(&limbs::FROM_INTEGER));
    let one = splat(&limbs::ONE);
    let four = carry(&add_raw(&add_raw(&one, &one), &add_raw(&one, &one)));
    let root = raise(&carry(&add_raw(&mul(&sqr(&x), &x), &four)));

    let integers = transpose(&mul(&root, &splat(&limbs::TO_INTEGER)));
    let mut flip = 0u8;
    for (i, decoded) in xs.iter().enumerate() {
        let mut limbs = [0; 8];
        store(&mut limbs, integers[i]);
        let greater = canonical(limbs).iter().rev().gt(HALF.iter().rev());
        flip |= u8::from(greater != decoded.greater) << i;
    }
    let y = carry(&plus_multiple::<2>(&fp::negate_raw(&root, flip)));
    to_blst(&x).into_iter().zip(to_blst(&y)).take(xs.len()).map(|(x, y)| point(x, y)).collect()
}

fn point(x: blst_fp, y: blst_fp) -> Point {
    let mut out = Point::IDENTITY;
    (out.0.x, out.0.y) = (x, y);
    out
}

/// a^((p + 1)/4).
#[target_feature(enable = "avx512f,avx512ifma")]
fn raise(a: &Fp8) -> Fp8 {
    let mut powers = [splat(&limbs::ONE); 16];
    for i in 1..16 {
        powers[i] = mul(&powers[i - 1], a);
    }
    let mut out = powers[0];
    for window in (0..96).rev() {
        out = sqr(&sqr(&sqr(&sqr(&out))));
        out = mul(&out, &powers[(ROOT[window / 16] >> (4 * (window % 16)) & 15) as usize]);
    }
    out
}
