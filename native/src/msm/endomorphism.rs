//! The endomorphism of G1 that halves scalars (Gallant, Lambert, Vanstone 2001).
//!
//! (x, y) → (β·x, y) is multiplication by −z² in the subgroup, for z the parameter of the curve, because
//! r = z⁴ − z² + 1. So k·P = low·P − high·(β·x, y) with k = low + high·z² and both below 2^128.

use blst::blst_fp;

/// A cube root of 1 in F_p, in the library's Montgomery form.
pub const BETA: blst_fp = blst_fp {
    l: [
        0x30f1_361b_798a_64e8,
        0xf3b8_ddab_7ece_5a2a,
        0x16a8_ca3a_c615_77f7,
        0xc26a_2ff8_74fd_029b,
        0x3636_b766_6070_1c6e,
        0x051b_a4ab_241b_6160,
    ],
};

/// |z|.
pub const Z: u64 = 0xd201_0000_0001_0000;

/// The low and the high half of a scalar below r, to base z².
pub fn split(scalar: [u64; 4]) -> [u128; 2] {
    let (quotient, first) = divide_by_z(scalar);
    let (quotient, second) = divide_by_z(quotient);
    let low = u128::from(first) + u128::from(second) * u128::from(Z);
    [low, u128::from(quotient[0]) | u128::from(quotient[1]) << 64]
}

fn divide_by_z(mut limbs: [u64; 4]) -> ([u64; 4], u64) {
    let mut remainder = 0u64;
    for limb in limbs.iter_mut().rev() {
        let value = u128::from(remainder) << 64 | u128::from(*limb);
        *limb = (value / u128::from(Z)) as u64;
        remainder = (value % u128::from(Z)) as u64;
    }
    (limbs, remainder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fr;
    use crate::testing::Numbers;

    #[test]
    fn halves_make_up_the_scalar() {
        let mut numbers = Numbers::new(14);
        let wide = |half: u128| Fr::from_limbs([half as u64, (half >> 64) as u64, 0, 0]);
        for scalar in numbers.awkward(300) {
            let [low, high] = split(scalar.to_limbs());
            assert_eq!(wide(low) + wide(high) * Fr::from_limbs([Z, 0, 0, 0]).square(), scalar);
        }
    }
}
