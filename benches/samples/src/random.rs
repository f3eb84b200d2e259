//! A random number generator that is a pure function of where it starts (`SplitMix64`). Never for secrets.

/// Numbers for one document.
pub struct Random(u64);

impl Random {
    /// The generator of document `n`; `salt` keeps different uses of one document apart.
    pub fn new(seed: u64, n: u64, salt: u64) -> Self {
        let first = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt).next();
        Self(first ^ n.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(0x2545_F491_4F6C_DD1D))
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(n);
        u64::try_from(product >> 64).expect("the upper half of a product of two u64")
    }

    /// A number from 0 up to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `n`, most often a small one, as sizes and popularity are.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of n is from 0 to n")]
    pub fn skewed(&mut self, n: u64) -> u64 {
        let x = self.fraction();
        (x * x * x * n as f64) as u64
    }

    /// Any of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[place(at)]
    }

    /// One of these, most often of the first.
    pub fn pick_skewed<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.skewed(from.len() as u64);
        from[place(at)]
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("below the length of a slice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_reach_it() {
        let mut random = Random::new(1, 2, 3);
        let mut seen = [0; 10];
        for _ in 0..2000 {
            seen[place(random.below(10))] += 1;
            assert!(random.skewed(7) < 7);
            assert!((0.0..1.0).contains(&random.fraction()));
        }
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
    }
}
