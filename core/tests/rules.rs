//! Files written by hand, each of which breaks one rule: the rule is named, and what is not looked at when a file is opened does
//! no harm.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use ohyeah_core::forest::{BuildOptions, Damage, NodeBuf, OpenError, Rule, Search};
use ohyeah_core::{Angular, Euclidean, Forest, Hamming};
use oracle::brute::Rows;
use oracle::data;
use oracle::forest::Aligned;

/// Nodes written by hand, in the layout of euclidean in one dimension: descendants, offset, two children, one number; a
/// leaf holds up to three ids.
mod hand {
    use super::{Aligned, Damage, Euclidean, Forest, OpenError, Search};

    pub(super) const CAPACITY: i32 = 3;

    type Node = [u8; 20];

    fn node(descendants: i32, offset: f32, children: [u32; 2], number: u32) -> Node {
        let mut node = [0; 20];
        node[..4].copy_from_slice(&descendants.to_le_bytes());
        node[4..8].copy_from_slice(&offset.to_le_bytes());
        node[8..12].copy_from_slice(&children[0].to_le_bytes());
        node[12..16].copy_from_slice(&children[1].to_le_bytes());
        node[16..].copy_from_slice(&number.to_le_bytes());
        node
    }

    pub(super) fn item(x: f32) -> Node {
        node(1, 0.0, [0, 0], x.to_bits())
    }

    pub(super) fn split(descendants: i32, children: [u32; 2]) -> Node {
        node(descendants, 0.0, children, 1.0_f32.to_bits())
    }

    pub(super) fn plane(descendants: i32, children: [u32; 2], normal: f32) -> Node {
        node(descendants, 0.0, children, normal.to_bits())
    }

    pub(super) fn leaf(descendants: i32, ids: [u32; 3]) -> Node {
        node(descendants, 0.0, [ids[0], ids[1]], ids[2])
    }

    /// So many items, then these nodes.
    pub(super) fn file(items: u32, nodes: &[Node]) -> Aligned {
        let items = (0..items).map(|id| item(f32::from(id as u16)));
        Aligned::new(&items.chain(nodes.iter().copied()).collect::<Vec<_>>().concat())
    }

    /// Why the file is not opened.
    pub(super) fn refused(file: &Aligned) -> OpenError {
        Forest::<Euclidean, _>::open(file.as_ref(), 1).map(|_| ()).expect_err("is damaged")
    }

    fn damage_of(error: OpenError) -> Damage {
        match error {
            OpenError::Damaged(damage) => damage,
            other => panic!("{other}"),
        }
    }

    /// Opens the file; what `verify` says, and a search of everything.
    pub(super) fn opened(file: &Aligned) -> (Result<(), Damage>, Result<usize, Damage>) {
        let forest = Forest::<Euclidean, _>::open(file.as_ref(), 1).expect("opens");
        let found = forest.search(&[0.5], &Search::top(usize::MAX).search_k(usize::MAX));
        let found = found.map(|found| found.len()).map_err(|error| match error {
            ohyeah_core::forest::SearchError::Damaged(damage) => damage,
            other => panic!("{other}"),
        });
        (forest.verify().map_err(damage_of), found)
    }
}

use hand::{file, item, leaf, opened, plane, refused, split};

fn damaged(node: u32, rule: Rule) -> OpenError {
    OpenError::Damaged(Damage { node, rule })
}

/// Four items, a leaf of two, a root and its copy: what the other files are variations of.
#[test]
fn a_file_by_hand_is_in_order() {
    let root = split(5, [5, 6]);
    let good = file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root]);
    assert_eq!(opened(&good), (Ok(()), Ok(5)));
}

