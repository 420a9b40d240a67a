//! Elements of F_p as eight limbs of 52 bits: constants, and the way from and to the library's limbs of 64.

use crate::points::MODULUS;

/// The limbs of one element, least significant first.
pub type Limbs = [u64; 8];

/// The bits of a limb.
pub const MASK: u64 = (1 << 52) - 1;

/// p in 52-bit limbs.
pub const P: Limbs = unpack(&MODULUS);

/// −1/p mod 2^52.
pub const P_INVERSE: u64 = {
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(MODULUS[0].wrapping_mul(x)));
        i += 1;
    }
    x.wrapping_neg() & MASK
};

/// k·p for k = 0 … 7, limb by limb, so that a lane can look up its own multiple.
pub const MULTIPLES: [Limbs; 8] = {
    let mut out = [[0; 8]; 8];
    let mut k = 0;
    while k < 8 {
        let limbs = multiple(k);
        let mut j = 0;
        while j < 8 {
            out[j][k as usize] = limbs[j];
            j += 1;
        }
        k += 1;
    }
    out
};

/// ⌊2^52 / (top limb of p + 1)⌋, for estimates of ⌊value / p⌋ from below.
pub const ESTIMATE: u64 = (1 << 52) / (P[7] + 1);

/// 2^384 mod p: takes this module's form to the library's.
pub const TO_BLST: Limbs = power_of_two(384);
/// 2^448 mod p: takes the library's form to this module's.
pub const FROM_BLST: Limbs = power_of_two(448);
/// 2^832 mod p: takes an integer to its Montgomery form.
pub const FROM_INTEGER: Limbs = power_of_two(832);
/// The integer 1: takes a Montgomery form to its integer.
pub const TO_INTEGER: Limbs = [1, 0, 0, 0, 0, 0, 0, 0];
/// 1 in Montgomery form.
pub const ONE: Limbs = power_of_two(416);

/// 64-bit limbs to 52-bit limbs.
pub const fn unpack(words: &[u64; 6]) -> Limbs {
    let mut out = [0; 8];
    let mut i = 0;
    while i < 8 {
        let (word, shift) = (52 * i / 64, 52 * i % 64);
        out[i] = words[word] >> shift;
        if shift > 12 && word + 1 < 6 {
            out[i] |= words[word + 1] << (64 - shift);
        }
        out[i] &= MASK;
        i += 1;
    }
    out
}

/// k·p for a small k.
pub const fn multiple(k: u64) -> Limbs {
    let mut out = [0; 8];
    let mut carry = 0;
    let mut i = 0;
    while i < 8 {
        let value = P[i] * k + carry;
        out[i] = value & MASK;
        carry = value >> 52;
        i += 1;
    }
    out
}

const fn subtract_p(limbs: &Limbs) -> (Limbs, bool) {
    let mut out = [0; 8];
    let mut borrow = 0;
    let mut i = 0;
    while i < 8 {
        let value = limbs[i].wrapping_sub(P[i]).wrapping_sub(borrow);
        out[i] = value & MASK;
        borrow = value >> 63;
        i += 1;
    }
    (out, borrow == 0)
}

const fn power_of_two(exponent: u32) -> Limbs {
    let mut value = [1, 0, 0, 0, 0, 0, 0, 0];
    let mut n = 0;
    while n < exponent {
        let mut carry = 0;
        let mut i = 0;
        while i < 8 {
            let doubled = 2 * value[i] + carry;
            value[i] = doubled & MASK;
            carry = doubled >> 52;
            i += 1;
        }
        let (less, fits) = subtract_p(&value);
        if fits {
            value = less;
        }
        n += 1;
    }
    value
}

/// A value below 2·p, fully reduced.
pub fn canonical(limbs: Limbs) -> Limbs {
    let (less, fits) = subtract_p(&limbs);
    if fits { less } else { limbs }
}

/// 52-bit limbs of a reduced value to 64-bit limbs.
pub fn pack(limbs: &Limbs) -> [u64; 6] {
    let mut out = [0; 6];
    for (i, slot) in out.iter_mut().enumerate() {
        let (limb, shift) = (64 * i / 52, 64 * i % 52);
        *slot = limbs[limb] >> shift | limbs[limb + 1] << (52 - shift);
        if shift > 40 {
            *slot |= limbs[limb + 2] << (104 - shift);
        }
    }
    out
}
