//! F_r eight elements side by side, in five limbs of 52 bits.
//!
//! Stored elements are value · 2^256 mod r, in four 64-bit words. [`mul`] divides by 2^260, so a factor is
//! either a constant kept as value · 2^260, which leaves the stored form as it is, or is loaded times 16.

use std::arch::x86_64::*;

use crate::field::{Fr, MODULUS};

/// Eight elements: limb i of all of them in vector i.
pub type Fr8 = [__m512i; 5];

/// Elements of a vector.
pub const LANES: usize = 8;

const MASK: u64 = (1 << 52) - 1;

type Limbs = [u64; 5];

const fn unpack(words: &[u64; 4]) -> Limbs {
    [
        words[0] & MASK,
        (words[0] >> 52 | words[1] << 12) & MASK,
        (words[1] >> 40 | words[2] << 24) & MASK,
        (words[2] >> 28 | words[3] << 36) & MASK,
        words[3] >> 16,
    ]
}

const R: Limbs = unpack(&MODULUS);

const TWICE_R: Limbs = {
    let mut words = [0; 4];
    let mut i = 0;
    while i < 4 {
        words[i] = MODULUS[i] << 1 | if i > 0 { MODULUS[i - 1] >> 63 } else { 0 };
        i += 1;
    }
    unpack(&words)
};

/// ⌊2^72 / (top limb of r + 1)⌋.
const ESTIMATE: u64 = ((1u128 << 72) / (R[4] as u128 + 1)) as u64;

/// k·r for k = 0 … 7, limb by limb, so that a lane can look up its own multiple.
const MULTIPLES: [[u64; LANES]; 5] = {
    let mut out = [[0; LANES]; 5];
    let mut k = 0;
    while k < LANES {
        let (mut carry, mut i) = (0, 0);
        while i < 5 {
            let value = R[i] * k as u64 + carry;
            out[i][k] = value & MASK;
            carry = value >> 52;
            i += 1;
        }
        k += 1;
    }
    out
};

/// −1/r mod 2^52.
const R_INVERSE: u64 = {
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(MODULUS[0].wrapping_mul(x)));
        i += 1;
    }
    x.wrapping_neg() & MASK
};

#[inline]
#[target_feature(enable = "avx512f")]
fn splat_word(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat_limbs(limbs: &Limbs) -> Fr8 {
    let mut out = [_mm512_setzero_si512(); 5];
    for i in 0..5 {
        out[i] = splat_word(limbs[i]);
    }
    out
}

/// Limbs that may be negative or too large, of a value that is neither, to limbs below 2^52.
#[inline]
#[target_feature(enable = "avx512f")]
fn carry(a: &Fr8) -> Fr8 {
    let mut out = *a;
    for i in 0..4 {
        out[i + 1] = _mm512_add_epi64(out[i + 1], _mm512_srai_epi64::<52>(out[i]));
        out[i] = _mm512_and_si512(out[i], splat_word(MASK));
    }
    out
}

/// a − b where that is not negative, else a.
#[inline]
#[target_feature(enable = "avx512f")]
fn subtract_if_fits(a: &Fr8, b: &Limbs) -> Fr8 {
    let b = splat_limbs(b);
    let mut less = *a;
    for i in 0..5 {
        less[i] = _mm512_sub_epi64(a[i], b[i]);
    }
    let mut out = carry(&less);
    let negative = _mm512_cmplt_epi64_mask(out[4], _mm512_setzero_si512());
    for i in 0..5 {
        out[i] = _mm512_mask_mov_epi64(out[i], negative, a[i]);
    }
    out
}

/// a·b / 2^260 mod r, below a·b/2^260 + r. Limbs of a and b are below 2^52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn mul(a: &Fr8, b: &Fr8) -> Fr8 {
    let mut t = [_mm512_setzero_si512(); 10];
    row(&mut t, a, b, 0);
    row(&mut t, a, b, 1);
    step(&mut t, 0);
    row(&mut t, a, b, 2);
    step(&mut t, 1);
    row(&mut t, a, b, 3);
    step(&mut t, 2);
    row(&mut t, a, b, 4);
    step(&mut t, 3);
    step(&mut t, 4);
    carry(&[t[5], t[6], t[7], t[8], t[9]])
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn row(t: &mut [__m512i; 10], a: &Fr8, b: &Fr8, i: usize) {
    for j in 0..5 {
        t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], b[j]);
    }
    for j in 0..5 {
        t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], b[j]);
    }
}

/// Adds the multiple of r that clears limb i, and carries what is left of the limb into the next.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn step(t: &mut [__m512i; 10], i: usize) {
    let r = splat_limbs(&R);
    let zero = _mm512_setzero_si512();
    let q = _mm512_madd52lo_epu64(zero, t[i], splat_word(R_INVERSE));
    t[i] = _mm512_madd52lo_epu64(t[i], q, r[0]);
    let mut next = _mm512_madd52lo_epu64(zero, q, r[1]);
    t[i + 1] = _mm512_madd52hi_epu64(t[i + 1], q, r[0]);
    next = _mm512_add_epi64(next, _mm512_srli_epi64::<52>(t[i]));
    t[i + 1] = _mm512_add_epi64(t[i + 1], next);
    for j in 2..5 {
        t[i + j] = _mm512_madd52lo_epu64(t[i + j], q, r[j]);
    }
    for j in 1..5 {
        t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], q, r[j]);
    }
}

/// a + b mod r, below 1.0001·r, for a and b below 2·r.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn add(a: &Fr8, b: &Fr8) -> Fr8 {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    reduce(&out)
}

/// a + b for a and b below r.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn sum(a: &Fr8, b: &Fr8) -> Fr8 {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    carry(&out)
}

