//! Polynomials over GF(2), as bits of a number: what the chunker needs of them. Never meets data.

use rand::Rng;

/// Degree of the polynomials that restic makes.
const DEGREE: u32 = 53;

/// `value` modulo `polynomial`.
pub(crate) fn residue(mut value: u64, polynomial: u64) -> u64 {
    let degree = polynomial.ilog2();
    while let Some(top) = value.checked_ilog2().filter(|&top| top >= degree) {
        value ^= polynomial << (top - degree);
    }
    value
}

/// A random irreducible polynomial of degree 53: about one in 27 of those that end in 1 is one.
pub(crate) fn random_irreducible() -> u64 {
    loop {
        let candidate = rand::rng().next_u64() & ((1 << DEGREE) - 1) | 1 << DEGREE | 1;
        if is_irreducible(candidate) {
            return candidate;
        }
    }
}

/// Ben-Or's test: no factor of degree i divides x^(2^i) - x, for any i up to half the degree.
fn is_irreducible(polynomial: u64) -> bool {
    let mut power = 0b10;
    (1..=polynomial.ilog2() / 2).all(|_| {
        power = product(power, power, polynomial);
        greatest_common_divisor(polynomial, power ^ 0b10) == 1
    })
}

fn product(one: u64, other: u64, modulus: u64) -> u64 {
    (0..u64::BITS - other.leading_zeros()).rev().fold(0, |sum, bit| {
        let doubled = residue(sum << 1, modulus);
        if other >> bit & 1 == 1 { residue(doubled ^ one, modulus) } else { doubled }
    })
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, residue(one, other));
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_polynomials_are_told_apart() {
        // x^2+x+1, x^3+x+1, AES's x^8+x^4+x^3+x+1, and the one in restic's own tests.
        for irreducible in [0b111, 0b1011, 0x11b, 0x003D_A335_8B4D_C173] {
            assert!(is_irreducible(irreducible), "{irreducible:#x}");
        }
        // x^2+1 = (x+1)^2, x^3+1, x^8+1, and one with the factor x.
        for reducible in [0b101, 0b1001, 0x101, 0x003D_A335_8B4D_C172] {
            assert!(!is_irreducible(reducible), "{reducible:#x}");
        }
    }

    #[test]
    fn a_new_polynomial_has_restics_degree() {
        assert_eq!(random_irreducible().ilog2(), DEGREE);
    }
}
