//! Fast arithmetic for zkcollateral: F_r vectors, transforms, commitments and the pairing check over
//! BLS12-381. The protocol itself is written in Python; nothing here knows it.

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
pub mod vector;

pub use python::zkcollateral_native;