/// a − b + r for a and b below r.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn difference(a: &Fr8, b: &Fr8) -> Fr8 {
    let r = splat_limbs(&R);
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(_mm512_sub_epi64(a[i], b[i]), r[i]);
    }
    carry(&out)
}

/// a mod r, below 1.0001·r, for a below 8·r; its limbs may be too large, but not negative.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn reduce(a: &Fr8) -> Fr8 {
    let mut out = *a;
    // The top limb without what the others carry into it: an estimate of ⌊a / r⌋ from below.
    let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), out[4], splat_word(ESTIMATE));
    let quotient = _mm512_srli_epi64::<20>(estimate);
    for (limb, multiples) in out.iter_mut().zip(&MULTIPLES) {
        let table = super::fp::load(multiples);
        *limb = _mm512_sub_epi64(*limb, _mm512_permutexvar_epi64(quotient, table));
    }
    carry(&out)
}

/// a − b + 2·r, for a and b below 2·r: ready to be a factor.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn sub(a: &Fr8, b: &Fr8) -> Fr8 {
    let twice = splat_limbs(&TWICE_R);
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(_mm512_sub_epi64(a[i], b[i]), twice[i]);
    }
    carry(&out)
}

/// Words of eight elements: word i of all of them in vector i.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(elements: &[Fr; LANES]) -> [__m512i; 4] {
    // SAFETY: `Fr` is four words, so eight of them are the 256 bytes that are read.
    let rows: [__m512i; 4] = unsafe {
        let start = elements.as_ptr().cast::<__m512i>();
        [
            _mm512_loadu_si512(start),
            _mm512_loadu_si512(start.add(1)),
            _mm512_loadu_si512(start.add(2)),
            _mm512_loadu_si512(start.add(3)),
        ]
    };
    let low = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0), b);
    let high = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2), b);
    let (a, b) = (low(rows[0], rows[1]), low(rows[2], rows[3]));
    let (c, d) = (high(rows[0], rows[1]), high(rows[2], rows[3]));
    [
        _mm512_shuffle_i64x2::<0x44>(a, b),
        _mm512_shuffle_i64x2::<0xee>(a, b),
        _mm512_shuffle_i64x2::<0x44>(c, d),
        _mm512_shuffle_i64x2::<0xee>(c, d),
    ]
}

/// Eight stored elements.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn load(elements: &[Fr; LANES]) -> Fr8 {
    let w = load_words(elements);
    let mask = splat_word(MASK);
    let join = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
    [
        _mm512_and_si512(w[0], mask),
        join(_mm512_srli_epi64::<52>(w[0]), _mm512_slli_epi64::<12>(w[1])),
        join(_mm512_srli_epi64::<40>(w[1]), _mm512_slli_epi64::<24>(w[2])),
        join(_mm512_srli_epi64::<28>(w[2]), _mm512_slli_epi64::<36>(w[3])),
        _mm512_srli_epi64::<16>(w[3]),
    ]
}

/// Eight stored elements times 16: their products by stored elements are in the stored form again.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn load_times_16(elements: &[Fr; LANES]) -> Fr8 {
    let w = load_words(elements);
    let mask = splat_word(MASK);
    let join = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
    [
        _mm512_and_si512(_mm512_slli_epi64::<4>(w[0]), mask),
        join(_mm512_srli_epi64::<48>(w[0]), _mm512_slli_epi64::<16>(w[1])),
        join(_mm512_srli_epi64::<36>(w[1]), _mm512_slli_epi64::<28>(w[2])),
        join(_mm512_srli_epi64::<24>(w[2]), _mm512_slli_epi64::<40>(w[3])),
        _mm512_srli_epi64::<12>(w[3]),
    ]
}

/// Stores eight elements below 2·r, reduced.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn store(elements: &mut [Fr; LANES], a: &Fr8) {
    let a = subtract_if_fits(a, &R);
    let words = [
        _mm512_or_si512(a[0], _mm512_slli_epi64::<52>(a[1])),
        _mm512_or_si512(_mm512_srli_epi64::<12>(a[1]), _mm512_slli_epi64::<40>(a[2])),
        _mm512_or_si512(_mm512_srli_epi64::<24>(a[2]), _mm512_slli_epi64::<28>(a[3])),
        _mm512_or_si512(_mm512_srli_epi64::<36>(a[3]), _mm512_slli_epi64::<16>(a[4])),
    ];
    let even = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b);
    let odd = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b);
    let (a, b) = (even(words[0], words[1]), odd(words[0], words[1]));
    let (c, d) = (even(words[2], words[3]), odd(words[2], words[3]));
    let low = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), b);
    let high = |a, b| _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), b);
    // SAFETY: `Fr` is four words, so eight of them are the 256 bytes that are written.
    unsafe {
        let start = elements.as_mut_ptr().cast::<__m512i>();
        _mm512_storeu_si512(start, low(a, c));
        _mm512_storeu_si512(start.add(1), high(a, c));
        _mm512_storeu_si512(start.add(2), low(b, d));
        _mm512_storeu_si512(start.add(3), high(b, d));
    }
}

/// Eight columns to eight rows: vector i lane j to vector j lane i.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn transpose(a: &[Fr8; LANES]) -> [Fr8; LANES] {
    let mut out = *a;
    for limb in 0..5 {
        let column = super::fp::transpose(&[
            a[0][limb], a[1][limb], a[2][limb], a[3][limb], a[4][limb], a[5][limb], a[6][limb], a[7][limb],
        ]);
        for i in 0..LANES {
            out[i][limb] = column[i];
        }
    }
    out
}