#[test]
fn rule_1_bytes_aligned_and_whole() {
    assert_eq!(refused(&Aligned::new(&[])), OpenError::Empty);
    assert_eq!(refused(&Aligned::new(&[0; 30])), OpenError::PartialNode { length: 30, node: 20 });
    let mut shifted = Aligned::new(&[0; 41]);
    let unaligned = Forest::<Euclidean, _>::open(&shifted.bytes_mut()[1..], 1).map(|_| ());
    assert_eq!(unaligned, Err(OpenError::Unaligned { needed: 4 }));
    let mut shifted = Aligned::new(&[0; 50]);
    let unaligned = Forest::<Hamming, _>::open(&shifted.bytes_mut()[2..], 1).map(|_| ());
    // Eight, but for 32-bit x86, where it is four.
    assert_eq!(unaligned, Err(OpenError::Unaligned { needed: align_of::<u64>() }));
    // The copy drops no byte of a whole file.
    assert_eq!(NodeBuf::copy_of(&shifted.bytes_mut()[2..]).as_ref().len(), 48);
}

#[test]
fn rule_3_items_are_no_more_than_nodes() {
    for descendants in [5, 6, i32::MAX, -1, i32::MIN] {
        let root = split(descendants, [0, 1]);
        assert_eq!(refused(&file(4, &[root])), damaged(4, Rule::ItemCount));
    }
}

#[test]
fn rule_4_copies_of_roots_at_the_end() {
    // The root count is where two readers would differ: a tree that is its own copy's original, and one without.
    let (low, high) = (leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]));
    let (root, mirror) = (split(5, [5, 6]), split(5, [6, 5]));
    let trees = |nodes: &[_]| Forest::<Euclidean, _>::open(file(5, nodes), 1).map(|forest| forest.trees());
    assert_eq!(trees(&[low, high, root, root]), Ok(1));
    assert_eq!(trees(&[low, high, root, mirror, root, mirror]), Ok(2));
    // Copies in another order, as several threads of Annoy leave them.
    assert_eq!(trees(&[low, high, root, mirror, mirror, root]), Ok(2));
    // Files of no items are nothing but roots.
    assert_eq!(refused(&Aligned::new(&[0; 60])), damaged(2, Rule::Roots));
    assert_eq!(Forest::<Euclidean, _>::open(Aligned::new(&[0; 80]), 1).map(|forest| forest.trees()), Ok(2));
}

#[test]
fn rule_6_descendants_that_a_node_cannot_have() {
    for descendants in [0, -1, i32::MIN] {
        let root = split(5, [5, 6]);
        let bad = file(5, &[leaf(descendants, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root]);
        assert_eq!(refused(&bad), damaged(8, Rule::Child));
    }
    // An item that claims to be more: only `verify` looks at all items.
    let root = split(5, [5, 6]);
    let mut bad = file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root]);
    bad.bytes_mut()[3 * 20] = 2;
    assert_eq!(opened(&bad), (Err(Damage { node: 3, rule: Rule::Descendants }), Ok(4)));
}

#[test]
fn rule_7_children_that_are_no_nodes() {
    for child in [9, 1000, i32::MAX as u32, u32::MAX] {
        let root = split(5, [5, child]);
        assert_eq!(refused(&file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root])), damaged(8, Rule::Child));
    }
    // Itself.
    let root = split(5, [8, 0]);
    assert_eq!(refused(&file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root])), damaged(8, Rule::Child));
}

#[test]
fn rule_8_descendants_add_up() {
    let root = split(7, [7, 8]);
    let bad = file(7, &[split(4, [0, 1]), leaf(3, [3, 4, 5]), root, root]);
    assert_eq!(refused(&bad), damaged(7, Rule::Sum));
    let root = split(5, [5, 6]);
    let bad = file(5, &[leaf(3, [0, 1, 2]), leaf(3, [3, 4, 0]), root, root]);
    assert_eq!(refused(&bad), damaged(8, Rule::Sum));
}

