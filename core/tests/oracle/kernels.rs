//! Every backend against the lane contract, written out a second time, and against f64.

use ohyeah_core::simd::Backend;

const LANES: usize = 32;

type Many = fn(Backend, &[f32], [&[f32]; 4]) -> [f32; 4];
type One = fn(Backend, &[f32], &[f32]) -> f32;

/// The contract of `simd`: lane `j` takes elements `j`, `j + 32`, …, zeros pad, lanes fold by halves.
fn contract(a: &[f32], b: &[f32], step: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let padded = a.len().next_multiple_of(LANES);
    let at = |v: &[f32], i: usize| v.get(i).copied().unwrap_or(0.0);
    let mut lanes: Vec<f32> =
        (0..LANES).map(|j| (j..padded).step_by(LANES).fold(0.0, |sum, i| step(sum, at(a, i), at(b, i)))).collect();
    while lanes.len() > 1 {
        let (low, high) = lanes.split_at(lanes.len() / 2);
        lanes = low.iter().zip(high).map(|(x, y)| x + y).collect();
    }
    lanes[0]
}

fn same(left: f32, right: f32) -> bool {
    left.to_bits() == right.to_bits() || left.is_nan() && right.is_nan()
}

/// The sum in f64, and how far a sum of `n` f32 terms in any order may lie from it: with unit round-off u, n·u·Σ|term|
/// (Higham, "Accuracy and Stability of Numerical Algorithms", §4.2), two roundings a term included, and an underflow each.
fn bounded(terms: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut sum, mut size, mut n) = (0.0, 0.0, 3.0);
    for term in terms {
        sum += term;
        size += term.abs();
        n += 1.0;
    }
    (sum, n * f64::from(f32::EPSILON) * size + n * f64::from(f32::MIN_POSITIVE))
}

fn check(what: &str, backend: Backend, got: f32, contract: f32, (exact, bound): (f64, f64)) {
    assert!(same(got, contract), "{what} on {}: {got:e} is not the contract's {contract:e}", backend.name());
    // Only finite sums have a bound, and only those far from overflow on the way.
    if exact.is_finite() && exact.abs() + bound < f64::from(f32::MAX) / 4.0 && got.is_finite() {
        let error = (f64::from(got) - exact).abs();
        assert!(
            error <= bound,
            "{what} on {}: {got:e} lies {error:e} from {exact:e}, more than {bound:e}",
            backend.name()
        );
    }
}

/// Checks all float kernels of all backends on a pair of vectors of equal length.
pub(crate) fn floats(a: &[f32], b: &[f32]) {
    let wide = || a.iter().map(|x| f64::from(*x)).zip(b.iter().map(|x| f64::from(*x)));
    let reversed: Vec<f32> = b.iter().rev().copied().collect();
    for backend in Backend::available() {
        let multiply = |sum: f32, x: f32, y: f32| if backend.is_fused() { x.mul_add(y, sum) } else { sum + x * y };
        let square = |sum: f32, x: f32, y: f32| multiply(sum, x - y, x - y);
        let distance = |sum: f32, x: f32, y: f32| sum + (x - y).abs();

        check("dot", backend, backend.dot(a, b), contract(a, b, multiply), bounded(wide().map(|(x, y)| x * y)));
        let l2 = bounded(wide().map(|(x, y)| (x - y) * (x - y)));
        check("squared_l2", backend, backend.squared_l2(a, b), contract(a, b, square), l2);
        let l1 = bounded(wide().map(|(x, y)| (x - y).abs()));
        check("l1", backend, backend.l1(a, b), contract(a, b, distance), l1);
        assert!(same(backend.margin(a, 0.5, b), backend.dot(a, b) + 0.5));

        for (factor, other) in [(0.75, 0.25), (-3.0, 0.0), (1e-20, 1.0)] {
            let mut y = b.to_vec();
            backend.axpby(factor, a, other, &mut y);
            let expected = a.iter().zip(b).map(|(x, y)| multiply(y * other, factor, *x));
            assert!(y.iter().zip(expected).all(|(y, expected)| same(*y, expected)), "axpby on {}", backend.name());
        }

        let rows = [b, &reversed, a, b];
        // Four at once, and what is left of them; and no more than there are sums for.
        let in_order = [b, &reversed, a, b, &reversed, a];
        let (mut products, mut squares, mut distances) = ([7.0; 6], [7.0; 6], [7.0; 6]);
        backend.dot_and_square_rows(a, &in_order.concat(), &mut products[..5], &mut squares);
        backend.squared_l2_rows(a, &in_order.concat(), &mut distances[..5]);
        for (at, row) in in_order.into_iter().enumerate() {
            let is_there = at < 5 && !a.is_empty();
            let expected = [backend.dot(a, row), backend.dot(row, row), backend.squared_l2(a, row)];
            let expected = if is_there { expected } else { [7.0; 3] };
            let found = [products[at], squares[at], distances[at]];
            assert!(found.into_iter().zip(expected).all(|(x, y)| same(x, y)), "rows in order on {}", backend.name());
        }
        let kernels: [(Many, One); 3] = [
            (Backend::dot_many::<4>, Backend::dot),
            (Backend::squared_l2_many::<4>, Backend::squared_l2),
            (Backend::l1_many::<4>, Backend::l1),
        ];
        for (many, one) in kernels {
            for (together, row) in many(backend, a, rows).into_iter().zip(rows) {
                assert!(same(together, one(backend, a, row)), "four rows at once on {}", backend.name());
            }
        }
    }
}

