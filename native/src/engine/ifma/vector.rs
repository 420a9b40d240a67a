//! Products and transforms of F_r vectors, eight elements at a time.

use super::fr::{self, Fr8, LANES, load, load_times_16, mul, store, transpose};
use crate::field::Fr;
use crate::vector::{Operator, Right};

/// out[i] = a[i] operator b[i] for as many whole vectors of lanes as there are; how many elements that are. The
/// processor must be able to run this.
pub fn apply(operator: Operator, out: &mut [Fr], a: &[Fr], b: Right<'_>) -> usize {
    // SAFETY: called only where the processor has the features.
    unsafe {
        match operator {
            Operator::Sum => run::<SUM>(out, a, b),
            Operator::Difference => run::<DIFFERENCE>(out, a, b),
            Operator::Product => run::<PRODUCT>(out, a, b),
        }
    }
    a.len() - a.len() % LANES
}

const SUM: u8 = 0;
const DIFFERENCE: u8 = 1;
const PRODUCT: u8 = 2;

#[target_feature(enable = "avx512f,avx512ifma")]
fn run<const OPERATOR: u8>(out: &mut [Fr], a: &[Fr], b: Right<'_>) {
    let pairs = out.as_chunks_mut().0.iter_mut().zip(a.as_chunks().0);
    match b {
        Right::Vector(b) => {
            for ((out, a), b) in pairs.zip(b.as_chunks().0) {
                store(out, &one::<OPERATOR>(&load(a), &load_right::<OPERATOR>(b)));
            }
        }
        Right::Scalar(b) => {
            let b = load_right::<OPERATOR>(&[b; LANES]);
            for (out, a) in pairs {
                store(out, &one::<OPERATOR>(&load(a), &b));
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_right<const OPERATOR: u8>(b: &[Fr; LANES]) -> Fr8 {
    if OPERATOR == PRODUCT { load_times_16(b) } else { load(b) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn one<const OPERATOR: u8>(a: &Fr8, b: &Fr8) -> Fr8 {
    match OPERATOR {
        SUM => fr::sum(a, b),
        DIFFERENCE => fr::difference(a, b),
        _ => mul(a, b),
    }
}

/// The factors of one transform of length n = 64·2^j, j ≥ 0, in the order in which it uses them.
pub struct Transform {
    log2: u32,
    /// What input i is multiplied with, if anything.
    before: Option<Vec<Fr8>>,
    /// For half = n/2, n/4, …, 8: ω^(i·n/(2·half)) for i < half.
    wide: Vec<Fr8>,
    /// ω_8, ω_8², ω_8³, each in all lanes.
    narrow: [Fr8; 3],
    /// What the output is multiplied with, if anything, in the order in which the transform makes it.
    after: Option<Vec<Fr8>>,
}

/// The shortest transform done here.
pub const SHORTEST: usize = LANES * LANES;

impl Transform {
    /// The transform with this root of unity of order n; input i is multiplied by before[i] and output i by
    /// after[i]. The processor must be able to run it.
    pub fn new(log2: u32, root: Fr, before: Option<&[Fr]>, after: Option<&[Fr]>) -> Self {
        let n = 1usize << log2;
        // Constants are kept as value · 2^260, 16 times the stored form.
        let sixteen = Fr::from_limbs([16, 0, 0, 0]);
        let pack = |values: Vec<Fr>| -> Vec<Fr8> {
            let scaled: Vec<Fr> = values.into_iter().map(|value| value * sixteen).collect();
            // SAFETY: called only where the processor has the features.
            scaled.as_chunks().0.iter().map(|chunk| unsafe { load(chunk) }).collect()
        };
        let mut wide = Vec::new();
        let mut half = n / 2;
        let mut step = root;
        while half >= LANES {
            wide.extend(crate::vector::powers(step, half));
            step = step.square();
            half /= 2;
        }
        let narrow = |power: u64| pack(vec![step.pow(power); LANES])[0];
        let reordered =
            |values: &[Fr]| (0..n).map(|place| values[output(log2, place / LANES, place % LANES)]).collect();
        Self {
            log2,
            before: before.map(|values| pack(values.to_vec())),
            wide: pack(wide),
            narrow: [narrow(1), narrow(2), narrow(3)],
            after: after.map(|values| pack(reordered(values))),
        }
    }

    /// Transforms `values`, natural order in and out.
    pub fn run(&self, values: &mut [Fr]) {
        // SAFETY: called only where the processor has the features.
        unsafe { self.run_lanes(values) }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn run_lanes(&self, values: &mut [Fr]) {
        let mut data: Vec<Fr8> = Vec::with_capacity(values.len() / LANES);
        for chunk in values.as_chunks().0 {
            data.push(load(chunk));
        }
        if let Some(factors) = &self.before {
            for (vector, factor) in data.iter_mut().zip(factors) {
                *vector = mul(vector, factor);
            }
        }
        // Decimation in frequency: element i is lane i mod 8 of vector i div 8, so that all but the last
        // three rounds pair whole vectors.
        let mut twiddles = &self.wide[..];
        let mut half = data.len() / 2;
        while half > 0 {
            let (round, rest) = twiddles.split_at(half);
            twiddles = rest;
            for block in data.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for i in 0..half {
                    butterfly(&mut low[i], &mut high[i], Some(&round[i]));
                }
            }
            half /= 2;
        }
        // For those three, lanes become vectors.
        let [w1, w2, w3] = &self.narrow;
        let mut out = [Fr::ZERO; LANES];
        for (group, block) in data.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut v = transpose(block);
            for (i, twiddle) in [None, Some(w1), Some(w2), Some(w3)].into_iter().enumerate() {
                let (low, high) = v.split_at_mut(4);
                butterfly(&mut low[i], &mut high[i], twiddle);
            }
            for four in v.as_chunks_mut::<4>().0 {
                let [a, b, c, d] = four;
                butterfly(a, c, None);
                butterfly(b, d, Some(w2));
                butterfly(a, b, None);
                butterfly(c, d, None);
            }
            for (i, vector) in v.iter_mut().enumerate() {
                let number = group * LANES + i;
                if let Some(factors) = &self.after {
                    *vector = mul(vector, &factors[number]);
                }
                store(&mut out, vector);
                for lane in 0..LANES {
                    values[output(self.log2, number, lane)] = out[lane];
                }
            }
        }
    }
}

/// Which value of the transform ends up in this lane of this vector.
#[inline]
fn output(log2: u32, vector: usize, lane: usize) -> usize {
    let (group, within) = (vector / LANES, vector % LANES);
    (group * LANES * LANES + lane * LANES + within).reverse_bits() >> (usize::BITS - log2)
}

/// (a, b) → (a + b, (a − b)·twiddle).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn butterfly(a: &mut Fr8, b: &mut Fr8, twiddle: Option<&Fr8>) {
    let difference = fr::sub(a, b);
    *a = fr::add(a, b);
    *b = match twiddle {
        Some(twiddle) => mul(&difference, twiddle),
        None => fr::reduce(&difference),
    };
}
