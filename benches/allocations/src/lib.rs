//! A global allocator that counts the allocations of each thread and passes them on to the system's
//! allocator.
//!
//! It is a separate crate, because the library forbids `unsafe` and a global allocator needs it.
//! The counting adds two additions to an allocation, so that its cost does not distort measured
//! times.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts allocations and passes them on to the system's allocator.
#[derive(Debug)]
pub struct Counting;

/// The allocations of one thread, since it started or during one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The number of allocations and reallocations.
    pub allocations: u64,
    /// Allocated bytes minus freed bytes.
    pub bytes: i64,
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// Returns the allocations of this thread while `work` runs.
pub fn counted(work: impl FnOnce()) -> Counted {
    let (allocations, bytes) = (ALLOCATIONS.get(), BYTES.get());
    work();
    Counted { allocations: ALLOCATIONS.get() - allocations, bytes: BYTES.get() - bytes }
}

fn one_more() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

fn more(bytes: i64) {
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: every call passes its arguments on to `System` unchanged. The counters do not allocate:
// both cells are initialized at compile time.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        one_more();
        more(layout.size() as i64);
        // SAFETY: the caller guarantees the requirements of `System`, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        one_more();
        more(layout.size() as i64);
        // SAFETY: the same as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        one_more();
        more(size as i64 - layout.size() as i64);
        // SAFETY: the same as in `alloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        more(-(layout.size() as i64));
        // SAFETY: the same as in `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
