//! Sums of multiples of points.

pub mod variable;