/// Two nodes that are each other's child, and one that is its own, beside a larger node, where `open` does not walk.
#[test]
fn rule_8_circles_end() {
    let leaves = [leaf(3, [0, 1, 2]), leaf(3, [3, 4, 5]), leaf(3, [6, 7, 8])];
    let nine = [split(6, [20, 21]), split(9, [23, 22])];
    let each_other = [split(5, [26, 0]), split(5, [25, 1])];
    let itself = [split(5, [25, 25]), split(5, [26, 26])];
    for (circle, rule) in [(each_other, Rule::Sum), (itself, Rule::Child)] {
        let root = split(20, [24, 25]);
        let bad = file(20, &[&leaves[..], &nine, &circle, &[root, root]].concat());
        let expected = |rule| Damage { node: 25, rule };
        let (verified, found) = opened(&bad);
        assert_eq!(verified, Err(expected(rule)));
        assert_eq!(found.map_err(|damage| damage.rule), Err(Rule::Parent));
    }
    // The same where `open` does walk.
    let root = split(20, [20, 21]);
    assert_eq!(refused(&file(20, &[split(9, [21, 0]), split(9, [20, 1]), root, root])), damaged(21, Rule::Sum));
}

#[test]
fn rule_9_leaves_list_items() {
    let root = split(5, [5, 6]);
    for id in [5, 6, 8, 9, u32::MAX] {
        let bad = file(5, &[leaf(3, [0, 1, id]), leaf(2, [3, 4, 0]), root, root]);
        assert_eq!(refused(&bad), damaged(5, Rule::Leaf));
        // The smaller leaf is met later.
        let bad = file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, id, 0]), root, root]);
        let expected = Damage { node: 6, rule: Rule::Leaf };
        assert_eq!(opened(&bad), (Err(expected.clone()), Err(expected)));
    }
}

#[test]
fn rule_10_numbers() {
    let leaves = [leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0])];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let root = plane(5, [5, 6], bad);
        assert_eq!(refused(&file(5, &[leaves[0], leaves[1], root, root])), damaged(8, Rule::Plane));
        let root = split(5, [5, 6]);
        let mut bytes = file(5, &[leaves[0], leaves[1], root, root]);
        bytes.bytes_mut()[4 * 20..5 * 20].copy_from_slice(&item(bad));
        let damage = Damage { node: 4, rule: Rule::Item };
        // Infinite distances have an order, and those that are no number have none.
        let found = if bad.is_nan() { Err(damage.clone()) } else { Ok(5) };
        assert_eq!(opened(&bytes), (Err(damage), found));
    }
    // A bit that no vector has.
    let rows = data::odd_rows(2, 60, 70);
    let forest = data::items::<Hamming>(&rows, 70).build(&BuildOptions::new().trees(1)).expect("builds");
    let mut bytes = Aligned::new(forest.as_bytes());
    let root = bytes.as_ref().len() - 32;
    bytes.bytes_mut()[root + 16..root + 24].copy_from_slice(&128_u64.to_le_bytes());
    let last = forest.node_count() as u32 - 1;
    assert_eq!(Forest::<Hamming, _>::open(bytes, 70).map(|_| ()), Err(damaged(last, Rule::Plane)));
}

/// Both children of each split are the same node: 2⁶⁰ ways down, where `open` does not walk.
#[test]
fn rule_11_shared_children_end() {
    let mut nodes = vec![leaf(3, [0, 1, 2]), leaf(3, [3, 4, 5]), split(6, [20, 21]), leaf(3, [6, 7, 8])];
    for below in 23..83 {
        nodes.push(split(4, [below, below]));
    }
    let root = split(20, [22, 83]);
    nodes.extend([root, root]);
    let (verified, found) = opened(&file(20, &nodes));
    assert_eq!(verified, Err(Damage { node: 83, rule: Rule::Sum }));
    assert_eq!(found.map_err(|damage| damage.rule), Err(Rule::Parent));
}

/// The same where descendants add up: no more ways down than there are items.
#[test]
fn rule_11_shared_children_that_add_up_end() {
    const DEPTH: u32 = 12;
    const ITEMS: u32 = 3 << DEPTH;
    let mut nodes = vec![leaf(3, [0, 1, 2])];
    for depth in 0..DEPTH {
        nodes.push(split(6 << depth, [ITEMS + depth; 2]));
    }
    let root = split(ITEMS as i32, [ITEMS + DEPTH - 1; 2]);
    nodes.extend([root, root]);
    let (verified, found) = opened(&file(ITEMS, &nodes));
    assert_eq!(verified.map_err(|damage| damage.rule), Err(Rule::Parent));
    assert_eq!(found, Ok(3));
}

