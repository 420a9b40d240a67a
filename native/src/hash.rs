//! hash_to_field of RFC 9380 over F_r.

use blst::blst_expand_message_xmd;

use crate::error::{Error, Result};
use crate::field::Fr;

/// L of RFC 9380 section 5.1 for r and 128-bit security: ⌈(255 + 128) / 8⌉.
const LENGTH: usize = 48;

/// hash_to_field(message) of RFC 9380 section 5.2: expand_message_xmd with SHA-256, count 1, L = 48, modulus r.
///
/// The DST must have 1 to 255 bytes.
pub fn hash_to_field(message: &[u8], dst: &[u8]) -> Result<Fr> {
    if dst.is_empty() || dst.len() > 255 {
        return Err(Error::value("a DST of 1 to 255 bytes", dst.len()));
    }
    let mut uniform = [0u8; LENGTH];
    // SAFETY: every pointer comes with the length of the buffer it points to.
    unsafe {
        blst_expand_message_xmd(
            uniform.as_mut_ptr(),
            uniform.len(),
            message.as_ptr(),
            message.len(),
            dst.as_ptr(),
            dst.len(),
        );
    }
    Ok(reduce_wide(&uniform))
}

/// A 48-byte big-endian integer mod r.
fn reduce_wide(bytes: &[u8; LENGTH]) -> Fr {
    let limb = |i: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[LENGTH - 8 * (i + 1)..LENGTH - 8 * i]);
        u64::from_be_bytes(word)
    };
    let low = Fr::from_limbs([limb(0), limb(1), limb(2), limb(3)]);
    let high = Fr::from_limbs([limb(4), limb(5), 0, 0]);
    // 2^256 mod r is what the stored form of 1 spells as an integer.
    low + high * Fr::from_limbs(*Fr::ONE.raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [[u64; 4]; 2] = [
        [0x1507_5c86_2d43_cd6e, 0x1e99_d62b_be3a_d674, 0x71a0_64ce_5af3_9c4e, 0x2f56_a64b_865d_6feb],
        [0xda4f_b4c8_2848_2edf, 0xb9cd_a5b5_c354_4aa3, 0xad8e_5466_ccdb_7810, 0x257c_cb19_ad3e_a7f1],
    ];

    #[test]
    fn known_answers() {
        // expand_message_xmd(SHA-256) as RFC 9380 section 5.3.1 spells it, in Python's hashlib, mod r.
        let cases: [(&[u8], &[u8], [u64; 4]); 2] =
            [(b"", b"QUUX-V01-CS02-with-expander-SHA256-128", KNOWN[0]), (b"abc", &[b'd'; 255], KNOWN[1])];
        for (message, dst, expected) in cases {
            assert_eq!(hash_to_field(message, dst).unwrap().to_limbs(), expected);
        }
    }

    #[test]
    fn the_domain_separator_has_a_length() {
        assert!(hash_to_field(b"", b"").is_err());
        assert!(hash_to_field(b"", &[0; 256]).is_err());
    }
}
