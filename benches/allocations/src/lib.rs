//! The system's allocator, which counts what each thread asks of it.
//!
//! A crate of its own: the library forbids `unsafe`, and a global allocator cannot do without. It adds two plain
//! additions to an allocation, so that what is timed is not the counting.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts, and leaves the work to the system.
#[derive(Debug)]
pub struct Counting;

/// What one thread allocated since it started.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// How often memory was allocated, or moved to where there is more of it.
    pub allocations: u64,
    /// How many bytes more were allocated than given back.
    pub bytes: i64,
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// What this thread allocates while `work` runs.
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

// SAFETY: all is left to `System`, as it came. Counting allocates nothing: both cells are initialised at compile time.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        one_more();
        more(layout.size() as i64);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        one_more();
        more(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        one_more();
        more(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        more(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