/// Leaves that add up and are the same one: every node in order, but for its two parents.
#[test]
fn rule_11_one_parent() {
    let root = split(6, [6, 6]);
    let bad = file(6, &[leaf(3, [0, 1, 2]), root, root]);
    assert_eq!(opened(&bad), (Err(Damage { node: 8, rule: Rule::Parent }), Ok(3)));
}

#[test]
fn rule_12_every_item_once() {
    let root = split(6, [6, 7]);
    let twice = file(6, &[leaf(3, [0, 1, 2]), leaf(3, [3, 4, 0]), root, root]);
    assert_eq!(opened(&twice), (Err(Damage { node: 6, rule: Rule::Cover }), Ok(5)));
    let missing = file(7, &[leaf(3, [0, 1, 2]), leaf(3, [3, 4, 5]), split(7, [7, 8]), split(7, [7, 8])]);
    assert_eq!(opened(&missing), (Err(Damage { node: 10, rule: Rule::Cover }), Ok(6)));
}

/// Annoy's index of no items is two nodes of zeros a tree, which zeros of the size of an index are not taken for.
#[test]
fn rule_13_zeros_are_no_index() {
    let zeros = |nodes: usize| Aligned::new(&vec![0; nodes * 20]);
    for trees in [1, 10, 100] {
        let forest = Forest::<Euclidean, _>::open(zeros(2 * trees), 1).expect("Annoy writes such a file");
        assert_eq!((forest.len(), forest.trees()), (0, trees));
        assert_eq!(forest.search(&[0.5], &Search::top(1)), Ok(vec![]));
        assert_eq!(forest.verify(), Err(Damage { node: 2 * trees as u32 - 1, rule: Rule::NoItems }.into()));
    }
    assert_eq!(refused(&zeros(202)), damaged(201, Rule::NoItems));
    let zeros = Aligned::new(&vec![0; 412_000]);
    let error = Forest::<Angular, _>::open(zeros, 100).map(|_| ()).expect_err("is no index");
    assert_eq!(error, damaged(999, Rule::NoItems));
    assert!(error.to_string().contains("nothing but zeros"), "{error}");
    // Without trees there is no file, and nothing to doubt.
    let none = data::items::<Euclidean>(&Rows::new(), 1).build(&BuildOptions::new().trees(0)).expect("builds");
    assert_eq!(none.verify(), Ok(()));
}

/// Annoy lets vectors in whose distances are infinite or no numbers.
#[test]
fn rule_10_lengths() {
    for (x, rule) in [(1e18, None), (5e18, Some(Rule::Length)), (-3e38, Some(Rule::Length))] {
        let root = split(5, [5, 6]);
        let mut bytes = file(5, &[leaf(3, [0, 1, 2]), leaf(2, [3, 4, 0]), root, root]);
        bytes.bytes_mut()[4 * 20..5 * 20].copy_from_slice(&item(x));
        let (verified, found) = opened(&bytes);
        assert_eq!(verified, rule.map_or(Ok(()), |rule| Err(Damage { node: 4, rule })), "{x}");
        assert_eq!(found, Ok(5));
    }
}

/// Many roots above one long chain: each root's path alone is in order, and following all of them to the end would take
/// the square of the file's size.
#[test]
fn long_chains_below_many_roots_end() {
    const ITEMS: u32 = 20_000;
    let mut nodes = vec![leaf(hand::CAPACITY, [0, 1, 2])];
    for depth in 1..ITEMS - 5 {
        nodes.push(split(hand::CAPACITY + depth as i32, [2 + depth, ITEMS + depth - 1]));
    }
    let chain = ITEMS + nodes.len() as u32 - 1;
    nodes.extend(std::iter::repeat_n(split(ITEMS as i32, [ITEMS - 1, chain]), ITEMS as usize));
    let long = file(ITEMS, &nodes);
    assert!(matches!(refused(&long), OpenError::Damaged(Damage { rule: Rule::Parent, .. })));
}
