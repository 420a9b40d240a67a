//! Affine point arithmetic in bulk, in two ways: the portable one, and one for AVX-512 with IFMA.
//!
//! Affine additions need an inversion each, but many at once share a single one (Montgomery's trick); an
//! addition then costs six products, half of what a mixed one in Jacobian coordinates does.

#[cfg(target_arch = "x86_64")]
pub mod ifma;
mod pool;
pub mod portable;
mod term;

use std::sync::OnceLock;

pub use pool::{Pool, Sums};
pub use term::{Pairs, Term};

use crate::points::{Jacobian, Point};

/// Whether the engine for AVX-512 is used: the processor has what it needs, and it is not switched off by
/// `ZKCOLLATERAL_NATIVE_SIMD=0` in the environment.
pub fn simd() -> bool {
    static CHOICE: OnceLock<bool> = OnceLock::new();
    *CHOICE.get_or_init(|| {
        let allowed = std::env::var_os("ZKCOLLATERAL_NATIVE_SIMD").is_none_or(|value| value != "0");
        #[cfg(target_arch = "x86_64")]
        let able = ifma::available();
        #[cfg(not(target_arch = "x86_64"))]
        let able = false;
        allowed && able
    })
}

/// `dispatch!(E => expression)`: the expression with E the engine of this machine.
macro_rules! dispatch {
    ($engine:ident => $work:expr) => {{
        #[cfg(target_arch = "x86_64")]
        if $crate::engine::simd() {
            type $engine = $crate::engine::ifma::Ifma;
            $work
        } else {
            type $engine = $crate::engine::portable::Portable;
            $work
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            type $engine = $crate::engine::portable::Portable;
            $work
        }
    }};
}
pub(crate) use dispatch;
/// A way to do affine arithmetic in bulk.
pub trait Engine: Sized + Send + Sync + 'static {
    /// A point as this engine keeps it.
    type Point: Copy + Send + Sync;
    /// Room for intermediate values.
    type Scratch: Default;

    /// What it is called, for people.
    const NAME: &'static str;
    /// The identity.
    const IDENTITY: Self::Point;

    /// Points into this engine's form.
    fn import(points: &[Point]) -> Vec<Self::Point>;

    /// Points out of this engine's form.
    fn export(points: &[Self::Point]) -> Vec<Point>;

    /// Whether this is the identity.
    fn is_identity(point: &Self::Point) -> bool;

    /// Additions that share an inversion.
    const BATCH: usize;

    /// Up to this number of terms, [`Pool::sum`] is faster than another round of bulk additions.
    const FEW: usize;

    /// −point.
    fn negate(point: &Self::Point) -> Self::Point;

    /// Whether two points with the same x have the same y too; they are each other's negatives if not.
    fn same_y(a: &Self::Point, b: &Self::Point) -> bool;

    /// sums[i] = pairs[i].0 + pairs[i].1 for at most [`Engine::BATCH`] pairs; no term is the identity.
    ///
    /// If two points of a pair have the same x, nothing is done and the answer is false, unless `equal` is given:
    /// then the places of such pairs are added to it, and all other sums are made.
    fn add_batch(
        pairs: Pairs<'_, Self>,
        sums: &mut [Self::Point],
        scratch: &mut Self::Scratch,
        equal: Option<&mut Vec<usize>>,
    ) -> bool;

    /// The sum of the terms, none of which is the identity, if this engine has a way of its own to find it.
    fn sum(_table: &[Self::Point], _pool: &[Self::Point], _terms: &[Term]) -> Option<Jacobian> {
        None
    }

    /// Σ 2^i·terms[i], if this engine has a way of its own to find it.
    fn horner(_table: &[Self::Point], _pool: &[Self::Point], _terms: &[Option<Term>]) -> Option<Jacobian> {
        None
    }

    /// points[i] = 2·points[i]; none is the identity, and none has order 2 (no point of the curve has).
    fn double_all(points: &mut [Self::Point], scratch: &mut Self::Scratch);

    /// (x, y) to (β·x, y), which in the subgroup is multiplication by λ (see [`crate::msm::endomorphism`]).
    fn endomorphism(points: &[Self::Point]) -> Vec<Self::Point>;

    /// Calls `work` with this thread's pool, cleared.
    fn with_pool<T>(work: impl FnOnce(&mut Pool<Self>) -> T) -> T;
}
macro_rules! with_pool_by_thread {
    ($engine:ty) => {
        fn with_pool<T>(work: impl FnOnce(&mut $crate::engine::Pool<Self>) -> T) -> T {
            thread_local! {
                static POOL: std::cell::RefCell<$crate::engine::Pool<$engine>> = std::cell::RefCell::default();
            }
            POOL.with_borrow_mut(|pool| {
                pool.clear();
                work(pool)
            })
        }
    };
}
use with_pool_by_thread;
