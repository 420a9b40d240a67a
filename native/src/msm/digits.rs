//! Signed digits of scalars.

/// Windows of `width` bits that hold `bits` bits and the carry a signed digit can leave.
pub const fn windows(bits: u32, width: u32) -> usize {
    (bits / width + 1) as usize
}

/// Calls `each` with (window, digit) for every digit of the scalar that is not 0; digits are from
/// −2^(width−1) + 1 to 2^(width−1).
///
/// `width` is from 2 to 16, and the scalar has at most the bits that `count` windows were made for.
#[inline]
pub fn signed(limbs: &[u64], width: u32, count: usize, mut each: impl FnMut(usize, i32)) {
    let mut carry = 0i32;
    for window in 0..count {
        let bit = window * width as usize;
        let (limb, shift) = (bit / 64, bit % 64);
        let low = limbs.get(limb).map_or(0, |l| l >> shift);
        let high = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |l| l << (64 - shift)) };
        let mut digit = ((low | high) & ((1 << width) - 1)) as i32 + carry;
        carry = i32::from(digit > 1 << (width - 1));
        digit -= carry << width;
        if digit != 0 {
            each(window, digit);
        }
    }
    debug_assert_eq!(carry, 0);
}

/// Calls `each` with (bit, digit) for the digits of a non-adjacent form of the scalar, such that it is
/// Σ digit·2^bit: odd digits of absolute value below 2^(width − 1), at least `width` bits apart.
///
/// `width` is from 2 to 16, and the scalar is below 2^255, so that bits are at most 255.
#[inline]
pub fn sparse(limbs: &[u64; 4], width: u32, mut each: impl FnMut(usize, i32)) {
    let mut carry = 0i32;
    let mut bit = 0usize;
    while bit < 256 {
        let (limb, shift) = (bit / 64, bit % 64);
        let low = limbs[limb] >> shift;
        let high = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |l| l << (64 - shift)) };
        let rest = low | high;
        // Bits that the carry leaves 0 need no digit.
        let skipped = if carry == 0 { rest.trailing_zeros() } else { rest.trailing_ones() };
        if skipped > 0 {
            bit += skipped.min(63) as usize;
            continue;
        }
        let mut digit = (rest & ((1 << width) - 1)) as i32 + carry;
        carry = i32::from(digit > 1 << (width - 1));
        digit -= carry << width;
        each(bit, digit);
        bit += width as usize;
    }
    debug_assert_eq!(carry, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fr;
    use crate::testing::Numbers;

    #[test]
    fn digits_make_up_the_scalar() {
        let mut numbers = Numbers::new(15);
        for width in 2..=16 {
            let count = windows(255, width);
            for scalar in numbers.awkward(100) {
                let mut sum = Fr::ZERO;
                signed(&scalar.to_limbs(), width, count, |window, digit| {
                    assert!(digit != 0 && digit.unsigned_abs() <= 1 << (width - 1));
                    let place = Fr::from_limbs([2, 0, 0, 0]).pow(window as u64 * u64::from(width));
                    sum += place * Fr::from_i64(digit.into());
                });
                assert_eq!(sum, scalar);
            }
        }
    }

    #[test]
    fn sparse_digits_make_up_the_scalar() {
        let mut numbers = Numbers::new(23);
        for width in 2..=16 {
            for scalar in numbers.awkward(100) {
                let (mut sum, mut next) = (Fr::ZERO, 0);
                sparse(&scalar.to_limbs(), width, |bit, digit| {
                    assert!(digit % 2 != 0 && digit.unsigned_abs() < 1 << (width - 1));
                    assert!(bit >= next && bit <= 255);
                    next = bit + width as usize;
                    sum += Fr::from_limbs([2, 0, 0, 0]).pow(bit as u64) * Fr::from_i64(digit.into());
                });
                assert_eq!(sum, scalar);
            }
        }
    }
}