/// Checks the bit count of all backends on a pair of bit strings of equal length.
pub(crate) fn bits(a: &[u64], b: &[u64]) {
    let differing = |(x, y): (&u64, &u64)| (0..64).filter(|bit| x >> bit & 1 != y >> bit & 1).count() as u64;
    let expected: u64 = a.iter().zip(b).map(differing).sum();
    for backend in Backend::available() {
        assert_eq!(backend.hamming(a, b), expected, "hamming on {}", backend.name());
    }
}

/// Checks the integer dot product of all backends: against sums of 64 bits, of which the low half counts.
pub(crate) fn integers(a: &[i16], b: &[i8]) {
    let reversed: Vec<i8> = b.iter().rev().copied().collect();
    let rows = [b, &reversed, b];
    let expected = rows.map(|row| a.iter().zip(row).map(|(x, y)| i64::from(*x) * i64::from(*y)).sum::<i64>() as i32);
    for backend in Backend::available() {
        assert_eq!(backend.dot_i8_many(a, rows), expected, "dot_i8 on {}", backend.name());
    }
}

/// Checks the kernels of 7-bit rows: one row with a query, and as the middle row of a tile whose others are shifted.
pub(crate) fn seven_bits(query: &[i8], row: &[u8]) {
    let row: Vec<u8> = row.iter().map(|x| x & 127).collect();
    let reversed: Vec<u8> = row.iter().rev().copied().collect();
    let product =
        |row: &[u8], query: &[i8]| -> i32 { row.iter().zip(query).map(|(x, q)| i32::from(*x) * i32::from(*q)).sum() };
    let width = row.len() / 4;
    let rows: Vec<Vec<u8>> = (0..16)
        .map(|r| [&row[row.len() - row.len() * r / 16..], &row[..row.len() - row.len() * r / 16]].concat())
        .collect();
    let mut tile = vec![[0_u8; 64]; width];
    for (r, row) in rows.iter().enumerate() {
        for (i, x) in row[..4 * width].iter().enumerate() {
            tile[i / 4][4 * r + i % 4] = *x;
        }
    }
    let count = 14;
    let queries: Vec<Vec<i8>> =
        (0..count).map(|q| query[..4 * width].iter().map(|x| x.wrapping_mul(q + 1)).collect()).collect();
    for backend in Backend::available() {
        let expected = [product(&row, query), product(&reversed, query), product(&row, query)];
        assert_eq!(backend.dot_u7_many(query, [&row, &reversed, &row]), expected, "dot_u7 on {}", backend.name());
        let mut sums = vec![[-7; 16]; queries.len() + 1];
        backend.tile_u7(&queries.concat(), &tile, &mut sums);
        for (query, sums) in queries.iter().zip(&sums).filter(|_| width > 0) {
            let expected: Vec<i32> = rows.iter().map(|row| product(&row[..4 * width], query)).collect();
            assert_eq!(sums[..], expected, "tile_u7 on {}", backend.name());
        }
        assert_eq!(sums[queries.len()], [-7; 16], "a sum of no query");
    }
}

/// Checks the scan of 4-bit codes: as many tables as there are times 32 bytes for two blocks, from any bytes.
pub(crate) fn four_bits(bytes: &[u8]) {
    let (thirty_twos, rest) = bytes.as_chunks::<32>();
    let width = thirty_twos.len() / 7;
    let codes = &thirty_twos[..6 * width];
    let tables: Vec<[u8; 16]> = thirty_twos[6 * width..7 * width].as_flattened().as_chunks::<16>().0.to_vec();
    let tables: Vec<[u8; 16]> = tables.into_iter().map(|table| table.map(|entry| entry & 63)).collect();
    let mut expected = [[7_u16; 32]; 7];
    for (block, sums) in expected.iter_mut().take(if width > 0 { 6 } else { 0 }).enumerate() {
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum = 0;
            for (table, entries) in tables.iter().enumerate() {
                let code = codes[block * width + table / 2][row] >> (4 * (table % 2)) & 15;
                *sum = sum.wrapping_add(u16::from(entries[usize::from(code)]));
            }
        }
    }
    // A table without a partner changes nothing.
    let odd = [tables.as_slice(), &[[63; 16]]].concat();
    for backend in Backend::available() {
        let mut sums = [[7; 32]; 7];
        backend.scan_4bit(codes, if rest.is_empty() { &tables } else { &odd }, &mut sums);
        assert_eq!(sums, expected, "scan_4bit of {width} pairs on {}", backend.name());
    }
}

/// Any bytes as two vectors, of raw bit patterns and at an odd distance from each other, through all kernels.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let Some((gap, bytes)) = bytes.split_first() else { return };
    let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let half = numbers.len() / 2;
    let gap = usize::from(gap % 32).min(half);
    floats(&numbers[..half - gap], &numbers[half..half + (half - gap)]);
    let words: Vec<u64> = bytes.as_chunks().0.iter().map(|eight| u64::from_le_bytes(*eight)).collect();
    let half = words.len() / 2;
    bits(&words[..half], &words[half..2 * half]);
    let third = bytes.len() / 3;
    let shorts: Vec<i16> = bytes[..2 * third].as_chunks().0.iter().map(|two| i16::from_le_bytes(*two)).collect();
    let small: Vec<i8> = bytes[2 * third..3 * third].iter().map(|byte| byte.cast_signed()).collect();
    integers(&shorts, &small);
    four_bits(bytes);
    let (query, row) = bytes.split_at(bytes.len() / 2);
    let query: Vec<i8> = query.iter().map(|byte| byte.cast_signed()).collect();
    seven_bits(&query, &row[..query.len()]);
}
