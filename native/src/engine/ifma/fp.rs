//! F_p, the coordinate field of BLS12-381: eight elements side by side, one per lane.
//!
//! An element is eight limbs of 52 bits in Montgomery form (value · 2^416 mod p). The 35 bits that are left
//! over let sums and differences go unreduced: [`mul`] takes any factors whose product is below 2^22·p² and
//! returns less than 1.0001·p. Every limb of a factor must be below 2^52, which is what [`carry`] and [`reduce`] see to.

use std::arch::x86_64::*;

use blst::{blst_fp, blst_fp_eucl_inverse};

use super::limbs::{
    ESTIMATE, FROM_BLST, Limbs, MASK, MULTIPLES, ONE, P, P_INVERSE, TO_BLST, canonical, multiple, pack,
    unpack,
};

/// Eight elements: limb i of all of them in vector i.
pub type Fp8 = [__m512i; 8];

/// The same element in all lanes.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn splat(limbs: &Limbs) -> Fp8 {
    let mut out = [_mm512_setzero_si512(); 8];
    for (vector, &limb) in out.iter_mut().zip(limbs) {
        *vector = _mm512_set1_epi64(limb.cast_signed());
    }
    out
}

/// The element in the first lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn first(a: &Fp8) -> Limbs {
    let mut out = [0; 8];
    for (limb, vector) in out.iter_mut().zip(a) {
        *limb = _mm_cvtsi128_si64(_mm512_castsi512_si128(*vector)).cast_unsigned();
    }
    out
}

/// Montgomery product.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn mul(a: &Fp8, b: &Fp8) -> Fp8 {
    let mut t = [_mm512_setzero_si512(); 16];
    // Rows of the product and steps of the reduction take turns: each hides the other's latency.
    row(&mut t, a, b, 0);
    row(&mut t, a, b, 1);
    step(&mut t, 0);
    row(&mut t, a, b, 2);
    step(&mut t, 1);
    row(&mut t, a, b, 3);
    step(&mut t, 2);
    row(&mut t, a, b, 4);
    step(&mut t, 3);
    row(&mut t, a, b, 5);
    step(&mut t, 4);
    row(&mut t, a, b, 6);
    step(&mut t, 5);
    row(&mut t, a, b, 7);
    step(&mut t, 6);
    step(&mut t, 7);
    carry(&[t[8], t[9], t[10], t[11], t[12], t[13], t[14], t[15]])
}

/// Montgomery square.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn sqr(a: &Fp8) -> Fp8 {
    let mut t = [_mm512_setzero_si512(); 16];
    for i in 0..7 {
        for j in i + 1..8 {
            t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], a[j]);
            t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], a[j]);
        }
    }
    for i in 0..8 {
        t[2 * i] = _mm512_add_epi64(t[2 * i], t[2 * i]);
        t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a[i], a[i]);
        t[2 * i + 1] = _mm512_add_epi64(t[2 * i + 1], t[2 * i + 1]);
        t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a[i], a[i]);
    }
    for i in 0..8 {
        step(&mut t, i);
    }
    carry(&[t[8], t[9], t[10], t[11], t[12], t[13], t[14], t[15]])
}

/// t += a[i]·b·2^(52·i).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn row(t: &mut [__m512i; 16], a: &Fp8, b: &Fp8, i: usize) {
    for j in 0..8 {
        t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], b[j]);
    }
    for j in 0..8 {
        t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], b[j]);
    }
}

/// Adds the multiple of p that clears limb i, and carries what is left of the limb into the next.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn step(t: &mut [__m512i; 16], i: usize) {
    let p = splat(&P);
    let zero = _mm512_setzero_si512();
    let q = _mm512_madd52lo_epu64(zero, t[i], _mm512_set1_epi64(P_INVERSE.cast_signed()));
    t[i] = _mm512_madd52lo_epu64(t[i], q, p[0]);
    let mut next = _mm512_madd52lo_epu64(zero, q, p[1]);
    t[i + 1] = _mm512_madd52hi_epu64(t[i + 1], q, p[0]);
    next = _mm512_add_epi64(next, _mm512_srli_epi64::<52>(t[i]));
    t[i + 1] = _mm512_add_epi64(t[i + 1], next);
    for j in 2..8 {
        t[i + j] = _mm512_madd52lo_epu64(t[i + j], q, p[j]);
    }
    for j in 1..8 {
        t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], q, p[j]);
    }
}

/// Limbs that may be negative or too large, of a value that is neither, to limbs below 2^52.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn carry(a: &Fp8) -> Fp8 {
    let mask = _mm512_set1_epi64(MASK.cast_signed());
    let mut out = *a;
    for i in 0..7 {
        out[i + 1] = _mm512_add_epi64(out[i + 1], _mm512_srai_epi64::<52>(out[i]));
        out[i] = _mm512_and_si512(out[i], mask);
    }
    out
}

