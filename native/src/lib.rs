//! Fast arithmetic for zkcollateral: F_r vectors, transforms, commitments and the pairing check over
//! BLS12-381. The protocol itself is written in Python; nothing here knows it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod engine;
pub mod error;
pub mod field;
pub mod hash;
pub mod matrix;
pub mod msm;
pub mod ntt;
pub mod pairing;
pub mod points;
mod python;
pub mod setup;
#[cfg(test)]
mod testing;
pub mod vector;

pub use python::zkcollateral_native;
