//! The engine for processors with AVX-512 and its 52-bit multiply-add (IFMA): eight lanes at once.

// Lanes and limbs are numbered, and several arrays are walked by one number.
#![allow(clippy::needless_range_loop)]

mod affine;
mod decode;
mod fp;
mod fr;
mod jacobian;
mod limbs;
pub mod vector;

pub use affine::Ifma;
pub use decode::candidates;

/// Whether this processor can run it.
pub fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512ifma")
}