/// Limbs that may be negative or too large, of a value in (p/2, 7·p), to the value less a multiple of p:
/// below 1.0003·p, limbs below 2^52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn reduce(a: &Fp8) -> Fp8 {
    // Up to eight limbs of either sign went into each limb, so the carries move the top one by less than 8.
    let top = _mm512_sub_epi64(a[7], _mm512_set1_epi64(8));
    let quotient =
        _mm512_madd52hi_epu64(_mm512_setzero_si512(), top, _mm512_set1_epi64(ESTIMATE.cast_signed()));
    let mut out = *a;
    for (limb, multiples) in out.iter_mut().zip(&MULTIPLES) {
        let table = load(multiples);
        *limb = _mm512_sub_epi64(*limb, _mm512_permutexvar_epi64(quotient, table));
    }
    carry(&out)
}

/// a + b, limb by limb, without carries.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn add_raw(a: &Fp8, b: &Fp8) -> Fp8 {
    let mut out = *a;
    for i in 0..8 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    out
}

/// a − b, limb by limb, without carries.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn sub_raw(a: &Fp8, b: &Fp8) -> Fp8 {
    let mut out = *a;
    for i in 0..8 {
        out[i] = _mm512_sub_epi64(a[i], b[i]);
    }
    out
}

/// a + k·p, limb by limb, without carries.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn plus_multiple<const K: u64>(a: &Fp8) -> Fp8 {
    let multiple = const { multiple(K) };
    let mut out = *a;
    for i in 0..8 {
        out[i] = _mm512_add_epi64(a[i], _mm512_set1_epi64(multiple[i].cast_signed()));
    }
    out
}

/// a, negated in the lanes of `lanes`; limbs without carries.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn negate_raw(a: &Fp8, lanes: __mmask8) -> Fp8 {
    let zero = _mm512_setzero_si512();
    let mut out = *a;
    for i in 0..8 {
        out[i] = _mm512_mask_sub_epi64(a[i], lanes, zero, a[i]);
    }
    out
}

/// The lanes that hold 0 mod p; takes what [`mul`] takes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn is_zero(a: &Fp8) -> __mmask8 {
    // 0 times anything is stored as 0 or as p.
    let a = mul(a, &splat(&ONE));
    let p = splat(&P);
    let (mut zero, mut is_p) = (0xff, 0xff);
    for i in 0..8 {
        zero &= _mm512_cmpeq_epi64_mask(a[i], _mm512_setzero_si512());
        is_p &= _mm512_cmpeq_epi64_mask(a[i], p[i]);
    }
    zero | is_p
}

/// Eight words as one vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn load(words: &Limbs) -> __m512i {
    // SAFETY: the reference is to the 64 bytes that are read; the load takes any alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// One vector as eight words.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn store(words: &mut Limbs, vector: __m512i) {
    // SAFETY: the reference is to the 64 bytes that are written; the store takes any alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
}

/// Rows to columns: eight elements, one per vector, to limb i of all in vector i, and back.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn transpose(a: &Fp8) -> Fp8 {
    let pair = |i: usize| (_mm512_unpacklo_epi64(a[i], a[i + 1]), _mm512_unpackhi_epi64(a[i], a[i + 1]));
    let ((l0, h0), (l1, h1), (l2, h2), (l3, h3)) = (pair(0), pair(2), pair(4), pair(6));
    let quad = |w, x, y, z| {
        let (wx0, wx1) = (_mm512_shuffle_i64x2::<0x88>(w, x), _mm512_shuffle_i64x2::<0xdd>(w, x));
        let (yz0, yz1) = (_mm512_shuffle_i64x2::<0x88>(y, z), _mm512_shuffle_i64x2::<0xdd>(y, z));
        [
            _mm512_shuffle_i64x2::<0x88>(wx0, yz0),
            _mm512_shuffle_i64x2::<0x88>(wx1, yz1),
            _mm512_shuffle_i64x2::<0xdd>(wx0, yz0),
            _mm512_shuffle_i64x2::<0xdd>(wx1, yz1),
        ]
    };
    let ([a0, a2, a4, a6], [a1, a3, a5, a7]) = (quad(l0, l1, l2, l3), quad(h0, h1, h2, h3));
    [a0, a1, a2, a3, a4, a5, a6, a7]
}

/// Element i of the library in lane i, in this module's form.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn from_blst(elements: &[blst_fp; 8]) -> Fp8 {
    let mut rows = [_mm512_setzero_si512(); 8];
    for (row, element) in rows.iter_mut().zip(elements) {
        *row = load(&unpack(&element.l));
    }
    mul(&transpose(&rows), &splat(&FROM_BLST))
}

/// Lane i as element i of the library, fully reduced. Takes values below 2^17·p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn to_blst(a: &Fp8) -> [blst_fp; 8] {
    let rows = transpose(&mul(a, &splat(&TO_BLST)));
    rows.map(|row| {
        let mut limbs = [0; 8];
        store(&mut limbs, row);
        blst_fp { l: pack(&canonical(limbs)) }
    })
}

