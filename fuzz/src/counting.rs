//! The system's allocator, counting.
//!
//! The crates on crates.io that do this keep several figures by atomic read-modify-write operations, of which each costs
//! as much as half an allocation. One figure of one thread needs none; this file is all the `unsafe` there is here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes that were ever allocated.
///
/// Exact while one thread allocates, as in a fuzzer: two at once may count one allocation for two.
#[derive(Debug)]
pub struct Counting {
    allocated: AtomicUsize,
}

impl Counting {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { allocated: AtomicUsize::new(0) }
    }

    /// Bytes allocated since the start, given back or not; wraps.
    pub fn allocated(&self) -> usize {
        self.allocated.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: usize) {
        self.allocated.store(self.allocated().wrapping_add(bytes), Ordering::Relaxed);
    }
}

impl Default for Counting {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: all that is allocated and given back is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: the caller keeps what this function demands, which is what the system's demands.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above; `memory` came from the system's allocator.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size);
        // SAFETY: as above; `memory` came from the system's allocator.
        unsafe { System.realloc(memory, layout, size) }
    }
}
