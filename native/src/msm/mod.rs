//! Sums of multiples of points: bucket methods over the bulk additions of [`crate::engine`].

pub mod buckets;
pub mod digits;
pub mod endomorphism;
pub mod fixed;
pub mod lagrange;
pub mod variable;