/// 1/a in every lane; None if any lane holds 0.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub fn inverse(a: &Fp8) -> Option<Fp8> {
    // The product of all lanes, gathered in three steps; what each lane multiplied by is what its inverse needs.
    let swap1 = a.map(|v| _mm512_permutex_epi64::<0b10_11_00_01>(v));
    let pairs = mul(a, &swap1);
    let swap2 = pairs.map(|v| _mm512_permutex_epi64::<0b01_00_11_10>(v));
    let quads = mul(&pairs, &swap2);
    let swap4 = quads.map(|v| _mm512_shuffle_i64x2::<0b01_00_11_10>(v, v));
    let all = mul(&quads, &swap4);
    let others = mul(&mul(&swap1, &swap2), &swap4);

    let product = blst_fp { l: pack(&canonical(first(&mul(&all, &splat(&TO_BLST))))) };
    if product.l == [0; 6] {
        return None;
    }
    let mut inverse = blst_fp::default();
    // SAFETY: both pointers are to field elements that live through the call.
    unsafe { blst_fp_eucl_inverse(&mut inverse, &product) };
    let inverse = mul(&splat(&unpack(&inverse.l)), &splat(&FROM_BLST));
    Some(mul(&inverse, &others))
}

#[cfg(test)]
mod tests {
    use blst::{blst_fp_add, blst_fp_from, blst_fp_mul, blst_fp_sqr, blst_fp_sub};

    use super::*;
    use crate::engine::ifma::limbs::TO_INTEGER;
    use crate::points::MODULUS;
    use crate::testing::Numbers;

    /// Field elements among which 0, 1 and p − 1 are many.
    fn elements(numbers: &mut Numbers) -> [blst_fp; 8] {
        std::array::from_fn(|_| {
            let mut l = match numbers.word() % 8 {
                0 => [0; 6],
                1 => [1, 0, 0, 0, 0, 0],
                2 => MODULUS,
                _ => std::array::from_fn(|_| numbers.word()),
            };
            l[5] %= MODULUS[5];
            if numbers.word().is_multiple_of(8) {
                l = MODULUS;
                l[0] -= 1;
            }
            blst_fp { l }
        })
    }

    fn by_one(
        a: &[blst_fp; 8],
        b: &[blst_fp; 8],
        f: unsafe extern "C" fn(*mut blst_fp, *const blst_fp, *const blst_fp),
    ) -> [blst_fp; 8] {
        std::array::from_fn(|i| {
            let mut out = blst_fp::default();
            // SAFETY: the pointers are to field elements that live through the call.
            unsafe { f(&mut out, &a[i], &b[i]) };
            out
        })
    }

    #[test]
    fn lanes_agree_with_the_library() {
        if !super::super::available() {
            return;
        }
        let mut numbers = Numbers::new(30);
        for _ in 0..2000 {
            let (a, b) = (elements(&mut numbers), elements(&mut numbers));
            // SAFETY: the processor has the features.
            unsafe {
                let (x, y) = (from_blst(&a), from_blst(&b));
                assert_eq!(to_blst(&x), a);
                assert_eq!(to_blst(&mul(&x, &y)), by_one(&a, &b, blst_fp_mul));
                assert_eq!(to_blst(&carry(&add_raw(&x, &y))), by_one(&a, &b, blst_fp_add));
                let difference = plus_multiple::<2>(&sub_raw(&x, &y));
                assert_eq!(to_blst(&carry(&difference)), by_one(&a, &b, blst_fp_sub));
                assert_eq!(to_blst(&reduce(&difference)), by_one(&a, &b, blst_fp_sub));
                // The largest factors that are promised to work.
                let many = carry(&x.map(|limb| _mm512_slli_epi64::<11>(limb)));
                let large = mul(&many, &many);
                let mut expected = by_one(&a, &a, blst_fp_mul);
                for _ in 0..22 {
                    expected = by_one(&expected, &expected, blst_fp_add);
                }
                assert_eq!(to_blst(&large), expected);
                assert_eq!(to_blst(&sqr(&many)), expected);
                let squares = std::array::from_fn(|i| {
                    let mut out = blst_fp::default();
                    blst_fp_sqr(&mut out, &a[i]);
                    out
                });
                assert_eq!(to_blst(&sqr(&x)), squares);
                let zeros = (0..8).fold(0, |bits, i| bits | u8::from(a[i].l == b[i].l) << i);
                assert_eq!(is_zero(&carry(&difference)), zeros);
                let integers = transpose(&mul(&x, &splat(&TO_INTEGER)));
                for i in 0..8 {
                    let (mut limbs, mut integer) = ([0; 8], blst_fp::default());
                    store(&mut limbs, integers[i]);
                    blst_fp_from(&mut integer, &a[i]);
                    assert_eq!(pack(&canonical(limbs)), integer.l);
                }
                match inverse(&x) {
                    None => assert!(a.iter().any(|a| a.l == [0; 6])),
                    Some(inverse) => assert_eq!(to_blst(&mul(&mul(&x, &inverse), &y)), b),
                }
            }
        }
    }
}
