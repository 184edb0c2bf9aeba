//! One line a target: `mqspec_fuzz::target!(decode_mqtt);`
//!
//! Each runs its function of `mqspec-fuzz-properties` under an allocator that counts, so that memory for what was
//! not sent is a crash like any other.

mod counting;

pub use counting::Counting;
pub use libfuzzer_sys;

/// The allocator of every target.
#[global_allocator]
pub static ALLOCATOR: Counting = Counting::new();

/// What one run may allocate besides, in bytes: trees and tables that even an empty broker has.
const ALWAYS: usize = 4 << 20;
/// What one run may allocate for each byte of its input.
const FOR_EACH_BYTE: usize = 64 << 10;

/// Runs one input, and looks at how much it allocated: all of it, given back or not, so that neither memory nor work
/// can be had for a length field.
///
/// # Panics
/// Where the target's function does, or where it allocated too much.
pub fn within_memory(run: fn(&[u8]), input: &[u8]) {
    let before = ALLOCATOR.allocated();
    run(input);
    let allocated = ALLOCATOR.allocated().wrapping_sub(before);
    assert!(
        allocated <= ALWAYS + FOR_EACH_BYTE * input.len(),
        "{allocated} bytes were allocated for {} that arrived",
        input.len()
    );
}

/// A fuzz target for a function of `mqspec_fuzz_properties`.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(|input: &[u8]| {
            $crate::within_memory(mqspec_fuzz_properties::$name, input);
        });
    };
}
